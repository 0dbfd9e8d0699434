// Which repairs of policy robust the native programs of WFB-NG have on.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "core/base/time.h"

namespace CLI {
class App;
}

namespace twinbed::scenarios {

/// The switches that are given count; of the others the policy decides.
struct WfbPolicy {
  bool is_robust = false;
  std::optional<bool> session_repeat;
  std::optional<bool> refuse_replay;
  std::optional<bool> close_block;
  std::optional<bool> flush_on_session;
  std::optional<bool> init_digest;
  std::optional<bool> adaptive;
  std::optional<std::uint32_t> ring_timeout_ms;
  std::string state_directory;  ///< of what must outlive the program, with refuse_replay

  bool is_on(const std::optional<bool>& repair) const { return repair.value_or(is_robust); }
  Duration ring_timeout() const {
    constexpr std::uint32_t kRobustMs = 50;
    return std::chrono::milliseconds(ring_timeout_ms.value_or(is_robust ? kRobustMs : 0));
  }
};

enum class WfbRepair : std::uint8_t {
  kSessionRepeat,
  kRefuseReplay,
  kCloseBlock,
  kFlushOnSession,
  kRingTimeout,
  kInitDigest,
  kAdaptive,
};

/// Adds --policy and the switches of these repairs to a program's command line.
void add_wfb_policy(CLI::App& program, WfbPolicy& policy,
                    std::initializer_list<WfbRepair> repairs);

}  // namespace twinbed::scenarios
