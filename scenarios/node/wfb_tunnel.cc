#include "scenarios/node/wfb_tunnel.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

#include "core/io/endpoint.h"

namespace twinbed::scenarios {
namespace {

constexpr int kPacketsPerTurn = 32;  // then others get their turn

struct Network {
  IpAddress address;
  IpAddress mask;
};

std::optional<Network> parse_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  unsigned prefix = 32;
  if (slash != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + slash + 1, end, prefix);
    if (parsed.ec != std::errc{} || parsed.ptr != end || prefix > 32) return std::nullopt;
  }
  if (!address) return std::nullopt;
  const std::uint64_t mask = (std::uint64_t{0xffffffff} << (32 - prefix)) & 0xffffffff;
  return Network{*address, IpAddress{static_cast<std::uint32_t>(mask)}};
}

void put_address(ifreq& request, IpAddress address) {
  const sockaddr_in value = backends::to_sockaddr({address, 0});
  std::memcpy(&request.ifr_addr, &value, sizeof value);
}

/// 0 or a number from errno.
int set_up(const backends::Socket& device, const WfbTunnel::Options& options,
           const Network& network) {
  ifreq request{};
  options.name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(device.number(), TUNSETIFF, &request) != 0) return errno;
  const backends::Socket control = backends::Socket::datagram();
  request.ifr_mtu = options.mtu;
  if (::ioctl(control.number(), SIOCSIFMTU, &request) != 0) return errno;
  put_address(request, network.address);
  if (::ioctl(control.number(), SIOCSIFADDR, &request) != 0) return errno;
  put_address(request, network.mask);
  if (::ioctl(control.number(), SIOCSIFNETMASK, &request) != 0) return errno;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(control.number(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

/// 0 or a number from errno.
int add_default_route(std::string name) {
  rtentry route{};
  const sockaddr_in everywhere = backends::to_sockaddr({kAnyAddress, 0});
  std::memcpy(&route.rt_dst, &everywhere, sizeof everywhere);
  std::memcpy(&route.rt_genmask, &everywhere, sizeof everywhere);
  route.rt_flags = RTF_UP;
  route.rt_metric = WfbTunnel::kMetric + 1;  // the kernel takes one off
  route.rt_dev = name.data();
  const backends::Socket control = backends::Socket::datagram();
  return ::ioctl(control.number(), SIOCADDRT, &route) == 0 ? 0 : errno;
}

Error creation_error(const std::string& name, int error) {
  const std::string sentence = "the interface " + name + " cannot be created";
  switch (error) {
    case EPERM:
    case EACCES: return {sentence + " without the privilege CAP_NET_ADMIN; run as root (sudo)"};
    case EBUSY: return {sentence + ": there is one of this name; choose another ifname"};
    case ENOENT:
    case ENODEV: return {sentence + ": this kernel has no /dev/net/tun; modprobe tun"};
    default: return {sentence + ": " + std::generic_category().message(error)};
  }
}

}  // namespace

Result<std::unique_ptr<WfbTunnel>> WfbTunnel::open(backends::EventLoop& loop,
                                                   const Options& options, OnPacket on_packet) {
  const std::string& name = options.name;
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return Error{"ifname '" + name + "' is no name of an interface; it has 1 to " +
                 std::to_string(IFNAMSIZ - 1) + " characters"};
  }
  const auto network = parse_network(options.address);
  if (!network) {
    return Error{"ifaddr '" + options.address +
                 "' is no address with a prefix, such as 10.5.0.1/24"};
  }
  backends::Socket device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  int error = device.is_open() ? set_up(device, options, *network) : errno;
  if (error != 0) return creation_error(name, error);
  if (options.is_default_route) error = add_default_route(name);
  if (error != 0) {
    return Error{"no default route can be added through the interface " + name + ": " +
                 std::generic_category().message(error)};
  }
  return std::unique_ptr<WfbTunnel>(
      new WfbTunnel(loop, std::move(device), std::move(on_packet)));
}

WfbTunnel::WfbTunnel(backends::EventLoop& loop, backends::Socket device, OnPacket on_packet)
    : device_(std::move(device)),
      watch_(loop, device_.number()),
      on_packet_(std::move(on_packet)) {
  wait();
}

void WfbTunnel::wait() {
  watch_.when_readable([this] {
    std::array<std::byte, 65'536> room{};
    for (int i = 0; i < kPacketsPerTurn; ++i) {
      const ssize_t got = ::read(device_.number(), room.data(), room.size());
      if (got <= 0) break;
      on_packet_(Bytes(room).first(static_cast<std::size_t>(got)));
    }
    wait();
  });
}

void WfbTunnel::send(Bytes packet) {
  // What the system has no room for, or takes for no packet, is lost as on any network.
  (void)!::write(device_.number(), packet.data(), packet.size());
}

}  // namespace twinbed::scenarios
