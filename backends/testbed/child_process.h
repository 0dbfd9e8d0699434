// A child process with a control channel, as mode real uses one for each node.
//
// The channel is a pair of connected sockets over which lines of text go both ways. The child dies
// with its parent (PR_SET_PDEATHSIG) and when this object is destroyed, stopped or not, so that no
// node outlives its run.
#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace twinbed::backends {

class ChildProcess {
 public:
  /// The descriptor at which the child finds its end of the control channel.
  static constexpr int kControlDescriptor = 3;

  /// Starts a program; its output and errors are appended to `log_path`.
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string>& arguments,
                                                     const std::string& log_path);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Sends a line to the child; one that is gone or does not listen loses it.
  void send(const std::string& line);
  /// Reads what has come without waiting, and gives the next whole line.
  std::optional<std::string> receive();
  /// To wait on for input; -1 once the child has closed its end.
  int descriptor() const { return channel_; }

  void signal(int number);
  /// Whether it has ended; asks the kernel without waiting.
  bool ended();
  /// How it ended: "exit status 1", "signal 9".
  std::string how_it_ended() const;
  bool ended_well() const { return status_ && *status_ == 0; }
  /// Its last lines of output.
  std::string last_lines(std::size_t count) const;

 private:
  ChildProcess(pid_t pid, int channel, std::string log_path)
      : pid_(pid), channel_(channel), log_path_(std::move(log_path)) {}

  pid_t pid_;
  int channel_;
  std::string log_path_;
  std::optional<int> status_;
  std::string pending_;  // received, not yet a whole line
};

}  // namespace twinbed::backends
