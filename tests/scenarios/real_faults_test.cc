// Faults of processes in mode real: what the runner does to them, and what their peers notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "backends/input_log.h"
#include "backends/sqlite/store_reader.h"
#include "core/protocols/pingpong/pingpong.h"
#include "scenarios/load.h"
#include "scenarios/run.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Pings every 20 ms for 1.2 s.
constexpr const char* kPair = R"(version: 1
name: pair
duration: 1200 ms
protocol: {name: pingpong, options: {interval: 20 ms}}
nodes:
  - {name: ping, role: pinger, port: 7000}
  - {name: pong, role: ponger, port: 7001}
faults:
)";

double in_ms(Time at) { return static_cast<double>(to_ns(at)) / 1e6; }

class RealFaultsTest : public ::testing::Test {
 protected:
  void run(const std::string& text, const RunOptions& options = {}) {
    auto scenario = load_scenario_text(text, "test.yaml", TWINBED_SOURCE_DIR "/scenarios/election");
    ASSERT_TRUE(scenario) << scenario.error();
    auto store = backends::Store::open(path("runs.db"));
    ASSERT_TRUE(store) << store.error();
    const RealOptions real{TWINBED_BUILD_DIR "/bin/twinbed-node", path("work"), true};
    const auto summary = run_real(*scenario, options, real, **store);
    ASSERT_TRUE(summary) << summary.error();
    ASSERT_EQ(summary->failure, "");
  }
  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }

  /// The times of all events of a type, in ms.
  std::vector<double> times_of(const EventType& type) {
    std::vector<double> times;
    auto reader = backends::StoreReader::open(path("runs.db"));
    EXPECT_TRUE((*reader).for_each_event(1, [&](const backends::EventRow& event) {
      if (event.type.name == type.name) times.push_back(in_ms(event.at));
    }));
    return times;
  }
  /// How many lines of log hold a text.
  std::size_t lines_with(std::string_view text) {
    std::size_t count = 0;
    auto reader = backends::StoreReader::open(path("runs.db"));
    EXPECT_TRUE((*reader).for_each_event(1, [&](const backends::EventRow& event) {
      const bool holds = event.fields_json.find(text) != std::string_view::npos;
      if (event.type.name == kLogEvent.name && holds) ++count;
    }));
    return count;
  }
  std::vector<std::string> faults() {
    struct Faults final : RunSink {
      void sample(Time, NodeId, const Metric&, double) override {}
      void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
      void fault(Time at, const FaultRow& fault) override {
        lines.push_back(std::string(fault.action) +
                        (fault.phase == FaultPhase::kBegin ? " begin " : " end ") +
                        std::string(fault.target) + " touched " + std::to_string(fault.touched));
        times.push_back(in_ms(at));
      }
      std::vector<std::string> lines;
      std::vector<double> times;
    } rows;
    auto reader = backends::StoreReader::open(path("runs.db"));
    EXPECT_TRUE((*reader).feed(1, rows));
    fault_times_ = rows.times;
    return rows.lines;
  }
  /// How often a node heard that a stream had come to its end, and when, in ms.
  std::vector<double> ends_of_streams(NodeId node) {
    std::vector<double> times;
    auto reader = backends::StoreReader::open(path("runs.db"));
    const auto inputs = (*reader).inputs(1, node);
    EXPECT_TRUE(inputs) << inputs.error();
    for (const backends::StoredInput& input : *inputs) {
      const auto kind = backends::input_kind(input.kind);
      const auto decoded = backends::decode_input(*kind, input.payload);
      EXPECT_TRUE(decoded) << decoded.error();
      const auto* event = std::get_if<StreamEvent>(&decoded->input);
      const bool is_end = event != nullptr && (event->kind == StreamEventKind::kClosed ||
                                               event->kind == StreamEventKind::kReset);
      if (is_end) times.push_back(in_ms(input.at));
    }
    return times;
  }
  void expect_replay_equal() {
    const auto replay = replay_run(path("runs.db"), 1);
    ASSERT_TRUE(replay) << replay.error();
    EXPECT_TRUE(replay->equal) << replay->explanation;
    EXPECT_GT(replay->events, 0U);
  }

  testing::TemporaryDirectory scratch_;
  std::vector<double> fault_times_;
};

std::size_t count_between(const std::vector<double>& times, double low, double high) {
  std::size_t count = 0;
  for (const double time : times) count += time > low && time < high ? 1 : 0;
  return count;
}

TEST_F(RealFaultsTest, AHungNodeLosesItsInputAndGoesOnAfterwards) {
  run(std::string(kPair) + "  - {at: 400 ms, for: 400 ms, action: hang, select: [pong]}\n"
                           "  - {at: 500 ms, for: 100 ms, action: pause, select: [pong]}\n");
  EXPECT_THAT(faults(), ElementsAre("hang begin pong touched 0", "pause begin pong touched 0",
                                    "pause end pong touched 0", "hang end pong touched 1"))
      << "a hung process cannot be paused, as in the simulator";
  const std::vector<double> echoes = times_of(pingpong::kEcho);
  // What was under way when it began may still have been answered.
  const double begin = fault_times_[0];
  const double end = fault_times_[3];
  EXPECT_GT(count_between(echoes, 0, begin), 3U);
  EXPECT_EQ(count_between(echoes, begin + 100, end), 0U);
  EXPECT_GT(count_between(echoes, end, 2000), 3U);
  EXPECT_LE(echoes.size(), 45U) << "pings of 400 ms are lost for good";
  expect_replay_equal();
}

TEST_F(RealFaultsTest, ACrashOfANodeThatIsPausedIsNoTrap) {
  run(std::string(kPair) + "  - {at: 200 ms, for: 600 ms, action: pause, select: [pong]}\n"
                           "  - {at: 300 ms, for: 100 ms, action: crash, select: [pong]}\n"
                           "  - {at: 350 ms, for: 200 ms, action: crash, select: [pong]}\n");
  EXPECT_THAT(faults(),
              ElementsAre("pause begin pong touched 0", "crash begin pong touched 0",
                          "crash begin pong touched 0", "crash end pong touched 1",
                          "crash end pong touched 0", "pause end pong touched 1"));
  EXPECT_GT(count_between(times_of(pingpong::kEcho), fault_times_[3], 2000), 3U);
  expect_replay_equal();
}

TEST_F(RealFaultsTest, TheEventsOfAllNodesCountFromTheTimeOfTheFault) {
  run(std::string(kPair) +
      "  - {at: 200 ms, on: pingpong.echo, nth: 3, for: 200 ms, action: crash, select: [pong]}\n"
      "  - {at: 800 ms, on: pingpong.echo, for: 100 ms, action: pause}\n"
      "  - {at: 100 ms, on: no.such.event, action: crash}\n");
  EXPECT_THAT(faults(), ElementsAre("crash begin pong touched 0", "crash end pong touched 1",
                                    "pause begin ping touched 0", "pause end ping touched 1"));
  const std::vector<double> echoes = times_of(pingpong::kEcho);
  EXPECT_EQ(count_between(echoes, 200, fault_times_[0]), 3U)
      << "the pinger stands still at the third echo";
  EXPECT_GE(fault_times_[1] - fault_times_[0], 200.0) << "it lasts from the event on";
  EXPECT_GT(count_between(echoes, fault_times_[1], 2000), 3U);
  EXPECT_GE(count_between(echoes, 800, fault_times_[2]), 1U);
  expect_replay_equal();
}

TEST_F(RealFaultsTest, OfNodesThatRecordAtOnceOneIsHit) {
  run(R"(version: 1
name: start
duration: 600 ms
protocol: {name: election, policy: original, options: {profile: head, zero_key: true}}
nodes:
  - {name: node1, role: server, port: 7001}
  - {name: node2, role: server, port: 7002}
  - {name: node3, role: server, port: 7003}
faults:
  - {at: 0 s, on: role, for: 200 ms, action: crash}
)");
  const std::vector<std::string> rows = faults();
  ASSERT_EQ(rows.size(), 2U);
  const std::string hit = rows[0].substr(std::string("crash begin ").size(), 5);
  EXPECT_EQ(rows[0], "crash begin " + hit + " touched 0");
  EXPECT_EQ(rows[1], "crash end " + hit + " touched 1");
  EXPECT_GE(times_of(kRoleEvent).size(), 4U) << "that of the dead process is kept";
  expect_replay_equal();
}

/// One server that leads at once, and a client whose image it does not sync.
std::string image_and_crash(const std::string& cause, const std::string& when = "at: 1.9 s") {
  return R"(version: 1
name: image
duration: 2500 ms
protocol: {name: election, policy: original, options: {profile: head, zero_key: true}}
nodes:
  - {name: server, role: server, port: 7001}
  - {name: client, role: client, port: 7100, files: {waves.jpg: images/waves.jpg}}
workload:
  - {at: 600 ms, node: client, command: discover}
  - {at: 1.4 s, node: client, command: send-image waves.jpg}
faults:
  - {for: 200 ms, action: crash, select: [server], )" +
         when + ", cause: " + cause + "}\n";
}

constexpr NodeId kClient{1};

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, none)) {
    if (entry.is_regular_file()) names.push_back(entry.path().filename());
  }
  return names;
}

TEST_F(RealFaultsTest, APowerFailureLosesWhatWasNotSynced) {
  run(image_and_crash("power-failure"));
  EXPECT_EQ(times_of(kStoreEvent).size(), 1U);
  EXPECT_THAT(files_in(path("work/server.files")), IsEmpty());
  EXPECT_THAT(faults(), ElementsAre("crash begin server touched 0", "crash end server touched 1"));
  EXPECT_EQ(count_between(ends_of_streams(kClient), fault_times_[0], 5000), 0U)
      << "a host without power says nothing, and the client has not used the stream again";
  expect_replay_equal();
}

TEST_F(RealFaultsTest, AKillKeepsWhatTheKernelHas) {
  run(image_and_crash("kill"));
  EXPECT_EQ(times_of(kStoreEvent).size(), 1U);
  EXPECT_EQ(files_in(path("work/server.files")).size(), 1U);
  EXPECT_EQ(lines_with("stored image"), 1U);
  EXPECT_THAT(faults(), ElementsAre("crash begin server touched 0", "crash end server touched 1"));
  EXPECT_EQ(count_between(ends_of_streams(kClient), fault_times_[0], fault_times_[1]), 1U)
      << "the kernel ends the connections of a dead process";
}

TEST_F(RealFaultsTest, AKillAtAnEventLosesWhatItsHandlerAskedFor) {
  // The client's event wakes the runner, which is then away for as long as the server would need to
  // carry out what its handler asks for.
  RunOptions slow;
  slow.progress = [](Duration, Duration) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return true;
  };
  run(image_and_crash("kill", "at: 1 s, on: store") +
          "  - {at: 1 s, on: submit, nth: 1000, action: pause}\n",
      slow);
  EXPECT_EQ(times_of(kStoreEvent).size(), 1U) << "the row is written out before the kill";
  EXPECT_THAT(files_in(path("work/server.files")), IsEmpty());
  EXPECT_THAT(faults(), ElementsAre("crash begin server touched 0", "crash end server touched 1"));
  EXPECT_EQ(lines_with("stored image"), 0U) << "nor does it record anything more";
  EXPECT_EQ(count_between(ends_of_streams(kClient), fault_times_[0], fault_times_[1]), 1U);
  expect_replay_equal();
}

TEST_F(RealFaultsTest, APowerFailureAtAnEventIsSilent) {
  run(image_and_crash("power-failure", "at: 1 s, on: store"));
  EXPECT_EQ(times_of(kStoreEvent).size(), 1U);
  EXPECT_THAT(files_in(path("work/server.files")), IsEmpty());
  EXPECT_THAT(faults(), ElementsAre("crash begin server touched 0", "crash end server touched 1"));
  EXPECT_EQ(count_between(ends_of_streams(kClient), fault_times_[0], 5000), 0U);
  expect_replay_equal();
}

}  // namespace
}  // namespace twinbed::scenarios
