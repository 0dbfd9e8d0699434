// Which ports, names and commands follow from the configuration of a cluster. All of it is a pure
// function of the configuration and of the profiles that run, so that the central node and a node
// that was set up by hand agree without a word between them; and when the configuration changes,
// they do not, which is what the digest of a NodePlan is for.
//
// The profiles are taken in the order of their names, their streams in that of the file.
//
//     aggregators   base_port_server + 0, 1, ...   one for each stream
//     injectors     base_port_node + 0, 1, ...     on each node, one for each stream and card, even
//                                                  of streams that do not send
//
// So a stream or a card that is added shifts what comes after it, and a node shifts nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/protocols/wfb/antenna_stats.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// The injectors of a stream on a node: one port for each card, in the order of the cards.
struct InjectorPorts {
  IpAddress node;
  std::vector<std::uint16_t> ports;

  bool operator==(const InjectorPorts&) const = default;
};

/// A stream as it runs in the cluster.
struct StreamPlan {
  std::string profile;
  StreamConfig stream;
  std::uint32_t link_id = 0;
  std::uint16_t aggregator_port = 0;
  std::vector<InjectorPorts> injectors;  ///< in the order of the nodes

  bool operator==(const StreamPlan&) const = default;
};

/// The streams of these profiles. The error is a sentence: no nodes, an unknown profile, ports
/// beyond 65535, a stream udp_direct_tx with more than one card to send through.
Result<std::vector<StreamPlan>> plan_cluster(const ClusterConfig& config,
                                             std::vector<std::string> profiles);

/// All that a node's script depends on.
struct NodePlan {
  struct Card {
    std::string name;
    std::uint32_t channel = 0;  ///< above 2000: MHz
    TxPower power;

    bool operator==(const Card&) const = default;
  };
  struct Stream {
    std::string profile;
    std::string name;
    std::uint32_t link_id = 0;
    std::optional<std::uint32_t> stream_rx;
    std::optional<std::uint32_t> stream_tx;
    std::uint16_t aggregator_port = 0;
    std::uint16_t first_injector_port = 0;
    std::optional<std::uint32_t> fwmark;  ///< where the kernel's shaper is used

    bool operator==(const Stream&) const = default;
  };

  IpAddress address;
  IpAddress server_address;
  std::string region;
  std::uint32_t bandwidth = 20;  ///< MHz, the largest of all streams
  std::uint32_t receive_buffer = 0;
  std::vector<Card> cards;
  std::vector<Stream> streams;
  std::optional<std::string> custom_init_script;
  /// Streams that only receive get an injector at the ports that are theirs anyway, for reports of
  /// the link (policy robust, `adaptive`).
  bool sends_reports = false;

  bool operator==(const NodePlan&) const = default;
};

/// The address of the node that a person names. The error lists those that there are.
Result<IpAddress> find_node(const ClusterConfig& config, std::string_view address);

/// What one of the nodes does. An address that is no node's is answered with those that are.
Result<NodePlan> plan_node(const ClusterConfig& config, std::vector<std::string> profiles,
                           IpAddress address, bool sends_reports = false);

/// BLAKE2b-256 of the plan in a canonical form, as 64 hexadecimal digits: equal exactly where the
/// plans are. Forwarders tell the central node the digest of the script that started them, and it
/// compares.
std::string init_digest(const NodePlan& plan);
/// The same of a node of the configuration, for the central node.
Result<std::string> init_digest(const ClusterConfig& config,
                                const std::vector<std::string>& profiles, IpAddress node);

/// What the forwarders of each node tell the central one, as wfb::InitDigests expects it.
Result<std::map<IpAddress, Buffer>> expected_digests(const ClusterConfig& config,
                                                     const std::vector<std::string>& profiles,
                                                     bool sends_reports = false);

/// How an antenna is called: " 0:1" for antenna 1 of card 0 of this host, "0A4D000B:0:1" in a
/// cluster. The antenna of statistics of sending is no single one and called X.
std::string antenna_name(twinbed::wfb::AntennaId antenna, bool is_cluster);

}  // namespace twinbed::scenarios
