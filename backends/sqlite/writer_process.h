// Who writes a run, so that a killed writer can be told from one that is still at work.
#pragma once

#include <string>
#include <string_view>

namespace twinbed::backends {

/// This process as text: "BOOT_ID PID_NAMESPACE PID START_TIME". The start time, in clock ticks
/// since boot, tells a process from a later one that got the same id.
std::string this_process();

/// Whether the process that is named so has certainly ended. A process that cannot be judged, for
/// it lives in another process id namespace or its name is no such text, counts as alive.
bool has_ended(std::string_view process);

}  // namespace twinbed::backends
