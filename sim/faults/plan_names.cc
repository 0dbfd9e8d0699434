// The words for the enumerations of fault plans, as scenario files and result rows spell them.
#include <string_view>

#include "sim/faults/plan.h"

namespace twinbed::sim {

std::string_view to_string(FaultAction action) {
  switch (action) {
    case FaultAction::kCrash: return "crash";
    case FaultAction::kRestart: return "restart";
    case FaultAction::kStop: return "stop";
    case FaultAction::kPause: return "pause";
    case FaultAction::kHang: return "hang";
    case FaultAction::kPartition: return "partition";
    case FaultAction::kLink: return "link";
    case FaultAction::kClock: return "clock";
    case FaultAction::kDisk: return "disk";
    case FaultAction::kJam: return "jam";
    case FaultAction::kFade: return "fade";
    case FaultAction::kAntennaOff: return "antenna-off";
    case FaultAction::kUnplug: return "unplug";
    case FaultAction::kChannel: return "channel";
    case FaultAction::kDutyCycle: return "duty-cycle";
  }
  return "unknown";
}

std::string_view to_string(CrashCause cause) {
  return cause == CrashCause::kKill ? "kill" : "power-failure";
}

std::string_view to_string(PartitionKind kind) {
  switch (kind) {
    case PartitionKind::kGroups: return "groups";
    case PartitionKind::kOneWay: return "one-way";
    case PartitionKind::kIsolate: return "isolate";
    case PartitionKind::kBridge: return "bridge";
    case PartitionKind::kMajoritiesRing: return "majorities-ring";
    case PartitionKind::kMinCut: return "min-cut";
  }
  return "unknown";
}

}  // namespace twinbed::sim
