// Traces of links as they are written: CSV in a file or in the scenario, and back.
#include "scenarios/link_trace.h"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>

#include "scenarios/dump.h"
#include "scenarios/load.h"
#include "scenarios/trace_text.h"

namespace twinbed::scenarios {
namespace {

using sim::LinkTrace;
using sim::TraceStep;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

LinkTrace parsed(std::string_view text) {
  const Result<LinkTrace> trace = parse_trace(text, std::nullopt);
  EXPECT_TRUE(trace) << trace.error();
  return trace ? *trace : LinkTrace();
}

TEST(LinkTraceTextTest, NumbersHaveTheUnitsOfTheirColumns) {
  const LinkTrace trace = parsed("time,loss,delay,bandwidth\n0,0.25,12.5,8000000\n1.5,0,0,3e2\n");
  const std::vector<TraceStep> expected{{Duration{}, 0.25, microseconds(12'500), 8'000'000},
                                        {milliseconds(1500), 0, Duration{}, 300}};
  EXPECT_EQ(trace.steps(), expected);
}

TEST(LinkTraceTextTest, ValuesMayHaveUnitsAndColumnsAnyOrder) {
  const LinkTrace trace = parsed(
      "# measured on a train\r\n"
      "bandwidth , time, delay\r\n"
      "\r\n"
      " 8 Mbit/s , 0 s , 12 ms \r\n"
      "unlimited,2 min,1 s\r\n");
  const std::vector<TraceStep> expected{{Duration{}, 0, milliseconds(12), 8'000'000},
                                        {seconds(120), 0, seconds(1), 0}};
  EXPECT_EQ(trace.steps(), expected);
  EXPECT_EQ(parsed("\xef\xbb\xbftime,loss\n0,5 %").steps()[0].loss, 0.05) << "a byte order mark";
}

TEST(LinkTraceTextTest, WhatProgramsWriteIsRoundedToNanoseconds) {
  const LinkTrace trace = parsed("time,delay\n0,1e-05\n0.30000000000000004,3.3333333333333335\n");
  EXPECT_EQ(trace.steps()[0].delay, Duration{10});
  EXPECT_EQ(trace.steps()[1].at, milliseconds(300));
  EXPECT_EQ(trace.steps()[1].delay, Duration{3'333'333});
}

TEST(LinkTraceTextTest, TextReadsBackToTheSameSteps) {
  for (const std::string_view text :
       {"time,loss\n0 s,0.1\n1.5 s,1e-07\n", "time,delay\n1 ns,0 s\n3600 s,7 ns\n",
        "time,bandwidth\n0 s,1 bit/s\n3 s,unlimited\n4 s,1500 kbit/s\n",
        "time,loss,delay,bandwidth\n0 s,0.30000000000000004,1 ms,8 Mbit/s\n",
        "time,loss\n5 s,0\n"}) {
    const LinkTrace trace = parsed(text);
    EXPECT_EQ(format_trace(trace), text);
    EXPECT_EQ(parsed(format_trace(trace)), trace);
  }
  EXPECT_EQ(format_trace(parsed("delay,loss,time\n0,0.5,1")), "time,loss\n1 s,0.5\n")
      << "columns without effect are left out";
}

TEST(LinkTraceTextTest, AnythingIsReadOrRefusedWithItsPlace) {
  const std::string alphabet = "time,loss\n0.1 smdelay-%\r#\"";
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "time,loss\n";
    for (int j = 0; j < 20; ++j) {
      state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
      text += alphabet[(state >> 33) % alphabet.size()];
    }
    const Result<LinkTrace> trace = parse_trace(text, std::nullopt);
    if (trace) continue;
    EXPECT_TRUE(std::isdigit(trace.error()[0]) != 0) << trace.error();
  }
}

/// A directory of its own with a scenario whose only link follows trace.csv.
class TraceFileTest : public ::testing::Test {
 protected:
  TraceFileTest() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory + "/traces");
  }
  ~TraceFileTest() override { std::filesystem::remove_all(directory); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory + "/" + name) << text;
  }
  Result<Scenario> load(const std::string& network) const {
    write("scenario.yaml",
          "version: 1\nname: traced\nduration: 9 s\nprotocol: {name: pingpong}\n"
          "nodes: [{name: a}, {name: b}]\nnetwork: " + network + "\n");
    return load_scenario(directory + "/scenario.yaml");
  }

  const std::string directory =
      ::testing::TempDir() + "twinbed_traces_" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(TraceFileTest, AFileLiesBesideTheScenario) {
  write("traces/lte.csv", "time,loss\n0,0.5\n2,0\n");
  const auto scenario = load("{link: {delay: 1 ms, trace: {file: traces/lte.csv, repeat: 4 s}}}");
  ASSERT_TRUE(scenario) << scenario.error();
  const std::vector<LinkTrace> expected{
      LinkTrace({{Duration{}, 0.5, {}, 0}, {seconds(2), 0, {}, 0}}, seconds(4))};
  EXPECT_EQ(scenario->network.link.traces, expected);
}

TEST_F(TraceFileTest, TheDumpNeedsNoFile) {
  write("lte.csv", "time,loss\n0,0.5\n2,0\n");
  const auto scenario = load("{link: {trace: {file: lte.csv}}}");
  ASSERT_TRUE(scenario) << scenario.error();
  std::filesystem::remove(directory + "/lte.csv");
  const auto again = load_scenario_text(dump_scenario(*scenario), "dump", directory);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again, *scenario);
}

TEST_F(TraceFileTest, AMistakeIsNamedWithBothPlaces) {
  write("lte.csv", "time,loss\n0,0.5\n2, 5\n");
  EXPECT_EQ(load("{link: {trace: {file: lte.csv}}}").error(),
            directory + "/scenario.yaml:6:32: lte.csv:3:4: loss '5' is not a probability, write "
                        "'0 %' to '100 %' or 0 to 1");
}

TEST_F(TraceFileTest, FilesThatAreNoneOrTooLongAreRefused) {
  const std::string place = directory + "/scenario.yaml:6:32: ";
  EXPECT_EQ(load("{link: {trace: {file: /dev/zero}}}").error(),
            place + "/dev/zero: there is no such file, check the path, which starts at the "
                    "scenario's directory");
  write("long.csv", "time,loss\n0,1\n" + std::string(kMaxTraceBytes, '#'));
  EXPECT_EQ(load("{link: {trace: {file: long.csv}}}").error(),
            place + "long.csv: the trace has more than 1 MiB, the limit");
}

/// What is recorded of a run must be readable again.
TEST_F(TraceFileTest, TracesThatMakeTheScenarioTooLongAreRefused) {
  std::string rows = "time,loss\n";
  for (int i = 0; rows.size() < kMaxTraceBytes - 20; ++i) rows += std::to_string(i) + ",0.123456\n";
  write("long.csv", rows);
  const std::string one = "{file: long.csv}";
  EXPECT_TRUE(load("{link: {trace: [" + one + ", " + one + "]}}"));
  EXPECT_EQ(load("{link: {trace: [" + one + ", " + one + ", " + one + ", " + one + "]}}").error(),
            directory + "/scenario.yaml: the scenario has more than 4 MiB with the traces that it "
                        "names, use shorter or fewer ones");
}

TEST_F(TraceFileTest, ASettingMayNameATrace) {
  write("lte.csv", "time,loss\n0,0.5\n");
  ASSERT_TRUE(load("{link: {delay: 1 ms}}"));
  const std::string path = directory + "/scenario.yaml";
  const auto scenario = load_scenario(path, {"network.link.trace.file=lte.csv"});
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->network.link.traces.size(), 1U);
  EXPECT_EQ(load_scenario(path, {"network.link.trace.file=let.csv"}).error(),
            "setting 'network.link.trace.file=let.csv': let.csv: there is no such file, check the "
            "path, which starts at the scenario's directory");
}

}  // namespace
}  // namespace twinbed::scenarios
