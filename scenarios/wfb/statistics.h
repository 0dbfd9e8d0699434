// What the central node of WFB-NG tells those who watch it, over TCP.
//
//     stats_port   each message: length u32 BE | MessagePack map
//     api_port     each message: a line of JSON
//     binary log   as at the stats_port, with records of its own in place of the first message
//
// The first message says who speaks; then comes one for each service and interval. In MessagePack
// the antennas of a receiver are a map with arrays for keys, [[MHz, MCS, bandwidth], antenna]; in
// JSON they are a list, and numbers of antennas have up to 64 bits, more than a double holds.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/protocols/wfb/aggregator.h"
#include "core/protocols/wfb/antenna_stats.h"

namespace twinbed::scenarios {

/// How often something happened, in the last interval and since the start.
struct IntervalCount {
  std::uint64_t interval = 0;
  std::uint64_t total = 0;

  bool operator==(const IntervalCount&) const = default;
};
/// By the names of WFB-NG's lines of statistics: all, dec_err, lost, ...
using PacketCounts = std::map<std::string, IntervalCount>;

/// What an antenna heard in an interval, of one way of sending.
struct RxAntennaRow {
  std::uint32_t mhz = 0;
  std::uint32_t mcs = 0;
  std::uint32_t bandwidth_mhz = 0;
  std::uint64_t antenna = 0;  ///< wfb::AntennaId
  std::uint64_t packets = 0;
  std::int32_t rssi_min = 0;  ///< dBm
  std::int32_t rssi_avg = 0;
  std::int32_t rssi_max = 0;
  std::int32_t snr_min = 0;   ///< dB
  std::int32_t snr_avg = 0;
  std::int32_t snr_max = 0;

  bool operator==(const RxAntennaRow&) const = default;
};

/// What a card sent in an interval.
struct TxAntennaRow {
  std::uint64_t antenna = 0;
  std::uint64_t injected = 0;
  std::uint64_t dropped = 0;
  std::uint64_t latency_min_us = 0;  ///< of a call that sends
  std::uint64_t latency_avg_us = 0;
  std::uint64_t latency_max_us = 0;

  bool operator==(const TxAntennaRow&) const = default;
};

struct SessionInfo {
  std::uint32_t fec_k = 0;
  std::uint32_t fec_n = 0;
  std::uint64_t epoch = 0;

  bool operator==(const SessionInfo&) const = default;
};

/// The first message: who speaks.
struct TitleMessage {
  std::string title;
  std::string profile;
  bool is_cluster = false;
  std::uint32_t log_interval_ms = 1000;
  double temp_overheat_warning = 60;            ///< degrees Celsius
  std::vector<std::string> wlans;               ///< in JSON alone
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  ///< section -> key -> value

  bool operator==(const TitleMessage&) const = default;
};

struct ReceiverMessage {
  double timestamp = 0;  ///< seconds since 1970
  std::string id;        ///< "video rx"
  std::optional<std::uint64_t> tx_wlan;  ///< through which card the profile sends
  PacketCounts packets;
  std::vector<RxAntennaRow> antennas;
  std::optional<SessionInfo> session;

  bool operator==(const ReceiverMessage&) const = default;
};

struct TransmitterMessage {
  double timestamp = 0;
  std::string id;  ///< "mavlink tx"
  PacketCounts packets;
  std::vector<TxAntennaRow> antennas;
  std::map<std::uint64_t, std::int32_t> rf_temperature;  ///< card -> degrees Celsius

  bool operator==(const TransmitterMessage&) const = default;
};

using StatisticsMessage = std::variant<TitleMessage, ReceiverMessage, TransmitterMessage>;

/// The message as it goes over stats_port, its length included.
Buffer statistics_frame(const StatisticsMessage& message);
/// The message as it goes over api_port, the end of the line included.
std::string statistics_line(const StatisticsMessage& message);

// What the binary log has beside these messages; each record is framed as on stats_port.

/// The first record: whose log it is.
struct LogBegin {
  double timestamp = 0;  ///< seconds since 1970
  std::string profile;
  std::optional<std::string> version;
  std::optional<std::vector<std::string>> wlans;  ///< cards of this host; none: of a cluster
  std::string link_domain;
};
/// A receiver has taken up a session.
struct LogSession {
  double timestamp = 0;
  std::string id;  ///< "video rx"
  SessionInfo session;
};
/// A frame of MAVLink, either way.
struct LogMavlink {
  double timestamp = 0;
  std::uint32_t sequence = 0;
  std::uint32_t system = 0;
  std::uint32_t component = 0;
  std::uint32_t message = 0;
  Bytes payload;
};
Buffer log_frame(const LogBegin& record);
Buffer log_frame(const LogSession& record);
Buffer log_frame(const LogMavlink& record);

/// Takes apart what comes from a stats_port.
class StatisticsReader {
 public:
  /// Bytes as they come; the messages that are whole now. Messages of other types are passed over.
  /// After an error, which is a sentence about the sender, the reader is of no use any more.
  Result<std::vector<StatisticsMessage>> feed(Bytes bytes);

 private:
  Buffer pending_;
};

/// The counts of a receiver under the names of its line.
PacketCounts packet_counts(const twinbed::wfb::ReceiverCounters& interval,
                           const twinbed::wfb::ReceiverCounters& total);
/// The antennas that heard something.
std::vector<RxAntennaRow> antenna_rows(const twinbed::wfb::AntennaTable& table);

}  // namespace twinbed::scenarios
