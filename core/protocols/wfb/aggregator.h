// The receiving end of a WFB-NG stream: takes what one card or the cards of many nodes have heard,
// gives out the payloads, and keeps the statistics of WFB-NG.
//
// The nodes of a cluster send on what each of their cards heard. A packet that came over several
// cards of one node is sent once, and then named in a batch of duplicates with the antennas that
// heard it, too.
#pragma once

#include <string>

#include "core/protocols/wfb/antenna_stats.h"
#include "core/protocols/wfb/decoder.h"
#include "core/protocols/wfb/link_report.h"
#include "core/protocols/wfb/packet_set.h"

namespace twinbed::wfb {

/// What reports of the link need, since the last one.
struct LinkMeasure {
  AntennaTable antennas;
  std::uint32_t number = 0;
  std::uint64_t heard = 0;
  DecoderCounters before;
};

/// The figures of an interval, under the names of WFB-NG's line PKT.
struct ReceiverCounters {
  std::uint64_t all = 0;        ///< packets of any kind and fate, duplicates included
  std::uint64_t all_bytes = 0;  ///< of them, without the 802.11 header
  std::uint64_t dec_err = 0;
  std::uint64_t session = 0;
  std::uint64_t data = 0;
  std::uint64_t uniq = 0;       ///< different data packets
  std::uint64_t fec_rec = 0;
  std::uint64_t lost = 0;
  std::uint64_t bad = 0;
  std::uint64_t out = 0;
  std::uint64_t out_bytes = 0;
  std::uint64_t overrides = 0;  ///< not in the line
  std::uint64_t expired = 0;    ///< neither
  std::uint64_t refused = 0;    ///< nor this

  bool operator==(const ReceiverCounters&) const = default;
};

class Aggregator {
 public:
  /// The owner outlives the aggregator.
  Aggregator(const Decoder::Options& options, DecoderOwner& owner);

  /// A packet as a card heard it; the address is that of the node, 0 for this host.
  void receive(std::uint32_t node_address, const Reception& reception, Bytes packet,
               Time now = {});
  /// A forwarder's datagram. One that is shorter than its header is not counted.
  void receive_datagram(std::uint32_t node_address, Bytes datagram, Time now = {});
  /// To be called every second: packets of more than two seconds ago have no more duplicates.
  void forget_old() { recent_.turn(); }

  /// The figures since the last end_interval().
  ReceiverCounters counters() const;
  const AntennaTable& antennas() const { return antennas_; }
  void end_interval();

  const std::optional<Session>& session() const { return decoder_.session(); }
  /// See Decoder.
  Time wake_at() const { return decoder_.wake_at(); }
  void expire(Time now) { decoder_.expire(now); }
  /// From now on keeps what reports of the link need.
  void measure_link() { link_.emplace(); }
  /// What became of the link since the last call, after measure_link().
  LinkReport take_link_report();

  const std::optional<AdoptedSession>& adopted() const { return decoder_.adopted(); }
  void restore(const AdoptedSession& adopted) { decoder_.restore(adopted); }

 private:
  void count_antennas(std::uint32_t node_address, const Reception& reception);
  void take_duplicates(std::uint32_t node_address, const Reception& header, Bytes records);

  Decoder decoder_;
  AntennaTable antennas_;
  std::optional<LinkMeasure> link_;
  PacketSet unique_;
  RecentPackets recent_;
  std::uint64_t all_ = 0;
  std::uint64_t all_bytes_ = 0;
  DecoderCounters before_;  ///< at the end of the last interval
};

/// WFB-NG's lines of a receiver, without the newline: `time_ms` is the host's monotonic clock.
std::string antenna_line(std::int64_t time_ms, const AntennaKey& key, const AntennaStats& stats);
std::string packet_line(std::int64_t time_ms, const ReceiverCounters& counters);
std::string session_line(std::int64_t time_ms, const Session& session);

}  // namespace twinbed::wfb
