#include "backends/virtual_radio/virtual_radio.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "core/wire/radiotap.h"
#include "core/wire/writer.h"

namespace twinbed::backends {
namespace {

/// Before each packet: flags and protocol (linux/if_tun.h, struct tun_pi).
constexpr std::size_t kPacketInfoBytes = 4;
constexpr std::uint16_t kEthernetType802_2 = 0x0004;
/// The largest frame of 802.11n and ac that is not aggregated, with a radiotap header.
constexpr int kMtu = 11'600;

Error creation_error(const std::string& name, int error) {
  const std::string sentence = "the virtual radio " + name + " cannot be created";
  switch (error) {
    case EPERM:
    case EACCES:
      return {sentence + " without the privilege CAP_NET_ADMIN; run as root (sudo), or in a "
                         "namespace of your own: unshare -rn"};
    case EBUSY: return {sentence + ": there is an interface of this name; choose another one"};
    case ENOENT:
    case ENODEV: return {sentence + ": this kernel has no /dev/net/tun; modprobe tun"};
    default: return {sentence + ": " + std::generic_category().message(error)};
  }
}

/// Sets the length of an interface's queue, by netlink: the ioctl would want the privilege on the
/// machine, not in its network namespace. 0 or a number from errno.
int set_queue_frames(const std::string& name, int queue_frames) {
  struct {
    nlmsghdr header{};
    ifinfomsg link{};
    rtattr attribute{};
    std::uint32_t frames = 0;
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.link.ifi_index = static_cast<int>(::if_nametoindex(name.c_str()));
  request.attribute.rta_type = IFLA_TXQLEN;
  request.attribute.rta_len = RTA_LENGTH(sizeof request.frames);
  request.frames = static_cast<std::uint32_t>(queue_frames);
  const Socket netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (::send(netlink.number(), &request, sizeof request, 0) != sizeof request) return errno;
  struct {
    nlmsghdr header{};
    nlmsgerr error{};
    std::array<std::byte, 512> rest{};
  } answer;
  const ssize_t got = ::recv(netlink.number(), &answer, sizeof answer, 0);
  if (got < 0) return errno;
  const auto least = static_cast<ssize_t>(sizeof answer.header + sizeof answer.error.error);
  if (got < least || answer.header.nlmsg_type != NLMSG_ERROR) return EIO;
  return -answer.error.error;
}

/// Gives the device its name, link type, size, queue and the state up; 0 or a number from errno.
int set_up(const Socket& tun, const std::string& name, int queue_frames) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_TUN_EXCL);
  if (::ioctl(tun.number(), TUNSETIFF, &request) != 0) return errno;
  if (::ioctl(tun.number(), TUNSETLINK, ARPHRD_IEEE80211_RADIOTAP) != 0) return errno;
  const Socket control = Socket::datagram();
  request.ifr_mtu = kMtu;
  if (::ioctl(control.number(), SIOCSIFMTU, &request) != 0) return errno;
  if (const int error = set_queue_frames(name, queue_frames); error != 0) return error;
  request.ifr_flags = IFF_UP;
  return ::ioctl(control.number(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

}  // namespace

Result<VirtualRadio> VirtualRadio::create(const std::string& name, int queue_frames) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return Error{"'" + name + "' is no name of a virtual radio; it has 1 to " +
                 std::to_string(IFNAMSIZ - 1) + " characters"};
  }
  Socket tun(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun.is_open()) return creation_error(name, errno);
  if (const int error = set_up(tun, name, queue_frames); error != 0) {
    return creation_error(name, error);
  }
  return VirtualRadio(name, std::move(tun));
}

std::size_t VirtualRadio::read(const std::function<void(const VirtualTransmission&)>& visit,
                               std::size_t most) {
  buffer_.resize(kPacketInfoBytes + kMtu);
  std::size_t count = 0;
  while (count < most) {
    const ssize_t got = ::read(tun_.number(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < static_cast<ssize_t>(kPacketInfoBytes)) break;
    const Bytes packet =
        Bytes(buffer_).first(static_cast<std::size_t>(got)).subspan(kPacketInfoBytes);
    if (const std::optional<RadiotapTx> header = read_radiotap_tx(packet)) {
      ++count;
      visit({header->params, packet.subspan(header->header_bytes)});
    } else {
      ++malformed_;
    }
  }
  return count;
}

bool VirtualRadio::write(const RxFrame& frame) {
  buffer_.clear();
  Writer writer(buffer_);
  writer.u16be(0);
  writer.u16be(kEthernetType802_2);
  write_radiotap_rx(frame, buffer_);
  writer.bytes(frame.frame);
  return ::write(tun_.number(), buffer_.data(), buffer_.size()) ==
         static_cast<ssize_t>(buffer_.size());
}

std::uint64_t VirtualRadio::refused() const {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return 0;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    // The entry of the link itself; a device without a hardware address has none here either.
    if (entry->ifa_data == nullptr || name_ != entry->ifa_name) continue;
    rtnl_link_stats figures{};
    std::memcpy(&figures, entry->ifa_data, sizeof figures);
    return figures.tx_dropped;
  }
  return 0;
}

std::optional<Error> VirtualRadio::problem() {
  const auto probe = create("twinbed" + std::to_string(::getpid()));
  if (probe) return std::nullopt;
  return Error{probe.error()};
}

}  // namespace twinbed::backends
