#include "scenarios/node/wfb_arm_calls.h"

#include <sys/wait.h>

#include <system_error>
#include <utility>

namespace twinbed::scenarios {
namespace {

constexpr std::uint32_t kHeartbeat = 0;
constexpr std::uint8_t kAutopilot = 1;  ///< number of the system, and of the component
constexpr std::size_t kBaseMode = 6;    ///< its place in the payload
constexpr std::byte kArmed{0x80};

/// Whether an autopilot says that it is armed; nothing where the frame says nothing of it.
std::optional<bool> armed_in(Bytes frame) {
  const auto message = wfb::read_mavlink_frame(frame);
  if (!message || message->number != kHeartbeat) return std::nullopt;
  if (message->system != kAutopilot || message->component != kAutopilot) return std::nullopt;
  if (message->payload.size() <= kBaseMode) return false;  // zeros that were left out
  return (message->payload[kBaseMode] & kArmed) != std::byte{0};
}

}  // namespace

WfbArmCalls::WfbArmCalls(backends::EventLoop& loop, std::optional<std::string> on_arm,
                         std::optional<std::string> on_disarm, Say say)
    : loop_(loop),
      on_arm_(std::move(on_arm)),
      on_disarm_(std::move(on_disarm)),
      say_(std::move(say)) {}

void WfbArmCalls::on_frame(Bytes frame) {
  const std::optional<bool> is_armed = armed_in(frame);
  if (!is_armed || is_armed == is_armed_ || watch_) return;
  is_armed_ = is_armed;
  say_(*is_armed ? "the vehicle is armed" : "the vehicle is disarmed");
  const std::optional<std::string>& program = *is_armed ? on_arm_ : on_disarm_;
  if (program) call(*program);
}

void WfbArmCalls::call(const std::string& program) {
  const int error = start_wfb_process({program}, -1, -1, process_);
  if (error != 0) {
    return say_("the program " + program +
                " cannot be called: " + std::generic_category().message(error));
  }
  watch_.emplace(loop_, process_.end.number());
  watch_->when_readable([this, program] { on_end(program); });
}

void WfbArmCalls::on_end(const std::string& program) {
  int status = 0;
  ::waitpid(process_.pid, &status, 0);
  watch_.reset();
  process_ = {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  say_("the program " + program + " has failed: " +
       (WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status))
                          : "signal " + std::to_string(WTERMSIG(status))));
}

}  // namespace twinbed::scenarios
