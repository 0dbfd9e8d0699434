// Role replayer in scenarios: what it sends on the air, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "sim/radio_medium.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;

const std::string kFile = TWINBED_SOURCE_DIR "/scenarios/wfb/replayed_session.yaml";
constexpr NodeId kListener{4};

/// The frames that the listener hears in the time of the recording, and all that it sends.
class ListenerTap final : public sim::RadioTap {
 public:
  void sent(Time, sim::CardAddress card, ChannelMhz, const TxParams&, Bytes frame) override {
    if (card.node == kListener) sent_frames.push_back(to_buffer(frame));
  }
  void received(Time at, NodeId node, const RxFrame& frame) override {
    const bool is_recorded = node == kListener && at >= Time{2s} && at < Time{4300ms};
    if (is_recorded && !frame.bad_fcs) heard_frames.push_back(to_buffer(frame.frame));
  }

  std::vector<Buffer> heard_frames;
  std::vector<Buffer> sent_frames;
};

TEST(WfbReplayerScenario, PutsTheSameFramesOnTheAirInTheSameOrder) {
  const auto scenario = load_scenario(kFile, {"nodes.4.options.replay_count=2"});
  ASSERT_TRUE(scenario) << scenario.error();
  twinbed::testing::TextSink rows;
  const auto simulator = build_simulation(*scenario, 1, rows);
  ASSERT_TRUE(simulator) << simulator.error();
  ListenerTap tap;
  (*simulator)->radio()->set_tap(&tap);
  (*simulator)->run_until(Time{16s});
  std::vector<Buffer> twice = tap.heard_frames;
  twice.insert(twice.end(), tap.heard_frames.begin(), tap.heard_frames.end());
  EXPECT_GT(tap.heard_frames.size(), 800U);
  EXPECT_EQ(tap.sent_frames, twice);
  EXPECT_THAT(rows.lines, Contains("wfb.replayed pass=1"));
}

/// The sentence that refuses the scenario with this setting.
std::string refusal(const std::string& setting) {
  const auto scenario = load_scenario(kFile, {setting});
  if (!scenario) return scenario.error();
  twinbed::testing::TextSink rows;
  const auto built = build_simulation(*scenario, 1, rows);
  return built ? "" : built.error();
}

TEST(WfbReplayerScenario, MistakesGetASentence) {
  EXPECT_EQ(refusal("nodes.4.options.replay_at=4299 ms"),
            "node listener: a replayer sends what it has recorded, let replay_at be 4.3 s or "
            "later, when the recording has ended");
  EXPECT_EQ(refusal("nodes.4.options.replay_at=4300 ms"), "");
  EXPECT_EQ(refusal("nodes.4.options.record_at=-1 s"),
            "node listener: record_at must not be negative");
  EXPECT_EQ(refusal("nodes.4.options.record_for=0 s"),
            "node listener: record_for must be positive");
  EXPECT_EQ(refusal("nodes.4.options.replay_count=0"),
            "node listener: replay_count must be 1 or more");
  EXPECT_EQ(refusal("nodes.4.options.record_for=2"),
            "protocol wfb: option 'record_for' must be a duration such as '5 ms'");
  EXPECT_EQ(refusal("nodes.4.cards=[]"),
            "node listener: a replayer uses radio cards, give it 'cards'");
  EXPECT_EQ(refusal("nodes.4.role=replay"),
            "node listener: the protocol wfb has no role 'replay'; its roles are source, "
            "transmitter, injector, forwarder, receiver, sink, replayer, central, node and "
            "vehicle");
}

}  // namespace
}  // namespace twinbed::scenarios
