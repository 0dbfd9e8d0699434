// WFB-NG for scenarios: one stream, each of its programs a node, as on a command line.
//
//   source ──UDP──► transmitter ~~~ radio ~~~► receiver ──UDP──► sink
//                       │                         ▲
//                      UDP                       UDP
//                       ▼                         │
//                   injector ~~~ radio ~~~► forwarder
//
// A transmitter or receiver with cards uses these; one without sends to the injectors, or hears the
// forwarders. A replayer has cards alone: it records what they hear and sends it again.
//
// Whole clusters are built in protocol_wfb_cluster.cc.
#include "scenarios/protocol_wfb.h"

#include <sstream>

#include "core/protocols/traffic/traffic.h"
#include "core/protocols/wfb/forwarder_node.h"
#include "core/protocols/wfb/injector_node.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/replayer_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "scenarios/radio_check.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

constexpr const char* kRoles =
    "source, transmitter, injector, forwarder, receiver, sink, replayer, central, node and "
    "vehicle";

/// The nodes that an option names, separated by spaces; without the option, all of a role.
Result<std::vector<std::size_t>> named_nodes(const WfbPlace& place, const std::string& names,
                                             const std::string& role) {
  std::vector<std::size_t> found;
  const std::vector<NodeSpec>& nodes = place.scenario.nodes;
  if (names.empty()) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].role == role) found.push_back(i);
    }
    return found;
  }
  std::istringstream words(names);
  for (std::string name; words >> name;) {
    std::size_t i = 0;
    while (i < nodes.size() && nodes[i].name != name) ++i;
    if (i == nodes.size() || nodes[i].role != role) {
      return place.error("there is no " + role + " named " + in_quotes(name));
    }
    found.push_back(i);
  }
  return found;
}

/// The one node of a role that this one speaks to.
Result<std::size_t> only_node(const WfbPlace& place, const std::string& option,
                              const std::string& name, const std::string& role) {
  const auto found = named_nodes(place, name, role);
  if (!found) return Error{found.error()};
  if (found->size() == 1) return found->front();
  const std::string problem = found->empty() ? "there is no node of role " + role
                                             : "there are several nodes of role " + role;
  return place.error(problem + ", name one with the option '" + option + "'");
}

WfbLink read_link(OptionReader& options, const WfbPlace& place) {
  const bool is_robust = place.scenario.protocol.policy == "robust";
  WfbLink link;
  const std::string domain = options.text("link_domain", "default");
  const std::int64_t port = options.integer("radio_port", 0);
  link.channel =
      wfb::ChannelId::of(wfb::link_id_of(domain), static_cast<std::uint8_t>(port & 0xff));
  link.password = options.text("password", kWfbPassword);
  link.session_repeat = options.truth("session_repeat", is_robust);
  link.refuse_replay = options.truth("refuse_replay", is_robust);
  link.close_block = options.truth("close_block", is_robust);
  link.flush_on_session = options.truth("flush_on_session", is_robust);
  link.ring_timeout = options.duration(
      "ring_timeout", is_robust ? Duration(std::chrono::milliseconds(50)) : Duration{});
  link.log_interval = options.duration("log_interval", std::chrono::seconds(1));
  return link;
}

/// What a transmitter is told; others take the same options from the protocol's and pass them over.
struct RadioOptions {
  std::int64_t k = 8;
  std::int64_t n = 12;
  wfb::RadioSettings settings;
  Duration fec_timeout{};
  Duration fec_delay{};
  bool is_mirror = false;
  std::string injectors;
};

std::uint8_t small(std::int64_t value) {
  return static_cast<std::uint8_t>(value < 0 || value > 255 ? 255 : value);
}

RadioOptions read_radio(OptionReader& options) {
  RadioOptions radio;
  radio.k = options.integer("k", radio.k);
  radio.n = options.integer("n", radio.n);
  radio.settings.mcs = small(options.integer("mcs", 1));
  radio.settings.bandwidth_mhz = small(options.integer("bandwidth", 20));
  radio.settings.stbc = small(options.integer("stbc", 0));
  radio.settings.ldpc = options.truth("ldpc", false) ? 1 : 0;
  radio.settings.short_guard_interval = options.truth("short_gi", false) ? 1 : 0;
  radio.settings.vht_mode = options.truth("vht", false) ? 1 : 0;
  radio.settings.spatial_streams = small(options.integer("spatial_streams", 1));
  radio.fec_timeout = options.duration("fec_timeout", Duration{});
  radio.fec_delay = options.duration("fec_delay", Duration{});
  radio.is_mirror = options.truth("mirror", false);
  radio.injectors = options.text("injectors", "");
  return radio;
}

/// Options of single roles, which may stand with the protocol for all nodes of the role.
struct RoleOptions {
  std::string to;  ///< source: transmitter, central or vehicle; forwarder: receiver; receiver: sink
  std::string stream;  ///< source: which one of the central node or vehicle
  Duration interval{};
  std::int64_t bytes = 0;
  Duration start{};
  Duration lasts{};
};

RoleOptions read_role(OptionReader& options) {
  return {options.text("to", ""), options.text("stream", "video"),
          options.duration("interval", std::chrono::milliseconds(2)),
          options.integer("bytes", 1000),
          options.duration("start", std::chrono::milliseconds(100)),
          options.duration("lasts", Duration{})};
}

/// What a replayer is told.
struct ReplayOptions {
  Duration record_at{};
  Duration record_for{};
  Duration replay_at{};
  std::int64_t replay_count = 1;
};

ReplayOptions read_replay(OptionReader& options) {
  return {options.duration("record_at", Duration{}),
          options.duration("record_for", std::chrono::seconds(1)),
          options.duration("replay_at", Duration{}), options.integer("replay_count", 1)};
}

struct WfbOptions {
  WfbLink link;
  WfbCluster cluster;
  RadioOptions radio;
  RoleOptions role;
  ReplayOptions replay;
};

Result<WfbOptions> read_options(const WfbPlace& place) {
  OptionReader options(merged_options(place.scenario, place.node()), "protocol wfb");
  WfbOptions read{read_link(options, place), read_wfb_cluster(options, place),
                  read_radio(options), read_role(options), read_replay(options)};
  if (const auto error = options.error()) return *error;
  const auto bad = [&](const std::string& sentence) {
    return Error{"protocol wfb: " + sentence};
  };
  const std::int64_t port = options.integer("radio_port", 0);
  if (port < 0 || port > 255) return bad("radio_port must be from 0 to 255");
  if (read.radio.k < 1 || read.radio.k > read.radio.n || read.radio.n > 255) {
    return bad("k and n must be 1 <= k <= n <= 255");
  }
  const auto params = wfb::tx_params_of(read.radio.settings);
  if (!params) return bad("bandwidth must be 10, 20, 40, 80 or 160 MHz, and stbc 0 to 3");
  const std::string mistake = mistake_in_rate(place.scenario, *params);
  if (!mistake.empty()) return bad("no card can send so: " + mistake);
  if (read.role.interval <= Duration{}) return bad("the interval must be positive");
  if (read.role.bytes < static_cast<std::int64_t>(traffic::kHeaderBytes) ||
      read.role.bytes > static_cast<std::int64_t>(wfb::kMaxPayloadBytes)) {
    return bad("bytes must be from " + std::to_string(traffic::kHeaderBytes) + " to " +
               std::to_string(wfb::kMaxPayloadBytes));
  }
  if (read.link.log_interval <= Duration{}) return bad("log_interval must be positive");
  return read;
}

std::vector<InterfaceId> interfaces_of(const NodeSpec& node) {
  std::vector<InterfaceId> interfaces;
  for (std::uint32_t i = 0; i < node.cards.size(); ++i) interfaces.push_back(InterfaceId{i});
  return interfaces;
}

std::optional<Error> needs_port(const WfbPlace& place) {
  if (place.node().port != 0) return std::nullopt;
  return place.error("a " + place.node().role + " listens, give it a port");
}

std::optional<Error> needs_cards(const WfbPlace& place) {
  if (!place.node().cards.empty()) return std::nullopt;
  return place.error("a " + place.node().role + " uses radio cards, give it 'cards'");
}

Result<sim::ProtocolFactory> make_source(const WfbPlace& place, const WfbOptions& options) {
  traffic::SourceOptions source;
  source.local = place.local();
  if (!options.cluster.file.empty()) {
    const auto input =
        wfb_stream_input(place, options.cluster, options.role.to, options.role.stream);
    if (!input) return Error{input.error()};
    source.peer = *input;
  } else {
    const auto peer = only_node(place, "to", options.role.to, "transmitter");
    if (!peer) return Error{peer.error()};
    source.peer = place.endpoints[*peer];
  }
  source.interval = options.role.interval;
  source.bytes = static_cast<std::size_t>(options.role.bytes);
  source.start = options.role.start;
  source.lasts = options.role.lasts;
  return sim::ProtocolFactory([=] { return std::make_unique<traffic::Source>(source); });
}

Result<sim::ProtocolFactory> make_sink(const WfbPlace& place) {
  if (const auto error = needs_port(place)) return *error;
  return sim::ProtocolFactory(
      [local = place.local()] { return std::make_unique<traffic::Sink>(local); });
}

Result<sim::ProtocolFactory> make_transmitter(const WfbPlace& place, const WfbOptions& options,
                                              const wfb::LinkKeys& keys) {
  if (const auto error = needs_port(place)) return *error;
  wfb::TransmitterOptions made;
  const WfbLink& link = options.link;
  made.encoder.keys = keys.drone;
  made.encoder.channel = link.channel;
  made.encoder.fec = {static_cast<std::uint8_t>(options.radio.k),
                      static_cast<std::uint8_t>(options.radio.n)};
  made.encoder.session_repeat = link.session_repeat;
  made.encoder.refuse_replay = link.refuse_replay;
  made.close_block = link.close_block;
  made.radio = options.radio.settings;
  made.mirror = options.radio.is_mirror;
  made.first_input_port = place.node().port;
  made.fec_timeout = options.radio.fec_timeout;
  made.fec_delay = options.radio.fec_delay;
  made.log_interval = link.log_interval;
  for (const InterfaceId interface : interfaces_of(place.node())) made.outputs.push_back(interface);
  if (made.outputs.empty()) {
    const auto nodes = named_nodes(place, options.radio.injectors, "injector");
    if (!nodes) return Error{nodes.error()};
    for (const std::size_t injector : *nodes) {
      Endpoint endpoint = place.endpoints[injector];
      for (std::size_t i = 0; i < place.scenario.nodes[injector].cards.size(); ++i) {
        made.outputs.push_back(wfb::InjectorAddress{endpoint});
        ++endpoint.port;
      }
    }
  }
  if (made.outputs.empty()) {
    return place.error("a transmitter sends on radio cards, give it 'cards' or nodes of role "
                       "injector");
  }
  return sim::ProtocolFactory([=] { return std::make_unique<wfb::TransmitterNode>(made); });
}

Result<sim::ProtocolFactory> make_receiver(const WfbPlace& place, const WfbOptions& options,
                                           const wfb::LinkKeys& keys) {
  wfb::ReceiverOptions made;
  const WfbLink& link = options.link;
  made.decoder.keys = keys.ground;
  made.decoder.channel = link.channel;
  made.decoder.ring_timeout = link.ring_timeout;
  made.decoder.flush_on_session = link.flush_on_session;
  made.decoder.refuse_replay = link.refuse_replay;
  made.log_interval = link.log_interval;
  if (place.node().cards.empty()) {
    if (const auto error = needs_port(place)) return *error;
    made.listen_port = place.node().port;
  }
  const auto sinks = named_nodes(place, options.role.to, "sink");
  if (!sinks) return Error{sinks.error()};
  if (sinks->size() > 1) {
    return place.error("there are several nodes of role sink, name one with the option 'to'");
  }
  if (!sinks->empty()) made.output = place.endpoints[sinks->front()];
  return sim::ProtocolFactory([=] { return std::make_unique<wfb::ReceiverNode>(made); });
}

Result<sim::ProtocolFactory> make_forwarder(const WfbPlace& place, const WfbOptions& options) {
  if (const auto error = needs_cards(place)) return *error;
  const auto aggregator = only_node(place, "to", options.role.to, "receiver");
  if (!aggregator) return Error{aggregator.error()};
  const wfb::ForwarderOptions made{options.link.channel, place.endpoints[*aggregator]};
  return sim::ProtocolFactory([=] { return std::make_unique<wfb::ForwarderNode>(made); });
}

Result<sim::ProtocolFactory> make_injector(const WfbPlace& place) {
  if (const auto error = needs_port(place)) return *error;
  if (const auto error = needs_cards(place)) return *error;
  const wfb::InjectorOptions made{place.node().port, interfaces_of(place.node())};
  return sim::ProtocolFactory([=] { return std::make_unique<wfb::InjectorNode>(made); });
}

Result<sim::ProtocolFactory> make_replayer(const WfbPlace& place, const WfbOptions& options) {
  if (const auto error = needs_cards(place)) return *error;
  const ReplayOptions& replay = options.replay;
  if (replay.record_at < Duration{}) return place.error("record_at must not be negative");
  if (replay.record_for <= Duration{}) return place.error("record_for must be positive");
  if (replay.replay_at < replay.record_at + replay.record_for) {
    return place.error("a replayer sends what it has recorded, let replay_at be " +
                       format_duration(replay.record_at + replay.record_for) +
                       " or later, when the recording has ended");
  }
  if (replay.replay_count < 1) return place.error("replay_count must be 1 or more");
  const wfb::ReplayerOptions made{options.link.channel, *wfb::tx_params_of(options.radio.settings),
                                  replay.record_at, replay.record_for, replay.replay_at,
                                  replay.replay_count};
  return sim::ProtocolFactory([=] { return std::make_unique<wfb::ReplayerNode>(made); });
}

}  // namespace

Result<sim::ProtocolFactory> make_wfb(const Scenario& scenario, std::size_t index,
                                      const std::vector<Endpoint>& endpoints,
                                      const ScenarioFiles& files) {
  const WfbPlace place{scenario, index, endpoints, files};
  const std::string& role = place.node().role;
  const Result<WfbOptions> options = read_options(place);
  if (!options) return Error{options.error()};
  if (role == "source") return make_source(place, *options);
  if (role == "sink") return make_sink(place);
  if (role == "injector") return make_injector(place);
  if (is_wfb_cluster_role(role)) return make_wfb_cluster(place, options->link, options->cluster);
  if (role == "forwarder") return make_forwarder(place, *options);
  if (role == "replayer") return make_replayer(place, *options);
  const Result<wfb::LinkKeys> keys = wfb_keys(options->link.password);
  if (!keys) return Error{keys.error()};
  if (role == "transmitter") return make_transmitter(place, *options, *keys);
  if (role == "receiver") return make_receiver(place, *options, *keys);
  return unknown_role(place.node(), "wfb", kRoles);
}

}  // namespace twinbed::scenarios
