#include "scenarios/node/wfb_statistics.h"

#include <chrono>

#include "core/protocols/wfb/mavlink_frames.h"
#include "scenarios/wfb/cluster_load.h"

namespace twinbed::scenarios {
namespace {

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

TitleMessage title_of(const ClusterConfig& config, const std::vector<std::string>& own_cards,
                      const ProfileConfig& profile) {
  TitleMessage title;
  title.profile = profile.name;
  title.is_cluster = own_cards.empty();
  title.log_interval_ms = config.common.log_interval;
  title.temp_overheat_warning = config.common.temp_overheat_warning;
  std::string where = title.is_cluster ? " cluster" : "";
  for (const std::string& card : own_cards) {
    title.wlans.push_back(card);
    where += " " + card;
  }
  title.title = "WFB-NG @" + profile.name + where + " [" + profile.link_domain + "]";
  if (title.is_cluster) {
    for (const ClusterNode& node : config.nodes) {
      for (const std::string& card : node.wlans) {
        title.wlans.push_back(to_string(node.address) + ":" + card);
      }
    }
  }
  title.settings = to_json(cluster_config_kind().write(config));
  return title;
}

/// Adds the interval's figures to the totals, and puts these beside them.
PacketCounts with_totals(PacketCounts counts, std::map<std::string, std::uint64_t>& totals) {
  for (auto& [name, count] : counts) count.total = totals[name] += count.interval;
  return counts;
}

}  // namespace

WfbStatistics::WfbStatistics(backends::EventLoop& loop, const ClusterConfig& config,
                             const std::vector<std::string>& own_cards,
                             wfb::CentralOptions& central)
    : loop_(loop) {
  std::size_t number = 0;
  for (wfb::ProfileOptions& options : central.profiles) {
    const ProfileConfig& known = *config.profile(options.name);
    add_profile(title_of(config, own_cards, known), known);
    Profile& profile = *profiles_.back();
    profile.begin = {0, known.name, config.common.version, {}, known.link_domain};
    if (!own_cards.empty()) profile.begin.wlans = own_cards;
    const std::string prefix = central.profiles.size() > 1 ? profile.name + "_" : "";
    for (wfb::StreamOptions& stream : options.streams) {
      const std::string name = stream.name.substr(prefix.size());
      if (stream.receive) {
        Service& service = add_service(profile, name + " rx");
        stream.receive->before_report = [&service](const wfb::Aggregator& aggregator) {
          report(service, aggregator);
        };
      }
      if (stream.transmit) {
        Service& service = add_service(profile, name + " tx");
        watch_outputs(number, stream, service);
        stream.transmit->before_report = [&service](Time, wfb::TransmitterCounters& counters) {
          report(service, counters);
        };
      }
      ++number;
    }
  }
}

void WfbStatistics::add_profile(const TitleMessage& title, const ProfileConfig& known) {
  profiles_.push_back(std::make_unique<Profile>());
  Profile& profile = *profiles_.back();
  profile.name = known.name;
  profile.stats_port = known.stats_port;
  profile.api_port = known.api_port;
  profile.stats = std::make_unique<WfbTcpPort>(
      loop_, WfbTcpPort::Options{.greeting = std::string(as_text(statistics_frame(title)))});
  profile.api = std::make_unique<WfbTcpPort>(
      loop_, WfbTcpPort::Options{.greeting = statistics_line(title)});
}

WfbStatistics::Service& WfbStatistics::add_service(Profile& profile, const std::string& id) {
  services_.push_back(std::make_unique<Service>());
  services_.back()->profile = &profile;
  services_.back()->id = id;
  return *services_.back();
}

void WfbStatistics::watch_outputs(std::size_t stream, const wfb::StreamOptions& options,
                                  Service& service) {
  const wfb::TransmitterOptions& transmit = *options.transmit;
  transmitters_[wfb::frame_header(transmit.encoder.channel, transmit.frame_type, 0).transmitter] =
      &service;
  const SocketId socket = wfb::CentralNode::transmitter_socket(stream, wfb::kTransmitterOut);
  for (std::size_t i = 0; i < transmit.outputs.size(); ++i) {
    const auto* injector = std::get_if<wfb::InjectorAddress>(&transmit.outputs[i]);
    if (injector) injectors_[{socket, injector->endpoint}] = {&service, options.cards[i]};
  }
}

Result<std::monostate> WfbStatistics::listen() {
  for (const auto& profile : profiles_) {
    for (const auto& [port, at] : {std::pair{profile->stats_port, profile->stats.get()},
                                   std::pair{profile->api_port, profile->api.get()}}) {
      if (!port) continue;
      if (const auto listens = at->listen(*port); !listens) {
        return Error{"profile " + profile->name + ": " + listens.error()};
      }
    }
  }
  return std::monostate{};
}

Result<std::monostate> WfbStatistics::create_logs(const ClusterConfig& config,
                                                  WfbBinaryLog::Say say) {
  const std::optional<std::string>& name = config.common.binary_log_file;
  if (!name) return std::monostate{};
  for (const auto& profile : profiles_) {
    profile->begin.timestamp = unix_seconds();
    auto log = WfbBinaryLog::create(
        loop_, binary_log_path(config.path.log_dir, *name, profile->name),
        static_cast<std::int64_t>(profile->begin.timestamp), say);
    if (!log) return Error{"profile " + profile->name + ": " + log.error()};
    profile->log = *std::move(log);
    profile->log->add(log_frame(profile->begin));
  }
  return std::monostate{};
}

void WfbStatistics::on_mavlink(std::string_view name, Bytes frame) {
  const std::optional<wfb::MavlinkMessage> message = wfb::read_mavlink_frame(frame);
  if (!message) return;
  for (const auto& profile : profiles_) {
    if (profile->name != name || !profile->log) continue;
    profile->log->add(log_frame(LogMavlink{unix_seconds(), message->sequence, message->system,
                                           message->component, message->number,
                                           message->payload}));
  }
}

void WfbStatistics::on_sent(const backends::SentDatagram& sent) {
  const auto found = injectors_.find({sent.socket, sent.to});
  if (found == injectors_.end()) return;
  const auto& [service, wlan] = found->second;
  service->ledger.add(wlan, wfb_injected_bytes(sent.payload), sent.is_sent, sent.latency);
}

void WfbStatistics::on_injected(const backends::InjectedFrame& injected) {
  const auto header = read_mac_header(injected.frame);
  if (!header) return;
  const auto found = transmitters_.find(header->transmitter);
  if (found == transmitters_.end()) return;
  found->second->ledger.add(static_cast<std::uint64_t>(injected.interface),
                            injected.frame.size() - MacHeader::kBytes, injected.is_sent,
                            injected.latency);
}

void WfbStatistics::on_selected(std::string_view name, std::uint64_t wlan) {
  for (const auto& profile : profiles_) {
    if (profile->name == name) profile->tx_wlan = wlan;
  }
}

void WfbStatistics::report(Service& service, const wfb::Aggregator& aggregator) {
  ReceiverMessage message;
  message.timestamp = unix_seconds();
  message.id = service.id;
  message.tx_wlan = service.profile->tx_wlan;
  message.packets = with_totals(packet_counts(aggregator.counters(), {}), service.totals);
  message.antennas = antenna_rows(aggregator.antennas());
  if (const auto& session = aggregator.session()) {
    message.session = {session->fec.k, session->fec.n, session->epoch};
  }
  WfbBinaryLog* const log = service.profile->log.get();
  const bool is_new = message.session && message.session != service.session;
  if (is_new && log) {
    log->add(log_frame(LogSession{message.timestamp, service.id, *message.session}));
  }
  service.session = message.session;
  tell(*service.profile, message);
}

void WfbStatistics::report(Service& service, wfb::TransmitterCounters& counters) {
  TransmitterMessage message;
  message.timestamp = unix_seconds();
  message.id = service.id;
  message.antennas = service.ledger.rows();
  service.ledger.end_interval(counters);
  message.packets = with_totals({{"fec_timeouts", {counters.fec_timeouts, 0}},
                                 {"incoming", {counters.incoming, 0}},
                                 {"incoming_bytes", {counters.incoming_bytes, 0}},
                                 {"injected", {counters.injected, 0}},
                                 {"injected_bytes", {counters.injected_bytes, 0}},
                                 {"dropped", {counters.dropped, 0}},
                                 {"truncated", {counters.truncated, 0}}},
                                service.totals);
  tell(*service.profile, message);
}

void WfbStatistics::tell(Profile& profile, const StatisticsMessage& message) {
  const Buffer frame = statistics_frame(message);
  profile.stats->tell(as_text(frame));
  if (profile.log) profile.log->add(frame);
  profile.api->tell(statistics_line(message));
}

}  // namespace twinbed::scenarios
