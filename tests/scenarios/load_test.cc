// The scenarios that are shipped, and what the words of a file become in the struct.
#include "scenarios/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "scenarios/dump.h"
#include "scenarios/files.h"

namespace twinbed::scenarios {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string kFull = TWINBED_SOURCE_DIR "/tests/testdata/scenarios/full.yaml";

std::vector<std::string> shipped() {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(TWINBED_SOURCE_DIR "/scenarios")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class ShippedScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ShippedScenarioTest, LoadsAndIsNamedAsItsFile) {
  const Result<Scenario> scenario = load_scenario(GetParam());
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->name, fs::path(GetParam()).stem().string());
  EXPECT_TRUE(scenario->question.ends_with("?"));
  EXPECT_EQ(scenario->directory, fs::path(GetParam()).parent_path().string());
}

TEST_P(ShippedScenarioTest, StartsWithQuestionDrawingAndExpectation) {
  std::ifstream file(GetParam());
  std::string head;
  for (std::string line; std::getline(file, line) && line.starts_with("#");) head += line + "\n";
  EXPECT_TRUE(head.starts_with("# Question: "));
  EXPECT_THAT(head, testing::HasSubstr("─"));
  EXPECT_THAT(head, testing::HasSubstr("\n# Expected"));
}

TEST_P(ShippedScenarioTest, TheFilesOfItsNodesExist) {
  const Result<Scenario> scenario = load_scenario(GetParam());
  ASSERT_TRUE(scenario) << scenario.error();
  for (const NodeSpec& node : scenario->nodes) {
    for (const auto& [name, source] : node.files) {
      const auto* file = std::get_if<std::string>(&source);
      if (file == nullptr) continue;
      EXPECT_TRUE(fs::is_regular_file(fs::path(scenario->directory) / *file)) << *file;
    }
  }
}

TEST_P(ShippedScenarioTest, SurvivesADump) {
  const Result<Scenario> scenario = load_scenario(GetParam());
  ASSERT_TRUE(scenario) << scenario.error();
  const Result<Scenario> again =
      load_scenario_text(dump_scenario(*scenario), "dump", scenario->directory);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again, *scenario);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  const fs::path file(info.param);
  return file.parent_path().filename().string() + "_" + file.stem().string();
}
INSTANTIATE_TEST_SUITE_P(Shipped, ShippedScenarioTest, testing::ValuesIn(shipped()), test_name);

TEST(LoadScenarioTest, LeaderFailoverIsWhatItsCommentSays) {
  const Result<Scenario> scenario =
      load_scenario(TWINBED_SOURCE_DIR "/scenarios/election/leader_failover.yaml");
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->duration, 100s);
  EXPECT_EQ(scenario->protocol.policy, "original");
  EXPECT_EQ(scenario->protocol.options.at("profile"), OptionValue("f988f94"));
  ASSERT_EQ(scenario->nodes.size(), 4U);
  EXPECT_EQ(scenario->nodes[2].port, 7003);
  EXPECT_EQ(scenario->nodes[3].files.at("waves.jpg"), FileSource("images/waves.jpg"));
  EXPECT_EQ(scenario->network.link.bandwidth_bps, 1'000'000'000U);
  EXPECT_EQ(scenario->network.link.jitter, 20us);
  ASSERT_EQ(scenario->faults.size(), 2U);
  EXPECT_EQ(scenario->faults[0].at, (sim::DurationRange{25s, 26s}));
  EXPECT_FALSE(scenario->faults[0].lasts);
  EXPECT_EQ(scenario->faults[1].partition, sim::PartitionKind::kIsolate);
  EXPECT_EQ(scenario->faults[1].select.role, "leader");
  EXPECT_EQ(scenario->faults[1].lasts, (sim::DurationRange{20s, 20s}));
  EXPECT_EQ(scenario->checkers[1].expect.at("original"), "invalid");
}

TEST(LoadScenarioTest, OptionsHaveTheTypeOfTheirForm) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  const Options& options = scenario->protocol.options;
  EXPECT_EQ(options.at("flag"), OptionValue(true));
  EXPECT_EQ(options.at("whole"), OptionValue(std::int64_t{-7}));
  EXPECT_EQ(options.at("real"), OptionValue(0.5));
  EXPECT_EQ(options.at("text"), OptionValue("f988f94"));
  EXPECT_EQ(options.at("wait"), OptionValue(Duration(250us)));
  EXPECT_EQ(options.at("digits"), OptionValue("123"));
  EXPECT_EQ(options.at("shout"), OptionValue("true"));
  EXPECT_EQ(options.at("nap"), OptionValue("5 ms"));
}

TEST(LoadScenarioTest, DirectoriesThatSeveralNodesSee) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->shared_storage,
            (std::vector<SharedStorageSpec>{{"images/", {"node1", "node2", "node3"}},
                                            {"deep/er/", {"node2", "client"}}}));
}

TEST(LoadScenarioTest, FaultsOfEveryAction) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  const sim::FaultPlan& faults = scenario->faults;
  ASSERT_EQ(faults.size(), 24U);
  EXPECT_EQ(faults[0].cause, sim::CrashCause::kKill);
  EXPECT_FALSE(faults[2].with_disk);
  EXPECT_EQ(faults[2].select, (sim::Selector{{"node1"}, "crashed", 1}));
  EXPECT_EQ(faults[4].lasts, (sim::DurationRange{1min, 4min}));
  ASSERT_EQ(faults[5].groups.size(), 3U);
  EXPECT_EQ(faults[5].groups[1].nodes, (std::vector<std::string>{"node2", "client"}));
  EXPECT_EQ(faults[5].groups[2].role, "leader");
  EXPECT_EQ(faults[11].link.loss, 0.2);
  EXPECT_EQ(faults[11].link_between, (std::vector<std::string>{"node1", "core"}));
  EXPECT_EQ(faults[13].clock, (sim::ClockFault{-1h, 200}));
  EXPECT_EQ(faults[14].disk, (sim::DiskFault{1s, 2ms, true, 0.01, 0.5}));
  EXPECT_EQ(faults[15].cause, sim::CrashCause::kPowerFailure);
  EXPECT_EQ(faults[15].on, "");
  EXPECT_EQ(faults[15].nth, 1U);
  EXPECT_EQ(faults[16].on, "store");
  EXPECT_EQ(faults[16].nth, 3U);
  EXPECT_TRUE(faults[16].select.empty()) << "the recorder is selected when the plan is drawn";
  EXPECT_EQ(faults[17].groups[0].role, sim::kRecorderRole);
}

TEST(LoadScenarioTest, FaultsOfRadios) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  const sim::FaultPlan& faults = scenario->faults;
  EXPECT_EQ(faults[18].radio.position, (sim::Position{5, 5, 1}));
  EXPECT_EQ(faults[18].radio.band_mhz, (std::array<std::uint32_t, 2>{5170, 5190}));
  EXPECT_EQ(faults[18].radio.duty, 0.25);
  EXPECT_EQ(faults[19].radio.loss_db, 12.5);
  EXPECT_EQ(faults[20].radio.antenna, 1U);
  EXPECT_EQ(faults[21].radio.interface, 1U);
  EXPECT_EQ(faults[22].radio.channel, ChannelMhz{2437});
  EXPECT_EQ(faults[23].radio.period, 100ms);
}

TEST(LoadScenarioTest, RadiosOfEveryKind) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  const auto drone = std::find_if(scenario->nodes.begin(), scenario->nodes.end(),
                                  [](const NodeSpec& node) { return node.name == "drone"; });
  ASSERT_NE(drone, scenario->nodes.end());
  ASSERT_EQ(drone->cards.size(), 2U);
  EXPECT_EQ(drone->cards[0].channel, ChannelMhz{5180});
  EXPECT_EQ(drone->cards[0].antenna_gains_dbi, (std::vector<double>{2, -1.5}));
  EXPECT_EQ(drone->cards[1].channel, ChannelMhz{5745});
  ASSERT_TRUE(drone->mobility);
  EXPECT_EQ(drone->mobility->points[1].position, (sim::Position{-50, 10, 30}));
  ASSERT_TRUE(scenario->radio);
  EXPECT_EQ(scenario->radio->air.error_rate, sim::ErrorRateModel::kYans);
  EXPECT_EQ(scenario->radio->air.path_loss.exponent, 2.75);
  ASSERT_EQ(scenario->radio->links.size(), 4U);
  EXPECT_EQ(scenario->radio->links[2].trace[1].signal_mdb, -80'250);
  ASSERT_EQ(scenario->radio->links[3].trace.size(), 3U) << "of a capture";
  EXPECT_EQ(scenario->radio->links[3].trace[2].signal_mdb, -70'000);
}

TEST(LoadScenarioTest, AbsentAndEmptyParametersOfALinkDiffer) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->network.links[0].params, sim::LinkParams{});
  EXPECT_EQ(scenario->network.links[2].params, std::nullopt);
}

TEST(LoadScenarioTest, AnEntryWithACountStandsForThatManyNodes) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  ASSERT_EQ(scenario->nodes.size(), 11U);
  EXPECT_EQ(scenario->nodes[9].name, "camera1");
  EXPECT_EQ(scenario->nodes[10].name, "camera2");
  const std::map<std::string, FileSource> files{{"map.png", RandomFile{2000}},
                                                {"photo1.jpg", RandomFile{1500}},
                                                {"photo2.jpg", RandomFile{1500}},
                                                {"photo3.jpg", RandomFile{1500}}};
  EXPECT_EQ(scenario->nodes[9].files, files);
  EXPECT_EQ(scenario->nodes[10].files, files);
}

const std::string kClients =
    "version: 1\nname: many\nduration: 9 s\nprotocol: {name: p}\nnodes:\n"
    "  - {name: server, port: 80}\n"
    "  - {name: client, count: 3, port: 90, files: {\"p{n}\": {random: 9 B, count: 2}}}\n"
    "shared_storage: [{path: images/, nodes: [client]}]\n"
    "workload:\n"
    "  - {at: 1 s .. 2 s, node: client, command: send p1}\n"
    "  - {at: 3 s, node: server, command: help}\n"
    "faults:\n"
    "  - {at: 4 s, action: crash, select: [server, client]}\n"
    "  - {at: 5 s, action: pause, select: {nodes: [client], count: 1}}\n"
    "  - {at: 6 s, action: partition, groups: [[server], [client]]}\n"
    "  - {at: 7 s, action: partition, groups: [{nodes: [server, client3]}, {nodes: [client1]}]}\n";

TEST(LoadScenarioTest, ItsNameMeansAllOfItsNodes) {
  using Names = std::vector<std::string>;
  const Result<Scenario> scenario = load_scenario_text(kClients, "many.yaml", ".");
  ASSERT_TRUE(scenario) << scenario.error();
  ASSERT_EQ(scenario->workload.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(scenario->workload[i].node, "client" + std::to_string(i + 1));
    EXPECT_EQ(scenario->workload[i].at, (sim::DurationRange{1s, 2s})) << "each draws its own";
  }
  EXPECT_EQ(scenario->workload[3].node, "server");
  EXPECT_EQ(scenario->shared_storage[0].nodes, (Names{"client1", "client2", "client3"}));
  EXPECT_EQ(scenario->faults[0].select.nodes, (Names{"server", "client1", "client2", "client3"}));
  EXPECT_EQ(scenario->faults[1].select, (sim::Selector{{"client1", "client2", "client3"}, "", 1}));
  EXPECT_EQ(scenario->faults[2].groups[1].nodes, (Names{"client1", "client2", "client3"}));
  EXPECT_EQ(scenario->faults[3].groups[0].nodes, (Names{"server", "client3"}));
}

TEST(LoadScenarioTest, RandomFilesAreOfOneNodeAndOneNameAlone) {
  std::set<std::string> contents;
  const auto add = [&](const std::string& scenario_name) {
    const Result<Scenario> scenario =
        load_scenario_text(kClients, "many.yaml", ".", {"name=" + scenario_name});
    ASSERT_TRUE(scenario) << scenario.error();
    for (std::size_t node = 1; node <= 3; ++node) {
      for (const char* name : {"p1", "p2"}) {
        const Result<std::string> content = ScenarioFiles().of_node(*scenario, node, name);
        ASSERT_TRUE(content) << content.error();
        EXPECT_EQ(content->size(), 9U);
        contents.insert(*content);
      }
    }
  };
  add("many");
  add("many");
  EXPECT_EQ(contents.size(), 6U) << "the same names have the same content";
  add("others");
  EXPECT_EQ(contents.size(), 12U);
}

TEST(LoadScenarioTest, JsonIsReadToo) {
  const Result<Scenario> scenario = load_scenario_text(
      R"({"version": 1, "name": "json", "duration": "1 s",
          "protocol": {"name": "p", "options": {"wait": "5 ms", "size": 7, "word": "x"}},
          "nodes": [{"name": "a", "port": 80}, {"name": "b"}]})",
      "scenario.json", ".");
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->protocol.options.at("wait"), OptionValue(Duration(5ms)));
  EXPECT_EQ(scenario->protocol.options.at("size"), OptionValue(std::int64_t{7}));
  EXPECT_EQ(scenario->nodes[0].port, 80);
}

TEST(LoadScenarioTest, GeneratedDevicesMayBeNamedByLinkFaults) {
  const std::string text =
      "version: 1\nname: gen\nduration: 9 s\nprotocol: {name: p}\nnodes: [{name: a}, {name: b}]\n"
      "faults: [{at: 1 s, action: link, between: [a, switch], link: {loss: 5 %}}]\n";
  EXPECT_TRUE(load_scenario_text(text, "gen.yaml", "."));
  EXPECT_TRUE(load_scenario_text(text, "gen.yaml", ".", {"network.generator=star"}));
  EXPECT_FALSE(load_scenario_text(text, "gen.yaml", ".", {"network.generator=line"}));
  EXPECT_TRUE(load_scenario_text(text, "gen.yaml", ".",
                                 {"network.generator=line", "faults.0.between=[router1, node2]"}));
  EXPECT_TRUE(load_scenario_text(text, "gen.yaml", ".",
                                 {"network.file=zoo.gml", "faults.0.between=[New York, Boston]"}));
}

}  // namespace
}  // namespace twinbed::scenarios
