// A recorded run can be repeated from the store alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "backends/sqlite/database.h"
#include "backends/sqlite/store_reader.h"
#include "core/protocols/pingpong/pingpong.h"
#include "scenarios/files.h"
#include "scenarios/load.h"
#include "scenarios/run.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGraph = R"(graph [
  node [ id 0 label "Tromso" ]
  node [ id 1 label "Bodo" ]
  edge [ source 0 target 1 ]
]
)";

/// Two nodes on a network from a file; the pinger is given a file, which it does not read.
constexpr const char* kPair = R"(version: 1
name: pair
duration: 500 ms
protocol: {name: pingpong, options: {interval: 20 ms}}
nodes:
  - {name: ping, role: pinger, port: 7000, files: {data/noise.bin: noise.bin}}
  - {name: pong, role: ponger, port: 7001, files: {data/noise.bin: noise.bin}}
network: {file: net.gml, link: {delay: 1 ms, jitter: 100 us}}
)";

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    write("net.gml", kGraph);
    write("noise.bin", std::string("\x00\xff\x80 bytes", 9));
  }

  void write(const std::string& name, const std::string& content) {
    std::ofstream(scratch_.path() + "/" + name, std::ios::binary) << content;
  }
  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }
  Scenario pair() {
    auto scenario = load_scenario_text(kPair, "pair.yaml", scratch_.path());
    EXPECT_TRUE(scenario) << scenario.error();
    return *scenario;
  }
  void simulate(const Scenario& scenario, std::uint64_t seed) {
    auto store = backends::Store::open(path("runs.db"));
    ASSERT_TRUE(store) << store.error();
    RunOptions options;
    options.seed = seed;
    const auto summary = run_simulated(scenario, options, **store);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->failure, "");
  }
  void run_for_real(const Scenario& scenario) {
    auto store = backends::Store::open(path("runs.db"));
    ASSERT_TRUE(store) << store.error();
    const RealOptions real{TWINBED_BUILD_DIR "/bin/twinbed-node", path("work"), true};
    const auto summary = run_real(scenario, {}, real, **store);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->failure, "");
  }
  std::int64_t count(const std::string& table) {
    auto database =
        backends::Database::open(path("runs.db"), backends::Database::Access::kRead, {});
    return *(*database).number("SELECT count(*) FROM " + table);
  }
  std::string replay(std::int64_t run) {
    const auto report = replay_run(path("runs.db"), run);
    if (!report) return report.error();
    return report->equal ? "equal" : report->explanation;
  }

  testing::TemporaryDirectory scratch_;
};

TEST_F(ReplayTest, ASimulatedRunNeedsNothingButTheStore) {
  simulate(pair(), 1);
  simulate(pair(), 2);
  EXPECT_EQ(count("file"), 4);
  EXPECT_EQ(count("content"), 2) << "two files of one content, and two runs of one scenario";
  write("net.gml", "this is no graph any more");
  std::filesystem::remove(path("noise.bin"));
  EXPECT_EQ(replay(1), "equal");
  EXPECT_EQ(replay(2), "equal");
  const auto same = diff_runs(path("runs.db"), 1, path("runs.db"), 1);
  ASSERT_TRUE(same) << same.error();
  EXPECT_TRUE(same->equal);
  const auto other = diff_runs(path("runs.db"), 1, path("runs.db"), 2);
  ASSERT_TRUE(other) << other.error();
  EXPECT_FALSE(other->equal);
}

TEST_F(ReplayTest, AFaultThatWaitsForAnEventComesAgainFromThePlanAsDrawn) {
  Scenario scenario = pair();
  sim::FaultSpec crash;
  crash.action = sim::FaultAction::kCrash;
  crash.at = {std::chrono::milliseconds(50), std::chrono::milliseconds(150)};
  crash.lasts = sim::DurationRange{std::chrono::milliseconds(50), std::chrono::milliseconds(90)};
  crash.on = pingpong::kEcho.name;
  crash.nth = 2;
  scenario.faults = {crash};
  simulate(scenario, 1);
  EXPECT_EQ(count("fault"), 2);
  EXPECT_EQ(replay(1), "equal");
  auto reader = backends::StoreReader::open(path("runs.db"));
  const std::string plan = reader->run(1)->info.fault_plan;
  EXPECT_THAT(plan, HasSubstr("on: pingpong.echo\n    nth: 2\n"));
  const auto drawn = load_scenario_text(kPair + plan.substr(plan.find("faults:")), "plan",
                                        scratch_.path());
  ASSERT_TRUE(drawn) << drawn.error();
  EXPECT_EQ(drawn->faults[0].at.low, drawn->faults[0].at.high);
  simulate(*drawn, 1);
  EXPECT_TRUE(diff_runs(path("runs.db"), 1, path("runs.db"), 2)->equal);
  simulate(pair(), 1);
  EXPECT_FALSE(diff_runs(path("runs.db"), 1, path("runs.db"), 3)->equal);
}

TEST_F(ReplayTest, ARunWhoseFaultWaitedInVainIsVacuous) {
  auto scenario = load_scenario(TWINBED_SOURCE_DIR "/scenarios/election/kill_leader.yaml",
                                {"faults=[{at: 25 s, on: no.such.event, action: crash}]"});
  ASSERT_TRUE(scenario) << scenario.error();
  auto store = backends::Store::open(path("runs.db"));
  const auto summary = run_simulated(*scenario, {}, **store);
  ASSERT_TRUE(summary) << summary.error();
  for (const backends::VerdictRow& verdict : summary->verdicts) {
    EXPECT_EQ(verdict.verdict, "vacuous") << verdict.checker;
  }
  EXPECT_EQ(summary->verdicts.size(), 2U);
  EXPECT_EQ(count("fault"), 0);
}

TEST_F(ReplayTest, ARunOfWhichAFileMattersIsTheOneThatWasRecorded) {
  simulate(pair(), 1);
  write("net.gml", std::string(kGraph).replace(std::string(kGraph).find("target 1"), 8,
                                               "target 1 LinkSpeedRaw 100000"));
  simulate(pair(), 1);
  EXPECT_EQ(count("content"), 3);
  EXPECT_EQ(replay(1), "equal");
  EXPECT_EQ(replay(2), "equal");
  EXPECT_FALSE(diff_runs(path("runs.db"), 1, path("runs.db"), 2)->equal) << "the link is slower";
}

TEST_F(ReplayTest, ARealRunNeedsNothingButTheStore) {
  run_for_real(pair());
  std::ifstream given(path("work/pong.files/data/noise.bin"), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(given), {}),
            std::string("\x00\xff\x80 bytes", 9));
  std::filesystem::remove(path("net.gml"));
  std::filesystem::remove(path("noise.bin"));
  EXPECT_EQ(replay(1), "equal");
  EXPECT_EQ(count("file"), 2);
}

TEST_F(ReplayTest, AStoreThatLacksAFileSaysWhichOne) {
  simulate(pair(), 1);
  {
    auto database =
        backends::Database::open(path("runs.db"), backends::Database::Access::kCreate, {});
    ASSERT_TRUE((*database).execute("DELETE FROM file WHERE path LIKE '%net.gml'"));
  }
  EXPECT_EQ(replay(1), "the run " + path("runs.db") + "#1 does not hold the file " +
                           path("net.gml") +
                           ", which its scenario names, so that it cannot be repeated");
}

TEST_F(ReplayTest, AFileThatCannotBeReadKeepsTheRunFromStarting) {
  std::filesystem::remove(path("noise.bin"));
  const Scenario scenario = pair();
  const auto none = ScenarioFiles::read(scenario);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), "scenario pair names the file " + path("noise.bin") +
                              ", which cannot be opened (No such file or directory); check its "
                              "name and rights");
  std::filesystem::create_directory(path("noise.bin"));
  EXPECT_THAT(ScenarioFiles::read(scenario).error(), HasSubstr("which is a directory"));
  std::filesystem::remove(path("noise.bin"));
  std::filesystem::create_symlink("/dev/zero", path("noise.bin"));
  EXPECT_THAT(ScenarioFiles::read(scenario).error(), HasSubstr("more than 256 MiB"));
}

TEST_F(ReplayTest, ANodeNeedsNoFilesOfOthers) {
  Scenario scenario = pair();
  scenario.nodes[0].files = {{"x", "not here"}};
  EXPECT_FALSE(ScenarioFiles::read(scenario));
  const auto files = ScenarioFiles::read_for_node(scenario, 1);
  ASSERT_TRUE(files) << files.error();
  EXPECT_EQ(files->contents().size(), 2U);
}

}  // namespace
}  // namespace twinbed::scenarios
