#include "scenarios/node/wfb_policy.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

namespace twinbed::scenarios {
namespace {

constexpr const char* kGroup =
    "Repairs; --policy, by default original, decides of those that are not given";

void add_switch(CLI::App& program, const std::string& name, std::optional<bool>& value,
                const std::string& description) {
  program
      .add_flag_function("--" + name + ",!--no-" + name,
                         [&value](std::int64_t sum) { value = sum > 0; }, description)
      ->group(kGroup);
}

void add_repair(CLI::App& program, WfbPolicy& policy, WfbRepair repair) {
  switch (repair) {
    case WfbRepair::kSessionRepeat:
      return add_switch(program, "session-repeat", policy.session_repeat,
                        "announce each session n - k + 1 times, so that its loss costs nothing");
    case WfbRepair::kRefuseReplay:
      add_switch(program, "refuse-replay", policy.refuse_replay,
                 "epochs of sessions rise, and only newer ones are taken; both sides need it");
      program
          .add_option("--state-dir", policy.state_directory,
                      "where --refuse-replay keeps epochs; default: STATE_DIRECTORY, or here")
          ->group(kGroup);
      return;
    case WfbRepair::kCloseBlock:
      return add_switch(program, "close-block", policy.close_block,
                        "a time-out closes the whole block at once, instead of one place of it");
    case WfbRepair::kFlushOnSession:
      return add_switch(program, "flush-on-session", policy.flush_on_session,
                        "a new session delivers what is pending instead of losing it");
    case WfbRepair::kRingTimeout:
      program
          .add_option("--ring-timeout", policy.ring_timeout_ms,
                      "milliseconds that a hole is waited for; 0: until later blocks push it out; "
                      "default: 50 with policy robust, 0 without")
          ->group(kGroup);
      return;
    case WfbRepair::kInitDigest:
      return add_switch(program, "init-digest", policy.init_digest,
                        "nodes must run the init script of this configuration");
    case WfbRepair::kAdaptive:
      return add_switch(program, "adaptive", policy.adaptive,
                        "the sender of a stream of one way chooses n and MCS by its receiver's "
                        "reports, once it hears them; both sides need it");
  }
}

}  // namespace

void add_wfb_policy(CLI::App& program, WfbPolicy& policy,
                    std::initializer_list<WfbRepair> repairs) {
  const char* directory = std::getenv("STATE_DIRECTORY");
  policy.state_directory = directory != nullptr && *directory != '\0' ? directory : ".";
  const std::map<std::string, bool> policies{{"original", false}, {"robust", true}};
  program
      .add_option("--policy", policy.is_robust,
                  "original: as WFB-NG, defects included; robust: with all repairs")
      ->transform(CLI::CheckedTransformer(policies))
      ->option_text("original|robust")
      ->group(kGroup);
  for (const WfbRepair repair : repairs) add_repair(program, policy, repair);
}

}  // namespace twinbed::scenarios
