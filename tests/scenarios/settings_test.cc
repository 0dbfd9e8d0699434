// Overrides: "path=value" settings applied to a document before it is read.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "scenarios/load.h"

namespace twinbed::scenarios {
namespace {

using namespace std::chrono_literals;

const std::string kText =
    "version: 1\n"
    "name: base\n"
    "duration: 60 s\n"
    "protocol: {name: election, policy: original, options: {profile: f988f94}}\n"
    "nodes:\n"
    "  - {name: node1, role: server, port: 7001}\n"
    "  - {name: client, role: client, files: {a.png: images/a.png}}\n"
    "network: {link: {delay: 200 us}}\n"
    "workload:\n"
    "  - {at: 1 s, node: client, command: discover}\n"
    "faults:\n"
    "  - {at: 10 s, action: crash, select: {role: leader}}\n"
    "checkers:\n"
    "  - {name: agreement}\n";

Scenario with(const std::vector<std::string>& settings) {
  const Result<Scenario> scenario = load_scenario_text(kText, "base.yaml", ".", settings);
  EXPECT_TRUE(scenario) << scenario.error();
  return scenario ? *scenario : Scenario{};
}

std::string error_with(const std::vector<std::string>& settings) {
  const Result<Scenario> scenario = load_scenario_text(kText, "base.yaml", ".", settings);
  return scenario ? "accepted" : scenario.error();
}

TEST(SettingsTest, ReplaceAValue) {
  EXPECT_EQ(with({"protocol.options.profile=67dc5ff"}).protocol.options.at("profile"),
            OptionValue("67dc5ff"));
  EXPECT_EQ(with({"network.link.delay=5 ms"}).network.link.delay, 5ms);
  EXPECT_EQ(with({"duration=2 min"}).duration, 2min);
  EXPECT_EQ(with({"protocol.policy=robust"}).protocol.policy, "robust");
}

TEST(SettingsTest, AddAValue) {
  EXPECT_EQ(with({"nodes.node1.clock.drift=20 ppm"}).nodes[0].clock.drift_ppm, 20);
  EXPECT_EQ(with({"protocol.options.count=3"}).protocol.options.at("count"),
            OptionValue(std::int64_t{3}));
  EXPECT_EQ(with({"network.link.loss=2 %"}).network.link.loss, 0.02);
  EXPECT_EQ(with({"question=Why not?"}).question, "Why not?");
}

TEST(SettingsTest, ElementsGoByNameOrByIndex) {
  EXPECT_EQ(with({"faults.0.at=20 s"}).faults[0].at.low, 20s);
  EXPECT_EQ(with({"faults.0.select={role: follower, count: 1}"}).faults[0].select.role, "follower");
  EXPECT_EQ(with({"nodes.0.port=7009"}).nodes[0].port, 7009);
  EXPECT_EQ(with({"nodes.client.port=7100"}).nodes[1].port, 7100);
  EXPECT_EQ(with({"checkers.agreement.expect.original=invalid"}).checkers[0].expect.at("original"),
            "invalid");
}

TEST(SettingsTest, KeysWithDots) {
  EXPECT_EQ(with({"nodes.client.files.a.png=images/b.png"}).nodes[1].files.at("a.png"),
            FileSource("images/b.png"));
  const Scenario added = with({"nodes.client.files.\"b.c=d.png\"=images/b.png"});
  EXPECT_EQ(added.nodes[1].files.at("b.c=d.png"), FileSource("images/b.png"));
  EXPECT_EQ(added.nodes[1].files.size(), 2U);
}

TEST(SettingsTest, WholeSections) {
  EXPECT_TRUE(with({"faults=[]"}).faults.empty());
  EXPECT_EQ(with({"network.link={delay: 1 ms, jitter: 1 us}"}).network.link.jitter, 1us);
  EXPECT_EQ(with({"workload.0={at: 2 s, node: node1, command: help}"}).workload[0].node, "node1");
}

TEST(SettingsTest, LaterOnesWinAndBuildOnEarlierOnes) {
  EXPECT_EQ(with({"duration=70 s", "duration=80 s"}).duration, 80s);
  EXPECT_EQ(with({"nodes.node1.name=first", "nodes.first.port=1"}).nodes[0].port, 1);
  EXPECT_EQ(with({"nodes.node1.options={}", "nodes.node1.options.x=1"}).nodes[0].options.size(),
            1U);
}

TEST(SettingsTest, UnknownPathsAreFoundWithASuggestion) {
  EXPECT_EQ(error_with({"network.link.dely=5 ms"}),
            "setting 'network.link.dely=5 ms': unknown key 'dely' in link, did you mean 'delay'?");
  EXPECT_EQ(error_with({"netwrk.link.delay=5 ms"}),
            "setting 'netwrk.link.delay=5 ms': unknown key 'netwrk' in scenario, did you mean "
            "'network'?");
  EXPECT_EQ(error_with({"nodes.nod1.port=1"}),
            "setting 'nodes.nod1.port=1': there is no 'nod1' in 'nodes', did you mean 'node1'?");
  EXPECT_EQ(error_with({"nodes.x.port=1"}),
            "setting 'nodes.x.port=1': there is no 'x' in 'nodes'; the names are node1 and "
            "client");
  EXPECT_EQ(error_with({"faults.1.at=1 s"}),
            "setting 'faults.1.at=1 s': 'faults' has no element 1, it has 1, counted from 0");
  EXPECT_EQ(error_with({"faults.first.at=1 s"}),
            "setting 'faults.first.at=1 s': the elements of 'faults' have no names, write an index "
            "from 0 instead of 'first'");
  EXPECT_EQ(error_with({"network.devices.0.kind=nat"}),
            "setting 'network.devices.0.kind=nat': 'network.devices' has no element 0, it is not "
            "set");
  EXPECT_EQ(error_with({"duration.unit=s"}),
            "setting 'duration.unit=s': 'duration' is a single value, it has no part 'unit'");
}

/// Settings of an entry with a count, which is the third one.
std::string with_cameras(const std::vector<std::string>& settings, Scenario* out = nullptr) {
  std::string text = kText;
  text.insert(text.find("network:"),
              "  - {name: camera, count: 3, port: 80, "
              "files: {\"p{n}.jpg\": {random: 9 kB, count: 2}}}\n");
  const Result<Scenario> scenario = load_scenario_text(text, "base.yaml", ".", settings);
  if (!scenario) return scenario.error();
  if (out != nullptr) *out = *scenario;
  return "accepted";
}

TEST(SettingsTest, AnEntryWithACountAsAWhole) {
  Scenario scenario;
  EXPECT_EQ(with_cameras({"nodes.camera.count=12", "nodes.camera.options.x=1",
                          "nodes.camera.files.p{n}.jpg.count=4", "workload.0.node=camera",
                          "nodes.camera.files.p{n}.jpg.random=1 MB"},
                         &scenario),
            "accepted");
  EXPECT_EQ(scenario.nodes.size(), 14U);
  EXPECT_EQ(scenario.workload.size(), 12U);
  EXPECT_EQ(scenario.nodes[13].name, "camera12");
  EXPECT_EQ(scenario.nodes[13].options.size(), 1U);
  EXPECT_EQ(scenario.nodes[13].files.size(), 4U);
  EXPECT_EQ(scenario.nodes[13].files.at("p4.jpg"), FileSource(RandomFile{1'000'000}));
}

TEST(SettingsTest, OneOfTheNodesOfACount) {
  Scenario scenario;
  EXPECT_EQ(with_cameras({"nodes.camera7.options.x=1", "nodes.camera7.files.p1.jpg.random=1 B",
                          "nodes.camera.count=8", "nodes.camera.options.x=2"},
                         &scenario),
            "accepted");
  EXPECT_EQ(scenario.nodes[8].options.at("x"), OptionValue(std::int64_t{1}));
  EXPECT_EQ(scenario.nodes[8].files.at("p1.jpg"), FileSource(RandomFile{1}));
  EXPECT_EQ(scenario.nodes[8].files.at("p2.jpg"), FileSource(RandomFile{9000}));
  EXPECT_EQ(scenario.nodes[9].options.at("x"), OptionValue(std::int64_t{2}));
  EXPECT_EQ(with_cameras({"nodes.camera3.files.\"q{n}.jpg\"={random: 5 B, count: 7}"}, &scenario),
            "accepted");
  EXPECT_EQ(scenario.nodes[4].files.size(), 9U);
}

TEST(SettingsTest, MistakesInSettingsOfACount) {
  EXPECT_EQ(with_cameras({"nodes.camera4.port=1"}),
            "setting 'nodes.camera4.port=1': there is no 'camera4' in 'nodes', did you mean "
            "'camera1'?");
  EXPECT_EQ(with_cameras({"nodes.camera2.prot=1"}),
            "setting 'nodes.camera2.prot=1': unknown key 'prot' in node, did you mean 'port'?");
  EXPECT_EQ(with_cameras({"nodes.camera.count=0"}),
            "setting 'nodes.camera.count=0': count '0' is out of range, write a whole number from "
            "1 to 1000");
  EXPECT_EQ(with_cameras({"nodes.camera.host=shed"}),
            "base.yaml:8:36: nodes 'camera1' and 'camera2' both listen at port 80 of host 'shed', "
            "give one another port");
  EXPECT_EQ(with_cameras({"nodes.camera.count=999", "nodes.camera.files.p{n}.jpg.count=999"}),
            "setting 'nodes.camera.count=999': the scenario has more than 4 MiB with every node, "
            "file and command of this count written out, lower it");
}

TEST(SettingsTest, BadValuesNameTheSetting) {
  EXPECT_EQ(error_with({"duration=60 s", "network.link.delay=5"}),
            "setting 'network.link.delay=5': delay '5' has no unit, write for example '5 s'");
  EXPECT_EQ(error_with({"faults.0.select.nodes=[node7]"}),
            "setting 'faults.0.select.nodes=[node7]': there is no node 'node7', did you mean "
            "'node1'?");
  EXPECT_EQ(error_with({"duration="}),
            "setting 'duration=': duration has no value, write a duration such as '60 s'");
  EXPECT_EQ(error_with({"question='why"}).substr(0, 43),
            "setting 'question='why': this is not YAML (");
}

TEST(SettingsTest, AContradictionIsPlacedWhereItStands) {
  EXPECT_EQ(error_with({"duration=5 s"}),
            "base.yaml:12:10: at '10 s' is not before the end of the scenario at 5 s, move it or "
            "lengthen the duration");
}

TEST(SettingsTest, TheirForm) {
  for (const char* setting :
       {"", "duration", "=5 s", ".a=1", "a.=1", "a..b=1", "\"a=1", "\"\"=1"}) {
    EXPECT_EQ(error_with({setting}),
              "setting '" + std::string(setting) +
                  "': this is not path=value, such as network.link.delay=5 ms");
  }
}

}  // namespace
}  // namespace twinbed::scenarios
