#include "scenarios/wfb/cluster_plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "core/crypto/hash.h"
#include "core/protocols/wfb/packet.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

/// Hands out consecutive ports.
class PortCounter {
 public:
  explicit PortCounter(std::uint32_t first) : next_(first) {}

  /// 0 where there is none left.
  std::uint16_t take() {
    return next_ > 65535 ? std::uint16_t{0} : static_cast<std::uint16_t>(next_++);
  }

 private:
  std::uint32_t next_;
};

Error no_ports(const std::string& key) {
  return {"the ports from " + key + " on go beyond 65535; set " + key + " in [cluster] to less"};
}

Result<std::vector<const ProfileConfig*>> find_profiles(const ClusterConfig& config,
                                                        std::vector<std::string> names) {
  std::vector<std::string> known;
  for (const ProfileConfig& profile : config.profiles) known.push_back(profile.name);
  if (names.empty()) {
    return Error{"no profile is named; the profiles are " + join_words(known, "and")};
  }
  std::sort(names.begin(), names.end());
  std::vector<const ProfileConfig*> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && names[i] == names[i - 1]) {
      return Error{"profile " + in_quotes(names[i]) + " is named twice; name it once"};
    }
    found.push_back(config.profile(names[i]));
    if (found.back() == nullptr) {
      return Error{"there is no profile " + in_quotes(names[i]) +
                   suggestion(names[i], known, "the profiles")};
    }
  }
  return found;
}

/// A stream of this service sends through one card and cannot choose.
Result<bool> check_one_card(const ClusterConfig& config, const StreamPlan& plan) {
  const StreamConfig& stream = plan.stream;
  if (stream.service_type != ServiceType::kUdpDirectTx || stream.mirror) return true;
  std::size_t cards = 0;
  bool sends = true;
  for (const ClusterNode& node : config.nodes) {
    for (const std::string& card : node.wlans) {
      ++cards;
      sends = sends && node.wifi_txpower.of(card)->mode != TxPower::Mode::kOff;
    }
  }
  if (cards == 1 && sends) return true;
  return Error{"stream " + in_quotes(stream.name) + " of profile " + in_quotes(plan.profile) +
               " is udp_direct_tx, which sends through one card, but the cluster " +
               (cards > 1 ? "has " + std::to_string(cards) : std::string("lets its one not send")) +
               "; make it udp_proxy, or set mirror to send through all"};
}

Error unknown_node(const ClusterConfig& config, std::string_view address) {
  std::vector<std::string> known;
  for (const ClusterNode& node : config.nodes) known.push_back(to_string(node.address));
  return {"there is no node " + std::string(address) + " in the cluster" +
          (known.empty() ? ", which has none; add some in [cluster]"
                         : known.size() == 1 ? "; its only node is " + known.front()
                                             : "; its nodes are " + join_words(known, "and"))};
}

void append_line(std::string& out, std::string_view key, std::string_view value) {
  // With its length a value cannot pass for another line.
  out += std::string(key) + " " + std::to_string(value.size()) + ":" + std::string(value) + "\n";
}

void append_line(std::string& out, std::string_view key, std::optional<std::uint32_t> value) {
  append_line(out, key, value ? std::to_string(*value) : "none");
}

std::string canonical_form(const NodePlan& plan) {
  std::string out = "twinbed wfb node 1\n";
  append_line(out, "address", to_string(plan.address));
  append_line(out, "server", to_string(plan.server_address));
  append_line(out, "region", plan.region);
  append_line(out, "bandwidth", std::optional(plan.bandwidth));
  append_line(out, "receive_buffer", std::optional(plan.receive_buffer));
  for (const NodePlan::Card& card : plan.cards) {
    append_line(out, "card", card.name);
    append_line(out, "channel", std::optional(card.channel));
    const auto mode = card.power.mode;
    append_line(out, "power", mode == TxPower::Mode::kDriver ? "driver"
                              : mode == TxPower::Mode::kOff  ? "off"
                                                             : std::to_string(card.power.value));
  }
  for (const NodePlan::Stream& stream : plan.streams) {
    append_line(out, "profile", stream.profile);
    append_line(out, "stream", stream.name);
    append_line(out, "link_id", std::optional(stream.link_id));
    append_line(out, "stream_rx", stream.stream_rx);
    append_line(out, "stream_tx", stream.stream_tx);
    append_line(out, "aggregator", std::optional<std::uint32_t>(stream.aggregator_port));
    append_line(out, "injector", std::optional<std::uint32_t>(stream.first_injector_port));
    append_line(out, "fwmark", stream.fwmark);
  }
  if (plan.custom_init_script) append_line(out, "custom", *plan.custom_init_script);
  if (plan.sends_reports) append_line(out, "reports", "yes");
  return out;
}

}  // namespace

Result<std::vector<StreamPlan>> plan_cluster(const ClusterConfig& config,
                                             std::vector<std::string> profiles) {
  const auto found = find_profiles(config, std::move(profiles));
  if (!found) return Error{found.error()};
  if (config.nodes.empty()) {
    return Error{"the cluster has no nodes; add some in [cluster], such as nodes = {'10.77.0.11': "
                 "{'wlans': ['wlan0']}}"};
  }
  PortCounter server(config.base_port_server);
  std::vector<PortCounter> counters(config.nodes.size(), PortCounter(config.base_port_node));
  std::vector<StreamPlan> plans;
  for (const ProfileConfig* profile : *found) {
    const std::uint32_t link_id = twinbed::wfb::link_id_of(profile->link_domain);
    for (const StreamConfig& stream : profile->streams) {
      StreamPlan plan{profile->name, stream, link_id, server.take(), {}};
      if (plan.aggregator_port == 0) return no_ports("base_port_server");
      for (std::size_t i = 0; i < config.nodes.size(); ++i) {
        InjectorPorts injectors{config.nodes[i].address, {}};
        for (std::size_t card = 0; card < config.nodes[i].wlans.size(); ++card) {
          injectors.ports.push_back(counters[i].take());
          if (injectors.ports.back() == 0) return no_ports("base_port_node");
        }
        plan.injectors.push_back(std::move(injectors));
      }
      if (const auto good = check_one_card(config, plan); !good) return Error{good.error()};
      plans.push_back(std::move(plan));
    }
  }
  return plans;
}

Result<IpAddress> find_node(const ClusterConfig& config, std::string_view address) {
  const Result<IpAddress> parsed = parse_address(address);
  if (parsed && config.node(*parsed) != nullptr) return *parsed;
  return unknown_node(config, in_quotes(address));
}

Result<NodePlan> plan_node(const ClusterConfig& config, std::vector<std::string> profiles,
                           IpAddress address, bool sends_reports) {
  const auto streams = plan_cluster(config, std::move(profiles));
  if (!streams) return Error{streams.error()};
  const ClusterNode* node = config.node(address);
  if (node == nullptr) return unknown_node(config, to_string(address));
  NodePlan plan;
  plan.address = address;
  plan.server_address = node->server_address;
  plan.region = config.common.wifi_region;
  plan.bandwidth = 0;
  plan.receive_buffer = config.common.tx_rcv_buf_size;
  plan.custom_init_script = node->custom_init_script;
  plan.sends_reports = sends_reports;
  for (const std::string& card : node->wlans) {
    plan.cards.push_back({card, *node->wifi_channel.of(card), *node->wifi_txpower.of(card)});
  }
  for (const StreamPlan& stream : *streams) {
    const StreamConfig& settings = stream.stream;
    const auto ports =
        std::find_if(stream.injectors.begin(), stream.injectors.end(),
                     [&](const InjectorPorts& injectors) { return injectors.node == address; });
    plan.bandwidth = std::max(plan.bandwidth, settings.bandwidth);
    plan.streams.push_back({stream.profile, settings.name, stream.link_id, settings.stream_rx,
                            settings.stream_tx, stream.aggregator_port, ports->ports.front(),
                            settings.use_qdisc ? std::optional(settings.fwmark) : std::nullopt});
  }
  return plan;
}

std::string init_digest(const NodePlan& plan) {
  return blake2b_hex(as_bytes(canonical_form(plan)));
}

Result<std::string> init_digest(const ClusterConfig& config,
                                const std::vector<std::string>& profiles, IpAddress node) {
  const Result<NodePlan> plan = plan_node(config, profiles, node);
  if (!plan) return Error{plan.error()};
  return init_digest(*plan);
}

Result<std::map<IpAddress, Buffer>> expected_digests(const ClusterConfig& config,
                                                     const std::vector<std::string>& profiles,
                                                     bool sends_reports) {
  std::map<IpAddress, Buffer> digests;
  for (const ClusterNode& node : config.nodes) {
    const Result<NodePlan> plan = plan_node(config, profiles, node.address, sends_reports);
    if (!plan) return Error{plan.error()};
    digests[node.address] = to_buffer(blake2b(as_bytes(canonical_form(*plan))));
  }
  return digests;
}

std::string antenna_name(twinbed::wfb::AntennaId antenna, bool is_cluster) {
  const auto node = static_cast<std::uint32_t>(antenna.value >> 32);
  const auto card = static_cast<unsigned>(antenna.value >> 8 & 0xffffff);
  const auto number = static_cast<unsigned>(antenna.value & 0xff);
  std::array<char, 16> tail{};
  std::snprintf(tail.data(), tail.size(), "%X", number);
  const std::string name = number == 0xff ? "X" : tail.data();
  std::array<char, 32> head{};
  if (is_cluster) std::snprintf(head.data(), head.size(), "%08X:%X:", node, card);
  else std::snprintf(head.data(), head.size(), "%2X:", card);
  return head.data() + name;
}

}  // namespace twinbed::scenarios
