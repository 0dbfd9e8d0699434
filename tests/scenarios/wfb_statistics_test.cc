// The statistics of WFB-NG as bytes: written, read back, cut short and garbled.
#include "scenarios/wfb/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random_stream.h"
#include "scenarios/wfb/cluster_plan.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;
using twinbed::wfb::AntennaId;

TitleMessage title() {
  TitleMessage message;
  message.title = "WFB-ng @gs cluster [default]";
  message.profile = "gs";
  message.is_cluster = true;
  message.settings["common"]["wifi_channel"] = 165;
  return message;
}

ReceiverMessage receiver() {
  ReceiverMessage message;
  message.timestamp = 1700000000.25;
  message.id = "video rx";
  message.tx_wlan = std::uint64_t{0x0a4d000b} << 24;
  message.packets = {{"all", {120, 1000}}, {"lost", {2, 7}}};
  message.antennas = {
      {5825, 1, 20, AntennaId::of(0x0a4d000b, 0, 0).value, 60, -48, -46, -45, 30, 31, 33},
      {5825, 1, 20, AntennaId::of(0x0a4d000b, 1, 1).value, 58, -70, -66, -65, 0, 0, 0}};
  message.session = SessionInfo{8, 12, 0};
  return message;
}

TransmitterMessage transmitter() {
  TransmitterMessage message;
  message.timestamp = 1700000001;
  message.id = "mavlink tx";
  message.packets = {{"injected", {20, 200}}, {"dropped", {0, 1}}};
  message.antennas = {{AntennaId::of(0x0a4d000b, 0, 0xff).value, 20, 0, 11, 15, 40}};
  message.rf_temperature = {{0, 41}, {1, -3}};
  return message;
}

std::vector<StatisticsMessage> all_messages() { return {title(), receiver(), transmitter()}; }

TEST(WfbStatistics, TheBytesAreThoseOfTheFormat) {
  ReceiverMessage message;
  message.timestamp = 1.5;
  message.id = "a rx";
  message.packets = {{"all", {1, 300}}};
  message.antennas = {{5825, 1, 20, 742249560830640128, 1, -45, -45, -45, 0, 0, 0}};
  // Length; map of 7; type, timestamp, id, tx_wlan, packets, rx_ant_stats with a key
  // [[5825, 1, 20], 742249560830640128], session.
  EXPECT_EQ(to_hex(statistics_frame(message)),
            "00000071" "87" "a474797065" "a27278" "a974696d657374616d70" "cb3ff8000000000000"
            "a26964" "a461207278" "a774785f776c616e" "c0" "a77061636b657473" "81a3616c6c9201cd012c"
            "ac72785f616e745f7374617473" "81" "9293cd16c10114" "cf0a4d000b00000000"
            "9701d0d3d0d3d0d3000000" "a773657373696f6e" "c0");
}

TEST(WfbStatistics, WhatIsWrittenIsReadBackHoweverItIsCut) {
  Buffer bytes;
  for (const StatisticsMessage& message : all_messages()) {
    const Buffer frame = statistics_frame(message);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    StatisticsReader reader;
    std::vector<StatisticsMessage> read;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      const auto more = reader.feed(Bytes(bytes).subspan(at, std::min(step, bytes.size() - at)));
      ASSERT_TRUE(more) << more.error();
      read.insert(read.end(), more->begin(), more->end());
    }
    EXPECT_EQ(read, all_messages()) << "in steps of " << step;
  }
}

TEST(WfbStatistics, MessagesWithoutAntennasAreMessagePackForOthersToo) {
  TransmitterMessage message = transmitter();
  message.antennas.clear();
  message.rf_temperature.clear();
  const Buffer frame = statistics_frame(message);
  const auto json = nlohmann::json::from_msgpack(
      std::string(as_text(frame).substr(4)), /*strict=*/true, /*allow_exceptions=*/false);
  EXPECT_EQ(json["id"], "mavlink tx");
  EXPECT_EQ(json["packets"]["injected"], nlohmann::json({20, 200}));
  EXPECT_EQ(json["latency"], nlohmann::json::object());
}

TEST(WfbStatistics, LinesOfJson) {
  EXPECT_EQ(statistics_line(title()),
            R"({"type":"settings","profile":"gs","is_cluster":true,"wlans":[],)"
            R"("settings":{"common":{"wifi_channel":165}}})" "\n");
  const auto rx = nlohmann::json::parse(statistics_line(receiver()));
  EXPECT_EQ(rx["rx_ant_stats"][0]["ant"], 742249560830640128);
  EXPECT_EQ(rx["rx_ant_stats"][1]["rssi_avg"], -66);
  EXPECT_EQ(rx["session"]["fec_type"], "VDM_RS");
  const auto tx = nlohmann::json::parse(statistics_line(transmitter()));
  EXPECT_EQ(tx["tx_ant_stats"][0]["lat_max"], 40);
  EXPECT_EQ(tx["packets"]["dropped"], nlohmann::json({0, 1}));
}

TEST(WfbStatistics, StrangersAreToldSo) {
  StatisticsReader json;
  EXPECT_THAT(json.feed(as_bytes(statistics_line(title()))).error(),
              HasSubstr("this is the JSON interface (api_port); name the port of stats_port"));
  StatisticsReader http;
  EXPECT_THAT(http.feed(as_bytes("HTTP/1.1 400 Bad Request")).error(),
              HasSubstr("are these the statistics of WFB-NG?"));
  StatisticsReader list;
  Buffer bytes;
  ASSERT_TRUE(from_hex("0000000190", bytes));
  EXPECT_THAT(list.feed(bytes).error(), HasSubstr("a message has no type"));
  StatisticsReader other;  // a type of another version is passed over
  ASSERT_TRUE(from_hex("0000000a" "81a474797065a3666f6f", bytes));
  EXPECT_TRUE(other.feed(bytes)->empty());
  StatisticsReader half;
  ASSERT_TRUE(from_hex("00000009" "81a474797065a27278", bytes));
  EXPECT_THAT(half.feed(bytes).error(), HasSubstr("a message of type 'rx' is malformed"));
}

TEST(WfbStatistics, NoTextCommandsATerminal) {
  for (const char* text : {"\x1b[2J", "\xc2\x9b" "2J", "\xff", "a\x07"}) {
    TitleMessage message = title();
    message.title = text;
    StatisticsReader reader;
    const auto read = reader.feed(statistics_frame(message));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(std::get<TitleMessage>(read->front()).title, "?");
  }
}

TEST(WfbStatistics, GarbledBytesAreAMessageOrASentence) {
  RandomStream random(7, "garble");
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto messages = all_messages();
    Buffer bytes = statistics_frame(messages[random.below(messages.size())]);
    for (int flips = 0; flips < 3; ++flips) {
      bytes[4 + random.below(bytes.size() - 4)] = static_cast<std::byte>(random.below(256));
    }
    StatisticsReader reader;
    const auto read = reader.feed(bytes);
    if (read) continue;
    EXPECT_FALSE(read.error().empty());
    ++refused;
  }
  EXPECT_GT(refused, 1000);
}

TEST(WfbStatistics, CountsAndAntennasOfTheProtocol) {
  twinbed::wfb::ReceiverCounters interval;
  interval.uniq = 5;
  twinbed::wfb::ReceiverCounters total;
  total.uniq = 50;
  EXPECT_EQ(packet_counts(interval, total).at("uniq"), (IntervalCount{5, 50}));
  twinbed::wfb::AntennaTable table;
  twinbed::wfb::Reception reception;
  reception.mhz = 5825;
  reception.readings.fill({0xff, -128, 127});
  reception.readings[0] = {0, -50, -90};
  table.add(0x0a4d000b, reception);
  const auto rows = antenna_rows(table);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].antenna, AntennaId::of(0x0a4d000b, 0, 0).value);
  EXPECT_EQ(rows[0].rssi_avg, -50);
  EXPECT_EQ(rows[0].snr_avg, 40);
  table.clear();
  EXPECT_TRUE(antenna_rows(table).empty());  // heard nothing since
}

}  // namespace
}  // namespace twinbed::scenarios
