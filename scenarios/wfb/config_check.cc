#include "scenarios/wfb/config_check.h"

#include <set>
#include <string>

namespace twinbed::scenarios {
namespace {

/// Where the key was written, or else the mapping that lacks it.
Place place_of(const YamlNode& mapping, std::string_view key) {
  const YamlNode* value = mapping.find(key);
  return value != nullptr && value->place.line > 0 ? value->place : mapping.place;
}

/// One stream and the mapping that it was read from.
class StreamCheck {
 public:
  StreamCheck(Reader& reader, const YamlNode& node, const StreamConfig& stream)
      : reader_(reader), node_(node), stream_(stream) {}

  bool check() {
    if (stream_.fec_k > stream_.fec_n) {
      const YamlNode* k = node_.find("fec_k");
      return fail(k != nullptr && k->place.line > 0 ? "fec_k" : "fec_n",
                  "fec_k " + std::to_string(stream_.fec_k) + " is more than fec_n " +
                      std::to_string(stream_.fec_n) + "; fec_n counts all fragments of a block, so "
                      "raise it or lower fec_k");
    }
    if (!check_directions()) return false;
    if (!stream_.keypair) {
      return fail("keypair", "has no keypair; name its key file, such as 'gs.key'");
    }
    return check_peer() && check_osd();
  }

 private:
  bool fail(std::string_view key, const std::string& sentence) {
    const bool names_itself = sentence.starts_with("fec_") || sentence.starts_with("peer ") ||
                              sentence.starts_with("osd ");
    return reader_.fail(place_of(node_, key),
                        names_itself ? sentence
                                     : "stream " + in_quotes(stream_.name) + " " + sentence);
  }

  bool check_directions() {
    const bool both = stream_.service_type == ServiceType::kMavlink ||
                      stream_.service_type == ServiceType::kTunnel;
    const bool receives = both || stream_.service_type == ServiceType::kUdpDirectRx;
    const bool sends = both || stream_.service_type == ServiceType::kUdpDirectTx;
    if (receives && !stream_.stream_rx) {
      return fail("stream_rx", "has no stream_rx, but its service type receives; set it to a radio "
                               "port from 0 to 255");
    }
    if (sends && !stream_.stream_tx) {
      return fail("stream_tx", "has no stream_tx, but its service type sends; set it to a radio "
                               "port from 0 to 255");
    }
    if (stream_.stream_rx || stream_.stream_tx) return true;
    return fail("stream_rx", "has neither stream_rx nor stream_tx; set one of them to a radio port "
                             "from 0 to 255");
  }

  bool check_peer() {
    if (stream_.service_type == ServiceType::kTunnel) {
      return (stream_.ifname && stream_.ifaddr) ||
             fail("ifname", "is a tunnel and needs ifname and ifaddr, such as 'gs-wfb' and "
                            "'10.5.0.1/24'");
    }
    if (!stream_.peer) {
      return fail("peer", "has no peer; set it, such as 'connect://127.0.0.1:5600'");
    }
    using Kind = Peer::Kind;
    const Kind kind = stream_.peer->kind;
    switch (stream_.service_type) {
      case ServiceType::kUdpDirectTx:
        return kind == Kind::kListen || kind == Kind::kListenUnix ||
               fail("peer", "peer must be listen://ADDRESS:PORT or listen_unix://@NAME for "
                            "udp_direct_tx, which takes payloads in");
      case ServiceType::kUdpDirectRx:
        return kind == Kind::kConnect || kind == Kind::kConnectUnix ||
               fail("peer", "peer must be connect://ADDRESS:PORT or connect_unix://@NAME for "
                            "udp_direct_rx, which hands payloads out");
      case ServiceType::kMavlink:
        return kind == Kind::kListen || kind == Kind::kConnect || kind == Kind::kSerial ||
               fail("peer", "peer must be listen://ADDRESS:PORT, connect://ADDRESS:PORT or "
                            "serial:DEVICE:BAUD for mavlink");
      default:
        return kind == Kind::kListen || kind == Kind::kConnect ||
               fail("peer", "peer must be listen://ADDRESS:PORT or connect://ADDRESS:PORT for "
                            "udp_proxy");
    }
  }

  bool check_osd() {
    using Kind = Peer::Kind;
    if (!stream_.osd) return true;
    const Kind kind = stream_.osd->kind;
    return kind == Kind::kConnect || kind == Kind::kConnectUnix || kind == Kind::kSerial ||
           fail("osd", "osd must be connect://ADDRESS:PORT, connect_unix://@NAME or "
                       "serial:DEVICE:BAUD, as it is spoken to and not listened to");
  }

  Reader& reader_;
  const YamlNode& node_;
  const StreamConfig& stream_;
};

template <class T>
bool check_cards(Reader& reader, const YamlNode& mapping, const ClusterNode& node,
                 std::string_view key, const PerCard<T>& value) {
  for (const std::string& card : node.wlans) {
    if (value.of(card) != nullptr) continue;
    return reader.fail(place_of(mapping, key),
                       std::string(key) + " has no value for " + card + " of node " +
                           to_string(node.address) + "; add one, or write one value for all cards");
  }
  return true;
}

bool check_node(Reader& reader, const YamlNode& mapping, const ClusterNode& node) {
  std::set<std::string> seen;
  for (const std::string& card : node.wlans) {
    if (seen.insert(card).second) continue;
    return reader.fail(place_of(mapping, "wlans"), "card " + card + " is twice in node " +
                                                       to_string(node.address) + "; keep it once");
  }
  return check_cards(reader, mapping, node, "wifi_channel", node.wifi_channel) &&
         check_cards(reader, mapping, node, "wifi_txpower", node.wifi_txpower);
}

}  // namespace

bool check_streams(Reader& reader, const YamlNode& list, const ProfileConfig& profile) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < profile.streams.size(); ++i) {
    const StreamConfig& stream = profile.streams[i];
    if (!StreamCheck(reader, list.items[i], stream).check()) return false;
    if (names.insert(stream.name).second) continue;
    return reader.fail(place_of(list.items[i], "name"),
                       "a stream named " + in_quotes(stream.name) +
                           " is in this profile already; give each a name of its own");
  }
  return true;
}

bool check_nodes(Reader& reader, const YamlNode& document, const ClusterConfig& config) {
  const YamlNode* cluster = document.find("cluster");
  const YamlNode* nodes = cluster == nullptr ? nullptr : cluster->find("nodes");
  for (const ClusterNode& node : config.nodes) {
    if (!check_node(reader, *nodes->find(to_string(node.address)), node)) return false;
  }
  return true;
}

const ProfileConfig* ClusterConfig::profile(std::string_view name) const {
  for (const ProfileConfig& candidate : profiles) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

const ClusterNode* ClusterConfig::node(IpAddress address) const {
  for (const ClusterNode& candidate : nodes) {
    if (candidate.address == address) return &candidate;
  }
  return nullptr;
}

}  // namespace twinbed::scenarios
