// What WFB-NG's receiver does with packets in any order, lost, twice, late, foreign: recorded from
// wfb_rx, input by input; and codes over many losses.
#include <gmock/gmock.h>

#include <charconv>
#include <map>

#include "core/base/random_stream.h"
#include "core/protocols/wfb/decoder.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using nlohmann::json;
using testing::CountingRandom;
using testing::SentPackets;
using testing::texts_of;
using ::testing::ElementsAre;

/// Keeps what a decoder gives out.
struct Received final : DecoderOwner {
  void on_payload(Bytes payload) override { payloads.emplace_back(as_text(payload)); }
  void on_session(const Session& session) override {
    sessions.push_back(std::to_string(session.epoch) + ":" + std::to_string(session.fec_type) +
                       ":" + std::to_string(session.fec.k) + ":" + std::to_string(session.fec.n));
  }

  std::vector<std::string> payloads;
  std::vector<std::string> sessions;
};

/// A sender whose packets can be asked for by name: "S", and "b7f2" for fragment 2 of block 7 with
/// the payload "7.2".
class NamedPackets {
 public:
  NamedPackets(FecParams fec, std::uint64_t epoch, const KeyFile& keys,
               ChannelId channel = ChannelId::of(7669206, 0))
      : encoder_({keys, channel, epoch, fec, std::chrono::hours(1)}, random_, sent_), fec_(fec) {}

  Bytes operator[](const std::string& name) {
    if (name == "S" && sent_.packets.empty()) make_block();
    if (name == "S") return sent_.packets.front();
    std::size_t block = 0;
    std::size_t fragment = 0;
    const auto end = std::from_chars(name.data() + 1, name.data() + name.size(), block);
    std::from_chars(end.ptr + 1, name.data() + name.size(), fragment);
    while (made_ <= block) make_block();
    return sent_.packets[1 + block * fec_.n + fragment];
  }

 private:
  void make_block() {
    for (int fragment = 0; fragment < fec_.k; ++fragment) {
      const std::string payload = std::to_string(made_) + "." + std::to_string(fragment);
      encoder_.send(Time{}, as_bytes(payload), random_);
    }
    ++made_;
  }

  CountingRandom random_;
  SentPackets sent_;
  Encoder encoder_;
  FecParams fec_;
  std::size_t made_ = 0;
};

struct Link {
  LinkKeys keys = testing::wfb_link_keys();
  ChannelId channel = ChannelId::of(7669206, 0);
};

// ---- As recorded -----------------------------------------------------------------------------

class RecordedReceiver : public ::testing::TestWithParam<const char*> {};

TEST_P(RecordedReceiver, GivesOutTheSamePayloadsAtTheSameInputs) {
  const json recorded = testing::wfb_vectors("rx_behaviour.json")[GetParam()];
  const Link link;
  NamedPackets packets({4, 6}, 0, link.keys.drone);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  std::vector<std::pair<std::string, std::vector<std::string>>> steps;
  for (const std::string& input : texts_of(recorded["inputs"])) {
    decoder.receive(packets[input]);
    if (!received.payloads.empty()) steps.emplace_back(input, std::move(received.payloads));
    received.payloads.clear();
  }
  EXPECT_EQ(json(steps), recorded["steps"]);
  EXPECT_EQ(received.sessions, texts_of(recorded["sessions"]));
  const json& stats = recorded["stats"];
  const DecoderCounters counters = decoder.counters();
  EXPECT_EQ(counters.undecryptable, stats["dec_err"]);
  EXPECT_EQ(counters.session, stats["session"]);
  EXPECT_EQ(counters.data, stats["data"]);
  EXPECT_EQ(counters.recovered, stats["fec_rec"]);
  EXPECT_EQ(counters.lost, stats["lost"]);
  EXPECT_EQ(counters.bad, stats["bad"]);
  EXPECT_EQ(counters.out, stats["out"]);
  EXPECT_EQ(counters.out_bytes, stats["out_bytes"]);
}

INSTANTIATE_TEST_SUITE_P(Recordings, RecordedReceiver,
                         ::testing::Values("01_in_order", "03_undecodable_block_then_next",
                                           "05_reverse_order_in_block", "07_jump_0_to_100",
                                           "14_first_block_partly_lost", "18_replay_whole_block"),
                         [](const auto& recording) { return std::string(recording.param); });

// The other recordings are of a session, of parameters or of bytes that differ.

TEST(Receiver, RefusesASessionOfAnOlderEpoch) {  // 09_epoch_too_old
  const Link link;
  NamedPackets packets({4, 6}, 5, link.keys.drone);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 6}, received);
  decoder.receive(packets["S"]);
  EXPECT_EQ(decoder.counters().undecryptable, 1u);
  EXPECT_EQ(decoder.counters().session, 0u);
  EXPECT_FALSE(decoder.session());
}

TEST(Receiver, RefusesASessionOfAnotherChannel) {  // 11_channel_mismatch
  const Link link;
  NamedPackets packets({4, 6}, 0, link.keys.drone, ChannelId::of(7669206, 1));
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  decoder.receive(packets["S"]);
  EXPECT_EQ(decoder.counters().undecryptable, 1u);
  EXPECT_TRUE(received.sessions.empty());
}

TEST(Receiver, TakesASessionOfItsOwnKeyForThePeers) {  // 12b_own_key_reflection_accepted
  const Link link;
  NamedPackets packets({4, 6}, 0, link.keys.ground);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  decoder.receive(packets["S"]);
  EXPECT_THAT(received.sessions, ElementsAre("0:1:4:6"));
}

TEST(Receiver, CountsGarbage) {  // 20_garbage
  const Link link;
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  decoder.receive(testing::bytes_of("09"));
  decoder.receive({});
  decoder.receive(Buffer(27, std::byte{1}));
  decoder.receive(Buffer(87, std::byte{2}));
  EXPECT_EQ(decoder.counters().bad, 3u) << "an empty packet is not counted";
}

// ---- From the description of wfb_rx ----------------------------------------------------------

TEST(Receiver, DropsWhatIsPendingWhenASessionTakesOver) {
  const Link link;
  NamedPackets first({4, 6}, 0, link.keys.drone);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  for (const char* name : {"S", "b0f1", "b0f2", "b0f3"}) decoder.receive(first[name]);
  CountingRandom random;
  random.next();
  SentPackets sent;
  Encoder second({link.keys.drone, link.channel, 0, {1, 2}, std::chrono::hours(1)}, random, sent);
  second.send(Time{}, as_bytes("x"), random);
  for (const Buffer& packet : sent.packets) decoder.receive(packet);
  EXPECT_THAT(received.payloads, ElementsAre("x"));
  EXPECT_THAT(received.sessions, ElementsAre("0:1:4:6", "0:1:1:2"));
  decoder.receive(first["b0f4"]);
  EXPECT_EQ(decoder.counters().undecryptable, 1u);
}

TEST(Receiver, GivesUpTheOldestBlockWhenFortyOneAreOpen) {
  const Link link;
  NamedPackets packets({4, 6}, 0, link.keys.drone);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  decoder.receive(packets["S"]);
  for (int block = 0; block < 45; ++block) {
    for (int fragment = 0; fragment < 3; ++fragment) {
      received.payloads.clear();
      decoder.receive(packets["b" + std::to_string(block) + "f" + std::to_string(fragment)]);
      if (block == 41 && fragment == 0) {
        EXPECT_THAT(received.payloads, ElementsAre("1.0", "1.1", "1.2"));
      }
    }
  }
  EXPECT_EQ(decoder.counters().overrides, 5u);
  EXPECT_EQ(decoder.counters().lost, 4u);
}

TEST(Receiver, LetsTheTagsOfASessionPass) {
  const Link link;
  Buffer plain;
  write_session({0, link.channel, kFecReedSolomon, {2, 3}, SecretKey{}}, plain);
  Buffer with_tags = plain;
  for (const char* hex : {"01", "0002", "abcd"}) {
    const Buffer more = testing::bytes_of(hex);
    with_tags.insert(with_tags.end(), more.begin(), more.end());
  }
  const auto session = read_session(with_tags);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->fec, (FecParams{2, 3}));
  EXPECT_FALSE(read_session(Bytes(plain).first(plain.size() - 1)));
}

// Every byte of every packet matters, and none brings the receiver down.
TEST(Receiver, OpensNothingThatWasChanged) {
  const Link link;
  NamedPackets packets({2, 3}, 0, link.keys.drone);
  Received received;
  Decoder decoder({link.keys.ground, link.channel, 0}, received);
  const Buffer session = to_buffer(packets["S"]);
  for (std::size_t i = 1; i < session.size(); ++i) {
    Buffer changed = session;
    changed[i] ^= std::byte{1};
    decoder.receive(changed);
  }
  EXPECT_EQ(decoder.counters().undecryptable, session.size() - 1);
  decoder.receive(session);
  const Buffer data = to_buffer(packets["b0f0"]);
  for (std::size_t i = 1; i < data.size(); ++i) {
    Buffer changed = data;
    changed[i] ^= std::byte{0x80};
    EXPECT_FALSE(decoder.receive(changed));
  }
  EXPECT_TRUE(received.payloads.empty());
  EXPECT_TRUE(decoder.receive(data));
  EXPECT_THAT(received.payloads, ElementsAre("0.0"));
}

// ---- The code over losses --------------------------------------------------------------------

struct CodeSize {
  int k;
  int n;
};

class Code : public ::testing::TestWithParam<CodeSize> {};

TEST_P(Code, GivesTheDataBackFromAnyKOfNFragments) {
  const auto [k, n] = GetParam();
  ReedSolomon code(k, n);
  RandomStream random(1, "code", static_cast<std::uint64_t>(k * 256 + n));
  for (int trial = 0; trial < 50; ++trial) {
    const std::size_t length = 1 + random.below(300);
    std::vector<Buffer> fragments(static_cast<std::size_t>(n), Buffer(length));
    std::vector<std::byte*> places;
    for (Buffer& fragment : fragments) places.push_back(fragment.data());
    for (int i = 0; i < k; ++i) random.fill(fragments[static_cast<std::size_t>(i)]);
    code.encode(places, length);
    const std::vector<Buffer> sent = fragments;
    std::vector<std::size_t> order(fragments.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    shuffle(std::span(order), random);
    std::vector<bool> is_there(fragments.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      is_there[order[i]] = i < static_cast<std::size_t>(k);
      if (!is_there[order[i]]) random.fill(fragments[order[i]]);
    }
    code.recover(places, is_there, length);
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
      ASSERT_EQ(fragments[i], sent[i]) << "fragment " << i << " of " << length << " bytes";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Code,
                         ::testing::Values(CodeSize{1, 1}, CodeSize{1, 2}, CodeSize{2, 3},
                                           CodeSize{8, 12}, CodeSize{16, 24}, CodeSize{100, 255},
                                           CodeSize{254, 255}, CodeSize{255, 255},
                                           CodeSize{1, 255}),
                         [](const auto& size) {
                           return std::to_string(size.param.k) + "of" +
                                  std::to_string(size.param.n);
                         });

}  // namespace
}  // namespace twinbed::wfb
