#include "scenarios/wfb/cluster_nodes.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

/// Where a stream's packets come from and go to.
struct Radios {
  std::optional<std::uint16_t> aggregator_port;  ///< none: the cards of this host
  std::vector<wfb::TxOutput> outputs;
  std::vector<wfb::WlanId> cards;  ///< behind the outputs
};

Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

wfb::RadioSettings radio_of(const StreamConfig& stream) {
  wfb::RadioSettings radio;
  radio.stbc = static_cast<std::uint8_t>(stream.stbc);
  radio.ldpc = static_cast<std::uint8_t>(stream.ldpc);
  radio.short_guard_interval = stream.short_gi ? 1 : 0;
  radio.bandwidth_mhz = static_cast<std::uint8_t>(stream.bandwidth);
  radio.mcs = static_cast<std::uint8_t>(stream.mcs_index);
  radio.vht_mode = stream.force_vht ? 1 : 0;
  return radio;
}

wfb::MavlinkSender sender_of(const StreamConfig& stream) {
  return {static_cast<std::uint8_t>(stream.mavlink_sys_id),
          static_cast<std::uint8_t>(stream.mavlink_comp_id)};
}

wfb::StreamKind kind_of(ServiceType type) {
  switch (type) {
    case ServiceType::kMavlink: return wfb::StreamKind::kMavlink;
    case ServiceType::kTunnel: return wfb::StreamKind::kTunnel;
    default: return wfb::StreamKind::kPlain;
  }
}

/// Makes the streams of one profile.
class StreamMaker {
 public:
  StreamMaker(const ClusterConfig& config, const CentralSettings& settings)
      : config_(config), settings_(settings) {}

  std::map<IpAddress, Buffer> digests;

  Result<wfb::StreamOptions> make(const ProfileConfig& profile, const StreamConfig& stream,
                                  std::uint32_t link_id, const Radios& radios) const {
    const wfb::RadioSettings radio = radio_of(stream);
    if (stream.stream_tx && !wfb::tx_params_of(radio)) {
      return Error{"stream " + in_quotes(stream.name) + " cannot be sent with a bandwidth of " +
                   std::to_string(stream.bandwidth) +
                   " MHz, which no radiotap header can say; use 10, 20, 40, 80 or 160"};
    }
    wfb::StreamOptions made;
    made.name = stream.name;
    made.kind = kind_of(stream.service_type);
    made.cards = radios.cards;
    if (stream.stream_rx) {
      made.receive = receiver(stream, *stream.stream_rx, link_id);
      made.receive->listen_port = radios.aggregator_port;
      made.receive->init_digests = digests;
    }
    if (stream.stream_tx) made.transmit = transmitter(stream, link_id, radios);
    add_user(stream, made);
    if (settings_.is_adaptive && is_one_way(stream)) {
      if (const auto error = taken_report_port(profile, stream)) return *error;
      make_adaptive(stream, link_id, radios, made);
    }
    return made;
  }

 private:
  const wfb::KeyFile& keys_of(const StreamConfig& stream) const {
    const auto found = settings_.keys_of_file.find(stream.keypair.value_or(""));
    return found == settings_.keys_of_file.end() ? settings_.keys : found->second;
  }

  wfb::ReceiverOptions receiver(const StreamConfig& stream, std::uint32_t radio_port,
                                std::uint32_t link_id) const {
    wfb::ReceiverOptions made;
    made.decoder.keys = keys_of(stream);
    made.decoder.channel = wfb::ChannelId::of(link_id, static_cast<std::uint8_t>(radio_port));
    made.decoder.ring_timeout = settings_.ring_timeout;
    made.decoder.flush_on_session = settings_.flush_on_session;
    made.decoder.refuse_replay = settings_.refuse_replay;
    return made;
  }

  wfb::TransmitterOptions transmitter(const StreamConfig& stream, std::uint32_t link_id,
                                      const Radios& radios) const {
    wfb::TransmitterOptions made;
    made.encoder.keys = keys_of(stream);
    made.encoder.channel =
        wfb::ChannelId::of(link_id, static_cast<std::uint8_t>(stream.stream_tx.value_or(0)));
    made.encoder.fec = {static_cast<std::uint8_t>(stream.fec_k),
                        static_cast<std::uint8_t>(stream.fec_n)};
    made.encoder.session_repeat = settings_.session_repeat;
    made.encoder.refuse_replay = settings_.refuse_replay;
    made.close_block = settings_.close_block;
    made.radio = radio_of(stream);
    made.frame_type =
        stream.frame_type == "rts" ? wfb::FrameType::kRts : wfb::FrameType::kData;
    made.outputs = radios.outputs;
    made.mirror = stream.mirror;
    made.fec_timeout = std::chrono::milliseconds(stream.fec_timeout);
    made.fec_delay = std::chrono::microseconds(stream.fec_delay);
    if (stream.use_qdisc) made.fwmark = stream.fwmark;
    return made;
  }

  static bool is_one_way(const StreamConfig& stream) {
    return kind_of(stream.service_type) == wfb::StreamKind::kPlain &&
           stream.stream_rx.has_value() != stream.stream_tx.has_value();
  }

  /// Unix sockets and serial devices are the application's here.
  void add_user(const StreamConfig& stream, wfb::StreamOptions& made) const {
    made.batch_limit = config_.common.radio_mtu;
    if (made.kind == wfb::StreamKind::kMavlink) {
      made.batch_timeout = from_seconds(config_.common.mavlink_agg_timeout);
      if (stream.inject_rssi) made.status_sender = sender_of(stream);
    } else if (made.kind == wfb::StreamKind::kTunnel) {
      made.batch_timeout = from_seconds(config_.common.tunnel_agg_timeout);
    }
    if (!stream.peer) return;
    const Endpoint& endpoint = stream.peer->endpoint;
    if (stream.peer->kind == Peer::Kind::kListen) made.input_port = endpoint.port;
    if (stream.peer->kind != Peer::Kind::kConnect) return;
    const bool is_here = endpoint.address.value >> 24 == kLoopback.value >> 24;
    made.peer = endpoint;
    if (is_here && !settings_.this_host.is_any()) made.peer->address = settings_.this_host;
  }

  static std::optional<Error> taken_report_port(const ProfileConfig& profile,
                                                const StreamConfig& stream) {
    const auto channel = wfb::ChannelId::of(
        0, static_cast<std::uint8_t>(stream.stream_rx.value_or(stream.stream_tx.value_or(0))));
    const std::uint32_t port = wfb::report_channel(channel).value & 0xff;
    for (const StreamConfig& other : profile.streams) {
      if (other.stream_rx != port && other.stream_tx != port) continue;
      return Error{"as stream " + in_quotes(stream.name) +
                   " is adaptive, its reports use the radio port " + std::to_string(port) +
                   ", which is that of stream " + in_quotes(other.name) +
                   "; give that one another port on both sides, or switch adaptive off"};
    }
    return std::nullopt;
  }

  void make_adaptive(const StreamConfig& stream, std::uint32_t link_id, const Radios& radios,
                     wfb::StreamOptions& made) const {
    if (made.receive) {
      made.reporter.emplace();
      made.reporter->transmit = transmitter(stream, link_id, radios);
      made.reporter->transmit.mirror = false;
      made.reporter->transmit.radio.mcs = 0;
    } else if (!radios.aggregator_port && stream.fec_k < 255) {  // with 255 there are no parities
      made.adaptive.emplace();
      made.adaptive->receive = receiver(stream, stream.stream_tx.value_or(0), link_id);
    }
  }

  const ClusterConfig& config_;
  const CentralSettings& settings_;
};

wfb::ProfileOptions empty_profile(const ClusterConfig& config, const std::string& name) {
  wfb::ProfileOptions profile;
  profile.name = name;
  profile.log_interval = std::chrono::milliseconds(config.common.log_interval);
  return profile;
}

std::set<wfb::WlanId> receive_only_cards(const ClusterConfig& config) {
  std::set<wfb::WlanId> cards;
  for (const ClusterNode& node : config.nodes) {
    for (std::size_t card = 0; card < node.wlans.size(); ++card) {
      if (node.wifi_txpower.of(node.wlans[card])->mode != TxPower::Mode::kOff) continue;
      cards.insert(
          wfb::AntennaId::of(node.address.value, static_cast<std::uint8_t>(card), 0).wlan());
    }
  }
  return cards;
}

Radios radios_of(const StreamPlan& plan) {
  Radios radios{plan.aggregator_port, {}, {}};
  for (const InjectorPorts& injectors : plan.injectors) {
    for (std::size_t card = 0; card < injectors.ports.size(); ++card) {
      radios.outputs.push_back(wfb::InjectorAddress{{injectors.node, injectors.ports[card]}});
      radios.cards.push_back(
          wfb::AntennaId::of(injectors.node.value, static_cast<std::uint8_t>(card), 0).wlan());
    }
  }
  return radios;
}

}  // namespace

Result<wfb::CentralOptions> central_of_cluster(const ClusterConfig& config,
                                               const std::vector<std::string>& profiles,
                                               const CentralSettings& settings) {
  const auto plans = plan_cluster(config, profiles);
  if (!plans) return Error{plans.error()};
  StreamMaker maker(config, settings);
  if (settings.init_digest) {
    auto digests = expected_digests(config, profiles, settings.is_adaptive);
    if (!digests) return Error{digests.error()};
    maker.digests = *std::move(digests);
  }
  wfb::CentralOptions central;
  for (const StreamPlan& plan : *plans) {
    if (central.profiles.empty() || central.profiles.back().name != plan.profile) {
      central.profiles.push_back(empty_profile(config, plan.profile));
      central.profiles.back().receive_only = receive_only_cards(config);
    }
    const ProfileConfig& profile = *config.profile(plan.profile);
    auto stream = maker.make(profile, plan.stream, plan.link_id, radios_of(plan));
    if (!stream) return Error{stream.error()};
    if (profiles.size() > 1) stream->name = plan.profile + "_" + stream->name;
    central.profiles.back().streams.push_back(*std::move(stream));
  }
  return central;
}

Result<wfb::CentralOptions> central_of_cards(const ClusterConfig& config,
                                             const std::string& profile, std::uint8_t cards,
                                             const CentralSettings& settings) {
  const ProfileConfig* found = config.profile(profile);
  if (found == nullptr) {
    std::vector<std::string> known;
    for (const ProfileConfig& other : config.profiles) known.push_back(other.name);
    return Error{"there is no profile " + in_quotes(profile) +
                 suggestion(profile, known, "the profiles")};
  }
  Radios radios;
  for (std::uint8_t card = 0; card < cards; ++card) {
    radios.outputs.push_back(InterfaceId{card});
    radios.cards.push_back(wfb::AntennaId::of(0, card, 0).wlan());
  }
  const StreamMaker maker(config, settings);
  wfb::ProfileOptions made = empty_profile(config, profile);
  for (const StreamConfig& stream : found->streams) {
    auto options = maker.make(*found, stream, wfb::link_id_of(found->link_domain), radios);
    if (!options) return Error{options.error()};
    made.streams.push_back(*std::move(options));
  }
  return wfb::CentralOptions{{std::move(made)}};
}

wfb::ClusterNodeOptions cluster_node_of(const NodePlan& plan, const NodeSettings& settings) {
  std::vector<InterfaceId> interfaces;
  for (std::uint32_t i = 0; i < plan.cards.size(); ++i) interfaces.push_back(InterfaceId{i});
  wfb::ClusterNodeOptions options;
  for (const NodePlan::Stream& stream : plan.streams) {
    wfb::ClusterNodeOptions::Stream& made = options.streams.emplace_back();
    made.name = stream.name;
    if (stream.stream_rx) {
      made.forwarder = {
          wfb::ChannelId::of(stream.link_id, static_cast<std::uint8_t>(*stream.stream_rx)),
          {plan.server_address, stream.aggregator_port},
          settings.init_digest};
    }
    if (stream.stream_tx || plan.sends_reports) {
      made.injector = {stream.first_injector_port, interfaces};
    }
  }
  return options;
}

}  // namespace twinbed::scenarios
