#include "backends/pcap/monitor_radio.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "core/wire/radiotap.h"

namespace twinbed::backends {
namespace {

/// The largest frame of WFB-NG and a radiotap header of any length that cards write.
constexpr int kSnapBytes = 4301;
/// Then others on the loop get their turn.
constexpr int kFramesPerTurn = 64;

Error not_in_monitor_mode(const std::string& interface) {
  return {"the interface " + interface + " is not in monitor mode; ip link set " + interface +
          " down, iw dev " + interface + " set monitor otherbss, ip link set " + interface +
          " up"};
}

/// An error unless the interface is there and takes 802.11 frames with radiotap headers.
std::optional<Error> check_monitor_mode(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  const Socket any = Socket::datagram();
  if (interface.size() >= IFNAMSIZ ||
      ::ioctl(any.number(), SIOCGIFHWADDR, &request) != 0) {
    return Error{"there is no interface " + interface + "; ip link lists those there are"};
  }
  if (request.ifr_hwaddr.sa_family == ARPHRD_IEEE80211_RADIOTAP) return std::nullopt;
  return not_in_monitor_mode(interface);
}

/// Runs a program to its end; empty, or why it failed.
std::string run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(),
                                   environ);
  if (error == ENOENT) return words[0] + " is not installed; apt-get install " + words[0];
  if (error != 0) return words[0] + ": " + std::generic_category().message(error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return words[0] + " has failed, see its message above";
}

}  // namespace

Result<std::unique_ptr<MonitorRadio>> MonitorRadio::open(EventLoop& loop,
                                                         MonitorRadioOptions options) {
  std::unique_ptr<MonitorRadio> radio(new MonitorRadio(options.events));
  for (const std::string& interface : options.interfaces) {
    if (const auto added = radio->add(loop, interface, options); !added) {
      return Error{added.error()};
    }
  }
  return radio;
}

Result<std::monostate> MonitorRadio::add(EventLoop& loop, const std::string& interface,
                                         const MonitorRadioOptions& options) {
  if (auto error = check_monitor_mode(interface)) return *std::move(error);
  Card card{interface, nullptr, nullptr};
  if (options.captures) {
    LiveCaptureOptions wanted;
    wanted.interface = interface;
    wanted.filter = options.filter;
    wanted.buffer_bytes = options.capture_buffer_bytes;
    wanted.is_immediate = true;
    wanted.snap_bytes = kSnapBytes;
    auto capture = LiveCapture::open(wanted);
    if (!capture) return Error{capture.error()};
    if (capture->link_layer() != LinkLayer::kRadiotap) return not_in_monitor_mode(interface);
    card.capture = std::make_unique<LiveCapture>(*std::move(capture));
  }
  if (options.injects) {
    const InterfaceId id{static_cast<std::uint32_t>(cards_.size())};
    auto injector = FrameInjector::open(loop, interface, id, options.injection, options.events);
    if (!injector) return Error{injector.error()};
    card.injector = *std::move(injector);
  }
  cards_.push_back(std::move(card));
  return std::monostate{};
}

void MonitorRadio::transmit(InterfaceId interface, Bytes frame, const TxParams& params) {
  const auto index = static_cast<std::size_t>(interface);
  if (index >= cards_.size() || cards_[index].injector == nullptr) return;
  cards_[index].injector->transmit(frame, params);
}

void MonitorRadio::tune(InterfaceId interface, ChannelMhz channel) {
  const auto index = static_cast<std::size_t>(interface);
  if (index >= cards_.size()) return;
  const Card& card = cards_[index];
  if (card.injector != nullptr) card.injector->flush();
  const std::string mhz = std::to_string(static_cast<int>(channel));
  const std::string reason = run({"iw", "dev", card.interface, "set", "freq", mhz});
  if (reason.empty()) return;
  fail("the interface " + card.interface + " cannot be tuned to " + mhz + " MHz: " + reason);
}

std::vector<int> MonitorRadio::descriptors() const {
  std::vector<int> descriptors;
  for (const Card& card : cards_) {
    if (card.capture != nullptr) descriptors.push_back(card.capture->descriptor());
  }
  return descriptors;
}

bool MonitorRadio::receive(int descriptor, const FrameHandler& handler) {
  const auto card = std::find_if(cards_.begin(), cards_.end(), [&](const Card& each) {
    return each.capture != nullptr && each.capture->descriptor() == descriptor;
  });
  if (card == cards_.end()) return false;
  const InterfaceId id{static_cast<std::uint32_t>(card - cards_.begin())};
  const auto count = card->capture->read(
      [&](const CapturedFrame& packet) { hand_over(id, packet.bytes, handler); }, kFramesPerTurn);
  if (!count) fail("the interface " + card->interface + " has gone: " + count.error());
  return count.ok();
}

void MonitorRadio::hand_over(InterfaceId interface, Bytes packet, const FrameHandler& handler) {
  std::optional<RadiotapRx> received = read_radiotap_rx(packet);
  if (!received) {
    ++counters_.malformed;
  } else if (received->is_injected) {
    ++counters_.own;
  } else {
    received->frame.interface = interface;
    handler(received->frame);
  }
}

std::uint64_t MonitorRadio::dropped() {
  std::uint64_t sum = 0;
  for (const Card& card : cards_) {
    if (card.capture != nullptr) sum += card.capture->dropped();
  }
  return sum;
}

void MonitorRadio::fail(const std::string& sentence) const {
  if (events_.on_error) events_.on_error(sentence);
}

}  // namespace twinbed::backends
