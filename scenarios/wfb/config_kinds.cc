#include "scenarios/wfb/config_kinds.h"

#include <utility>

#include "scenarios/wfb/config_leaves.h"

namespace twinbed::scenarios {
namespace {

const Kind<std::optional<std::string>>& text_or_none() {
  static const NullableKind<std::string> kind(wfb_text_kind());
  return kind;
}

const Kind<std::optional<std::uint32_t>>& port_or_none() {
  static const NullableKind<std::uint32_t> kind(wfb_port_kind());
  return kind;
}

const Kind<std::optional<Peer>>& peer_or_none() {
  static const NullableKind<Peer> kind(wfb_peer_kind());
  return kind;
}

const Kind<std::optional<std::string>>& user_or_none() {
  // What begins with '-' ssh would take for an option.
  static const LeafKind<std::string> user = wfb_text_leaf<std::string>(
      "the name of a user",
      [](const std::string& text) -> Result<std::string> {
        if (!text.empty() && text[0] != '-' && text.find_first_of(" \t\n@") == text.npos) {
          return text;
        }
        return Error{in_quotes(text) + " is not the name of a user, write one such as root"};
      },
      [](const std::string& name) { return name; });
  static const NullableKind<std::string> kind(user);
  return kind;
}

const Kind<std::string>& region_kind() {
  static const auto kind = wfb_text_leaf<std::string>(
      "a region of two letters or digits such as 'BO'",
      [](const std::string& text) -> Result<std::string> {
        const auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
        if (text.size() == 2 && fits(text[0]) && fits(text[1])) return text;
        return Error{in_quotes(text) +
                     " is not a region, write two capital letters or digits such as 'BO'"};
      },
      [](const std::string& region) { return region; });
  return kind;
}

const Kind<PerCard<std::uint32_t>>& card_channel_kind() {
  static const auto channel = wfb_whole_kind(1, 7125);
  static const PerCardKind<std::uint32_t> kind(channel);
  return kind;
}

const Kind<PerCard<TxPower>>& card_power_kind() {
  static const PerCardKind<TxPower> kind(wfb_power_kind());
  return kind;
}

const Kind<ServiceType>& service_kind() {
  static const auto kind =
      enum_kind<ServiceType>("the service types", {{"udp_direct_tx", ServiceType::kUdpDirectTx},
                                                   {"udp_direct_rx", ServiceType::kUdpDirectRx},
                                                   {"udp_proxy", ServiceType::kUdpProxy},
                                                   {"mavlink", ServiceType::kMavlink},
                                                   {"tunnel", ServiceType::kTunnel}});
  return kind;
}

const Kind<std::string>& frame_type_kind() {
  static const auto kind = word_kind("the frame types", {"data", "rts"});
  return kind;
}

/// Written even where it has its default, since the section above may have another one.
template <class T>
void add_always(RecordKind<ClusterNode>& record, std::string name, T ClusterNode::*member,
                const Kind<T>& kind, std::string doc) {
  record.add(std::move(name), member, kind, std::move(doc)).is_default =
      [](const ClusterNode&) { return false; };
}

const RecordKind<ClusterNode>& node_kind() {
  using N = ClusterNode;
  static const ListKind<std::string> cards("cards", wfb_card_kind(), 1, 8);
  static const RecordKind<N> kind = [] {
    RecordKind<N> record("cluster_node", "A machine that lends its cards to the central node");
    record.add("wlans", &N::wlans, cards, "its cards, by the names of their interfaces").require();
    add_always(record, "server_address", &N::server_address, wfb_address_kind(),
               "where this node reaches the central one");
    add_always(record, "wifi_channel", &N::wifi_channel, card_channel_kind(),
               "channel, or MHz where it is above 2000; for all cards or for each by its name");
    add_always(record, "wifi_txpower", &N::wifi_txpower, card_power_kind(),
               "power in the driver's unit, none for the driver's own, off for cards that only "
               "receive");
    add_always(record, "ssh_user", &N::ssh_user, user_or_none(),
               "user of mode ssh; none: this node is started by hand");
    add_always(record, "ssh_port", &N::ssh_port, port_or_none(),
               "port of its ssh server; none: this node is started by hand");
    add_always(record, "ssh_key", &N::ssh_key, text_or_none(),
               "file of the private key; none: ssh's own choice, such as its agent");
    add_always(record, "custom_init_script", &N::custom_init_script, text_or_none(),
               "commands of bash that the node carries out first");
    return record;
  }();
  return kind;
}

class NodesKind final : public Kind<std::vector<ClusterNode>> {
 public:
  bool read(Reader& reader, const YamlNode& node, std::vector<ClusterNode>& out) const override {
    if (node.type != NodeType::kMap) return fail_type(reader, node, what());
    out.clear();
    for (const YamlEntry& entry : node.entries) {
      // As a text whatever its style: keys have none.
      YamlNode key = scalar_node(entry.key, ScalarStyle::kText);
      key.place = entry.place;
      IpAddress address;
      reader.enter("node");
      if (!wfb_address_kind().read(reader, key, address) ||
          !node_kind().read(reader, entry.value, out.emplace_back())) {
        return false;
      }
      out.back().address = address;
      reader.leave();
    }
    return true;
  }
  YamlNode write(const std::vector<ClusterNode>& value) const override {
    YamlNode node = map_node();
    for (const ClusterNode& item : value) {
      node.entries.push_back({to_string(item.address), {}, node_kind().write(item)});
    }
    return node;
  }
  Json schema(Json& definitions) const override {
    return {{"type", "object"}, {"additionalProperties", node_kind().schema(definitions)}};
  }
  std::string what() const override { return "a mapping from IPv4 addresses to nodes"; }
};

/// The low-level profiles of a stream are merged before it is read.
const Kind<std::vector<std::string>>& merged_kind() {
  static const ListKind<std::string> kind("low-level profiles", wfb_text_kind());
  return kind;
}

RecordField<StreamConfig> profiles_field() {
  RecordField<StreamConfig> field;
  field.name = "profiles";
  field.doc = "sections whose keys the stream has, later ones before earlier ones";
  field.what = merged_kind().what();
  field.read = [](Reader& reader, const YamlNode& node, StreamConfig& /*out*/) {
    std::vector<std::string> names;
    return merged_kind().read(reader, node, names);
  };
  field.write = [](const StreamConfig&) { return list_node(); };
  field.is_default = [](const StreamConfig&) { return true; };
  field.schema = [](Json& definitions) { return merged_kind().schema(definitions); };
  return field;
}

void add_radio_keys(RecordKind<StreamConfig>& record) {
  using S = StreamConfig;
  static const auto bandwidth = wfb_choice_kind({5, 10, 20, 40, 80, 160});
  static const auto streams = wfb_whole_kind(0, 3);
  static const auto flag = wfb_whole_kind(0, 1);
  static const auto mcs = wfb_whole_kind(0, 31);
  record.add("bandwidth", &S::bandwidth, bandwidth, "MHz");
  record.add("force_vht", &S::force_vht, wfb_bool_kind(), "VHT frames below 80 MHz, too");
  record.add("short_gi", &S::short_gi, wfb_bool_kind(), "the short guard interval");
  record.add("stbc", &S::stbc, streams, "streams of space-time block coding, 0 for none");
  record.add("ldpc", &S::ldpc, flag, "1: low-density parity checks");
  record.add("mcs_index", &S::mcs_index, mcs, "modulation and coding");
  record.add("frame_type", &S::frame_type, frame_type_kind(), "frames of type data or rts");
}

void add_fec_keys(RecordKind<StreamConfig>& record) {
  using S = StreamConfig;
  static const auto fragments = wfb_whole_kind(1, 255);
  record.add("fec_k", &S::fec_k, fragments, "fragments with data in a block");
  record.add("fec_n", &S::fec_n, fragments, "all fragments of a block, parities included");
  record.add("fec_timeout", &S::fec_timeout, wfb_count_kind(),
             "ms after which an open block is filled up; 0: never");
  record.add("fec_delay", &S::fec_delay, wfb_count_kind(), "us before each parity");
}

void add_sending_keys(RecordKind<StreamConfig>& record) {
  using S = StreamConfig;
  static const auto port = wfb_whole_kind(0, 65535);
  static const auto mark = wfb_whole_kind(0, INT32_MAX);
  record.add("use_qdisc", &S::use_qdisc, wfb_bool_kind(), "through the kernel's traffic shaper");
  record.add("fwmark", &S::fwmark, mark, "mark for the shaper; parities have one more");
  record.add("control_port", &S::control_port, port, "UDP port for changes while it runs; 0: any");
  record.add("injection_retries", &S::injection_retries, wfb_count_kind(),
             "how often a full queue of the card is tried again");
  record.add("injection_retry_delay", &S::injection_retry_delay, wfb_count_kind(),
             "us between two tries");
}

void add_service_keys(RecordKind<StreamConfig>& record) {
  using S = StreamConfig;
  record.add("peer", &S::peer, peer_or_none(), "where payloads come from and go to");
  record.add("osd", &S::osd, peer_or_none(), "who gets a copy of mavlink's payloads");
  record.add("osd_tcp", &S::osd_tcp, port_or_none(), "TCP port of such copies");
  record.add("inject_rssi", &S::inject_rssi, wfb_bool_kind(), "tells mavlink of the reception");
  record.add("mavlink_sys_id", &S::mavlink_sys_id, wfb_byte_kind(), "sender of these messages");
  record.add("mavlink_comp_id", &S::mavlink_comp_id, wfb_byte_kind(), "its component");
  record.add("call_on_arm", &S::call_on_arm, text_or_none(), "program to call on arming");
  record.add("call_on_disarm", &S::call_on_disarm, text_or_none(), "program for disarming");
  record.add("mavlink_tcp_port", &S::mavlink_tcp_port, port_or_none(), "TCP port of mavlink");
  record.add("log_messages", &S::log_messages, wfb_bool_kind(), "mavlink into the binary log");
  record.add("ifname", &S::ifname, text_or_none(), "interface of a tunnel");
  record.add("ifaddr", &S::ifaddr, text_or_none(), "its address and prefix");
  record.add("default_route", &S::default_route, wfb_bool_kind(), "a default route through it");
}

}  // namespace

const RecordKind<PathConfig>& wfb_path_kind() {
  using P = PathConfig;
  static const RecordKind<P> kind = [] {
    RecordKind<P> record("path", "Directories");
    record.add("conf_dir", &P::conf_dir, wfb_text_kind(), "of key files");
    record.add("bin_dir", &P::bin_dir, wfb_text_kind(), "of programs");
    record.add("tmp_dir", &P::tmp_dir, wfb_text_kind(), "of temporary files");
    record.add("log_dir", &P::log_dir, wfb_text_kind(), "of logs");
    return record;
  }();
  return kind;
}

const RecordKind<CommonConfig>& wfb_common_kind() {
  using C = CommonConfig;
  static const auto mtu = wfb_whole_kind(64, 3993);
  static const RecordKind<C> kind = [] {
    RecordKind<C> record("common", "What concerns all profiles");
    record.add("debug", &C::debug, wfb_bool_kind(), "says more in the log");
    record.add("version", &C::version, text_or_none(), "of the programs");
    record.add("commit", &C::commit, text_or_none(), "of the programs");
    record.add("primary", &C::primary, wfb_bool_kind(), "sets channel and power of the cards");
    record.add("log_file", &C::log_file, text_or_none(), "in log_dir; none: standard output");
    record.add("binary_log_file", &C::binary_log_file, text_or_none(),
               "in log_dir, with %s where the profile goes");
    record.add("set_nm_unmanaged", &C::set_nm_unmanaged, wfb_bool_kind(),
               "takes the cards out of NetworkManager's hands");
    record.add("radio_mtu", &C::radio_mtu, mtu, "bytes that mavlink and tunnels put together");
    record.add("tunnel_agg_timeout", &C::tunnel_agg_timeout, wfb_real_kind(), "s, at the most");
    record.add("mavlink_agg_timeout", &C::mavlink_agg_timeout, wfb_real_kind(), "s, at the most");
    record.add("mavlink_err_rate", &C::mavlink_err_rate, wfb_bool_kind(),
               "tells mavlink the rate of errors in place of their number");
    record.add("log_interval", &C::log_interval, wfb_positive_kind(), "ms between statistics");
    record.add("tx_sel_rssi_delta", &C::tx_sel_rssi_delta, wfb_real_kind(),
               "dB by which another card must be better to be chosen");
    record.add("tx_sel_counter_abs_delta", &C::tx_sel_counter_abs_delta, wfb_real_kind(),
               "packets that a card may miss of those of the best one");
    record.add("tx_sel_counter_rel_delta", &C::tx_sel_counter_rel_delta, wfb_real_kind(),
               "the same as a part of them; the larger counts");
    record.add("tx_rcv_buf_size", &C::tx_rcv_buf_size, wfb_count_kind(), "SO_RCVBUF; 0: default");
    record.add("rx_snd_buf_size", &C::rx_snd_buf_size, wfb_count_kind(), "SO_SNDBUF; 0: default");
    record.add("wifi_channel", &C::wifi_channel, card_channel_kind(), "channel, or MHz above 2000");
    record.add("wifi_region", &C::wifi_region, region_kind(), "whose rules the cards obey");
    record.add("wifi_txpower", &C::wifi_txpower, card_power_kind(), "power of the cards");
    record.add("temp_measurement_interval", &C::temp_measurement_interval, wfb_real_kind(), "s");
    record.add("temp_overheat_warning", &C::temp_overheat_warning, wfb_real_kind(),
               "degrees Celsius");
    return record;
  }();
  return kind;
}

const RecordKind<ClusterDefaults>& wfb_cluster_kind() {
  using C = ClusterDefaults;
  static const NullableKind<IpAddress> address_or_none(wfb_address_kind());
  static const NodesKind nodes;
  static const RecordKind<C> kind = [] {
    RecordKind<C> record("cluster", "The nodes of a cluster, and what they have in common");
    record.add("nodes", &C::nodes, nodes, "the nodes by their IPv4 addresses");
    record.add("server_address", &C::server_address, address_or_none,
               "where nodes reach the central one");
    record.add("base_port_server", &C::base_port_server, wfb_port_kind(),
               "first UDP port of the aggregators");
    record.add("base_port_node", &C::base_port_node, wfb_port_kind(),
               "first UDP port of the injectors on each node");
    record.add("ssh_user", &C::ssh_user, user_or_none(), "user of mode ssh");
    record.add("ssh_port", &C::ssh_port, port_or_none(), "port of mode ssh");
    record.add("ssh_key", &C::ssh_key, text_or_none(), "file of the private key");
    record.add("custom_init_script", &C::custom_init_script, text_or_none(),
               "commands of bash that nodes carry out first");
    return record;
  }();
  return kind;
}

const RecordKind<StreamConfig>& wfb_stream_kind() {
  using S = StreamConfig;
  static const NullableKind<std::uint32_t> radio_port(wfb_byte_kind());
  static const RecordKind<S> kind = [] {
    RecordKind<S> record("stream", "One stream of a profile");
    record.add("name", &S::name, name_kind(), "by which logs and statistics call it").require();
    record.add("service_type", &S::service_type, service_kind(), "what it does").require();
    record.add(profiles_field());
    record.add("stream_rx", &S::stream_rx, radio_port, "radio port that it hears");
    record.add("stream_tx", &S::stream_tx, radio_port, "radio port on which it sends");
    record.add("keypair", &S::keypair, text_or_none(), "key file in conf_dir");
    record.add("mirror", &S::mirror, wfb_bool_kind(), "sends everything through all cards");
    add_radio_keys(record);
    add_fec_keys(record);
    add_sending_keys(record);
    add_service_keys(record);
    return record;
  }();
  return kind;
}

const RecordKind<ProfileConfig>& wfb_profile_kind() {
  using P = ProfileConfig;
  static const ListKind<StreamConfig> streams("streams", wfb_stream_kind(), 1, 64);
  static const RecordKind<P> kind = [] {
    RecordKind<P> record("profile", "One side of a link, with its streams");
    record.add("streams", &P::streams, streams, "what goes over the link").require();
    record.add("stats_port", &P::stats_port, port_or_none(), "TCP port of twinbed wfb top");
    record.add("api_port", &P::api_port, port_or_none(), "TCP port of the same as lines of JSON");
    record.add("link_domain", &P::link_domain, wfb_text_kind(), "the link's name").require();
    return record;
  }();
  return kind;
}

const std::vector<std::string>& wfb_stream_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> names;
    Json definitions;
    const Json schema = wfb_stream_kind().object_schema(definitions);
    for (const auto& [name, property] : schema["properties"].items()) {
      if (name != "name" && name != "service_type" && name != "profiles") names.push_back(name);
    }
    return names;
  }();
  return keys;
}

}  // namespace twinbed::scenarios
