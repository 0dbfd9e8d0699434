// The programs of a WFB-NG cluster, each in a world of its own whose requests the test carries on:
// transmitter, injector, the air, forwarder, receiver.
#include <gmock/gmock.h>

#include "core/protocols/wfb/forwarder_node.h"
#include "core/protocols/wfb/injector_node.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "core/wire/radiotap.h"
#include "tests/support/fake_context.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::FakeContext;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

const ChannelId kChannel = ChannelId::of(7669206, 32);
constexpr Endpoint kAggregator{{0x0a4d0001}, 10000};
constexpr IpAddress kNodeAddress{0x0a4d000b};
constexpr std::uint16_t kInjectorPort = 11000;

TransmitterOptions transmitter_options(std::vector<TxOutput> outputs) {
  TransmitterOptions options;
  options.encoder = {testing::wfb_link_keys().drone, kChannel, 0, {1, 2}, 1s};
  options.radio = {1, 1, 0, 20, 1, 0, 1};
  options.outputs = std::move(outputs);
  options.first_input_port = 5600;
  return options;
}

/// A protocol that has started, in a world of its own.
template <class Node>
struct Running {
  explicit Running(Node node_to_run) : node(std::move(node_to_run)) { start(); }
  explicit Running(const auto& options) : node(options) { start(); }

  void start() {
    fake.run([&](Context& context) { node.on_start(context); });
    fake.requests.clear();
  }
  void datagram(SocketId socket, Bytes payload, Endpoint from = {kNodeAddress, 9}) {
    fake.run([&](Context& context) {
      static_cast<Protocol&>(node).on_datagram(context, {socket, from, payload});
    });
  }
  void frame(const RxFrame& heard) {
    fake.run([&](Context& context) { node.on_frame(context, heard); });
  }
  /// The bytes of every request of a kind since the last call.
  std::vector<Buffer> take(RequestKind kind) {
    std::vector<Buffer> taken;
    for (const Request& request : fake.requests.requests()) {
      if (request.kind == kind) taken.push_back(to_buffer(fake.requests.data(request)));
    }
    fake.requests.clear();
    return taken;
  }

  FakeContext fake;
  Node node;
};

/// A frame as a card hears it.
RxFrame heard(Bytes frame, std::uint32_t card, std::int8_t signal_dbm) {
  RxFrame about;
  about.interface = InterfaceId{card};
  about.channel = ChannelMhz{5825};
  about.readings.fill(kUnknownReading);
  about.readings[0] = {0, signal_dbm, -95};
  about.antenna_count = 1;
  about.frame = frame;
  return about;
}

TEST(WfbCluster, CarriesAPayloadFromTheDistributorToTheAggregator) {
  Running<TransmitterNode> transmitter(
      transmitter_options({InjectorAddress{{kNodeAddress, kInjectorPort}},
                           InjectorAddress{{kNodeAddress, kInjectorPort + 1}}}));
  Running<InjectorNode> injector(InjectorOptions{kInjectorPort, {InterfaceId{0}, InterfaceId{1}}});
  Running<ForwarderNode> forwarder(ForwarderOptions{kChannel, kAggregator});
  Running<ReceiverNode> receiver(
      ReceiverOptions{{testing::wfb_link_keys().ground, kChannel, 0}, kAggregator.port, {}, 1s});

  // The second input chooses the second card.
  transmitter.datagram(SocketId{1}, as_bytes("payload"));
  std::vector<Endpoint> destinations;
  for (const Request& request : transmitter.fake.requests.requests()) {
    if (request.kind == RequestKind::kSend) destinations.push_back(request.endpoint);
  }
  const Endpoint second{kNodeAddress, kInjectorPort + 1};
  EXPECT_THAT(destinations, ElementsAre(second, second, second)) << "session, data, parity";

  for (const Buffer& request : transmitter.take(RequestKind::kSend)) {
    injector.datagram(SocketId{1}, request);
  }
  for (const Request& request : injector.fake.requests.requests()) {
    EXPECT_EQ(request.id, 1u);
    EXPECT_TRUE(request.tx.ldpc);
    EXPECT_EQ(request.tx.stbc_streams, 1);
  }
  for (const Buffer& frame : injector.take(RequestKind::kTransmit)) {
    forwarder.frame(heard(frame, 0, -50));
    forwarder.frame(heard(frame, 1, -60));
  }
  for (const Buffer& datagram : forwarder.take(RequestKind::kSend)) {
    receiver.datagram(SocketId{1}, datagram);
  }
  const std::vector<Buffer> payloads = receiver.take(RequestKind::kDeliver);
  ASSERT_EQ(payloads.size(), 1u);
  EXPECT_EQ(as_text(payloads[0]), "payload");
  // Data and parity were heard twice; the batch tells it a tenth of a second later.
  ASSERT_TRUE(forwarder.fake.fire_next_timer(forwarder.node));
  EXPECT_EQ(forwarder.fake.now, Time{100ms});
  for (const Buffer& datagram : forwarder.take(RequestKind::kSend)) {
    receiver.datagram(SocketId{1}, datagram);
  }
  receiver.fake.advance_to(receiver.node, Time{1s});
  EXPECT_THAT(receiver.fake.recorder.lines,
              ElementsAre("0\tSESSION\t0:1:1:2",
                          "1000\tRX_ANT\t5825:1:20\ta4d000b00000000\t2:-50:-50:-50:45:45:45",
                          "1000\tRX_ANT\t5825:1:20\ta4d000b00000100\t2:-60:-60:-60:35:35:35",
                          "1000\tPKT\t6:246:0:2:2:2:0:0:0:1:7"));
  EXPECT_EQ(receiver.fake.recorder.last("wfb.rx.out"), 1.0);
}

TEST(WfbTransmitter, SendsAFrameOnAllCardsWithOneNumberInMirrorMode) {
  TransmitterOptions options = transmitter_options({InterfaceId{0}, InterfaceId{1}});
  options.mirror = true;
  Running<TransmitterNode> transmitter(options);
  transmitter.datagram(SocketId{0}, as_bytes("x"));
  const std::vector<Buffer> frames = transmitter.take(RequestKind::kTransmit);
  ASSERT_EQ(frames.size(), 6u);
  for (std::size_t i = 0; i < frames.size(); i += 2) {
    EXPECT_EQ(frames[i], frames[i + 1]);
    EXPECT_EQ(read_mac_header(frames[i])->sequence_control, 16 * i / 2);
  }
}

TEST(WfbTransmitter, MarksParitiesWithOneMore) {
  TransmitterOptions options = transmitter_options({InjectorAddress{{kNodeAddress, 11000}}});
  options.fwmark = 30;
  Running<TransmitterNode> transmitter(options);
  transmitter.datagram(SocketId{0}, as_bytes("x"));
  std::vector<std::string> marks;
  for (const Buffer& datagram : transmitter.take(RequestKind::kSend)) {
    marks.push_back(to_hex(Bytes(datagram).first(4)));
  }
  // The session has what was set last: that of data, before anything was sent.
  EXPECT_THAT(marks, ElementsAre("0000001e", "0000001e", "0000001f"));

  options.outputs = {InterfaceId{0}};
  Running<TransmitterNode> local(options);
  local.datagram(SocketId{0}, as_bytes("x"));
  std::vector<std::uint32_t> local_marks;
  for (const Request& request : local.fake.requests.requests()) {
    if (request.kind == RequestKind::kTransmit) local_marks.push_back(request.tx.mark);
  }
  EXPECT_THAT(local_marks, ElementsAre(30, 30, 31));
}

TEST(WfbTransmitter, AnswersControlRequestsAndFollowsThem) {
  TransmitterOptions options = transmitter_options({InterfaceId{0}});
  options.control = Endpoint{kLoopback, 7000};
  Running<TransmitterNode> transmitter(options);
  constexpr SocketId kControlSocket{0x1000};
  transmitter.datagram(kControlSocket,
                       control_request(1, ControlCommand::kSetRadio,
                                       control_body(RadioSettings{0, 0, 1, 80, 5, 0, 2})),
                       {kLoopback, 40000});
  const Request* reply = transmitter.fake.only(RequestKind::kSend);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->endpoint, (Endpoint{kLoopback, 40000}));
  EXPECT_EQ(to_hex(transmitter.take(RequestKind::kSend)[0]), "0000000100000000");
  transmitter.datagram(SocketId{0}, as_bytes("x"));
  for (const Request& request : transmitter.fake.requests.requests()) {
    if (request.kind != RequestKind::kTransmit) continue;
    EXPECT_EQ(request.tx.modulation, Modulation::kVht);
    EXPECT_EQ(request.tx.mcs, 5);
    EXPECT_EQ(request.tx.bandwidth, Bandwidth::k80Mhz);
  }
  transmitter.take(RequestKind::kTransmit);
  // Another code: a new session, announced n - k + 1 times at once.
  transmitter.datagram(kControlSocket, control_request(2, ControlCommand::kSetFec,
                                                       control_body(FecParams{2, 4})));
  EXPECT_EQ(transmitter.take(RequestKind::kTransmit).size(), 3u);
}

TEST(WfbInjector, RefusesWhatIsNoRequest) {
  Running<InjectorNode> injector(InjectorOptions{kInjectorPort, {InterfaceId{0}}});
  Buffer good(4);
  good[3] = std::byte{30};  // the mark
  write_radiotap_tx({}, good);
  write_mac_header({}, good);
  injector.datagram(SocketId{0}, good);
  EXPECT_EQ(injector.fake.only(RequestKind::kTransmit)->tx.mark, 30u);
  EXPECT_EQ(injector.take(RequestKind::kTransmit).size(), 1u);
  injector.datagram(SocketId{0}, Bytes(good).first(good.size() - 1));
  injector.datagram(SocketId{0}, Buffer(4072));
  injector.datagram(SocketId{0}, Buffer(100));
  good[6] = std::byte{0xff};  // the length of the radiotap header
  injector.datagram(SocketId{0}, good);
  EXPECT_EQ(injector.take(RequestKind::kTransmit).size(), 0u);
  EXPECT_EQ(injector.node.refused(), 4u);
}

}  // namespace
}  // namespace twinbed::wfb
