// The client of the policy `original`, the connections it shares with the servers, and the
// deployment guide's Tests 1 and 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/hash.h"
#include "core/protocols/election/image.h"
#include "tests/support/election_cluster.h"

namespace twinbed {
namespace {

using election::Profile;
using election::SendOutcome;
using election::SendStage;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ElectionCluster;
using testing::FakeContext;

constexpr Time at(std::int64_t ms) { return Time{std::chrono::milliseconds(ms)}; }

// ---- Outgoing ----

/// A queue to peers 1 to 3 in a world that the test plays.
struct Sender {
  FakeContext fake;
  election::Outgoing outgoing{testing::test_peers(3), seconds(5), TimerId{9}};

  void send(election::PeerId to, std::uint64_t number) {
    fake.run([&](Context& c) { outgoing.send(c, to, Buffer(number), number); });
  }
  void tell(StreamEventKind kind, std::uint32_t stream,
            StreamFailure failure = StreamFailure::kNone) {
    fake.run([&](Context& c) {
      EXPECT_TRUE(outgoing.on_stream(c, {kind, StreamId{stream}, {}, {}, failure, {}}));
    });
  }
  void time_out() {
    fake.now += seconds(5);
    fake.run([&](Context& c) { outgoing.on_timer(c); });
  }
  /// "2:written", "3:lost refused", ... of everything that became known.
  std::vector<std::string> outcomes() {
    std::vector<std::string> lines;
    for (const SendOutcome& outcome : outgoing.take_outcomes()) {
      std::string line = std::to_string(outcome.number) + ":";
      line += outcome.stage == SendStage::kWritten   ? "written"
              : outcome.stage == SendStage::kDrained ? "drained"
                                                     : "lost ";
      if (outcome.stage == SendStage::kLost) line += to_string(outcome.failure);
      lines.push_back(line);
    }
    return lines;
  }
};

TEST(Outgoing, OneDeadPeerHoldsUpEveryOther) {
  Sender sender;
  sender.send(1, 1);
  sender.tell(StreamEventKind::kOpened, 0);
  sender.tell(StreamEventKind::kDrained, 0);
  sender.send(3, 2);  // dead
  sender.send(1, 3);  // its connection is open, and it waits all the same
  EXPECT_THAT(sender.outcomes(), ElementsAre("1:written", "1:drained"));
  EXPECT_EQ(sender.outgoing.waiting(), 2u);
  sender.time_out();
  EXPECT_THAT(sender.outcomes(), ElementsAre("2:lost timed out", "3:written"));
  EXPECT_EQ(sender.fake.count(RequestKind::kCloseStream), 1u);
}

TEST(Outgoing, LosesTheMessageWhoseConnectionIsRefusedAndTriesAgainWithTheNext) {
  Sender sender;
  sender.send(2, 1);
  sender.send(2, 2);
  sender.tell(StreamEventKind::kFailed, 1, StreamFailure::kRefused);
  EXPECT_THAT(sender.outcomes(), ElementsAre("1:lost refused"));
  EXPECT_EQ(sender.fake.count(RequestKind::kOpen), 2u);
  sender.tell(StreamEventKind::kOpened, 1);
  EXPECT_THAT(sender.outcomes(), ElementsAre("2:written"));
}

TEST(Outgoing, NoticesAResetByTheNextWriteOnly) {
  Sender sender;
  sender.send(1, 1);
  sender.tell(StreamEventKind::kOpened, 0);
  sender.tell(StreamEventKind::kReset, 0);
  EXPECT_THAT(sender.outcomes(), ElementsAre("1:written", "1:lost none"));
  sender.send(1, 2);
  EXPECT_THAT(sender.outcomes(), ElementsAre("2:lost none"));
  sender.send(1, 3);
  EXPECT_EQ(sender.fake.count(RequestKind::kOpen), 2u);
  sender.tell(StreamEventKind::kOpened, 0);
  EXPECT_THAT(sender.outcomes(), ElementsAre("3:written"));
}

TEST(Outgoing, AfterAnOrderlyEndTheFirstMessageSeemsSent) {
  Sender sender;
  sender.send(1, 1);
  sender.tell(StreamEventKind::kOpened, 0);
  sender.tell(StreamEventKind::kDrained, 0);
  sender.tell(StreamEventKind::kClosed, 0);
  sender.outcomes();
  sender.send(1, 2);
  EXPECT_THAT(sender.outcomes(), ElementsAre("2:written", "2:drained"));
  EXPECT_EQ(sender.fake.count(RequestKind::kStreamWrite), 1u) << "and yet it went nowhere";
  sender.send(1, 3);
  EXPECT_THAT(sender.outcomes(), ElementsAre("3:lost none"));
}

TEST(Outgoing, KnowsNoOtherPeers) {
  Sender sender;
  sender.fake.run([&](Context& c) { EXPECT_FALSE(sender.outgoing.send(c, 0, Buffer(1), 1)); });
  EXPECT_TRUE(sender.outcomes().empty());
}

// ---- the client among servers ----

/// Three servers that have settled on node 3, and a client with one image.
struct Installation : ElectionCluster {
  Installation() : ElectionCluster(3, Profile::kF988f94) {
    start_all();
    network.run_until(at(20'000));
    image = to_buffer("\xff\xd8\xff an image");
    network.node(client_index).files["test-image.jpg"] = image;
    start_client();
    network.run_for(seconds(1));
  }
  /// Kills node 3; the end of its connections has reached everybody when this returns.
  void kill_leader() {
    network.kill(2);
    network.run_for(std::chrono::milliseconds(10));
  }
  void type(std::string_view line) { network.command(client_index, line); }
  std::string last_line() {
    return client_records().lines.empty() ? "" : client_records().lines.back();
  }
  std::string type_and_wait(std::string_view line) {
    type(line);
    network.run_for(seconds(1));
    return last_line();
  }
  std::size_t stored(std::uint32_t id) { return network.node(id - 1).files.size(); }

  Buffer image;
};

// Test 1 of the deployment guide. Measured: images are stored, SUCCESS never appears.
TEST(OriginalClient, SendsAnImageThatTheLeaderStoresAndNobodyConfirms) {
  Installation run;
  EXPECT_EQ(run.type_and_wait("status"), "[Client] Current leader: Node 3");
  const std::string sent = run.type_and_wait("send-image test-image.jpg");
  const auto submitted = run.client_records().of(kSubmitEvent);
  ASSERT_EQ(submitted.size(), 1u);
  const std::string id = submitted[0].text("id");
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(sent, "[Client] ✓ Sent image " + id + " to leader (node 3) — " +
                      std::to_string(run.image.size()) + " bytes");
  ASSERT_EQ(run.stored(3), 1u);
  const auto& [name, bytes] = *run.network.node(2).files.begin();
  EXPECT_TRUE(name.starts_with("images/" + id + "_10.0.0.100_")) << name;
  EXPECT_TRUE(name.ends_with(".jpg")) << name;
  EXPECT_EQ(bytes, run.image);
  const auto stored = run.records(3).of(kStoreEvent);
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].text("hash"), submitted[0].text("hash"));
  run.network.run_for(seconds(60));
  EXPECT_EQ(run.client_records().lines_with("SUCCESS"), 0u);
  EXPECT_TRUE(run.client_records().of(kAckEvent).empty());
}

// Test 2. Measured: an image sent right after the kill is reported "Sent" and lost; the next
// discover finds node 2; 5 reported, 4 stored.
TEST(OriginalClient, LosesTheImageThatFollowsTheLeadersDeath) {
  Installation run;
  run.type_and_wait("send-image test-image.jpg");
  run.kill_leader();
  EXPECT_THAT(run.type_and_wait("send-image test-image.jpg"), HasSubstr("✓ Sent image"));
  run.network.run_for(seconds(16));
  EXPECT_EQ(run.type_and_wait("discover"), "[Client] Current leader: Node 2");
  EXPECT_EQ(run.client_records().of(kDiscoveredEvent).back().number("leader"), 2);
  for (int i = 0; i < 3; ++i) run.type_and_wait("send-image test-image.jpg");
  EXPECT_EQ(run.client_records().lines_with("✓ Sent image"), 5u);
  EXPECT_EQ(run.client_records().of(kSubmitEvent).size(), 5u);
  EXPECT_EQ(run.stored(3) + run.stored(2) + run.stored(1), 4u);
  EXPECT_EQ(run.stored(2), 3u);
}

TEST(OriginalClient, TakesTheHighestServerThatCanBeReachedLeaderOrNot) {
  Installation run;
  run.network.kill(1);
  run.network.kill(2);
  run.type_and_wait("discover");  // These Hellos vanish into connections that have just ended,
  run.type_and_wait("discover");  // these find them broken,
  EXPECT_EQ(run.type_and_wait("discover"), "[Client] Current leader: Node 1");
  run.network.kill(0);
  run.type_and_wait("discover");
  run.type_and_wait("discover");
  EXPECT_THAT(run.type_and_wait("discover"), HasSubstr("No leader known"));
  EXPECT_EQ(run.client_records().of(kDiscoveredEvent).back().number("leader"), -1);
  EXPECT_THAT(run.type_and_wait("send-image test-image.jpg"), HasSubstr("No leader known"));
  EXPECT_TRUE(run.client_records().of(kSubmitEvent).empty());
}

TEST(OriginalClient, SaysWhyAnImageCouldNotBeSent) {
  Installation run;
  run.kill_leader();
  run.type_and_wait("send-image test-image.jpg");
  EXPECT_THAT(run.type_and_wait("send-image test-image.jpg"), HasSubstr("the connection broke"));
  EXPECT_THAT(run.type_and_wait("send-image test-image.jpg"),
              HasSubstr("not sent: node 3 at 10.0.0.3:7003: refused"));
  EXPECT_EQ(run.type_and_wait("send-image no/such file"),
            "[Client] ✗ Cannot read no/such file: not found");
}

TEST(OriginalClient, AnswersEveryCommand) {
  Installation run;
  EXPECT_THAT(run.type_and_wait("help"), HasSubstr("send-image PATH"));
  EXPECT_THAT(run.type_and_wait("  frobnicate now "), HasSubstr("unknown command 'frobnicate'"));
  EXPECT_THAT(run.type_and_wait("send-image"), HasSubstr("needs the path"));
  const std::size_t lines = run.client_records().lines.size();
  run.type_and_wait("  ");
  EXPECT_EQ(run.client_records().lines.size(), lines);
}

/// A client by itself that has sent one image; the test plays the servers.
struct LoneClient {
  LoneClient() {
    election::ClientOptions options;
    options.peers = {testing::test_peers(1)};
    client = std::make_unique<election::Client>(options, testing::test_cipher());
    fake.run([&](Context& c) { client->on_start(c); });
    tell({StreamEventKind::kOpened, StreamId{0}, {}, {}, {}, {}});
    fake.advance_to(*client, at(1'000));
    fake.run([&](Context& c) { client->on_command(c, as_bytes("send-image a")); });
    const StorageToken token{fake.only(RequestKind::kRead)->token};
    const Buffer image(100);
    fake.run([&](Context& c) { client->on_storage(c, {token, StorageStatus::kOk, image}); });
    id = fake.recorder.of(kSubmitEvent).at(0).text("id");
    tell({StreamEventKind::kAccepted, StreamId{kFirstAcceptedStream}, ListenerId{1}, {}, {}, {}});
  }
  void tell(const StreamEvent& event) {
    fake.run([&](Context& c) { client->on_stream(c, event); });
  }
  void reply(const election::EncryptReply& reply) {
    const Buffer frame = election::seal_frame(reply, testing::test_cipher(), fake.random);
    tell({StreamEventKind::kData, StreamId{kFirstAcceptedStream}, {}, {}, {}, frame});
  }

  FakeContext fake;
  std::unique_ptr<election::Client> client;
  std::string id;
};

TEST(OriginalClient, PrintsSentOnlyWhenTheNetworkStackHasTheImage) {
  LoneClient lone;
  EXPECT_EQ(lone.fake.recorder.lines_with("Sent image"), 0u);
  lone.tell({StreamEventKind::kDrained, StreamId{0}, {}, {}, {}, {}});
  EXPECT_EQ(lone.fake.recorder.lines_with("✓ Sent image " + lone.id + " to leader (node 1)"), 1u);
}

TEST(OriginalClient, PrintsSuccessOnceIfAReplyEverComes) {
  LoneClient lone;
  lone.reply({"somebody else's", true, {}, {}, {}, {}});
  EXPECT_TRUE(lone.fake.recorder.of(kAckEvent).empty());
  lone.reply({lone.id, true, {}, {}, {}, {}});
  lone.reply({lone.id, true, {}, {}, {}, {}});
  EXPECT_EQ(lone.fake.recorder.lines.back(),
            "[Client] ✓ SUCCESS: Image " + lone.id + " was accepted by the server");
  const auto acks = lone.fake.recorder.of(kAckEvent);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].text("id"), lone.id);
}

TEST(OriginalClient, PrintsARefusalWithItsReason) {
  LoneClient lone;
  lone.reply({lone.id, false, {}, "disk full", {}, {}});
  EXPECT_THAT(lone.fake.recorder.lines.back(), HasSubstr("was refused: disk full"));
  EXPECT_TRUE(lone.fake.recorder.of(kAckEvent).empty());
}

// What a program that gives commands waits for: the answer to its own one.
TEST(OriginalClient, KnowsWhichCommandsAreUnderWay) {
  LoneClient lone;
  const election::Client& client = *lone.client;
  const auto type = [&](std::string_view line) {
    lone.fake.run([&](Context& c) { lone.client->on_command(c, as_bytes(line)); });
  };
  EXPECT_TRUE(client.busy());
  EXPECT_TRUE(client.busy_with(1)) << "the image is not yet written";
  EXPECT_TRUE(client.busy_with(2)) << "it has not been given";
  type("status");
  EXPECT_FALSE(client.busy_with(2)) << "it does not wait for the image";
  lone.tell({StreamEventKind::kDrained, StreamId{0}, {}, {}, {}, {}});
  EXPECT_FALSE(client.busy()) << "the server's reply, which may never come, is not waited for";

  type("discover");
  type("discover");
  EXPECT_TRUE(client.busy_with(3));
  EXPECT_TRUE(client.busy_with(4));
  lone.fake.advance_to(*lone.client, at(10'000));
  EXPECT_FALSE(client.busy()) << "one discover answers both";
  EXPECT_EQ(lone.fake.recorder.of(kDiscoverEvent).size(), 2U);
  EXPECT_EQ(lone.fake.recorder.of(kDiscoveredEvent).size(), 1U);

  lone.fake.clear();
  type("send-image b");
  EXPECT_TRUE(client.busy_with(5));
  const StorageToken token{lone.fake.only(RequestKind::kRead)->token};
  lone.fake.run(
      [&](Context& c) { lone.client->on_storage(c, {token, StorageStatus::kNotFound, {}}); });
  EXPECT_FALSE(client.busy());
  for (const std::string_view line : {"send-image", "dance", "", "help"}) {
    type(line);
    EXPECT_FALSE(client.busy()) << line;
  }
  EXPECT_FALSE(client.busy_with(9));
  EXPECT_TRUE(client.busy_with(10));
}

TEST(OriginalClient, IsNotMadeFromUnsoundOptions) {
  EXPECT_FALSE(election::make_client({}, testing::kTestKey, false).ok());
  election::ClientOptions options;
  options.peers = testing::test_peers(3);
  EXPECT_FALSE(election::make_client(options, "abc", false).ok());
  EXPECT_TRUE(election::make_client(options, testing::kTestKey, false).ok());
}

TEST(Image, ExtensionComesFromTheFirstBytes) {
  Buffer png;
  ASSERT_TRUE(from_hex("89504e470d0a1a0a", png));
  EXPECT_EQ(election::image_extension(png), "png");
  EXPECT_EQ(election::image_extension(Bytes(png).first(7)), "bin");
  EXPECT_EQ(election::image_extension(as_bytes("\xff\xd8\xff")), "jpg");
  EXPECT_EQ(election::image_extension({}), "bin");
}

}  // namespace
}  // namespace twinbed
