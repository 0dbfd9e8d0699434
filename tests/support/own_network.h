// A network namespace of the test's own: what it makes there is seen by nobody else and is gone
// with it.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "backends/socket/posix.h"

namespace twinbed::testing {

/// The calling thread, and the processes that it starts, live in the namespace until the end.
class OwnNetwork {
 public:
  OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (::unshare(CLONE_NEWNET) != 0) return;
    is_there_ = true;
    const backends::Socket any = backends::Socket::datagram();
    ifreq request{};
    std::string("lo").copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    ::ioctl(any.number(), SIOCSIFFLAGS, &request);
  }
  ~OwnNetwork() {
    if (is_there_) ::setns(before_, CLONE_NEWNET);
    ::close(before_);
  }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;

  /// False where the test may not make one: it has to run as root.
  bool is_there() const { return is_there_; }

 private:
  int before_;
  bool is_there_ = false;
};

}  // namespace twinbed::testing
