// Another process of the benchmark, which does one thing until it is no longer needed.
#pragma once

#include <functional>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace twinbed::bench {

/// Calls a function in a process of its own, which is killed with this object and with its parent.
/// The parent must have no other thread, and no event loop that the child could disturb.
class ForkedProcess {
 public:
  explicit ForkedProcess(const std::function<void()>& body) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    ::_exit(0);
  }
  ~ForkedProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ForkedProcess(const ForkedProcess&) = delete;
  ForkedProcess& operator=(const ForkedProcess&) = delete;

 private:
  pid_t pid_;  ///< -1 if there could be none: whoever waits for the child waits in vain
};

}  // namespace twinbed::bench
