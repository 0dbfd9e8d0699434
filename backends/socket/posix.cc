#include "backends/socket/posix.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace twinbed::backends {

Socket::~Socket() {
  if (number_ >= 0) ::close(number_);
}

Socket Socket::datagram() {
  return Socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Socket Socket::stream() {
  return Socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Socket Socket::local_datagram() {
  return Socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

AbstractAddress to_abstract_address(std::string_view name) {
  AbstractAddress result;
  result.address.sun_family = AF_UNIX;
  const std::size_t size = name.copy(result.address.sun_path + 1, kMaxAbstractName);
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
  return result;
}

sockaddr_in to_sockaddr(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(endpoint.address.value);
  return address;
}

Endpoint from_sockaddr(const sockaddr_in& address) {
  return {IpAddress{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)};
}

int bind_socket(const Socket& socket, const Endpoint& real) {
  const sockaddr_in address = to_sockaddr(real);
  const int result =
      ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return result == 0 ? 0 : errno;
}

void set_option(const Socket& socket, int level, int option, int value) {
  ::setsockopt(socket.number(), level, option, &value, sizeof(value));
}

Endpoint local_endpoint(const Socket& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
  return from_sockaddr(address);
}

int take_error(const Socket& socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace twinbed::backends
