// Every mistake in a scenario gets one sentence: where it is, what is wrong and what to do.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "scenarios/load.h"

namespace twinbed::scenarios {
namespace {

const std::string kTable = TWINBED_SOURCE_DIR "/tests/testdata/scenarios/malformed.txt";

struct Case {
  std::string title;
  std::string document;
  std::string message;
};

struct Table {
  std::string head;
  std::vector<Case> cases;
};

Table read_table() {
  Table table;
  std::ifstream file(kTable);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      table.cases.push_back({line.substr(4), "", ""});
    } else if (table.cases.empty()) {
      table.head += line + "\n";
    } else if (line.starts_with(">>> ")) {
      table.cases.back().message = line.substr(4);
    } else if (!line.empty()) {
      table.cases.back().document += line + "\n";
    }
  }
  return table;
}

void write_table(const Table& table) {
  std::ofstream file(kTable);
  file << table.head.substr(0, table.head.find_last_not_of('\n') + 1) << "\n";
  for (const Case& item : table.cases) {
    file << "\n=== " << item.title << "\n" << item.document << ">>> " << item.message << "\n";
  }
}

std::string message_of(const std::string& document) {
  const Result<Scenario> scenario = load_scenario_text(document, "broken.yaml", ".");
  return scenario ? "accepted" : scenario.error();
}

TEST(MalformedScenarioTest, EveryMistakeHasItsSentence) {
  Table table = read_table();
  ASSERT_GE(table.cases.size(), 100U);
  if (std::getenv("TWINBED_REWRITE") != nullptr) {
    for (Case& item : table.cases) item.message = message_of(item.document);
    write_table(table);
    GTEST_SKIP() << "wrote " << kTable;
  }
  for (const Case& item : table.cases) {
    SCOPED_TRACE(item.title);
    EXPECT_EQ(message_of(item.document), item.message);
  }
}

/// A whole, valid scenario whose first lines are given.
std::string with_rest(const std::string& start) {
  return start +
         "version: 1\nname: bytes\nduration: 1 s\nprotocol: {name: p}\nnodes: [{name: a}]\n";
}

TEST(MalformedScenarioTest, BytesThatAreNotUtf8) {
  const std::string remedy = ": the text is not valid UTF-8 here, save it as UTF-8";
  EXPECT_EQ(message_of(with_rest("# caf\xe9\n")), "broken.yaml:1:6" + remedy);
  EXPECT_EQ(message_of(with_rest("# \xc0\xaf\n")), "broken.yaml:1:3" + remedy);
  EXPECT_EQ(message_of(with_rest("# ok\n# \xed\xa0\x80\n")), "broken.yaml:2:3" + remedy);
  EXPECT_EQ(message_of(with_rest("# \xf4\x90\x80\x80\n")), "broken.yaml:1:3" + remedy);
  EXPECT_EQ(message_of(std::string("\xff\xfev\0", 4)), "broken.yaml:1:1" + remedy);
  EXPECT_EQ(message_of("# cut \xe2\x82"), "broken.yaml:1:7" + remedy);
}

TEST(MalformedScenarioTest, TextThatIsUtf8) {
  EXPECT_EQ(message_of(with_rest("\xef\xbb\xbf# a byte order mark\n")), "accepted");
  EXPECT_EQ(message_of(with_rest("# é ✓ 𝄞 \xf4\x8f\xbf\xbf\n")), "accepted");
  EXPECT_EQ(message_of(with_rest("# Windows\r\n")), "accepted");
}

TEST(MalformedScenarioTest, ControlCharacters) {
  const std::string remedy = ": there is a control character here, remove it";
  EXPECT_EQ(message_of(with_rest(std::string("# a\0b\n", 6))), "broken.yaml:1:4" + remedy);
  EXPECT_EQ(message_of(with_rest("# \x1b[1m\n")), "broken.yaml:1:3" + remedy);
}

TEST(MalformedScenarioTest, TextThatIsTooLong) {
  const std::size_t limit = std::size_t{4} << 20;
  const std::string text = with_rest("");
  EXPECT_EQ(message_of(text + "#" + std::string(limit - text.size() - 1, 'x')), "accepted");
  EXPECT_EQ(message_of(text + "#" + std::string(limit - text.size(), 'x')),
            "broken.yaml: the text has more than 4 MiB, the limit of a scenario");
}

TEST(MalformedScenarioTest, TooManyValues) {
  std::string text = with_rest("") + "workload: [";
  for (int i = 0; i < 250'000; ++i) text += "a,";
  EXPECT_TRUE(message_of(text + "a]").ends_with(" has more than 250000 values, the limit"));
}

TEST(MalformedScenarioTest, LongAliases) {
  const std::string text = with_rest("question: &long '" + std::string(400'000, 'x') + "'\n");
  std::string aliases = "workload: [*long";
  for (int i = 0; i < 20; ++i) aliases += ", *long";
  EXPECT_TRUE(message_of(text + aliases + "]\n")
                  .ends_with(": the aliases expand to more than 4 MiB, write the parts out or use "
                             "fewer"));
}

TEST(MalformedScenarioTest, AnAliasStandsForItsAnchor) {
  const Result<Scenario> scenario = load_scenario_text(
      with_rest("network:\n  link: &slow {delay: 7 ms}\n  devices: [{name: s, kind: switch},"
                " {name: t, kind: switch}]\n  links: [{a: s, b: t, params: *slow}]\n"),
      "alias.yaml", ".");
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->network.links.at(0).params, scenario->network.link);
  EXPECT_EQ(scenario->network.link.delay, std::chrono::milliseconds(7));
}

TEST(MalformedScenarioTest, DriftsThatDoNotMeetMayBeLarge) {
  const std::string faults =
      "faults:\n"
      "  - {at: 100 ms, for: 100 ms, action: clock, select: [a], clock: {drift: -300000 ppm}}\n"
      "  - {at: 200 ms, for: 100 ms, action: clock, select: [a], clock: {drift: -300000 ppm}}\n";
  const std::string slow = "version: 1\nname: slow\nduration: 1 s\nprotocol: {name: p}\n"
                           "nodes: [{name: a, clock: {drift: -400000 ppm}}]\n";
  EXPECT_EQ(message_of(slow + faults), "accepted");
  const std::string longer = "  - {at: 150 ms, for: 60 ms, action: clock, select: {count: 1}, "
                             "clock: {drift: -300000 ppm}}\n";
  EXPECT_NE(message_of(slow + faults + longer), "accepted");
}

TEST(MalformedScenarioTest, FilesThatCannotBeRead) {
  EXPECT_EQ(load_scenario("/nowhere/at/all.yaml").error(),
            "/nowhere/at/all.yaml: the scenario cannot be opened (No such file or directory), "
            "check the path");
  const std::string directory = TWINBED_SOURCE_DIR "/scenarios";
  EXPECT_EQ(load_scenario(directory).error(),
            directory + ": this is a directory, name a scenario file in it");
}

/// A scenario that a program built badly gets the same sentences, with a path for a place.
TEST(MalformedScenarioTest, ScenariosWithoutAFile) {
  Scenario scenario;
  scenario.name = "built";
  scenario.duration = std::chrono::seconds(10);
  scenario.protocol.name = "election";
  EXPECT_EQ(check_scenario(scenario)->message,
            "nodes: this list of nodes is empty, write at least 1");
  scenario.nodes.resize(2);
  scenario.nodes[0].name = "node1";
  scenario.nodes[1].name = "node3";
  EXPECT_FALSE(check_scenario(scenario));
  scenario.network.link.loss = 2;
  EXPECT_EQ(check_scenario(scenario)->message,
            "network.link.loss: loss '2' is not a probability, write '0 %' to '100 %' or 0 to 1");
  scenario.network.link.loss = 0.02;
  scenario.faults.resize(1);
  scenario.faults[0].action = sim::FaultAction::kCrash;
  scenario.faults[0].select.nodes = {"nod3"};
  EXPECT_EQ(check_scenario(scenario)->message,
            "faults.0.select.nodes.0: there is no node 'nod3', did you mean 'node3'?");
  scenario.faults[0].select = {{}, "leader", 0};
  EXPECT_FALSE(check_scenario(scenario));
  scenario.nodes[1].name = "node\xff";
  EXPECT_TRUE(check_scenario(scenario)->message.starts_with("nodes.1.name: name 'node"));
}

}  // namespace
}  // namespace twinbed::scenarios
