// The choice of a scenario's medium: ns-3's own physical layer, one run at a time in a process.
#include <gtest/gtest.h>

#include "core/io/run_sink.h"
#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "sim/ns3/ns3_simulator.h"
#include "sim/radio_medium.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

using Settings = std::vector<std::string>;

class RadioMediumTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<sim::Simulator>> build(Settings settings = {}) {
    settings.push_back("duration=1 s");
    auto loaded = load_scenario(TWINBED_SOURCE_DIR "/scenarios/wfb/ns3_air.yaml", settings);
    EXPECT_TRUE(loaded) << loaded.error();
    scenarios_.push_back(std::make_unique<Scenario>(*std::move(loaded)));
    return build_simulation(*scenarios_.back(), 1, rows_);
  }
  std::string refusal(const Settings& settings) {
    const auto built = build(settings);
    return built ? "none" : built.error();
  }
  static std::uint64_t heard(sim::Simulator& simulator) {
    return simulator.radio()->counters({NodeId{2}, InterfaceId{0}}).received;
  }

  std::vector<std::unique_ptr<Scenario>> scenarios_;  // which simulators refer to
  twinbed::testing::TextSink rows_;
};

TEST_F(RadioMediumTest, OneRunOnNs3IsMadeAtATimeAndAnyOthersBesideIt) {
  auto first = build();
  ASSERT_TRUE(first) << first.error();
  EXPECT_TRUE(sim::Ns3Simulator::is_in_use());
  EXPECT_EQ(refusal({}),
            "scenario ns3_air runs on ns-3's medium, which another run in this process has; make "
            "one after the other, or each in a process of its own");
  auto table = build({"radio.medium=table"});
  ASSERT_TRUE(table) << table.error();
  for (sim::Simulator* simulator : {first->get(), table->get()}) {
    simulator->run_until(Time{std::chrono::seconds(1)});
    EXPECT_GT(heard(*simulator), 100U);
  }
  const std::string fingerprint = (*first)->fingerprint().hex();
  EXPECT_NE(fingerprint, (*table)->fingerprint().hex());
  first->reset();
  EXPECT_FALSE(sim::Ns3Simulator::is_in_use());
  auto again = build();
  ASSERT_TRUE(again) << again.error();
  (*again)->run_until(Time{std::chrono::seconds(1)});
  EXPECT_EQ((*again)->fingerprint().hex(), fingerprint);
}

TEST_F(RadioMediumTest, RatesThatNs3DoesNotSendAreRefused) {
  const std::string start = "protocol wfb: no card can send so: ";
  EXPECT_EQ(refusal({"protocol.options.mcs=9"}),
            start + "ns-3's medium sends on one spatial stream alone; use the table medium");
  EXPECT_EQ(refusal({"protocol.options.vht=true", "nodes.1.cards.0.channel=2437 MHz",
                     "nodes.2.cards.0.channel=2437 MHz"}),
            start + "ns-3 knows VHT at 5 GHz alone; use the table medium");
  EXPECT_EQ(refusal({"protocol.options.bandwidth=160", "nodes.1.cards.0.channel=5660 MHz",
                     "nodes.2.cards.0.channel=5660 MHz"}),
            start + "ns-3 knows no channel so wide around the card's 20 MHz; use the table medium");
  EXPECT_EQ(refusal({"protocol.options.stbc=1"}),
            start + "ns-3's medium sends without STBC; use the table medium");
  EXPECT_EQ(refusal({"protocol.options.ldpc=true"}),
            start + "ns-3's medium sends without LDPC; use the table medium");
  EXPECT_EQ(refusal({"protocol.options.ldpc=true", "radio.medium=table"}), "none");
  EXPECT_FALSE(sim::Ns3Simulator::is_in_use()) << "what was refused holds nothing";
}

TEST_F(RadioMediumTest, WideFramesAndVhtGetThrough) {
  for (const Settings& rate :
       {Settings{"protocol.options.bandwidth=40"}, Settings{"protocol.options.vht=true"},
        Settings{"protocol.options.bandwidth=80", "protocol.options.short_gi=true"}}) {
    auto simulator = build(rate);
    ASSERT_TRUE(simulator) << simulator.error();
    (*simulator)->run_until(Time{std::chrono::seconds(1)});
    EXPECT_GT(heard(**simulator), 100U) << rate[0];
  }
}

}  // namespace
}  // namespace twinbed::scenarios
