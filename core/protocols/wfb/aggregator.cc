#include "core/protocols/wfb/aggregator.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/wire/reader.h"

namespace twinbed::wfb {
namespace {

constexpr std::size_t kRecordBytes = std::tuple_size_v<ShortHash> + Reception::kBytes;

/// Fields with something between them.
template <class... Values>
std::string joined(char separator, Values... values) {
  std::string text;
  for (const std::string& field : {std::to_string(values)...}) {
    if (!text.empty()) text += separator;
    text += field;
  }
  return text;
}

}  // namespace

Aggregator::Aggregator(const Decoder::Options& options, DecoderOwner& owner)
    : decoder_(options, owner) {}

void Aggregator::receive(std::uint32_t node_address, const Reception& reception, Bytes packet,
                         Time now) {
  ++all_;
  all_bytes_ += packet.size();
  if (!decoder_.receive(packet, now)) return;
  const ShortHash hash = packet_hash(packet);
  const bool is_first = unique_.insert(hash);
  if (link_ && is_first) ++link_->heard;
  recent_.insert(hash);
  count_antennas(node_address, reception);
}

void Aggregator::count_antennas(std::uint32_t node_address, const Reception& reception) {
  antennas_.add(node_address, reception);
  if (link_) link_->antennas.add(node_address, reception);
}

LinkReport Aggregator::take_link_report() {
  const DecoderCounters now = decoder_.counters();
  LinkReport report;
  report.number = ++link_->number;
  report.epoch = session() ? session()->epoch : 0;
  report.sent = static_cast<std::uint32_t>(now.sent - link_->before.sent);
  report.heard = static_cast<std::uint32_t>(std::exchange(link_->heard, 0));
  report.lost = static_cast<std::uint32_t>(now.lost - link_->before.lost);
  report.out = static_cast<std::uint32_t>(now.out - link_->before.out);
  for (const auto& [key, stats] : link_->antennas.rows()) {
    const int signal = stats.signal_dbm.mean();
    if (stats.count == 0 || (report.signal_dbm != 0 && signal <= report.signal_dbm)) continue;
    report.signal_dbm = static_cast<std::int8_t>(signal);
    report.snr_db = static_cast<std::int8_t>(std::clamp(stats.snr_db.mean(), -128, 127));
  }
  link_->antennas.clear();
  link_->before = now;
  return report;
}

void Aggregator::receive_datagram(std::uint32_t node_address, Bytes datagram, Time now) {
  const std::optional<Reception> reception = read_reception(datagram);
  if (!reception) return;
  const Bytes packet = datagram.subspan(Reception::kBytes);
  const bool is_batch =
      !packet.empty() && static_cast<PacketType>(packet.front()) == PacketType::kDuplicates;
  if (!is_batch) return receive(node_address, *reception, packet, now);
  take_duplicates(node_address, *reception, packet.subspan(1));
}

void Aggregator::take_duplicates(std::uint32_t node_address, const Reception& header,
                                 Bytes records) {
  if (header.wlan != kNoWlan || records.size() % kRecordBytes != 0) {
    ++all_;
    all_bytes_ += 1 + records.size();
    decoder_.count_bad();
    return;
  }
  for (; !records.empty(); records = records.subspan(kRecordBytes)) {
    ShortHash hash;
    std::ranges::copy(records.first(hash.size()), hash.begin());
    if (!recent_.contains(hash)) continue;
    ++all_;
    unique_.insert(hash);
    count_antennas(node_address, *read_reception(records.subspan(hash.size())));
  }
}

ReceiverCounters Aggregator::counters() const {
  const DecoderCounters now = decoder_.counters();
  return {all_,
          all_bytes_,
          now.undecryptable - before_.undecryptable,
          now.session - before_.session,
          now.data - before_.data,
          unique_.size(),
          now.recovered - before_.recovered,
          now.lost - before_.lost,
          now.bad - before_.bad,
          now.out - before_.out,
          now.out_bytes - before_.out_bytes,
          now.overrides - before_.overrides,
          now.expired - before_.expired,
          now.refused - before_.refused};
}

void Aggregator::end_interval() {
  before_ = decoder_.counters();
  all_ = all_bytes_ = 0;
  unique_.clear();
  antennas_.clear();
}

std::string antenna_line(std::int64_t time_ms, const AntennaKey& key, const AntennaStats& stats) {
  std::string antenna;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const auto digit = static_cast<std::size_t>(key.antenna.value >> shift & 0xf);
    if (digit != 0 || !antenna.empty() || shift == 0) antenna += "0123456789abcdef"[digit];
  }
  return std::to_string(time_ms) + "\tRX_ANT\t" +
         joined(':', key.mhz, key.mcs, key.bandwidth_mhz) + '\t' + antenna + '\t' +
         joined(':', stats.count, stats.signal_dbm.least(), stats.signal_dbm.mean(),
                stats.signal_dbm.most(), stats.snr_db.least(), stats.snr_db.mean(),
                stats.snr_db.most());
}

std::string packet_line(std::int64_t time_ms, const ReceiverCounters& counters) {
  return std::to_string(time_ms) + "\tPKT\t" +
         joined(':', counters.all, counters.all_bytes, counters.dec_err, counters.session,
                counters.data, counters.uniq, counters.fec_rec, counters.lost, counters.bad,
                counters.out, counters.out_bytes);
}

std::string session_line(std::int64_t time_ms, const Session& session) {
  return std::to_string(time_ms) + "\tSESSION\t" +
         joined(':', session.epoch, session.fec_type, session.fec.k, session.fec.n);
}

}  // namespace twinbed::wfb
