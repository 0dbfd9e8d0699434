// Non-blocking IPv4 sockets of POSIX as values.
#pragma once

#include <netinet/in.h>
#include <sys/un.h>

#include <string_view>
#include <utility>

#include "core/io/endpoint.h"

namespace twinbed::backends {

/// A socket that closes itself.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int number) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Socket();

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }

  /// A new one, non-blocking and closed on exec; not open when the system has none left.
  static Socket datagram();
  static Socket stream();
  /// For datagrams of this machine alone (AF_UNIX).
  static Socket local_datagram();

 private:
  int number_ = -1;
};

/// The address of a local socket in Linux's abstract namespace, which no file stands for. The name
/// has at most kMaxAbstractName characters.
struct AbstractAddress {
  sockaddr_un address{};
  socklen_t size = 0;
};
inline constexpr std::size_t kMaxAbstractName = sizeof(sockaddr_un::sun_path) - 1;
AbstractAddress to_abstract_address(std::string_view name);

sockaddr_in to_sockaddr(const Endpoint& endpoint);
Endpoint from_sockaddr(const sockaddr_in& address);

/// Binds; 0 or a number from errno.
int bind_socket(const Socket& socket, const Endpoint& real);
/// Sets an integer option; failures are ignored, as all options set here are improvements only.
void set_option(const Socket& socket, int level, int option, int value);
/// Where a bound socket is.
Endpoint local_endpoint(const Socket& socket);
/// The pending error of a socket (SO_ERROR).
int take_error(const Socket& socket);

}  // namespace twinbed::backends
