// Captures of cards in monitor mode as traces of radio links.
#include "scenarios/radio_capture_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "backends/pcap/packet_file.h"
#include "backends/pcap/radio_capture_file.h"
#include "core/wire/ieee80211.h"
#include "core/wire/radiotap.h"
#include "scenarios/dump.h"
#include "scenarios/load.h"
#include "scenarios/run.h"
#include "scenarios/run_capture.h"
#include "scenarios/simulation.h"
#include "sim/radio_medium.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

using backends::FrameDirection;
using backends::RadioCaptureFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using sim::LinkRecordStep;

constexpr Duration kMs = std::chrono::milliseconds(1);

constexpr const char* kRadio = R"(version: 1
name: measured
duration: 4 s
protocol: {name: wfb, options: {interval: 10 ms}}
radio:
  error_rate: table
  path_loss: {model: log-distance, exponent: 2.5}
nodes:
  - {name: camera, role: source, host: air}
  - name: drone
    role: transmitter
    host: air
    port: 5600
    cards: [{}]
    position: [100, 0]
    mobility: {model: velocity, velocity: {x: 30 m/s}}
  - {name: ground, role: receiver, cards: [{}]}
  - {name: screen, role: sink, port: 5700}
)";

class RadioCaptureTraceTest : public ::testing::Test {
 protected:
  /// Adds a frame of the sender with this last byte; a card's reading for each signal.
  void add(RadioCaptureFile& file, Duration at, std::uint8_t sender,
           const std::vector<int>& signals, bool is_injected = false, int number = 0) {
    MacHeader header;
    header.frame_control = 0x0108;
    header.sequence_control = static_cast<std::uint16_t>(number % 4096 << 4);
    header.transmitter = {std::byte{0x57}, std::byte{0x42}, std::byte{0}, std::byte{0},
                          std::byte{1}, std::byte{sender}};
    Buffer frame;
    write_mac_header(header, frame);
    RxFrame rx;
    for (const int signal : signals) {
      rx.readings[rx.antenna_count] = {rx.antenna_count, static_cast<std::int8_t>(signal), -95};
      ++rx.antenna_count;
    }
    Buffer packet;
    if (is_injected) {
      write_radiotap_sent({}, ChannelMhz{5825}, packet);
    } else {
      write_radiotap_rx(rx, packet);
    }
    packet.insert(packet.end(), frame.begin(), frame.end());
    file.write(0, Time{at}, FrameDirection::kReceived, packet);
  }
  RadioCaptureFile open() const {
    auto file = RadioCaptureFile::create(path);
    EXPECT_TRUE(file) << file.error();
    file->add_card("ground:0");
    return *std::move(file);
  }
  Result<Scenario> load(const std::string& trace) const {
    std::ofstream(scenario_path) << kRadio;
    return load_scenario(scenario_path,
                         {"radio.links=[{from: drone, to: ground, trace: " + trace + "}]"});
  }
  std::string mistake(const CaptureTraceOptions& options = {}) const {
    const auto steps = read_radio_capture(path, options);
    return steps ? "none" : steps.error();
  }

  twinbed::testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "/ground.pcapng";
  const std::string scenario_path = directory.path() + "/scenario.yaml";
};

TEST_F(RadioCaptureTraceTest, StepsAreMeanPowersFromTheFirstFrameOn) {
  RadioCaptureFile file = open();
  add(file, 5000 * kMs, 1, {-60});
  add(file, 5099 * kMs, 1, {-70});
  add(file, 5100 * kMs, 1, {-80, -80, -83, -83});
  add(file, 5350 * kMs, 1, {-128, -90});
  EXPECT_FALSE(file.close());
  const auto steps = read_radio_capture(path, {});
  ASSERT_TRUE(steps) << steps.error();
  // Of 1e-6 mW and 1e-7 mW; of 1e-8 and 10^-8.3; an antenna whose signal is not known counts not.
  EXPECT_THAT(*steps, ElementsAre(LinkRecordStep{Time{}, -62'596, 0},
                                  LinkRecordStep{Time{100 * kMs}, -81'246, 0},
                                  LinkRecordStep{Time{300 * kMs}, -90'000, 0}));
  const auto coarse = read_radio_capture(path, {"", 1000 * kMs});
  ASSERT_TRUE(coarse) << coarse.error();
  EXPECT_EQ(coarse->size(), 1U);
}

TEST_F(RadioCaptureTraceTest, FramesOfTheHostItselfAndWithoutSignalCountNot) {
  RadioCaptureFile file = open();
  add(file, 1000 * kMs, 9, {}, true);
  add(file, 1500 * kMs, 7, {});
  add(file, 2000 * kMs, 1, {-61});
  EXPECT_FALSE(file.close());
  const auto steps = read_radio_capture(path, {});
  ASSERT_TRUE(steps) << steps.error();
  EXPECT_THAT(*steps, ElementsAre(LinkRecordStep{Time{1000 * kMs}, -61'000, 0}));
}

TEST_F(RadioCaptureTraceTest, OneOfSeveralSendersIsChosenByAFilter) {
  RadioCaptureFile file = open();
  add(file, 1000 * kMs, 0, {-61});
  add(file, 1010 * kMs, 1, {-75});
  EXPECT_FALSE(file.close());
  EXPECT_EQ(mistake(), "frame 2: its sender is 57:42:00:00:01:01, that of frame 1 is "
                       "57:42:00:00:01:00; choose one with 'filter: wlan addr2 57:42:00:00:01:00'");
  const auto steps = read_radio_capture(path, {"wlan addr2 57:42:00:00:01:01", 100 * kMs});
  ASSERT_TRUE(steps) << steps.error();
  EXPECT_THAT(*steps, ElementsAre(LinkRecordStep{Time{}, -75'000, 0}));
  EXPECT_EQ(mistake({"wlan addr2 57:42:00:00:01:02", 100 * kMs}),
            "there is no frame of another station with a signal in it, check the filter");
  EXPECT_THAT(mistake({"wlan[", 100 * kMs}), HasSubstr("the filter 'wlan[' is not one of libpcap"));
}

TEST_F(RadioCaptureTraceTest, WhatCannotBeATraceIsSaidWithItsFrame) {
  {
    RadioCaptureFile file = open();
    add(file, 1000 * kMs, 0, {-61});
    add(file, 999 * kMs, 0, {-61});
    EXPECT_FALSE(file.close());
  }
  EXPECT_EQ(mistake(), "frame 2: it is earlier than a frame before it, put the capture in order "
                       "with reordercap");
  {
    RadioCaptureFile file = open();
    add(file, {}, 0, {-61});
    add(file, std::chrono::hours(24) * 36501, 0, {-61});
    EXPECT_FALSE(file.close());
  }
  EXPECT_EQ(mistake(), "frame 2: it is more than 100 years later than the first one, put its time "
                       "right with editcap");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THAT(mistake(), HasSubstr("after frame 1: " + path + " cannot be read to its end: "));
  {
    RadioCaptureFile file = open();
    for (int i = 0; i < 100'000; ++i) add(file, i * kMs, 0, {-61 - i % 2});
    EXPECT_FALSE(file.close());
  }
  EXPECT_EQ(mistake({"", kMs}), "the capture makes 100000 steps, which have more than 1 MiB as "
                                "text; take a longer 'average' than 1 ms");
  auto wired = backends::PacketFile::create(path, backends::LinkLayer::kRawIp);
  ASSERT_TRUE(wired && !wired->close());
  EXPECT_THAT(mistake(), HasSubstr(path + " holds no 802.11 frames with radiotap headers"));
}

TEST_F(RadioCaptureTraceTest, MistakesInAScenarioHaveTheirPlace) {
  RadioCaptureFile file = open();
  add(file, 1000 * kMs, 0, {-61});
  EXPECT_FALSE(file.close());
  const auto error = [&](const std::string& trace) {
    const auto scenario = load(trace);
    const std::string text = scenario ? "none" : scenario.error();
    return text.substr(text.find("': ") + 3);
  };
  const auto good = load("{file: ground.pcapng, average: 1 s}");
  ASSERT_TRUE(good) << good.error();
  EXPECT_EQ(good->radio->links[0].trace.size(), 1U);
  EXPECT_THAT(error("{file: none.pcap}"),
              HasSubstr("none.pcap: the capture file cannot be read (" + directory.path() +
                        "/none.pcap: No such file or directory), check the path"));
  EXPECT_EQ(error("{csv: \"time,loss\\n0,0\", filter: wlan}"),
            "key 'filter' goes with a capture (.pcap, .pcapng) alone, leave it out");
  EXPECT_EQ(error("{file: a.csv, average: 1 s}"),
            "key 'average' goes with a capture (.pcap, .pcapng) alone, leave it out");
  EXPECT_EQ(error("{csv: \"time,loss\\n0,0\", losses: gaps}"),
            "key 'losses' goes with a capture (.pcap, .pcapng) alone, leave it out");
  EXPECT_EQ(error("{file: ground.pcapng, signal: none}"),
            "of this capture nothing would count, add 'losses: gaps', or leave 'signal' out");
  EXPECT_EQ(error("{file: ground.pcapng, csv: time}"),
            "a trace is either a 'file' or the text 'csv', write one of the two");
  std::string text(kRadio);
  const std::string trace = "{filter: wlan x, file: ground.pcapng}";
  text.insert(text.find("nodes:"), "  links: [{from: drone, to: ground, trace: " + trace + "}]\n");
  const auto placed = load_scenario_text(text, "scenario.yaml", directory.path());
  ASSERT_FALSE(placed);
  EXPECT_THAT(placed.error(), StartsWith("scenario.yaml:8:67: ground.pcapng: the filter 'wlan x' "
                                         "is not one of libpcap: "));
}

/// Runs the scenario with a capture and writes what the ground station's card has received.
void run_and_capture(const Scenario& scenario, const std::string& database,
                     const std::string& path) {
  {
    auto store = backends::Store::open(database);
    ASSERT_TRUE(store) << store.error();
    RunOptions options;
    options.seed = 3;
    options.capture = true;
    const auto summary = run_simulated(scenario, options, **store);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->failure, "");
  }
  const auto written = write_capture(database, 1, {"ground", true}, path);
  ASSERT_TRUE(written) << written.error();
  EXPECT_GT(*written, 400U);
}

TEST_F(RadioCaptureTraceTest, ARunOnTheCaptureOfAnotherHearsTheSameSignals) {
  const auto first = load_scenario_text(kRadio, "first.yaml", directory.path());
  ASSERT_TRUE(first) << first.error();
  run_and_capture(*first, directory.path() + "/first.db", path);
  const auto second = load("{file: ground.pcapng}");
  ASSERT_TRUE(second) << second.error();
  // The second run needs the capture no more, nor does its repetition.
  const std::string kept = directory.path() + "/kept.pcapng";
  std::filesystem::rename(path, kept);
  const std::string again_path = directory.path() + "/again.pcapng";
  run_and_capture(*second, directory.path() + "/second.db", again_path);
  const auto report = replay_run(directory.path() + "/second.db", 1);
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->equal) << report->explanation;

  const auto measured = read_radio_capture(kept, {});
  const auto heard = read_radio_capture(again_path, {});
  ASSERT_TRUE(measured && heard);
  ASSERT_GT(measured->size(), 35U);
  ASSERT_EQ(heard->size(), measured->size());
  EXPECT_GT(*measured->front().signal_mdb - *measured->back().signal_mdb, 7'000) << "it flew off";
  for (std::size_t i = 0; i < heard->size(); ++i) {
    EXPECT_NEAR(*(*heard)[i].signal_mdb, *(*measured)[i].signal_mdb, 1'000) << i;
  }
}

/// What the drone's card has sent and the ground station's heard, in the run of the same seed.
double true_loss(const Scenario& scenario) {
  twinbed::testing::TextSink rows;
  auto simulator = build_simulation(scenario, 3, rows);
  EXPECT_TRUE(simulator) << simulator.error();
  (*simulator)->run_until(Time{scenario.duration});
  const sim::RadioMedium& air = *(*simulator)->radio();
  const sim::CardCounters& counters = air.counters({NodeId{1}, InterfaceId{0}});
  // What its own host drops would be missing, too.
  EXPECT_EQ(counters.queue_full, 0U);
  const auto sent = static_cast<double>(counters.sent);
  EXPECT_GT(sent, 3000);
  return 1 - static_cast<double>(air.counters({NodeId{2}, InterfaceId{0}}).received) / sent;
}

TEST_F(RadioCaptureTraceTest, LossesOfARunAreFoundInItsCaptureAndMakeTheNextRunLoseAsMuch) {
  const auto load_faster = [&](const std::string& trace) {
    std::ofstream(scenario_path) << kRadio;
    return load_scenario(scenario_path,
                         {"protocol.options={interval: 1 ms, bytes: 200, mcs: 4, k: 4, n: 6}",
                          "nodes.1.mobility.velocity.x=1 m/s", "nodes.1.position=[5, 0]",
                          "radio.links=[{from: drone, to: ground, trace: " + trace + "}]"});
  };
  const auto first = load_faster("{csv: \"time,loss\\n0,0.1\\n2,0.4\"}");
  ASSERT_TRUE(first) << first.error();
  run_and_capture(*first, directory.path() + "/first.db", path);
  const double truth = true_loss(*first);
  EXPECT_NEAR(truth, 0.25, 0.03);

  // Sessions' announcements are not numbered: a few in thousands of frames.
  CaptureTraceOptions options{"", std::chrono::hours(1), CaptureSignal::kNone,
                              CaptureLosses::kGaps};
  const auto whole = read_radio_capture(path, options);
  ASSERT_TRUE(whole) << whole.error();
  ASSERT_EQ(whole->size(), 1U);
  EXPECT_FALSE(whole->front().signal_mdb);
  EXPECT_NEAR(whole->front().loss, truth, 0.002);

  const std::string trace = "{file: ground.pcapng, signal: none, losses: gaps, average: 500 ms}";
  const auto second = load_faster(trace);
  ASSERT_TRUE(second) << second.error();
  for (const LinkRecordStep& step : second->radio->links[0].trace) {
    if (step.at == Time{1500 * kMs}) continue;  // in which it changed
    EXPECT_NEAR(step.loss, step.at < Time{2000 * kMs} ? 0.1 : 0.4, 0.06) << to_ns(step.at);
  }
  EXPECT_NEAR(true_loss(*second), truth, 0.03);

  const auto both = load_faster("{file: ground.pcapng, losses: gaps, average: 500 ms}");
  ASSERT_TRUE(both) << both.error();
  ASSERT_EQ(both->radio->links[0].trace.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(both->radio->links[0].trace[i].signal_mdb) << i;
    EXPECT_EQ(both->radio->links[0].trace[i].loss, second->radio->links[0].trace[i].loss) << i;
  }
}

// Blocks are closed early by fillers, and the drone is started anew, with another session.
TEST_F(RadioCaptureTraceTest, FillersAndARestartAreNoLosses) {
  const CaptureTraceOptions options{"", std::chrono::hours(1), CaptureSignal::kNone,
                                    CaptureLosses::kGaps};
  for (const char* policy : {"original", "robust"}) {
    for (const auto& [loss, tolerance] : {std::pair("0", 0.0), std::pair("0.3", 0.004)}) {
      std::ofstream(scenario_path) << kRadio;
      const auto scenario = load_scenario(
          scenario_path,
          {std::string("protocol.policy=") + policy,
           "protocol.options={interval: 7 ms, bytes: 200, mcs: 4, k: 4, n: 6, fec_timeout: 2 ms}",
           "faults=[{at: 1500 ms, for: 300 ms, action: crash, select: [drone]}]",
           "nodes.1.position=[5, 0]", "nodes.1.mobility.velocity.x=1 m/s",
           std::string("radio.links=[{from: drone, to: ground, trace: {csv: \"time,loss\\n0,") +
               loss + "\"}}]"});
      ASSERT_TRUE(scenario) << scenario.error();
      std::filesystem::remove(directory.path() + "/run.db");
      run_and_capture(*scenario, directory.path() + "/run.db", path);
      const auto whole = read_radio_capture(path, options);
      ASSERT_TRUE(whole) << whole.error();
      ASSERT_EQ(whole->size(), 1U);
      EXPECT_NEAR(whole->front().loss, true_loss(*scenario), tolerance) << policy;
    }
  }
}

TEST_F(RadioCaptureTraceTest, LossesOfOtherSendersComeFromTheirSequenceNumbers) {
  RadioCaptureFile file = open();
  for (int i = 0; i < 40; ++i) {
    if (i % 4 != 3) add(file, 1000 * kMs + i * kMs, 1, {}, false, 4090 + i);
  }
  EXPECT_FALSE(file.close());
  CaptureTraceOptions options;
  options.losses = CaptureLosses::kGaps;
  EXPECT_EQ(mistake(options), "there is no frame of another station with a signal in it");
  options.signal = CaptureSignal::kNone;
  const auto steps = read_radio_capture(path, options);
  ASSERT_TRUE(steps) << steps.error();
  EXPECT_THAT(*steps, ElementsAre(LinkRecordStep{Time{}, std::nullopt, 0.230769}));  // 9 of 39
  options.filter = "type ctl";
  EXPECT_EQ(mistake(options), "there is no frame of another station with a number in it, by which "
                              "losses would be seen, check the filter");
  options.average = std::chrono::nanoseconds(1);
  options.filter = "";
  EXPECT_EQ(mistake(options), "frame 2: it is more than 1000000 steps later than the first one; "
                              "take a longer 'average' than 1 ns");
}

// The frames before the break are a trace no more than those of a capture without losses.
TEST_F(RadioCaptureTraceTest, ACaptureThatBreaksOffHasNoLosses) {
  RadioCaptureFile file = open();
  for (int i = 0; i < 4; ++i) add(file, 1000 * kMs + i * kMs, 1, {-60}, false, 2 * i);
  EXPECT_FALSE(file.close());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CaptureTraceOptions options;
  options.losses = CaptureLosses::kGaps;
  EXPECT_THAT(mistake(options), HasSubstr("after frame 3: " + path + " cannot be read to its end"));
}

}  // namespace
}  // namespace twinbed::scenarios
