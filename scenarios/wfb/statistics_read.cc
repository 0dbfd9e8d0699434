#include <limits>
#include <msgpack.hpp>

#include "core/wire/reader.h"
#include "scenarios/suggest.h"
#include "scenarios/wfb/statistics.h"
#include "sim/network/graph_text.h"

namespace twinbed::scenarios {
namespace {

using msgpack::object;
using msgpack::type::object_type;
using nlohmann::ordered_json;

constexpr std::uint32_t kMaxMessageBytes = 1 << 20;
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxDepth = 16;
/// '{"ty' as a length: how a line of the other interface begins.
constexpr std::uint32_t kJsonBegin = 0x7b227479;

/// Whether a terminal would obey the text: controls other than ends of lines and tabs, those of
/// eight bits (U+0080 to U+009F) included.
bool has_controls(std::string_view text) {
  char before = '\0';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) return true;
    if (before == '\xc2' && byte < 0xa0) return true;
    before = c;
  }
  return false;
}

/// The text of a value, "?" in place of one that is not UTF-8 or would command a terminal; nothing
/// where it is no text.
std::string text_of(const object& value) {
  if (value.type != object_type::STR) return "";
  const std::string_view text(value.via.str.ptr, value.via.str.size);
  return sim::find_bad_utf8(text) || has_controls(text) ? "?" : std::string(text);
}

/// The value under a key of a map; null where there is none.
const object* find(const object& map, std::string_view key) {
  if (map.type != object_type::MAP) return nullptr;
  for (std::uint32_t i = 0; i < map.via.map.size; ++i) {
    const auto& entry = map.via.map.ptr[i];
    if (entry.key.type == object_type::STR &&
        std::string_view(entry.key.via.str.ptr, entry.key.via.str.size) == key) {
      return &entry.val;
    }
  }
  return nullptr;
}

template <class Number>
bool read_number(const object* value, Number& out) {
  if (value == nullptr) return false;
  if constexpr (std::is_floating_point_v<Number>) {
    if (value->type == object_type::FLOAT64 || value->type == object_type::FLOAT32) {
      out = value->via.f64;
      return true;
    }
  }
  if (value->type == object_type::POSITIVE_INTEGER) {
    out = static_cast<Number>(value->via.u64);
    return std::is_floating_point_v<Number> ||
           value->via.u64 <= static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
  }
  if (value->type != object_type::NEGATIVE_INTEGER || std::is_unsigned_v<Number>) return false;
  out = static_cast<Number>(value->via.i64);
  return std::is_floating_point_v<Number> ||
         value->via.i64 >= static_cast<std::int64_t>(std::numeric_limits<Number>::lowest());
}

bool read_text(const object* value, std::string& out) {
  if (value == nullptr || value->type != object_type::STR) return false;
  out = text_of(*value);
  return true;
}

/// An array of exactly these numbers.
template <class... Numbers>
bool read_numbers(const object& array, Numbers&... out) {
  if (array.type != object_type::ARRAY || array.via.array.size != sizeof...(out)) return false;
  const object* next = array.via.array.ptr;
  return (read_number(next++, out) && ...);
}

bool read_packets(const object* map, PacketCounts& out) {
  if (map == nullptr || map->type != object_type::MAP) return false;
  for (std::uint32_t i = 0; i < map->via.map.size; ++i) {
    const auto& entry = map->via.map.ptr[i];
    IntervalCount count;
    if (entry.key.type != object_type::STR ||
        !read_numbers(entry.val, count.interval, count.total)) {
      return false;
    }
    out[text_of(entry.key)] = count;
  }
  return true;
}

bool read_rx_antennas(const object* map, std::vector<RxAntennaRow>& out) {
  if (map == nullptr || map->type != object_type::MAP) return false;
  for (std::uint32_t i = 0; i < map->via.map.size; ++i) {
    const auto& [key, value] = map->via.map.ptr[i];
    RxAntennaRow row;
    if (key.type != object_type::ARRAY || key.via.array.size != 2 ||
        !read_numbers(key.via.array.ptr[0], row.mhz, row.mcs, row.bandwidth_mhz) ||
        !read_number(&key.via.array.ptr[1], row.antenna) ||
        !read_numbers(value, row.packets, row.rssi_min, row.rssi_avg, row.rssi_max, row.snr_min,
                      row.snr_avg, row.snr_max)) {
      return false;
    }
    out.push_back(row);
  }
  return true;
}

bool read_tx_antennas(const object* map, std::vector<TxAntennaRow>& out) {
  if (map == nullptr || map->type != object_type::MAP) return false;
  for (std::uint32_t i = 0; i < map->via.map.size; ++i) {
    const auto& [key, value] = map->via.map.ptr[i];
    TxAntennaRow row;
    if (!read_number(&key, row.antenna) ||
        !read_numbers(value, row.injected, row.dropped, row.latency_min_us, row.latency_avg_us,
                      row.latency_max_us)) {
      return false;
    }
    out.push_back(row);
  }
  return true;
}

bool is_none(const object* value) { return value == nullptr || value->type == object_type::NIL; }

/// The value as JSON; what JSON has no word for becomes null.
ordered_json to_json(const object& value) {
  ordered_json json;
  switch (value.type) {
    case object_type::BOOLEAN: return value.via.boolean;
    case object_type::POSITIVE_INTEGER: return value.via.u64;
    case object_type::NEGATIVE_INTEGER: return value.via.i64;
    case object_type::FLOAT32:
    case object_type::FLOAT64: return value.via.f64;
    case object_type::STR: return text_of(value);
    case object_type::ARRAY:
      json = ordered_json::array();
      for (std::uint32_t i = 0; i < value.via.array.size; ++i) {
        json.push_back(to_json(value.via.array.ptr[i]));
      }
      return json;
    case object_type::MAP:
      json = ordered_json::object();
      for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
        json[text_of(value.via.map.ptr[i].key)] = to_json(value.via.map.ptr[i].val);
      }
      return json;
    default: return json;
  }
}

std::optional<StatisticsMessage> read_title(const object& map) {
  TitleMessage message;
  const object* cluster = find(map, "is_cluster");
  if (!read_text(find(map, "cli_title"), message.title) || cluster == nullptr ||
      cluster->type != object_type::BOOLEAN ||
      !read_number(find(map, "log_interval"), message.log_interval_ms)) {
    return std::nullopt;
  }
  message.is_cluster = cluster->via.boolean;
  // Senders of older versions leave these out.
  (void)read_text(find(map, "profile"), message.profile);
  (void)read_number(find(map, "temp_overheat_warning"), message.temp_overheat_warning);
  if (const object* settings = find(map, "settings")) message.settings = to_json(*settings);
  return message;
}

std::optional<StatisticsMessage> read_receiver(const object& map) {
  ReceiverMessage message;
  if (!read_number(find(map, "timestamp"), message.timestamp) ||
      !read_text(find(map, "id"), message.id) ||
      !read_packets(find(map, "packets"), message.packets) ||
      !read_rx_antennas(find(map, "rx_ant_stats"), message.antennas)) {
    return std::nullopt;
  }
  if (const object* wlan = find(map, "tx_wlan"); !is_none(wlan)) {
    if (!read_number(wlan, message.tx_wlan.emplace())) return std::nullopt;
  }
  if (const object* session = find(map, "session"); !is_none(session)) {
    SessionInfo& info = message.session.emplace();
    if (!read_number(find(*session, "fec_k"), info.fec_k) ||
        !read_number(find(*session, "fec_n"), info.fec_n) ||
        !read_number(find(*session, "epoch"), info.epoch)) {
      return std::nullopt;
    }
  }
  return message;
}

std::optional<StatisticsMessage> read_transmitter(const object& map) {
  TransmitterMessage message;
  if (!read_number(find(map, "timestamp"), message.timestamp) ||
      !read_text(find(map, "id"), message.id) ||
      !read_packets(find(map, "packets"), message.packets) ||
      !read_tx_antennas(find(map, "latency"), message.antennas)) {
    return std::nullopt;
  }
  const object* temperature = find(map, "rf_temperature");
  if (temperature == nullptr || temperature->type != object_type::MAP) return message;
  for (std::uint32_t i = 0; i < temperature->via.map.size; ++i) {
    const auto& [key, value] = temperature->via.map.ptr[i];
    std::uint64_t card = 0;
    std::int32_t degrees = 0;
    // Which cards tell it, and how, differs between drivers: what is not understood is left out.
    if (read_number(&key, card) && read_number(&value, degrees)) {
      message.rf_temperature[card] = degrees;
    }
  }
  return message;
}

/// Adds the message in these bytes, unless it is of another type.
Result<bool> read_message(Bytes bytes, std::vector<StatisticsMessage>& out) {
  msgpack::object_handle handle;
  try {
    // Parts within parts cost the stack, the others memory: all are bounded here.
    handle = msgpack::unpack(as_text(bytes).data(), bytes.size(), nullptr, nullptr,
                             msgpack::unpack_limit(kMaxItems, kMaxItems, kMaxMessageBytes,
                                                   kMaxMessageBytes, kMaxMessageBytes, kMaxDepth));
  } catch (const std::exception&) {
    return Error{"a message is not MessagePack, or larger than statistics are"};
  }
  const object* type = find(handle.get(), "type");
  const std::string name = type == nullptr ? "" : text_of(*type);
  const auto read = name == "cli_title" ? read_title
                    : name == "rx"      ? read_receiver
                    : name == "tx"      ? read_transmitter
                                        : nullptr;
  if (name.empty()) return Error{"a message has no type"};
  if (read == nullptr) return false;
  std::optional<StatisticsMessage> message = read(handle.get());
  if (!message) return Error{"a message of type " + in_quotes(name) + " is malformed"};
  out.push_back(*std::move(message));
  return true;
}

}  // namespace

Result<std::vector<StatisticsMessage>> StatisticsReader::feed(Bytes bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  std::vector<StatisticsMessage> messages;
  Bytes rest = pending_;
  while (rest.size() >= 4) {
    const std::uint32_t size = Reader(rest).u32be();
    if (size == kJsonBegin) {
      return Error{"this is the JSON interface (api_port); name the port of stats_port"};
    }
    if (size > kMaxMessageBytes) {
      return Error{"a message of " + std::to_string(size) + " bytes was announced; are these the "
                   "statistics of WFB-NG?"};
    }
    if (rest.size() < 4 + std::size_t{size}) break;
    const Result<bool> read = read_message(rest.subspan(4, size), messages);
    if (!read) return Error{read.error()};
    rest = rest.subspan(4 + std::size_t{size});
  }
  pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return messages;
}

}  // namespace twinbed::scenarios
