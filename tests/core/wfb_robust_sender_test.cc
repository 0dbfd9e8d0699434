// The repairs of WFB-NG's transmitter, each beside what it repairs.
#include <gmock/gmock.h>

#include "core/protocols/wfb/decoder.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "tests/support/fake_context.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::FakeContext;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const ChannelId kChannel = ChannelId::of(1, 0);

TransmitterOptions options_of(FecParams fec) {
  TransmitterOptions options;
  options.encoder = {testing::wfb_link_keys().drone, kChannel, 0, fec, 1s};
  options.outputs = {InterfaceId{0}};
  options.first_input_port = 5600;
  options.log_interval = 1h;
  return options;
}

/// A transmitter that has started, and what it sends: 'S' for a session, 'D' for data and parities.
struct Sender {
  explicit Sender(const TransmitterOptions& options) : node(options) {
    fake.run([&](Context& context) { node.on_start(context); });
  }

  void payload(std::string_view text) {
    fake.run([&](Context& context) { node.on_command(context, as_bytes(text)); });
  }
  std::vector<Buffer> take_packets() {
    std::vector<Buffer> packets;
    for (const Request& request : fake.requests.requests()) {
      if (request.kind != RequestKind::kTransmit) continue;
      packets.push_back(to_buffer(*packet_in_frame(fake.requests.data(request), kChannel)));
    }
    fake.requests.clear();
    return packets;
  }
  std::string take() {
    std::string kinds;
    for (const Buffer& packet : take_packets()) {
      kinds += packet[0] == static_cast<std::byte>(PacketType::kSession) ? 'S' : 'D';
    }
    return kinds;
  }

  FakeContext fake;
  TransmitterNode node;
};

// ---- session_repeat --------------------------------------------------------------------------

TEST(SessionRepeat, AnnouncesBeforeThePayloadAndWhileIdle) {
  TransmitterOptions options = options_of({2, 4});
  options.encoder.session_repeat = true;
  Sender sender(options);
  EXPECT_EQ(sender.take(), "SSS") << "n - k + 1 times, at the start";
  sender.fake.advance_to(sender.node, Time{999ms});
  EXPECT_EQ(sender.take(), "");
  sender.fake.advance_to(sender.node, Time{3s});
  EXPECT_EQ(sender.take(), "SSSSSSSSS") << "at 1, 2 and 3 s";
  sender.payload("x");
  EXPECT_EQ(sender.take(), "D") << "it was announced at this instant";
}

TEST(SessionRepeat, IsOffUnlessAskedFor) {
  Sender sender(options_of({2, 4}));
  sender.fake.advance_to(sender.node, Time{3s});
  EXPECT_EQ(sender.take(), "");
  sender.payload("x");
  EXPECT_EQ(sender.take(), "SD");
}

TEST(SessionRepeat, CountsFromTheAnnouncementOfANewSession) {
  TransmitterOptions options = options_of({2, 4});
  options.encoder.session_repeat = true;
  options.control = Endpoint{kLoopback, 7000};
  Sender sender(options);
  sender.fake.now = Time{900ms};
  sender.take();
  sender.fake.run([&](Context& context) {
    static_cast<Protocol&>(sender.node).on_datagram(
        context, {SocketId{0x1000},
                  {kLoopback, 9},
                  control_request(1, ControlCommand::kSetFec, control_body(FecParams{2, 3}))});
  });
  EXPECT_EQ(sender.take(), "SS");
  sender.fake.advance_to(sender.node, Time{1899ms});
  EXPECT_EQ(sender.take(), "");
  sender.fake.advance_to(sender.node, Time{1900ms});
  EXPECT_EQ(sender.take(), "SS") << "a second after the last announcement, not two";
}

// ---- refuse_replay ---------------------------------------------------------------------------

TEST(RefuseReplay, ChangesNoSessionWithoutAnEpochForIt) {
  TransmitterOptions options = options_of({2, 4});
  options.encoder.refuse_replay = true;
  options.control = Endpoint{kLoopback, 7000};
  Sender sender(options);
  const auto set_fec = [&](FecParams fec) {
    sender.fake.requests.clear();
    sender.fake.run([&](Context& context) {
      static_cast<Protocol&>(sender.node).on_datagram(
          context, {SocketId{0x1000},
                    {kLoopback, 9},
                    control_request(1, ControlCommand::kSetFec, control_body(fec))});
    });
    const Request* reply = sender.fake.only(RequestKind::kSend);
    return read_control_reply(sender.fake.requests.data(*reply))->error;
  };
  // The file is read, then what is reserved is written, renamed and durable; from then on no
  // further answer comes.
  for (const std::uint64_t token : {1, 2, 3}) {
    const auto status = token == 1 ? StorageStatus::kNotFound : StorageStatus::kOk;
    sender.fake.run([&](Context& context) {
      sender.node.on_storage(context, {StorageToken{token}, status, {}});
    });
  }
  const std::uint64_t first = sender.node.epoch();
  EXPECT_EQ(first, 1'700'000'000'000u);
  for (std::uint64_t i = 0; i < EpochReserve::kAhead; ++i) {
    ASSERT_EQ(set_fec({2, static_cast<std::uint8_t>(3 + i % 2)}), 0u);
  }
  EXPECT_EQ(set_fec({1, 2}), 11u) << "EAGAIN";
  EXPECT_EQ(sender.node.epoch(), first + EpochReserve::kAhead);
}

// ---- close_block -----------------------------------------------------------------------------

TEST(CloseBlock, SendsAllFillersAndParitiesAtTheFirstTimeout) {
  TransmitterOptions options = options_of({4, 6});
  options.fec_timeout = 30ms;
  options.close_block = true;
  Sender sender(options);
  sender.payload("x");
  EXPECT_EQ(sender.take(), "SD");
  sender.fake.advance_to(sender.node, Time{30ms});
  EXPECT_EQ(sender.take(), "DDDDD") << "three fillers and two parities";
  sender.fake.advance_to(sender.node, Time{1s});
  EXPECT_EQ(sender.take(), "") << "no block is open any more";
  sender.fake.advance_to(sender.node, Time{1h});
  EXPECT_EQ(sender.fake.recorder.last("wfb.tx.fec_timeouts"), 1.0);
}

TEST(CloseBlock, IsOffUnlessAskedFor) {
  TransmitterOptions options = options_of({4, 6});
  options.fec_timeout = 30ms;
  Sender sender(options);
  sender.payload("x");
  sender.take();
  sender.fake.advance_to(sender.node, Time{30ms});
  EXPECT_EQ(sender.take(), "D");
}

}  // namespace
}  // namespace twinbed::wfb
