// What WFB-NG's stream costs the programs on one core, system calls included: payloads of 1,400
// bytes, 8/12, over UDP and virtual radios in a network of the benchmark's own.
//
//   wfb/transmit_on_card    128 payloads come in by UDP; 192 frames go out by a packet socket
//   wfb/receive_on_card     192 frames come in by libpcap; 128 payloads go out by UDP
//
// Other processes send what comes in and take what goes out. The time is that of this process's
// processor, in user and kernel mode. 150,000 packets a second are to fit on one core.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "backends/live_host.h"
#include "backends/pcap/monitor_radio.h"
#include "backends/virtual_radio/virtual_radio.h"
#include "core/base/check.h"
#include "core/base/random_stream.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "core/wire/ieee80211.h"
#include "tests/bench/dropping_sink.h"
#include "tests/bench/forked_process.h"
#include "tests/bench/goal_table.h"
#include "tests/support/own_network.h"

namespace twinbed::bench {
namespace {

constexpr std::size_t kPayloadBytes = 1'400;
constexpr wfb::FecParams kFec{8, 12};
/// Fits into a socket's receive buffer, whose limit a stock kernel sets to 208 KiB.
constexpr std::uint64_t kPayloads = 128;
constexpr std::uint64_t kPackets = kPayloads * 12 / 8;
constexpr double kLimitNs = 1e9 / 150'000;
constexpr std::uint16_t kPort = 5600;
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr int kRoomFrames = 10'000;

const wfb::ChannelId kChannel = wfb::ChannelId::of(1, 0);

wfb::LinkKeys link_keys() {
  RandomStream random(1, "bench", 0);
  return wfb::make_link_keys(random);
}

/// Tells another process to send the next batch.
class Bell {
 public:
  Bell() { TWINBED_CHECK(::pipe(ends_.data()) == 0, "the system has no pipe left"); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void ring() const { TWINBED_CHECK(::write(ends_[1], "", 1) == 1, "the pipe is closed"); }
  bool wait() const {
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 1;
  }

 private:
  std::array<int, 2> ends_{};
};

/// Sends a batch of payloads to the transmitter at each stroke of the bell.
void send_payloads(const Bell& bell) {
  const backends::Socket socket = backends::Socket::datagram();
  const sockaddr_in to = backends::to_sockaddr({kLoopback, kPort});
  const Buffer payload(kPayloadBytes);
  while (bell.wait()) {
    for (std::uint64_t i = 0; i < kPayloads; ++i) {
      ::sendto(socket.number(), payload.data(), payload.size(), 0,
               reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
  }
}

/// Takes what is sent on the radio, for ever.
void drain(backends::VirtualRadio& radio) {
  for (;;) {
    pollfd wait{radio.descriptor(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    while (radio.read([](const backends::VirtualTransmission&) {}) > 0) continue;
  }
}

/// What an encoder sends, as frames that the radio hears.
struct OnAir final : wfb::EncoderOwner {
  explicit OnAir(backends::VirtualRadio& to) : radio(to) {}
  void on_packet(wfb::PacketKind, Bytes packet) override {
    frame.clear();
    write_mac_header(wfb::frame_header(kChannel, wfb::FrameType::kData, number++), frame);
    frame.insert(frame.end(), packet.begin(), packet.end());
    RxFrame heard;
    heard.channel = ChannelMhz{5825};
    heard.antenna_count = 1;
    heard.readings[0] = {0, -41, -95};
    heard.frame = frame;
    radio.write(heard);
  }
  backends::VirtualRadio& radio;
  Buffer frame;
  std::uint16_t number = 0;
};

/// Lets the radio hear a batch of packets at each stroke of the bell.
void send_frames(backends::VirtualRadio& radio, const Bell& bell) {
  RandomStream random(1, "bench", 1);
  OnAir air(radio);
  wfb::Encoder encoder({link_keys().drone, kChannel, 0, kFec, std::chrono::hours(1)}, random, air);
  const Buffer payload(kPayloadBytes);
  while (bell.wait()) {
    for (std::uint64_t i = 0; i < kPayloads; ++i) encoder.send(Time{}, payload, random);
  }
}

/// A live host over the radio's interface, and how much it has sent.
struct Station {
  Station(const backends::VirtualRadio& on, bool captures,
          const backends::ProtocolFactory& factory) {
    backends::MonitorRadioOptions options;
    options.interfaces = {on.name()};
    options.captures = captures;
    options.injects = !captures;
    options.events.on_frame = [this](const backends::InjectedFrame& frame) {
      ++(frame.is_sent ? sent : dropped);
    };
    auto opened = backends::MonitorRadio::open(loop, std::move(options));
    if (!opened) return;
    radio = *std::move(opened);
    backends::LiveHostOptions host_options;
    host_options.radio = radio.get();
    host_options.on_datagram_sent = [this](const backends::SentDatagram& datagram) {
      ++(datagram.is_sent ? sent : dropped);
    };
    host = std::make_unique<backends::LiveHost>(loop, std::move(host_options), sink, factory);
    host->start();
    loop.run_until([&] { return host->counters().handlers > 0; }, kPatience);
  }
  /// Waits until so much was sent since the start; false if it was not.
  bool reaches(std::uint64_t count) {
    return loop.run_until([&] { return sent >= count || dropped > 0; }, kPatience) && dropped == 0;
  }

  backends::EventLoop loop;
  DroppingSink sink;
  std::unique_ptr<backends::MonitorRadio> radio;
  std::unique_ptr<backends::LiveHost> host;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
};

/// Rings for a batch each time, and waits until all of it has passed the station.
void measure(benchmark::State& state, Station& station, const Bell& bell, std::uint64_t batch) {
  if (station.host == nullptr) return state.SkipWithError("the radio could not be opened");
  bell.ring();  // the first batch has a session, too
  station.reaches(batch);
  station.loop.run_until([] { return false; }, std::chrono::milliseconds(10));
  for (auto _ : state) {
    const std::uint64_t wanted = station.sent + batch;
    bell.ring();
    if (!station.reaches(wanted)) return state.SkipWithError("packets are missing");
  }
  state.counters["packets"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kPackets,
                         benchmark::Counter::kIsRate);
}

/// Runs the body with a radio in a network of its own.
void in_own_network(benchmark::State& state,
                    const std::function<void(backends::VirtualRadio&)>& body) {
  const testing::OwnNetwork network;
  if (!network.is_there()) return state.SkipWithError("network namespaces take root");
  auto radio = backends::VirtualRadio::create("bench0", kRoomFrames);
  if (!radio) return state.SkipWithError(radio.error().c_str());
  body(*radio);
}

void transmit(benchmark::State& state) {
  in_own_network(state, [&](backends::VirtualRadio& radio) {
    const Bell bell;
    const ForkedProcess drainer([&] { drain(radio); });
    const ForkedProcess feeder([&] { send_payloads(bell); });
    wfb::TransmitterOptions options;
    options.encoder = {link_keys().drone, kChannel, 0, kFec, std::chrono::hours(1)};
    options.outputs = {InterfaceId{0}};
    options.first_input_port = kPort;
    Station station(radio, false, [&] { return std::make_unique<wfb::TransmitterNode>(options); });
    measure(state, station, bell, kPackets);
  });
}

void receive(benchmark::State& state) {
  in_own_network(state, [&](backends::VirtualRadio& radio) {
    const Bell bell;
    const ForkedProcess feeder([&] { send_frames(radio, bell); });
    const backends::Socket client = backends::Socket::datagram();  // whose buffer stays full
    backends::bind_socket(client, {kLoopback, kPort});
    wfb::ReceiverOptions options;
    options.decoder = {link_keys().ground, kChannel, 0};
    options.output = Endpoint{kLoopback, kPort};
    Station station(radio, true, [&] { return std::make_unique<wfb::ReceiverNode>(options); });
    measure(state, station, bell, kPayloads);
  });
}

const bool kRegistered = [] {
  benchmark::RegisterBenchmark("wfb/transmit_on_card", transmit)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("wfb/receive_on_card", receive)->Unit(benchmark::kMicrosecond);
  add_goal({"wfb/transmit_on_card", {}, kPackets * kLimitNs, GoalKind::kTimeBelow});
  add_goal({"wfb/receive_on_card", {}, kPackets * kLimitNs, GoalKind::kTimeBelow});
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
