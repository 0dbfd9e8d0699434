#include <msgpack.hpp>

#include "core/wire/writer.h"
#include "scenarios/wfb/statistics.h"

namespace twinbed::scenarios {
namespace {

using nlohmann::ordered_json;

/// A message in the making. What has no keys but texts is made as JSON, which can be encoded, too;
/// the antennas have other keys, for which the packer is there.
class MapWriter {
 public:
  explicit MapWriter(std::uint32_t keys) { packer_.pack_map(keys); }

  template <class T>
  void add(const char* key, const T& value) {
    packer_.pack(std::string(key));
    packer_.pack(value);
  }
  void add_none(const char* key) {
    packer_.pack(std::string(key));
    packer_.pack_nil();
  }
  void add_json(const char* key, const ordered_json& value) {
    packer_.pack(std::string(key));
    const std::vector<std::uint8_t> bytes = ordered_json::to_msgpack(value);
    out_.write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  /// The packer, after the key.
  msgpack::packer<msgpack::sbuffer>& value_of(const char* key) {
    packer_.pack(std::string(key));
    return packer_;
  }

  Buffer frame() const {
    Buffer frame;
    Writer writer(frame);
    writer.u32be(static_cast<std::uint32_t>(out_.size()));
    writer.text({out_.data(), out_.size()});
    return frame;
  }

 private:
  msgpack::sbuffer out_;
  msgpack::packer<msgpack::sbuffer> packer_{out_};
};

ordered_json to_json(const PacketCounts& packets) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, count] : packets) json[name] = {count.interval, count.total};
  return json;
}

ordered_json to_json(const std::optional<SessionInfo>& session) {
  if (!session) return nullptr;
  return {{"fec_type", "VDM_RS"},
          {"fec_k", session->fec_k},
          {"fec_n", session->fec_n},
          {"epoch", session->epoch}};
}

ordered_json to_json(const std::optional<std::uint64_t>& number) {
  return number ? ordered_json(*number) : ordered_json(nullptr);
}

Buffer frame_of(const TitleMessage& message) {
  MapWriter map(7);
  map.add("type", std::string("cli_title"));
  map.add("cli_title", message.title);
  map.add("is_cluster", message.is_cluster);
  map.add("log_interval", message.log_interval_ms);
  map.add("temp_overheat_warning", message.temp_overheat_warning);
  map.add("profile", message.profile);
  map.add_json("settings", message.settings);
  return map.frame();
}

Buffer frame_of(const ReceiverMessage& message) {
  MapWriter map(7);
  map.add("type", std::string("rx"));
  map.add("timestamp", message.timestamp);
  map.add("id", message.id);
  map.add_json("tx_wlan", to_json(message.tx_wlan));
  map.add_json("packets", to_json(message.packets));
  auto& antennas = map.value_of("rx_ant_stats");
  antennas.pack_map(static_cast<std::uint32_t>(message.antennas.size()));
  for (const RxAntennaRow& row : message.antennas) {
    antennas.pack_array(2);
    antennas.pack(std::vector<std::uint32_t>{row.mhz, row.mcs, row.bandwidth_mhz});
    antennas.pack(row.antenna);
    antennas.pack_array(7);
    antennas.pack(row.packets);
    for (const std::int32_t decibels : {row.rssi_min, row.rssi_avg, row.rssi_max, row.snr_min,
                                        row.snr_avg, row.snr_max}) {
      antennas.pack(decibels);
    }
  }
  map.add_json("session", to_json(message.session));
  return map.frame();
}

Buffer frame_of(const TransmitterMessage& message) {
  MapWriter map(6);
  map.add("type", std::string("tx"));
  map.add("timestamp", message.timestamp);
  map.add("id", message.id);
  map.add_json("packets", to_json(message.packets));
  auto& latency = map.value_of("latency");
  latency.pack_map(static_cast<std::uint32_t>(message.antennas.size()));
  for (const TxAntennaRow& row : message.antennas) {
    latency.pack(row.antenna);
    latency.pack(std::vector<std::uint64_t>{row.injected, row.dropped, row.latency_min_us,
                                            row.latency_avg_us, row.latency_max_us});
  }
  map.add("rf_temperature", message.rf_temperature);
  return map.frame();
}

ordered_json json_of(const TitleMessage& message) {
  return {{"type", "settings"},
          {"profile", message.profile},
          {"is_cluster", message.is_cluster},
          {"wlans", message.wlans},
          {"settings", message.settings}};
}

ordered_json json_of(const ReceiverMessage& message) {
  ordered_json antennas = ordered_json::array();
  for (const RxAntennaRow& row : message.antennas) {
    antennas.push_back({{"ant", row.antenna},
                        {"freq", row.mhz},
                        {"mcs", row.mcs},
                        {"bw", row.bandwidth_mhz},
                        {"pkt_recv", row.packets},
                        {"rssi_min", row.rssi_min},
                        {"rssi_avg", row.rssi_avg},
                        {"rssi_max", row.rssi_max},
                        {"snr_min", row.snr_min},
                        {"snr_avg", row.snr_avg},
                        {"snr_max", row.snr_max}});
  }
  return {{"type", "rx"},
          {"timestamp", message.timestamp},
          {"id", message.id},
          {"tx_wlan", to_json(message.tx_wlan)},
          {"packets", to_json(message.packets)},
          {"rx_ant_stats", antennas},
          {"session", to_json(message.session)}};
}

ordered_json json_of(const TransmitterMessage& message) {
  ordered_json antennas = ordered_json::array();
  for (const TxAntennaRow& row : message.antennas) {
    antennas.push_back({{"ant", row.antenna},
                        {"pkt_sent", row.injected},
                        {"pkt_drop", row.dropped},
                        {"lat_min", row.latency_min_us},
                        {"lat_avg", row.latency_avg_us},
                        {"lat_max", row.latency_max_us}});
  }
  ordered_json temperature = ordered_json::object();
  for (const auto& [card, degrees] : message.rf_temperature) {
    temperature[std::to_string(card)] = degrees;
  }
  return {{"type", "tx"},
          {"timestamp", message.timestamp},
          {"id", message.id},
          {"packets", to_json(message.packets)},
          {"tx_ant_stats", antennas},
          {"rf_temperature", temperature}};
}

}  // namespace

Buffer statistics_frame(const StatisticsMessage& message) {
  return std::visit([](const auto& known) { return frame_of(known); }, message);
}

std::string statistics_line(const StatisticsMessage& message) {
  return std::visit([](const auto& known) { return json_of(known).dump(); }, message) + "\n";
}

Buffer log_frame(const LogBegin& record) {
  MapWriter map(6);
  map.add("type", std::string("init"));
  map.add("timestamp", record.timestamp);
  map.add_json("version", record.version ? ordered_json(*record.version) : nullptr);
  map.add("profile", record.profile);
  map.add_json("wlans", record.wlans ? ordered_json(*record.wlans) : nullptr);
  map.add("link_domain", record.link_domain);
  return map.frame();
}

Buffer log_frame(const LogSession& record) {
  MapWriter map(7);
  map.add("type", std::string("new_session"));
  map.add("timestamp", record.timestamp);
  map.add("id", record.id);
  map.add("fec_type", std::string("VDM_RS"));
  map.add("fec_k", record.session.fec_k);
  map.add("fec_n", record.session.fec_n);
  map.add("epoch", record.session.epoch);
  return map.frame();
}

Buffer log_frame(const LogMavlink& record) {
  MapWriter map(4);
  map.add("type", std::string("mavlink"));
  map.add("timestamp", record.timestamp);
  map.add("hdr", std::vector<std::uint32_t>{record.sequence, record.system, record.component,
                                            record.message});
  const std::string_view payload = as_text(record.payload);
  auto& packer = map.value_of("msg");
  packer.pack_bin(static_cast<std::uint32_t>(payload.size()));
  packer.pack_bin_body(payload.data(), static_cast<std::uint32_t>(payload.size()));
  return map.frame();
}

PacketCounts packet_counts(const twinbed::wfb::ReceiverCounters& interval,
                           const twinbed::wfb::ReceiverCounters& total) {
  return {{"all", {interval.all, total.all}},
          {"all_bytes", {interval.all_bytes, total.all_bytes}},
          {"dec_err", {interval.dec_err, total.dec_err}},
          {"session", {interval.session, total.session}},
          {"data", {interval.data, total.data}},
          {"uniq", {interval.uniq, total.uniq}},
          {"fec_rec", {interval.fec_rec, total.fec_rec}},
          {"lost", {interval.lost, total.lost}},
          {"bad", {interval.bad, total.bad}},
          {"out", {interval.out, total.out}},
          {"out_bytes", {interval.out_bytes, total.out_bytes}}};
}

std::vector<RxAntennaRow> antenna_rows(const twinbed::wfb::AntennaTable& table) {
  std::vector<RxAntennaRow> rows;
  for (const auto& [key, stats] : table.rows()) {
    if (stats.count == 0) continue;
    rows.push_back({key.mhz, key.mcs, key.bandwidth_mhz, key.antenna.value, stats.count,
                    stats.signal_dbm.least(), stats.signal_dbm.mean(), stats.signal_dbm.most(),
                    stats.snr_db.least(), stats.snr_db.mean(), stats.snr_db.most()});
  }
  return rows;
}

}  // namespace twinbed::scenarios
