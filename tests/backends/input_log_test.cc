// The input log: codec, a live run repeated offline, and what a replay finds.
#include "backends/input_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random_stream.h"
#include "tests/support/live_world.h"

namespace twinbed::backends {
namespace {

using ::testing::HasSubstr;

/// Keeps records as the store would give them back.
class RecordKeeper final : public InputSink {
 public:
  void input(const InputRow& row) override {
    auto& list = records[row.node];
    list.push_back({static_cast<std::int64_t>(list.size()), row.at, std::string(row.kind),
                    to_buffer(row.payload)});
  }
  std::map<NodeId, std::vector<StoredInput>> records;
};

/// A protocol that uses everything: greets with random numbers over datagrams and streams, and
/// writes down what it hears.
class Chatter final : public Protocol {
 public:
  Chatter(Endpoint own, Endpoint peer, Duration period)
      : own_(own), peer_(peer), period_(period) {}

  void on_start(Context& c) override {
    c.datagrams.bind(SocketId{1}, own_);
    c.streams.listen(ListenerId{1}, own_);
    c.timers.set(TimerId{1}, c.now + period_);
  }
  void on_timer(Context& c, TimerId) override {
    std::array<std::byte, 20> nonce;
    c.random.fill(nonce);
    c.datagrams.send(SocketId{1}, peer_, nonce);
    if (rounds_ == 0) c.streams.open(StreamId{1}, peer_);
    c.streams.write(StreamId{1}, nonce);
    const auto pause = c.random.between(period_, 2 * period_);
    if (++rounds_ < 10) c.timers.set(TimerId{1}, c.now + pause);
  }
  void on_datagram(Context& c, const Datagram& d) override { keep(c, d.payload); }
  void on_stream(Context& c, const StreamEvent& e) override {
    if (e.kind == StreamEventKind::kData) keep(c, e.data);
  }
  void on_storage(Context& c, const StorageResult& r) override {
    c.application.deliver(as_bytes(std::to_string(static_cast<std::uint64_t>(r.token))));
  }
  void on_command(Context& c, Bytes command) override { keep(c, command); }
  void on_stop(Context& c) override {
    c.recorder.log("wall " + std::to_string(to_ns(c.wall) > 0));
    keep(c, as_bytes("end"));
  }

 private:
  void keep(Context& c, Bytes bytes) {
    c.storage.write("heard", length_, bytes);
    length_ += bytes.size();
    c.storage.sync(StorageToken{length_}, "heard");
  }

  Endpoint own_;
  Endpoint peer_;
  Duration period_;
  int rounds_ = 0;
  std::uint64_t length_ = 0;
};

class InputLogTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Protocol> make(const testing::LiveWorld& world, NodeId node,
                                        Duration period) {
    const NodeId other{1U - static_cast<std::uint32_t>(node)};
    return std::make_unique<Chatter>(world.endpoint(node), world.endpoint(other), period);
  }
  /// The records of a live run of two chatters.
  void run_live() {
    world.adjust = [this](NodeId, LiveHostOptions& options) { options.input_log = &keeper; };
    world.command(testing::kNode0, as_bytes("hello"));
    ASSERT_TRUE(world.run_until([this] { return world.delivered(testing::kNode1).size() > 8; },
                                testing::kLong));
    world.stop(testing::kNode0);
    world.stop(testing::kNode1);
    ASSERT_TRUE(world.run_until(
        [this] {
          return world.host(testing::kNode0).stopped() && world.host(testing::kNode1).stopped();
        },
        testing::kLong));
  }

  RecordKeeper keeper;
  testing::LiveWorld world{2, [this](NodeId node) { return make(world, node, testing::kMs); }};
};

TEST_F(InputLogTest, ALiveRunIsRepeatedOffline) {
  run_live();
  for (const NodeId node : {testing::kNode0, testing::kNode1}) {
    const auto& records = keeper.records[node];
    const auto report =
        replay_input_log(node, records, [&] { return make(world, node, testing::kMs); });
    ASSERT_TRUE(report.ok()) << report.error();
    EXPECT_EQ(report->handlers, records.size());
    EXPECT_FALSE(report->mismatch.has_value()) << report->mismatch->sentence;
    EXPECT_EQ(records.front().kind, "start");
    EXPECT_EQ(records.back().kind, "stop");
  }
}

TEST_F(InputLogTest, AReplayCanBeStopped) {
  run_live();
  const auto& records = keeper.records[testing::kNode0];
  ASSERT_GT(records.size(), 3U);
  std::vector<Time> asked;
  const auto report = replay_input_log(
      testing::kNode0, records, [&] { return make(world, testing::kNode0, testing::kMs); }, nullptr,
      [&](Time at) {
        asked.push_back(at);
        return asked.size() < 3;
      });
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error(), "the replay was stopped before its end");
  EXPECT_EQ(asked, (std::vector<Time>{records[0].at, records[1].at, records[2].at}));
}

TEST_F(InputLogTest, AProtocolThatBehavesDifferentlyIsFoundAndNamed) {
  run_live();
  const auto& records = keeper.records[testing::kNode1];
  const auto report = replay_input_log(testing::kNode1, records, [&] {
    return make(world, testing::kNode1, 2 * testing::kMs);
  });
  ASSERT_TRUE(report.ok()) << report.error();
  ASSERT_TRUE(report->mismatch.has_value());
  EXPECT_EQ(report->handlers, 1U);
  EXPECT_EQ(report->mismatch->sequence, 0);
  EXPECT_EQ(report->mismatch->kind, InputKind::kStart);
  EXPECT_THAT(report->mismatch->sentence, HasSubstr("handler call 0 (start at "));
  EXPECT_THAT(report->mismatch->sentence, HasSubstr("made other requests"));
}

TEST_F(InputLogTest, AProtocolThatDrawsOtherRandomNumbersIsFound) {
  run_live();
  class Idle final : public Protocol {
   public:
    void on_start(Context& c) override {
      for (int i = 0; i < 3; ++i) c.random.normal();
    }
    void on_timer(Context&, TimerId) override {}
  };
  const auto report = replay_input_log(testing::kNode0, keeper.records[testing::kNode0],
                                       [] { return std::make_unique<Idle>(); });
  ASSERT_TRUE(report.ok() && report->mismatch.has_value());
  EXPECT_THAT(report->mismatch->sentence, HasSubstr("random numbers where the log has 0"));
}

// Records from outside

std::vector<Input> samples() {
  RxFrame frame;
  frame.interface = InterfaceId{3};
  frame.channel = ChannelMhz{5805};
  frame.rate = {Modulation::kVht, 7, 2, 1, Bandwidth::k80Mhz, true, true};
  frame.antenna_count = 2;
  frame.readings[1] = {1, -40, -95};
  frame.bad_fcs = true;
  frame.frame = as_bytes("frame");
  StreamEvent event{StreamEventKind::kFailed, StreamId{0x8000'0001U}, ListenerId{4},
                    {IpAddress{0x0a00'0001}, 65535}, StreamFailure::kTimedOut, as_bytes("data")};
  return {StartInput{}, TimerInput{TimerId{9}}, frame,
          Datagram{SocketId{2}, {kLoopback, 53}, as_bytes("payload")}, event,
          StorageResult{StorageToken{1ULL << 60}, StorageStatus::kNoSpace, as_bytes("bytes")},
          CommandInput{as_bytes("go")}, StopInput{}};
}

TEST(InputCodecTest, EveryKindSurvivesTheRoundTrip) {
  const std::vector<std::uint64_t> words = {1, ~0ULL, 42};
  for (const Input& input : samples()) {
    const CallFacts facts{time_from_ns(-5), wall_from_ns(1'700'000'000'000'000'000), 77, words};
    Buffer payload;
    encode_input(input, facts, payload);
    const InputKind kind = kind_of(input);
    const Result<DecodedInput> decoded = decode_input(kind, payload);
    ASSERT_TRUE(decoded.ok()) << to_string(kind) << " " << decoded.error();
    EXPECT_EQ(decoded->now, facts.now);
    EXPECT_EQ(decoded->wall, facts.wall);
    EXPECT_EQ(decoded->request_fingerprint, 77U);
    EXPECT_EQ(decoded->random_words, words);
    // Equal values give equal bytes, and the codec writes every member.
    Buffer again;
    encode_input(decoded->input, facts, again);
    EXPECT_EQ(again, payload) << to_string(kind);
    EXPECT_EQ(input_kind(to_string(kind)), kind);
  }
  const Result<DecodedInput> nothing = decode_input(InputKind::kFrame, {});
  EXPECT_FALSE(nothing.ok());
}

TEST(InputCodecTest, FramesKeepTheirFacts) {
  Buffer payload;
  encode_input(samples()[2], {}, payload);
  const Result<DecodedInput> decoded = decode_input(InputKind::kFrame, payload);
  ASSERT_TRUE(decoded.ok());
  const auto& frame = std::get<RxFrame>(decoded->input);
  EXPECT_EQ(frame.channel, ChannelMhz{5805});
  EXPECT_EQ(frame.rate.mcs, 7);
  EXPECT_TRUE(frame.rate.ldpc);
  EXPECT_EQ(frame.readings[1].signal_dbm, -40);
  EXPECT_TRUE(frame.bad_fcs);
  EXPECT_EQ(as_text(frame.frame), "frame");
}

TEST(InputCodecTest, TruncatedAndDamagedRecordsAreErrorsOrValuesButNeverMore) {
  RandomStream random(3, "input_log_test");
  for (const Input& input : samples()) {
    Buffer payload;
    const std::vector<std::uint64_t> words = {5};
    encode_input(input, {{}, {}, 0, words}, payload);
    // The fixed part: up to the variable bytes at the end, nothing may be missing.
    for (std::size_t size = 0; size < 36; ++size) {
      EXPECT_FALSE(decode_input(kind_of(input), Bytes(payload).first(size)).ok());
    }
    for (int i = 0; i < 2000; ++i) {
      Buffer damaged = payload;
      damaged[random.below(damaged.size())] = static_cast<std::byte>(random.below(256));
      const Result<DecodedInput> decoded = decode_input(kind_of(input), damaged);
      EXPECT_TRUE(decoded.ok() || !decoded.error().empty());
    }
  }
  Buffer long_start;
  encode_input(StartInput{}, {}, long_start);
  long_start.push_back(std::byte{0});
  EXPECT_FALSE(decode_input(InputKind::kStart, long_start).ok());
}

TEST(InputCodecTest, ACountOfRandomWordsBeyondTheRecordIsRefusedBeforeItIsBelieved) {
  Buffer payload;
  encode_input(StartInput{}, {}, payload);
  for (std::size_t i = payload.size() - 4; i < payload.size(); ++i) payload[i] = std::byte{0xff};
  const Result<DecodedInput> decoded = decode_input(InputKind::kStart, payload);
  ASSERT_FALSE(decoded.ok());
  EXPECT_THAT(decoded.error(), HasSubstr("cut short"));
}

TEST(InputReplayTest, DamagedLogsAreErrorsThatNameTheRecord) {
  const auto factory = [] {
    return std::make_unique<testing::ScriptedProtocol>(testing::Script{}, *[] {
      static testing::ContractWatch watch;
      return &watch;
    }());
  };
  Buffer start;
  encode_input(StartInput{}, {}, start);
  const std::vector<StoredInput> unknown = {{7, time_from_ns(1), "tea", start}};
  const auto first = replay_input_log(NodeId{0}, unknown, factory);
  ASSERT_FALSE(first.ok());
  EXPECT_THAT(first.error(), HasSubstr("record 7 of the input log"));
  EXPECT_THAT(first.error(), HasSubstr("unknown kind 'tea'"));
  const std::vector<StoredInput> headless = {{0, {}, "stop", start}};
  const auto second = replay_input_log(NodeId{0}, headless, factory);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error(), HasSubstr("before the node's start"));
  const std::vector<StoredInput> cut = {{0, {}, "start", {}}};
  EXPECT_FALSE(replay_input_log(NodeId{0}, cut, factory).ok());
  const auto none = replay_input_log(NodeId{0}, {}, factory);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->handlers, 0U);
}

}  // namespace
}  // namespace twinbed::backends
