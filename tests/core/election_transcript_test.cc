// Readable transcripts of the election policy `original`: for every input the requests and records
// it causes. They lie in tests/testdata/election/*.txt; after a wanted change run the tests with
// TWINBED_REWRITE=1 and review the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "tests/support/election_cluster.h"

namespace twinbed {
namespace {

using election::Message;
using testing::FakeContext;

constexpr Time at(std::int64_t ms) { return Time{std::chrono::milliseconds(ms)}; }

/// Node `id` of three in a world that the test plays; everything it does is written down.
class Transcript {
 public:
  explicit Transcript(election::PeerId id)
      : node_({id, testing::test_peers(3), election::timings_of(election::Profile::kF988f94),
               "images/"},
              testing::test_cipher()) {}

  void start() {
    step("start", [&](Context& c) { node_.on_start(c); });
  }
  void accept(std::uint32_t number, std::string_view from) {
    peers_[number] = std::string(from);
    step("accept from " + std::string(from),
         event(StreamEventKind::kAccepted, accepted(number), {}));
  }
  void receive(std::uint32_t number, const Message& message) {
    // Drawn from a stream of its own, so that the node's draws stay its own.
    const Buffer frame = election::seal_frame(message, testing::test_cipher(), random_);
    step("receive from " + peers_[number] + ": " + shortened(election::encode_json(message)),
         event(StreamEventKind::kData, accepted(number), frame));
  }
  void connected(election::PeerId id) {
    step("connected to node " + std::to_string(id),
         event(StreamEventKind::kOpened, outgoing(id), {}));
  }
  void refused(election::PeerId id) {
    step("refused by node " + std::to_string(id),
         event(StreamEventKind::kFailed, outgoing(id), {}));
  }
  /// Fires every timer that is due up to a time.
  void advance_to(Time time) {
    while (fake_.next_timer().second <= time) {
      const TimerId id = fake_.next_timer().first;
      fake_.now = fake_.next_timer().second;
      fake_.clear();
      fake_.fire(node_, id);
      if (only_waits(id)) {
        ++quiet_polls_;
      } else {
        write_step("timer " + name(id));
      }
    }
    fake_.now = time;
  }

  const std::string& text() const { return text_; }

 private:
  static StreamId accepted(std::uint32_t number) { return StreamId{kFirstAcceptedStream + number}; }
  StreamId outgoing(election::PeerId id) const {
    std::uint32_t stream = 0;
    while (destination(stream).id != id) ++stream;
    return StreamId{stream};
  }
  /// The peers without this node, in order: the streams of Outgoing.
  election::Peer destination(std::uint32_t stream) const {
    std::vector<election::Peer> others;
    for (const election::Peer& peer : testing::test_peers(3)) {
      if (peer.id != self()) others.push_back(peer);
    }
    return others.at(stream);
  }
  election::PeerId self() const { return listen_port_ - 7000u; }

  std::function<void(Context&)> event(StreamEventKind kind, StreamId stream, Bytes data) {
    const Endpoint client = *parse_endpoint("10.0.0.100:40001");
    return [this, kind, stream, data, client](Context& c) {
      node_.on_stream(c, {kind, stream, ListenerId{1}, client, StreamFailure::kRefused, data});
    };
  }
  template <class Handler>
  void step(const std::string& input, Handler&& handler) {
    fake_.clear();
    fake_.run(handler);
    write_step(input);
  }

  /// Whether a timer has done nothing but set itself again: such polls are counted, not written.
  bool only_waits(TimerId id) {
    const Request* set = fake_.only(RequestKind::kTimerSet);
    return set != nullptr && TimerId{set->id} == id && fake_.requests.requests().size() == 1 &&
           fake_.recorder.events.empty();
  }
  void write_step(const std::string& input) {
    if (quiet_polls_ > 0) text_ += "  (" + std::to_string(quiet_polls_) + " polls find nothing)\n";
    quiet_polls_ = 0;
    text_ += format_time(fake_.now) + "  " + input + "\n";
    for (const auto& event : fake_.recorder.events) text_ += "    " + describe(event) + "\n";
    for (const Request& request : fake_.requests.requests()) {
      text_ += "    " + describe(request) + "\n";
    }
  }
  static std::string describe(const testing::RecordedEvent& event) {
    if (event.type == "log") return "log " + event.text("line");
    std::string line = "record " + event.type;
    for (const auto& [key, value] : event.fields) {
      line += " " + key + "=";
      if (const auto* text = std::get_if<std::string>(&value)) line += *text;
      if (const auto* number = std::get_if<std::int64_t>(&value)) line += std::to_string(*number);
    }
    return line;
  }
  std::string describe(const Request& request) {
    const Bytes data = fake_.requests.data(request);
    switch (request.kind) {
      case RequestKind::kTimerSet:
        return "set timer " + name(TimerId{request.id}) + " to " +
               format_time(time_from_ns(request.number));
      case RequestKind::kTimerCancel: return "cancel timer " + name(TimerId{request.id});
      case RequestKind::kListen:
        listen_port_ = request.endpoint.port;
        return "listen on " + to_string(request.endpoint);
      case RequestKind::kOpen: return "connect to " + to_string(request.endpoint);
      case RequestKind::kCloseStream: return "close stream " + std::to_string(request.id);
      case RequestKind::kStreamWrite:
        return "send to node " + std::to_string(destination(request.id).id) + ": " +
               testing::frame_text(data, testing::test_cipher());
      case RequestKind::kFileWrite:
        return "write " + std::to_string(data.size()) + " bytes to " +
               std::string(fake_.requests.name(request));
      default: return "another request";
    }
  }
  static std::string name(TimerId id) {
    static const std::vector<std::string> kNames = {"?",    "start delay",  "monitor poll",
                                                    "connect limit", "main's election",
                                                    "monitor's election", "receive's election"};
    const auto number = static_cast<std::uint32_t>(id);
    return number < kNames.size() ? kNames[number] : "heartbeat " + std::to_string(number - 16);
  }
  static std::string shortened(const std::string& text) {
    return text.size() <= 100 ? text : text.substr(0, 97) + "...";
  }

  FakeContext fake_;
  RandomStream random_{2, "transcript"};
  election::OriginalNode node_;
  std::map<std::uint32_t, std::string> peers_;
  std::uint32_t listen_port_ = 0;
  std::size_t quiet_polls_ = 0;
  std::string text_;
};

/// Compares with the file of this name, or writes it where TWINBED_REWRITE is set.
void expect_transcript(const std::string& name, const std::string& text) {
  const std::string path = TWINBED_SOURCE_DIR "/tests/testdata/election/" + name + ".txt";
  if (std::getenv("TWINBED_REWRITE") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ostringstream expected;
  expected << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, expected.str()) << "if this is wanted, run again with TWINBED_REWRITE=1";
}

TEST(ElectionTranscript, StartOfTheHighestNode) {
  Transcript t(3);
  t.start();
  t.advance_to(at(800));
  t.connected(1);
  t.refused(2);
  t.advance_to(at(2'800));
  expect_transcript("start_highest", t.text());
}

TEST(ElectionTranscript, Node2IsBlockedByAnElectionFromBelow) {
  Transcript t(2);
  t.start();
  t.advance_to(at(600));
  t.accept(0, "node 1");
  t.receive(0, election::Election{1});
  t.connected(1);
  t.connected(3);
  t.accept(1, "node 3");
  t.receive(1, election::Ok{3});
  t.receive(1, election::Coordinator{3});
  t.receive(1, election::Heartbeat{3});
  t.advance_to(at(5'700));
  expect_transcript("blocked_node_2", t.text());
}

TEST(ElectionTranscript, AStaleLeaderIsReplaced) {
  Transcript t(2);
  t.start();
  t.accept(0, "node 3");
  t.receive(0, election::Coordinator{3});
  t.advance_to(at(700));
  t.refused(3);
  t.receive(0, election::Ok{3});
  t.receive(0, election::Heartbeat{3});
  t.advance_to(at(11'100));
  t.refused(3);
  t.advance_to(at(16'100));
  t.connected(1);
  t.refused(3);
  t.advance_to(at(17'100));
  expect_transcript("stale_leader", t.text());
}

TEST(ElectionTranscript, AnImageReachesTheLeader) {
  Transcript t(3);
  t.start();
  t.advance_to(at(800));
  t.connected(1);
  t.connected(2);
  t.accept(0, "client");
  t.receive(0, election::Hello{0});
  t.receive(0, election::QueryLeader{});
  Buffer png;
  ASSERT_TRUE(from_hex("89504e470d0a1a0a00", png));
  t.receive(0, election::EncryptRequest{0, "3f2a1b4c5d6e7f8a", "user", png, {}});
  expect_transcript("image_upload", t.text());
}

TEST(ElectionTranscript, ALeaderStepsDownForALowerNode) {
  Transcript t(3);
  t.start();
  t.advance_to(at(800));
  t.connected(1);
  t.connected(2);
  t.accept(0, "node 1");
  t.receive(0, election::Election{1});
  t.receive(0, election::Coordinator{2});
  t.advance_to(at(2'000));
  expect_transcript("step_down", t.text());
}

}  // namespace
}  // namespace twinbed
