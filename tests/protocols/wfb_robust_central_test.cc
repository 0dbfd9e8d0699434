// A WFB-NG link whose two sides are one program each: video, telemetry and a tunnel, and the card
// that transmits.
#include <gmock/gmock.h>

#include "core/protocols/wfb/batch.h"
#include "tests/support/wfb_air.h"

namespace twinbed::wfb {
namespace {

using testing::AirFrame;
using testing::WfbAir;
using testing::WfbLinkWorld;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum StreamKind;
using namespace std::chrono_literals;

constexpr bool kDrone = true;
constexpr bool kGround = false;

/// Both cards of ground hear drone, the first one better; drone hears ground with one card.
std::optional<int> all_hear(Context&, const AirFrame& sent, std::uint8_t card) {
  if (sent.is_up) return card == 0 ? std::optional(-50) : std::nullopt;
  return card == 0 ? -45 : -60;
}

struct CentralNodeTest : ::testing::Test {
  /// The streams that WFB-NG has by default.
  void start(WfbLinkWorld& world, Duration log_interval = 1s) {
    ProfileOptions drone{"drone", {}, {}, log_interval};
    drone.streams = {world.stream(kDrone, "video", kPlain, std::nullopt, 0),
                     world.stream(kDrone, "mavlink", kMavlink, 0x90, 0x10),
                     world.stream(kDrone, "tunnel", kTunnel, 0xa0, 0x20)};
    drone.streams[0].transmit->encoder.fec = {8, 12};
    ProfileOptions ground{"ground", {}, {}, log_interval};
    ground.streams = {world.stream(kGround, "video", kPlain, 0, std::nullopt),
                      world.stream(kGround, "mavlink", kMavlink, 0x10, 0x90),
                      world.stream(kGround, "tunnel", kTunnel, 0x20, 0xa0)};
    world.start({{drone}}, {{ground}});
  }
};

TEST_F(CentralNodeTest, CarriesEveryStreamToItsOtherEnd) {
  WfbLinkWorld world(all_hear);
  start(world);
  world.command(1s, world.drone, "video frame");
  world.command(1s, world.drone, "mavlink heartbeat");
  world.command(1s, world.ground, "mavlink arm");
  world.command(1s, world.ground, "tunnel packet");
  world.command(1s, world.drone, "tunnel answer");
  world.run(2s);
  EXPECT_THAT(world.at_ground,
              ::testing::UnorderedElementsAre("video frame", "mavlink heartbeat",
                                              "tunnel answer"));
  EXPECT_THAT(world.at_drone, ::testing::UnorderedElementsAre("mavlink arm", "tunnel packet"));
}

TEST_F(CentralNodeTest, GathersSmallPackets) {
  std::vector<std::size_t> sizes;
  WfbLinkWorld world([&](Context& c, const AirFrame& sent, std::uint8_t card) {
    const bool is_data = sent.packet[0] == static_cast<std::byte>(PacketType::kData);
    if (is_data && sent.radio_port == 0x10 && card == 0) sizes.push_back(sent.packet.size());
    return all_hear(c, sent, card);
  });
  start(world);
  for (int i = 0; i < 3; ++i) world.command(1s + i * 60ms, world.drone, "mavlink abcd");
  for (int i = 0; i < 3; ++i) world.command(1s + i * 2ms, world.drone, "tunnel abcd");
  world.run(2s);
  // Within a tenth of a second of the first: two, and at its end the third.
  const std::size_t cover = kDataHeaderBytes + kFragmentHeaderBytes + kTagBytes;
  EXPECT_THAT(sizes, ElementsAre(cover + 8, cover + 8, cover + 4, cover + 4));
  EXPECT_THAT(world.at_ground,
              ::testing::UnorderedElementsAre("mavlink abcdabcd", "mavlink abcd", "tunnel abcd",
                                              "tunnel abcd", "tunnel abcd"));
}

TEST_F(CentralNodeTest, SelectsTheCardForAllStreamsOfAProfile) {
  std::vector<std::string> sent_on;
  bool is_far = false;
  WfbLinkWorld world([&](Context& c, const AirFrame& sent, std::uint8_t card) {
    if (sent.is_up && card == 0) {
      sent_on.push_back(std::to_string(sent.radio_port) + " on " +
                        std::to_string(sent.sender_card));
    }
    auto signal = all_hear(c, sent, card);
    if (is_far && !sent.is_up && card == 0) signal = -80;
    return signal;
  });
  start(world);
  for (int i = 0; i < 100; ++i) world.command(1s + i * 100ms, world.drone, "video x");
  world.command(3s + 50ms, world.ground, "mavlink x");
  world.run(4s);
  EXPECT_THAT(sent_on, ::testing::Contains("144 on 0"));
  EXPECT_THAT(sent_on, ::testing::Not(::testing::Contains("144 on 1")));
  is_far = true;
  world.command(7s + 50ms, world.ground, "mavlink x");
  world.command(7s + 50ms, world.ground, "tunnel x");
  world.run(6500ms);
  sent_on.clear();
  world.run(8s);
  EXPECT_THAT(sent_on, ::testing::Contains("144 on 1"));
  EXPECT_THAT(sent_on, ::testing::Contains("160 on 1"));
  EXPECT_THAT(sent_on, ::testing::Not(::testing::Contains("144 on 0")));
  const auto selected = world.lines("wfb.selected");
  EXPECT_THAT(selected, ::testing::Contains("wfb.selected profile=ground wlan=" +
                                            std::to_string(world.card_of(1))));
}

TEST_F(CentralNodeTest, SendsSignsOfLifeThroughAllCardsWhileNothingComesBack) {
  bool is_deaf = false;
  std::map<int, int> frames_of_card;
  WfbLinkWorld world([&](Context& c, const AirFrame& sent, std::uint8_t card) {
    if (sent.is_up && sent.radio_port == 0xa0 && card == 0) ++frames_of_card[sent.sender_card];
    return is_deaf ? std::nullopt : all_hear(c, sent, card);
  });
  start(world);
  world.run(5s);
  frames_of_card.clear();
  world.run(8s);
  EXPECT_GT(frames_of_card[0], 0) << "a sign of life each half second";
  EXPECT_EQ(frames_of_card[1], 0);
  is_deaf = true;
  world.run(9500ms);
  frames_of_card.clear();
  world.run(12s);
  EXPECT_GT(frames_of_card[1], 0);
  EXPECT_EQ(frames_of_card[0], frames_of_card[1]);
  EXPECT_THAT(world.at_drone, IsEmpty()) << "signs of life are not delivered";
}

TEST_F(CentralNodeTest, TellsTheUserOfTelemetryOfTheLink) {
  bool is_deaf = false;
  WfbLinkWorld world([&](Context& c, const AirFrame& sent, std::uint8_t card) {
    return is_deaf ? std::nullopt : all_hear(c, sent, card);
  });
  ProfileOptions drone{"drone", {world.stream(kDrone, "mavlink", kMavlink, 0x90, 0x10)}, {}, 1s};
  ProfileOptions ground{"ground", {world.stream(kGround, "mavlink", kMavlink, 0x10, 0x90)}, {}, 1s};
  ground.streams[0].status_sender = MavlinkSender{};
  world.start({{drone}}, {{ground}});
  world.command(500ms, world.drone, "mavlink x");
  world.run(1500ms);
  is_deaf = true;
  world.run(2500ms);
  const auto told = [](int dbm, std::uint8_t number) {
    Buffer packet;
    write_radio_status({dbm, 0, 0, 0}, {}, number, packet);
    return "mavlink " + std::string(as_text(packet));
  };
  EXPECT_THAT(world.at_ground, ElementsAre("mavlink x", told(-45, 0), told(-128, 1)));
}

TEST_F(CentralNodeTest, GivesEachMessageOfTelemetryByItselfAndACopyToTheApplication) {
  WfbLinkWorld world(all_hear);
  const Endpoint user{world.address("user"), 5000};
  ProfileOptions drone{"drone", {world.stream(kDrone, "mavlink", kMavlink, 0x90, 0x10)}, {}, 1s};
  std::vector<std::string> taken;
  drone.streams[0].on_taken = [&](Bytes payload) { taken.emplace_back(as_text(payload)); };
  ProfileOptions ground{"ground", {world.stream(kGround, "mavlink", kMavlink, 0x10, 0x90)}, {}, 1s};
  ground.streams[0].peer = user;
  ground.streams[0].copies_to_application = true;
  world.start({{drone}}, {{ground}});
  testing::ContractWatch watch;
  testing::Script script;
  std::vector<std::string> heard;
  script.start = [](Context& c) { c.datagrams.bind(SocketId{1}, {kAnyAddress, 5000}); };
  script.datagram = [&](Context&, const Datagram& datagram) {
    heard.emplace_back(as_text(datagram.payload));
  };
  world.add("user", [&] { return std::make_unique<testing::ScriptedProtocol>(script, watch); });
  const std::string first("\xfe\x02\x01\x01\x01\x7f" "abcs", 10);
  const std::string second("\xfd\x01\x7f\x7f", 4);  // version 2 has no such flags: no frame
  world.command(1s, world.drone, "mavlink " + first + first + second);
  world.run(2s);
  EXPECT_THAT(taken, ElementsAre(first + first + second));
  EXPECT_THAT(heard, ElementsAre(first, first, second));
  EXPECT_THAT(world.at_ground, ElementsAre("mavlink " + first + first + second));
}

TEST_F(CentralNodeTest, SpeaksToItsUserByDatagrams) {
  WfbLinkWorld world(all_hear);
  const Endpoint user{world.address("user"), 5000};
  ProfileOptions drone{"drone", {world.stream(kDrone, "mavlink", kMavlink, 0x90, 0x10)}, {}, 1s};
  drone.streams[0].peer = user;
  drone.streams[0].batch_timeout = 0ms;
  ProfileOptions ground{"ground", {world.stream(kGround, "mavlink", kMavlink, 0x10, 0x90)}, {}, 1s};
  ground.streams[0].input_port = 14550;
  world.start({{drone}}, {{ground}});
  testing::ContractWatch watch;
  testing::Script script;
  std::vector<std::string> answers;
  script.start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, 5000});  // the autopilot
    c.datagrams.bind(SocketId{2}, {kAnyAddress, 6000});  // the pilot
  };
  script.datagram = [&](Context& c, const Datagram& datagram) {
    answers.emplace_back(as_text(datagram.payload));
    if (datagram.socket == SocketId{1}) {
      c.datagrams.send(SocketId{1}, datagram.from, as_bytes("armed"));
    }
  };
  script.command = [&](Context& c, Bytes text) {
    c.datagrams.send(SocketId{2}, {world.address("ground"), 14550}, text);
  };
  const NodeId pilot = world.add(
      "user", [&] { return std::make_unique<testing::ScriptedProtocol>(script, watch); });
  world.command(1s, pilot, "arm");
  world.run(2s);
  EXPECT_THAT(answers, ElementsAre("arm", "armed")) << "to the autopilot, and back to the pilot";
}

TEST_F(CentralNodeTest, RecordsFiguresUnderTheNamesOfItsStreams) {
  WfbLinkWorld world(all_hear);
  start(world);
  for (int i = 0; i < 8; ++i) world.command(1100ms, world.drone, "video x");
  world.run(2100ms);
  EXPECT_THAT(world.lines("log"),
              ::testing::Contains("log line=video rx\t2000\tPKT\t26:872:0:2:24:12:0:0:0:8:8"));
  EXPECT_THAT(world.lines("wfb.session"),
              ::testing::Contains("wfb.session epoch=0 k=8 n=12 stream=video rx"));
}

TEST_F(CentralNodeTest, KeepsTheEpochsOfEachStream) {
  WfbLinkWorld world(all_hear);
  ProfileOptions drone{"drone", {}, {}, 1s};
  ProfileOptions ground{"ground", {}, {}, 1s};
  for (std::uint8_t port = 0; port < 2; ++port) {
    const std::string name = "s" + std::to_string(port);
    drone.streams.push_back(world.stream(kDrone, name, kPlain, std::nullopt, port));
    drone.streams.back().transmit->encoder.refuse_replay = true;
    ground.streams.push_back(world.stream(kGround, name, kPlain, port, std::nullopt));
    ground.streams.back().receive->decoder.refuse_replay = true;
  }
  world.start({{drone}}, {{ground}});
  world.simulator.set_faults(
      {testing::fault_of(sim::FaultAction::kCrash, 2s, {"drone"}, 1s),
       testing::fault_of(sim::FaultAction::kCrash, 4s, {"ground"}, 1s)});
  for (const Duration at : {1000ms, 3500ms, 6000ms}) {
    world.command(at, world.drone, "s0 a");
    world.command(at, world.drone, "s1 b");
  }
  world.run(7s);
  EXPECT_THAT(world.at_ground, ElementsAre("s0 a", "s1 b", "s0 a", "s1 b", "s0 a", "s1 b"));
  EXPECT_THAT(world.lines("wfb.session"), SizeIs(6)) << "two lives of drone, two of ground";
  EXPECT_THAT(world.lines("wfb.refused"), IsEmpty());
}

TEST_F(CentralNodeTest, SaysWhatACommandIs) {
  WfbLinkWorld world(all_hear);
  start(world);
  world.command(1s, world.drone, "vidoe x");
  world.run(2s);
  EXPECT_THAT(world.lines("log"),
              ::testing::Contains("log line=no stream is named \"vidoe\"; a command is the name "
                                  "of a stream, a space and the payload"));
}

}  // namespace
}  // namespace twinbed::wfb
