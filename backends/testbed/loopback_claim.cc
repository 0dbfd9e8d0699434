#include "backends/testbed/loopback_claim.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>

namespace twinbed::backends {
namespace {

constexpr std::uint32_t kFirst = kManualRunNumber + 1;
constexpr std::uint32_t kLast = 254;
constexpr std::uint32_t kCount = kLast - kFirst + 1;

/// Binds the abstract address of a run number; 0 or a number from errno.
int claim(const Socket& socket, std::uint32_t run_number) {
  const std::string name = "twinbed-run-" + std::to_string(run_number);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The first byte stays 0, which makes the address an abstract one.
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int result =
      ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), size);
  return result == 0 ? 0 : errno;
}

}  // namespace

Result<LoopbackClaim> LoopbackClaim::take() {
  static std::atomic<std::uint32_t> next{static_cast<std::uint32_t>(::getpid())};
  for (std::uint32_t tried = 0; tried < kCount; ++tried) {
    const std::uint32_t run_number = kFirst + next++ % kCount;
    Socket socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int error = socket.is_open() ? claim(socket, run_number) : errno;
    if (error == 0) return LoopbackClaim(run_number, std::move(socket));
    if (error != EADDRINUSE) {
      return Error{"cannot claim loopback addresses for this run: " +
                   std::generic_category().message(error)};
    }
  }
  return Error{std::to_string(kCount) +
               " real runs are under way on this machine, as many as it has loopback networks "
               "for; start again when one of them has ended"};
}

}  // namespace twinbed::backends
