// Clusters of WFB-NG in scenarios: what each shipped one expects, how lifecycles differ, what is
// refused, and that no key ever leaves its node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/crypto/box.h"
#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/packet.h"
#include "core/protocols/wfb/records.h"
#include "core/wire/ieee80211.h"
#include "scenarios/key_watch.h"
#include "scenarios/load.h"
#include "scenarios/protocols.h"
#include "scenarios/run.h"
#include "scenarios/simulation.h"
#include "sim/radio_medium.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Settings = std::vector<std::string>;

std::string file_of(const std::string& name) {
  return TWINBED_SOURCE_DIR "/scenarios/wfb/" + name + ".yaml";
}

Scenario load(const std::string& name, const Settings& settings) {
  const auto scenario = load_scenario(file_of(name), settings);
  EXPECT_TRUE(scenario) << scenario.error();
  return *scenario;
}

/// Counts the packets that opened for no receiver.
class Undecryptable final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric& metric, double value) override {
    if (metric.name == wfb::kRxUndecryptable.name) count += value;
  }
  void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
  void fault(Time, const FaultRow&) override {}

  double count = 0;
};

/// A run, and each verdict that is not the one that the scenario expects.
struct Judged {
  std::vector<std::string> surprises;
  twinbed::testing::TextSink rows;
  Undecryptable undecryptable;

  std::vector<std::string> events(const std::string& name) const {
    std::vector<std::string> found;
    for (const std::string& line : rows.lines) {
      if (line.starts_with(name + " ")) found.push_back(line);
    }
    return found;
  }
};

std::unique_ptr<Judged> judged(const Scenario& scenario, std::uint64_t seed) {
  auto result = std::make_unique<Judged>();
  sim::CheckerSet checkers(scenario.faults.size());
  for (const CheckerSpec& spec : scenario.checkers) {
    checkers.add(*sim::make_checker(spec.name, spec.options, run_nodes(scenario)));
  }
  TeeSink tee;
  tee.add(checkers);
  tee.add(result->rows);
  tee.add(result->undecryptable);
  const auto keys = KeyWatch::make(scenario, tee);
  EXPECT_TRUE(keys) << keys.error();
  const auto simulator = build_simulation(scenario, seed, tee);
  EXPECT_TRUE(simulator) << simulator.error();
  if (*keys) {
    (*simulator)->network().set_tap(keys->get());
    (*simulator)->radio()->set_tap(keys->get());
  }
  (*simulator)->run_until(Time{scenario.duration});
  EXPECT_FALSE((*simulator)->failure()) << *(*simulator)->failure();
  (*simulator)->finish();
  if (*keys) (*keys)->finish(**simulator);
  const auto outcomes = checkers.finish((*simulator)->now());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& expect = scenario.checkers[i].expect;
    const auto found = expect.find(scenario.protocol.policy);
    const std::string expected = found == expect.end() ? "valid" : found->second;
    const std::string verdict(sim::to_string(outcomes[i].verdict.kind));
    if (verdict == expected) continue;
    result->surprises.push_back("checkers." + std::to_string(i) + " is " + verdict + ": " +
                                outcomes[i].verdict.explanation);
  }
  return result;
}

/// The sentence that refuses a scenario with these settings.
std::string refusal(const Settings& settings) {
  twinbed::testing::TextSink rows;
  const auto built = build_simulation(load("node_crash_manual", settings), 1, rows);
  return built ? "" : built.error();
}

// ---- What the shipped scenarios expect ---------------------------------------------------------

class WfbClusterScenario : public ::testing::TestWithParam<const char*> {};

TEST_P(WfbClusterScenario, GivesTheExpectedVerdictsUnderBothPolicies) {
  for (const std::string policy : {"original", "robust"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto run = judged(load(GetParam(), {"protocol.policy=" + policy}), seed);
      EXPECT_THAT(run->surprises, IsEmpty()) << policy << ", seed " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, WfbClusterScenario,
                         ::testing::Values("node_crash_manual", "node_crash_ssh", "backhaul_cut",
                                           "stale_init_script", "forest_handover", "adaptive"),
                         [](const auto& suite) { return std::string(suite.param); });

TEST(WfbCluster, BySshAllEndWithOneNode) {
  const auto run = judged(load("node_crash_ssh", {}), 1);
  EXPECT_THAT(run->events("wfb.ended"),
              ElementsAre("wfb.ended node=10.77.0.11 reason=closed", "wfb.ended reason=closed"))
      << "the central node, and then the script of the other node";
  EXPECT_THAT(judged(load("node_crash_manual", {}), 1)->events("wfb.ended"), IsEmpty());
}

TEST(WfbCluster, SshDoesNotNoticeACutLine) {
  const auto run = judged(load("backhaul_cut", {"protocol.options.lifecycle=ssh"}), 1);
  EXPECT_THAT(run->surprises, IsEmpty());
  EXPECT_THAT(run->events("wfb.ended"), IsEmpty());
}

TEST(WfbCluster, TheOriginalDialsPort22WhateverTheFileSays) {
  twinbed::testing::TemporaryDirectory scratch;
  const std::string other = scratch.path() + "/other_port.cfg";
  std::filesystem::copy_file(TWINBED_SOURCE_DIR "/scenarios/wfb/two_nodes.cfg", other);
  std::ofstream(other, std::ios::app) << "\n[cluster]\nssh_port = 2222\n";
  const Settings ssh{"protocol.options.lifecycle=ssh", "protocol.options.cluster_file=" + other,
                     "duration=5 s", "faults=[]", "checkers=[]"};
  Settings original = ssh;
  original.push_back("protocol.policy=original");
  EXPECT_THAT(judged(load("backhaul_cut", original), 1)->events("wfb.ended"),
              Contains("wfb.ended node=10.77.0.11 reason=failed"));
  EXPECT_THAT(judged(load("backhaul_cut", ssh), 1)->events("wfb.ended"), IsEmpty());
}

TEST(WfbCluster, TheRobustPolicyNamesAStaleInitScript) {
  const auto robust = judged(load("stale_init_script", {}), 1);
  EXPECT_THAT(robust->events("wfb.init_digest"),
              Contains("wfb.init_digest node=10.77.0.11 state=stale stream=lidar rx"));
  EXPECT_THAT(robust->events("wfb.init_digest"),
              Contains("wfb.init_digest node=10.77.0.12 state=present stream=video rx"));
  EXPECT_THAT(robust->events("log"), Contains(HasSubstr("gen-init --node 10.77.0.11")));
  const auto original = judged(load("stale_init_script", {"protocol.policy=original"}), 1);
  EXPECT_THAT(original->events("wfb.init_digest"), IsEmpty());
  EXPECT_GT(original->undecryptable.count, 100) << "the video, at the lidar's aggregator";
  EXPECT_LT(robust->undecryptable.count, 10) << "what came before the first session";
}

/// The number behind "key=" in a line.
std::int64_t field_of(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  return at == std::string::npos ? 0 : std::stoll(line.substr(at + key.size() + 2));
}

TEST(WfbCluster, EachNodeHearsAPartOfWhatTheClusterHears) {
  const auto run = judged(load("forest_handover", {}), 1);
  std::map<std::int64_t, std::int64_t> packets_of_node;
  for (const std::string& line : run->events("wfb.antenna")) {
    if (!line.ends_with("stream=video rx")) continue;
    packets_of_node[field_of(line, "antenna") >> 32] += field_of(line, "packets");
  }
  std::int64_t sent = 0;
  for (const std::string& line : run->events("traffic.sent")) sent += field_of(line, "count");
  ASSERT_EQ(packets_of_node.size(), 6U);
  ASSERT_GT(sent, 0);
  for (const auto& [node, packets] : packets_of_node) {
    EXPECT_GT(packets, 0);
    EXPECT_LT(packets * 2, sent * 12 / 8) << "node " << node << " hears half of it";
  }
}

TEST(WfbCluster, AdaptiveIsWhatMakesTheDifference) {
  const std::string expected = "checkers=[{name: traffic, options: {source: camera, loss: 0.005, "
                               "from: 2 s}, expect: {original: valid, robust: invalid}}]";
  for (const std::string policy : {"original", "robust"}) {
    const std::string other = policy == "robust" ? "false" : "true";
    const auto run = judged(load("adaptive", {"protocol.policy=" + policy, expected,
                                              "protocol.options.adaptive=" + other}),
                            1);
    EXPECT_THAT(run->surprises, IsEmpty()) << policy;
    EXPECT_EQ(run->events("wfb.link").empty(), policy == "robust");
  }
}

TEST(WfbCluster, ReportsNeedARadioPortOfTheirOwn) {
  twinbed::testing::TemporaryDirectory scratch;
  const std::string other = scratch.path() + "/other_ports.cfg";
  std::filesystem::copy_file(TWINBED_SOURCE_DIR "/scenarios/wfb/two_nodes.cfg", other);
  std::ofstream(other, std::ios::app) << "\n[gs]\nstreams = [{'name': 'video', 'stream_rx': 0x10, "
                                         "'stream_tx': None, 'service_type': 'udp_direct_rx', "
                                         "'profiles': ['base', 'gs_base', 'video', 'gs_video']},\n"
                                         "  {'name': 'mavlink', 'stream_rx': 0x11, 'stream_tx': "
                                         "0x90, 'service_type': 'mavlink', 'profiles': ['base', "
                                         "'gs_base', 'mavlink', 'gs_mavlink']}]\n";
  EXPECT_EQ(refusal({"protocol.options.cluster_file=" + other}),
            "node central: " + other +
                ": as stream 'video' is adaptive, its reports use the radio port 144, which is "
                "that of stream 'mavlink'; give that one another port on both sides, or switch "
                "adaptive off");
}

// ---- Files of clusters -------------------------------------------------------------------------

TEST(WfbCluster, ARunIsRepeatedWithTheClusterFileThatItSaw) {
  twinbed::testing::TemporaryDirectory scratch;
  for (const char* name : {"node_crash_manual.yaml", "two_nodes.cfg"}) {
    std::filesystem::copy_file(std::string(TWINBED_SOURCE_DIR "/scenarios/wfb/") + name,
                               scratch.path() + "/" + name);
  }
  const auto scenario = load_scenario(scratch.path() + "/node_crash_manual.yaml",
                                      {"duration=3 s", "faults=[]", "checkers=[]"});
  ASSERT_TRUE(scenario) << scenario.error();
  const std::string database = scratch.path() + "/runs.db";
  {
    auto store = backends::Store::open(database);
    ASSERT_TRUE(store) << store.error();
    RunOptions options;
    options.seed = 1;
    const auto summary = run_simulated(*scenario, options, **store);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->failure, "");
  }
  std::filesystem::remove(scratch.path() + "/two_nodes.cfg");
  const auto report = replay_run(database, 1);
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->equal) << report->explanation;
}

TEST(WfbCluster, RefusesWhatDoesNotFitTheClusterFile) {
  EXPECT_THAT(refusal({"network.devices.1.address=10.77.0.99"}),
              AllOf(StartsWith("node near: two_nodes.cfg: there is no node 10.77.0.99"),
                    HasSubstr("10.77.0.11 and 10.77.0.12")));
  EXPECT_EQ(refusal({"network.devices.3.address=10.77.0.2"}),
            "node central: in two_nodes.cfg node 10.77.0.11 reaches its central node at "
            "10.77.0.1, but this host's address is 10.77.0.2; give it the other one in "
            "network.devices");
  EXPECT_EQ(refusal({"nodes.near.cards=[{}, {}]"}),
            "node near: it has 2 cards and 1 wlans in two_nodes.cfg; give both the same number");
  EXPECT_EQ(refusal({"nodes.far.cards=[{channel: 36}]"}),
            "node far: its card 0 is at 5180 MHz, but wlan0 at 5825 MHz in two_nodes.cfg; give "
            "both the same channel");
  EXPECT_THAT(refusal({"nodes.drone.cards=[]"}), HasSubstr("a vehicle uses radio cards"));
  EXPECT_THAT(refusal({"nodes.drone.options.profile=plane"}),
              HasSubstr("there is no profile 'plane'"));
  EXPECT_THAT(refusal({"nodes.camera.options.to=near"}),
              HasSubstr("node camera: in a cluster a source feeds a central node or a vehicle"));
  EXPECT_THAT(refusal({"nodes.camera.options.stream=tunnel"}),
              HasSubstr("has no stream 'tunnel' that listens"));
  EXPECT_THAT(refusal({"protocol.options.lifecycle=systemd"}),
              HasSubstr("option 'lifecycle' must be ssh or manual"));
  EXPECT_THAT(refusal({"nodes.near.options.cluster_file=''"}),
              HasSubstr("node near: a node is told its streams by a file of WFB-NG, "
                        "name it with the option 'cluster_file'"));
}

// ---- Keys --------------------------------------------------------------------------------------

/// What cards announce, and the keys that are sealed in it.
class Eavesdropper final : public sim::RadioTap {
 public:
  explicit Eavesdropper(wfb::KeyFile keys) : keys_(std::move(keys)) {}

  void sent(Time, sim::CardAddress, ChannelMhz, const TxParams&, Bytes frame) override {
    const Bytes packet = frame.subspan(std::min(frame.size(), MacHeader::kBytes));
    if (packet.size() < wfb::kMinSessionBytes) return;
    if (static_cast<wfb::PacketType>(packet.front()) != wfb::PacketType::kSession) return;
    BoxNonce nonce;
    std::ranges::copy(packet.subspan(1, nonce.size()), nonce.begin());
    Buffer plain;
    ASSERT_TRUE(open_box(keys_.mine, keys_.theirs, nonce, packet.subspan(1 + nonce.size()), plain));
    const auto session = wfb::read_session(plain);
    ASSERT_TRUE(session);
    if (!announcement.empty()) return;
    announcement = to_buffer(frame);
    session_key = to_buffer(session->key.bytes());
  }
  void received(Time, NodeId, const RxFrame&) override {}

  Buffer announcement;  ///< the first one, as a frame
  Buffer session_key;   ///< that it holds

 private:
  wfb::KeyFile keys_;
};

/// The scenario with these checkers, without faults.
Scenario with_checkers(const std::string& checkers, const std::string& duration = "3 s") {
  return load("node_crash_ssh",
              {"duration=" + duration, "faults=[]", "checkers=[" + checkers + "]"});
}

// What a cluster's node is made of has no room for keys (wfb::ClusterNodeOptions); what it keeps,
// sends and is sent is searched here.
TEST(WfbKeysStay, WhileNodesCrashAndOptionsAreOnNoKeyLeavesItsNode) {
  for (const std::string policy : {"original", "robust"}) {
    const Settings settings{"protocol.policy=" + policy, "checkers=[{name: keys_stay}]"};
    const auto run = judged(load("node_crash_ssh", settings), 1);
    EXPECT_THAT(run->surprises, IsEmpty());
    const auto searched = run->events("keys.searched");
    ASSERT_EQ(searched.size(), 1U);
    EXPECT_GT(field_of(searched[0], "packets"), 10'000);
    EXPECT_GT(field_of(searched[0], "frames"), 5'000);
    EXPECT_EQ(field_of(searched[0], "files") > 0, policy == "robust") << "epochs are kept";
    EXPECT_GE(field_of(searched[0], "sessions"), 6) << "three streams, and after a restart";
  }
}

TEST(WfbKeysStay, AKeyOnADiskIsFoundWhereItDoesNotBelong) {
  const auto keys = wfb::link_keys_from_password("twinbed");
  ASSERT_TRUE(keys);
  twinbed::testing::TemporaryDirectory scratch;
  const Buffer file = keys->ground.write();
  std::ofstream(scratch.path() + "/gs.key", std::ios::binary) << as_text(file);
  Scenario scenario = with_checkers("{name: keys_stay}");
  scenario.nodes[4].files["gs.key"] = scratch.path() + "/gs.key";
  EXPECT_THAT(judged(scenario, 1)->surprises,
              ElementsAre("checkers.0 is invalid: the ground's secret key stands in the file "
                          "gs.key of far"));
  scenario.checkers[0].options["keepers"] = std::string("central far");
  EXPECT_THAT(judged(scenario, 1)->surprises, IsEmpty());
  scenario.protocol.options["password"] = std::string("another");
  scenario.checkers[0].options.clear();
  EXPECT_THAT(judged(scenario, 1)->surprises, IsEmpty()) << "the key of another link is none";
}

TEST(WfbKeysStay, AKeyInAPacketOrFrameIsFoundAlsoBeforeItsSessionIsAnnounced) {
  const auto keys = wfb::link_keys_from_password("twinbed");
  ASSERT_TRUE(keys);
  const Scenario scenario = with_checkers("{name: keys_stay}", "1 s");
  Eavesdropper tap(keys->ground);
  twinbed::testing::TextSink rows;
  const auto built = build_simulation(scenario, 1, rows);
  ASSERT_TRUE(built) << built.error();
  (*built)->radio()->set_tap(&tap);
  (*built)->run_until(Time{scenario.duration});
  ASSERT_FALSE(tap.announcement.empty());

  twinbed::testing::TextSink found;
  const auto watch = KeyWatch::make(scenario, found);
  ASSERT_TRUE(watch && *watch);
  const auto at = [](int second) { return Time{std::chrono::seconds(second)}; };
  const auto send_frame = [&](int second, const Buffer& frame) {
    (*watch)->sent(at(second), {NodeId{3}, {}}, ChannelMhz{5825}, {}, frame);
  };
  Buffer leak = to_buffer("some bytes, and then ");
  leak.insert(leak.end(), tap.session_key.begin(), tap.session_key.end());
  send_frame(1, leak);
  EXPECT_THAT(found.lines, IsEmpty());
  send_frame(2, tap.announcement);
  EXPECT_THAT(found.lines, ElementsAre(AllOf(HasSubstr("the key of session 1"),
                                             HasSubstr("place=frame"),
                                             HasSubstr("sent_ns=1000000000"))));
  send_frame(3, tap.announcement);
  EXPECT_EQ(found.lines.size(), 1U) << "each key in each place once";

  const sim::Packet packet{};
  const Bytes drone = keys->drone.mine.bytes();
  (*watch)->sent(sim::TappedPacket{at(4), NodeId{5}, packet, drone.first(31)});
  EXPECT_EQ(found.lines.size(), 1U) << "a part of a key is none";
  (*watch)->sent(sim::TappedPacket{at(4), NodeId{5}, packet, drone});
  ASSERT_EQ(found.lines.size(), 2U);
  EXPECT_THAT(found.lines[1], AllOf(HasSubstr("the drone's secret key"),
                                    HasSubstr("place=packet")));
}

}  // namespace
}  // namespace twinbed::scenarios
