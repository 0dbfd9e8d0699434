// Packets as rows of the store, from the simulator and from loopback.
#include "scenarios/run_capture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "backends/event_loop.h"
#include "backends/socket/address_map.h"
#include "backends/sqlite/store_reader.h"
#include "core/wire/ipv4.h"
#include "scenarios/load.h"
#include "scenarios/real_capture.h"
#include "scenarios/run.h"

namespace twinbed::scenarios {
namespace {

/// The last run number that real runs use; with it nothing else on this machine is captured.
constexpr std::uint32_t kRunNumber = 253;

struct Row {
  Time at{};
  NodeId node{};
  std::string direction;
  std::string bytes;

  PacketEnds ends() const { return packet_ends(as_bytes(bytes)).value(); }
};

class RunCaptureTest : public ::testing::Test {
 protected:
  RunCaptureTest() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    auto opened = backends::Store::open(database);
    EXPECT_TRUE(opened) << opened.error();
    store = std::move(*opened);
  }
  ~RunCaptureTest() override { std::filesystem::remove_all(directory); }

  /// Two nodes that exchange datagrams for two seconds; at the end nothing is under way.
  RunSummary run(bool capture, const std::string& setting = "duration=2050 ms") const {
    const auto scenario =
        load_scenario(TWINBED_SOURCE_DIR "/scenarios/pingpong/pingpong.yaml", {setting});
    EXPECT_TRUE(scenario) << scenario.error();
    RunOptions options;
    options.seed = 1;
    options.capture = capture;
    const auto summary = run_simulated(*scenario, options, *store);
    EXPECT_TRUE(summary) << summary.error();
    return *summary;
  }
  std::vector<Row> rows(std::int64_t run_id, std::optional<NodeId> node = std::nullopt) const {
    auto reader = backends::StoreReader::open(database);
    EXPECT_TRUE(reader) << reader.error();
    std::vector<Row> found;
    const auto read = reader->for_each_frame(run_id, [&](const backends::FrameRow& row) {
      if (node && row.node != *node) return;
      found.push_back({row.at, row.node, std::string(row.direction),
                       std::string(as_text(row.bytes))});
    });
    EXPECT_TRUE(read) << read.error();
    return found;
  }

  const std::string directory =
      ::testing::TempDir() + "twinbed_run_capture_" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string database = directory + "/runs.db";
  std::unique_ptr<backends::Store> store;
};

TEST_F(RunCaptureTest, ARunIsTheSameWithAndWithout) {
  const RunSummary plain = run(false);
  const RunSummary captured = run(true);
  EXPECT_EQ(captured.fingerprint, plain.fingerprint);
  EXPECT_EQ(captured.events, plain.events);
  EXPECT_TRUE(rows(plain.run_id).empty());
  EXPECT_FALSE(rows(captured.run_id).empty());
}

TEST_F(RunCaptureTest, EachPacketIsARowAtBothEnds) {
  const RunSummary summary = run(true);
  const std::vector<Row> all = rows(summary.run_id);
  ASSERT_GT(all.size(), 40U);
  std::map<std::pair<NodeId, std::string>, int> counts;
  Time last{};
  for (const Row& row : all) {
    ++counts[{row.node, row.direction}];
    EXPECT_GE(row.at, last);
    last = row.at;
    const bool from_ping = row.ends().from.port == 7000;
    EXPECT_EQ(row.node == NodeId{0}, from_ping == (row.direction == "sent"));
  }
  const int pings = counts[{NodeId{0}, "sent"}];
  EXPECT_EQ(counts.size(), 4U);
  EXPECT_EQ((counts[{NodeId{1}, "received"}]), pings);
  EXPECT_EQ(rows(summary.run_id, NodeId{1}).size(), all.size() / 2);
}

TEST_F(RunCaptureTest, WhatIsLostHasOneRow) {
  const RunSummary summary = run(true, "network.link.loss=100 %");
  for (const Row& row : rows(summary.run_id)) EXPECT_EQ(row.direction, "sent");
}

TEST_F(RunCaptureTest, FilesAreWrittenOrRefused) {
  const RunSummary captured = run(true);
  const RunSummary plain = run(false);
  const std::string path = directory + "/out.pcap";
  const auto write = [&](std::int64_t run_id, std::optional<std::string> node) {
    return write_capture(database, run_id, {node, false}, path);
  };
  EXPECT_EQ(write(plain.run_id, std::nullopt).error(),
            database + "#2 was not captured; run it again with --capture");
  EXPECT_EQ(write(captured.run_id, "pinh").error(),
            "the run has no node 'pinh', did you mean 'ping'?");
  EXPECT_EQ(write_capture(database, captured.run_id, {std::nullopt, true}, path).error(),
            database + "#1 has no radio frames; leave out --radio");
  EXPECT_EQ(write(9, std::nullopt).error(), "the result store " + database + " has no run 9");
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto all = write(captured.run_id, std::nullopt);
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(*all, rows(captured.run_id).size() / 2);
  const std::uintmax_t size = std::filesystem::file_size(path);
  const auto one = write(captured.run_id, "ping");
  ASSERT_TRUE(one) << one.error();
  EXPECT_EQ(*one, rows(captured.run_id, NodeId{0}).size());
  EXPECT_EQ(std::filesystem::file_size(path), size) << "as many packets as were sent in all";
}

/// A UDP socket at the loopback address of a node.
class NodeSocket {
 public:
  explicit NodeSocket(NodeId node) : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(7001);
    address_.sin_addr.s_addr = htonl(backends::loopback_address(kRunNumber, node).value);
    EXPECT_EQ(bind(socket_, generic(), sizeof address_), 0);
  }
  ~NodeSocket() { close(socket_); }
  NodeSocket(const NodeSocket&) = delete;
  NodeSocket& operator=(const NodeSocket&) = delete;

  void send(NodeSocket& to, const std::string& text) const {
    EXPECT_EQ(sendto(socket_, text.data(), text.size(), 0, to.generic(), sizeof to.address_),
              static_cast<ssize_t>(text.size()));
  }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  int socket_;
  sockaddr_in address_{};
};

TEST_F(RunCaptureTest, PacketsOnLoopbackAreRowsOfTheirNodes) {
  if (const auto problem = RealCapture::problem()) GTEST_SKIP() << problem->message;
  backends::RunInfo info;
  info.scenario = "real";
  info.mode = "real";
  info.nodes = {{"a", "", ""}, {"b", "", ""}};
  const auto run_id = store->begin_run(info);
  ASSERT_TRUE(run_id) << run_id.error();
  auto capture = RealCapture::open(kRunNumber, 2, *store);
  ASSERT_TRUE(capture) << capture.error();
  NodeSocket a(NodeId{0});
  NodeSocket b(NodeId{1});
  NodeSocket stranger(NodeId{7});  // none of the run's nodes
  a.send(b, "before the start");
  usleep(1000);
  const std::int64_t start_ns = backends::monotonic_now_ns();
  (*capture)->start(start_ns);
  a.send(b, "to b");
  const Time sent_by{Duration{backends::monotonic_now_ns() - start_ns}};
  b.send(a, "to a");
  stranger.send(b, "from outside");
  EXPECT_EQ((*capture)->finish(Time{std::chrono::seconds(1)}), "");
  EXPECT_TRUE(store->finish_run({}));

  const std::vector<Row> found = rows(*run_id);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].direction, "sent");
  EXPECT_EQ(found[0].node, NodeId{0});
  EXPECT_EQ(found[1].direction, "received");
  EXPECT_EQ(found[1].node, NodeId{1});
  EXPECT_EQ(found[1].at, found[0].at);
  EXPECT_TRUE(found[0].bytes.ends_with("to b"));
  constexpr Duration kClocks = std::chrono::microseconds(200);  // how well the two are compared
  EXPECT_GT(found[0].at, Time{} - kClocks);
  EXPECT_LT(found[0].at, sent_by + kClocks);
  EXPECT_EQ(found[2].node, NodeId{1});
  EXPECT_TRUE(found[2].bytes.ends_with("to a"));
  EXPECT_EQ(found[4].node, NodeId{1});
  EXPECT_EQ(found[4].direction, "received");
  EXPECT_TRUE(found[4].bytes.ends_with("from outside"));
  // The kernel leaves checksums to a device; here they are right, which finishing again tells.
  for (const Row& row : found) {
    Buffer again = to_buffer(std::string_view(row.bytes));
    write_checksums(again);
    EXPECT_EQ(as_text(again), row.bytes);
  }
  auto reader = backends::StoreReader::open(database);
  ASSERT_TRUE(reader) << reader.error();
  const auto dropped = reader->samples(*run_id, "capture.dropped");
  ASSERT_TRUE(dropped) << dropped.error();
  ASSERT_EQ(dropped->size(), 1U);
  EXPECT_EQ(dropped->front().value, 0);
}

}  // namespace
}  // namespace twinbed::scenarios
