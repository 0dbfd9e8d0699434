// load(dump(s)) == s, for awkward values too.
#include "scenarios/dump.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/random_stream.h"
#include "scenarios/load.h"

namespace twinbed::scenarios {
namespace {

const std::string kFull = TWINBED_SOURCE_DIR "/tests/testdata/scenarios/full.yaml";

Scenario small() {
  Scenario scenario;
  scenario.name = "small";
  scenario.duration = std::chrono::seconds(1);
  scenario.protocol.name = "p";
  scenario.nodes.resize(1);
  scenario.nodes[0].name = "a";
  return scenario;
}

void expect_round_trip(const Scenario& scenario) {
  const std::string text = dump_scenario(scenario);
  const Result<Scenario> again = load_scenario_text(text, "dump", scenario.directory);
  ASSERT_TRUE(again) << again.error() << "\n" << text;
  EXPECT_EQ(*again, scenario) << text;
  EXPECT_EQ(dump_scenario(*again), text);
}

TEST(DumpTest, EveryKeySurvives) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  expect_round_trip(*scenario);
  const Result<Scenario> from_file = load_scenario(kFull, {"network={file: zoo.graphml}"});
  ASSERT_TRUE(from_file) << from_file.error();
  EXPECT_EQ(from_file->network.file, "zoo.graphml");
  expect_round_trip(*from_file);
}

TEST(DumpTest, TheSmallestScenarioIsFiveKeys) {
  EXPECT_EQ(dump_scenario(small()),
            "version: 1\n"
            "name: small\n"
            "duration: 1 s\n"
            "protocol: {name: p}\n"
            "nodes:\n"
            "  - {name: a}\n");
}

TEST(DumpTest, NoLineIsLongWithoutNeed) {
  const Result<Scenario> scenario = load_scenario(kFull);
  ASSERT_TRUE(scenario) << scenario.error();
  std::istringstream lines(dump_scenario(*scenario));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

const std::vector<std::string>& awkward_texts() {
  static const std::vector<std::string> texts{
      "~", "null", "NULL", "true", "False", "yes", "no", "1", "-1", "007", "1.5", "1e3", ".5",
      "5.", ".inf", "nan", "0x10", "5 ms", "5ms", "-1.5 h", "1 s .. 2 s", "2 %", "- a", "-",
      "--- a", "...", "a: b", "a:", ":a", "a #b", "#a", " a", "a ", "a\nb", "a\n", "\n", "\t",
      "a\tb", "'", "''", "\"", "\\", "\\n", "[a]", "{a: b}", "a, b", "*a", "&a", "!a", "|", ">",
      "%a", "@a", "`a`", "?", "? a", "<<", "=", "a=b", "é", "✓", "𝄞",
      "\x7f", "\x01", std::string(1, '\0'), "\xc2\x85", "\xe2\x80\xa8", "\xef\xbb\xbf", "\r\n",
      "a\rb", std::string(500, 'x'), "67dc5ff", "1234567",
      "12e4567", "9223372036854775807", "-9223372036854775808", "!!str a", "99999999999 h"};
  return texts;
}

TEST(DumpTest, AwkwardTexts) {
  for (const std::string& text : awkward_texts()) {
    SCOPED_TRACE(text);
    Scenario scenario = small();
    scenario.question = text;
    scenario.nodes[0].role = text;
    scenario.protocol.options["text"] = text;
    scenario.protocol.options[text] = 1.0;
    scenario.workload = {{{}, std::nullopt, 1, "a", text}};
    expect_round_trip(scenario);
  }
}

TEST(DumpTest, AwkwardNumbers) {
  for (const double value : {0.0, 1.0, 0.1, 1e300, -1e-300, 5e-324, 1e22, 123456789012345680.0,
                             std::numeric_limits<double>::max()}) {
    Scenario scenario = small();
    scenario.protocol.options["real"] = value;
    expect_round_trip(scenario);
  }
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1},
                                   std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max()}) {
    Scenario scenario = small();
    scenario.protocol.options["whole"] = value;
    scenario.protocol.options["time"] = Duration{value / 2};
    expect_round_trip(scenario);
  }
}

/// A scenario with random numbers and texts in many places, valid by construction.
Scenario random_scenario(RandomStream& random) {
  Scenario scenario = small();
  scenario.duration = Duration{static_cast<std::int64_t>(1 + random.below(1'000'000'000'000))};
  const auto time = [&] {
    const auto limit = static_cast<std::uint64_t>(scenario.duration.count());
    return Duration{static_cast<std::int64_t>(random.below(limit))};
  };
  const auto text = [&] { return awkward_texts()[random.below(awkward_texts().size())]; };
  scenario.nodes.resize(1 + random.below(4));
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    NodeSpec& node = scenario.nodes[i];
    node.name = "n" + std::to_string(i);
    node.host = random.chance(0.5) ? text() : "";
    node.clock.offset = time() - time();
    node.clock.drift_ppm = (random.uniform() - 0.5) * 1e6;
    node.options[text()] = random.chance(0.5) ? OptionValue(text()) : OptionValue(time());
  }
  sim::LinkParams& link = scenario.network.link;
  link.delay = time();
  link.loss = random.uniform();
  link.bandwidth_bps = random.next() >> 1;
  link.queue_bytes = random.below(1 << 20);
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    sim::FaultSpec fault;
    fault.action = static_cast<sim::FaultAction>(random.below(5));
    if (fault.action == sim::FaultAction::kCrash && random.chance(0.5)) {
      fault.cause = sim::CrashCause::kPowerFailure;
    }
    const Duration at = time();
    fault.at = {at / 2, at};
    if (fault.action != sim::FaultAction::kRestart && random.chance(0.5)) {
      fault.lasts = sim::DurationRange{Duration{1}, time() + Duration{1}};
    }
    if (random.chance(0.5)) {
      fault.on = text();
      fault.nth = static_cast<std::uint32_t>(1 + random.below(3));
    }
    if (fault.on.empty() || random.chance(0.5)) fault.select.nodes = {"n0"};
    fault.select.role = random.chance(0.5) ? text() : "";
    scenario.faults.push_back(fault);
  }
  return scenario;
}

TEST(DumpTest, RandomScenarios) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomStream random(seed, "dump");
    expect_round_trip(random_scenario(random));
  }
}

}  // namespace
}  // namespace twinbed::scenarios
