// Programs that a server of WFB-NG starts: ssh, and what is called when a vehicle is armed.
#pragma once

#include <sys/types.h>

#include "backends/socket/posix.h"
#include "scenarios/wfb/cluster_commands.h"

namespace twinbed::scenarios {

struct WfbProcess {
  pid_t pid = 0;         ///< to be waited for by who starts it
  backends::Socket end;  ///< a descriptor that is readable once the process has ended
};

/// Starts a program in a session of its own, so that Ctrl-C does not end it and it asks nothing at
/// the terminal. `input` and `output`, for errors too, are descriptors; a negative one means that
/// of this process. 0, or a number from errno.
int start_wfb_process(const CommandLine& command, int input, int output, WfbProcess& process);

}  // namespace twinbed::scenarios
