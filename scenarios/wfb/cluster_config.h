// The configuration of WFB-NG and of its clusters, as plain structs.
//
//     central node                            node 10.77.0.11          node 10.77.0.12
//     aggregator <--- UDP, base_port_server --- forwarder                forwarder
//     distributor --- UDP, base_port_node ----> injector                 injector
//                                              wlan0                    wlan0, wlan1
//
// A profile (gs, drone) is one side of a link with its streams; the central node of a cluster runs
// it, and the nodes lend it their cards. Names, units and defaults are those of WFB-NG (its
// master.cfg at commit 0a1be20), so that a file of either reads the same; where a default is
// stated here, it is that of the section [base] or [common].
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/io/endpoint.h"

namespace twinbed::scenarios {

/// A value for all cards, or one for each card by its name.
template <class T>
struct PerCard {
  T all{};
  std::map<std::string, T> by_card;  ///< where not empty, `all` means nothing

  /// The value of this card; null where it is given none.
  const T* of(const std::string& card) const {
    if (by_card.empty()) return &all;
    const auto found = by_card.find(card);
    return found == by_card.end() ? nullptr : &found->second;
  }
  bool operator==(const PerCard&) const = default;
};

/// With how much power a card transmits.
struct TxPower {
  enum class Mode : std::uint8_t {
    kDriver,  ///< as its driver has it
    kOff,     ///< never: the card only receives
    kFixed,   ///< `value`, in the driver's unit
  };
  Mode mode = Mode::kDriver;
  std::int32_t value = 0;

  bool operator==(const TxPower&) const = default;
};

/// Where the payloads of a stream come from and go to.
struct Peer {
  enum class Kind : std::uint8_t { kListen, kConnect, kListenUnix, kConnectUnix, kSerial };
  Kind kind = Kind::kListen;
  Endpoint endpoint;       ///< of listen:// and connect://
  std::string name;        ///< of an abstract unix socket, or of a serial device (WfbSerial)
  std::uint32_t baud = 0;  ///< of a serial device

  bool operator==(const Peer&) const = default;
};

enum class ServiceType : std::uint8_t {
  kUdpDirectTx,  ///< sends through one card, or mirrored through all
  kUdpDirectRx,
  kUdpProxy,     ///< one way or two ways, through the best card
  kMavlink,
  kTunnel,
};

struct StreamConfig {
  std::string name;
  ServiceType service_type = ServiceType::kUdpProxy;
  std::optional<std::uint32_t> stream_rx;  ///< radio port, 0 to 255; nothing: does not receive
  std::optional<std::uint32_t> stream_tx;
  std::optional<std::string> keypair;      ///< file in conf_dir
  bool mirror = false;

  std::uint32_t bandwidth = 20;  ///< MHz
  bool force_vht = false;
  bool short_gi = false;
  std::uint32_t stbc = 1;
  std::uint32_t ldpc = 1;
  std::uint32_t mcs_index = 1;
  std::string frame_type = "data";

  std::uint32_t fec_k = 1;
  std::uint32_t fec_n = 2;
  std::uint32_t fec_timeout = 0;  ///< ms; 0: an open block stays open
  std::uint32_t fec_delay = 0;    ///< us before each parity

  bool use_qdisc = false;
  std::uint32_t fwmark = 0;
  std::uint32_t control_port = 0;
  std::uint32_t injection_retries = 0;
  std::uint32_t injection_retry_delay = 5000;  ///< us

  std::optional<Peer> peer;

  // Of mavlink.
  std::optional<Peer> osd;
  std::optional<std::uint32_t> osd_tcp;
  bool inject_rssi = true;
  std::uint32_t mavlink_sys_id = 3;
  std::uint32_t mavlink_comp_id = 68;
  std::optional<std::string> call_on_arm;
  std::optional<std::string> call_on_disarm;
  std::optional<std::uint32_t> mavlink_tcp_port;
  bool log_messages = false;

  // Of a tunnel.
  std::optional<std::string> ifname;
  std::optional<std::string> ifaddr;
  bool default_route = false;

  bool operator==(const StreamConfig&) const = default;
};

struct ProfileConfig {
  std::string name;
  std::vector<StreamConfig> streams;
  std::optional<std::uint32_t> stats_port;  ///< TCP, msgpack; nothing: no statistics
  std::optional<std::uint32_t> api_port;    ///< TCP, lines of JSON
  std::string link_domain = "default";

  bool operator==(const ProfileConfig&) const = default;
};

struct PathConfig {
  std::string conf_dir = "/etc";
  std::string bin_dir = "/usr/bin";
  std::string tmp_dir = "/tmp";
  std::string log_dir = "/var/log";

  bool operator==(const PathConfig&) const = default;
};

struct CommonConfig {
  bool debug = false;
  std::optional<std::string> version;
  std::optional<std::string> commit;
  bool primary = true;  ///< this instance sets channels and power of the cards
  std::optional<std::string> log_file;
  std::optional<std::string> binary_log_file;
  bool set_nm_unmanaged = true;

  std::uint32_t radio_mtu = 1445;
  double tunnel_agg_timeout = 0.005;  ///< s
  double mavlink_agg_timeout = 0.1;   ///< s
  bool mavlink_err_rate = true;

  std::uint32_t log_interval = 1000;  ///< ms
  double tx_sel_rssi_delta = 3;       ///< dB
  double tx_sel_counter_abs_delta = 3;
  double tx_sel_counter_rel_delta = 0.1;
  std::uint32_t tx_rcv_buf_size = 2097152;
  std::uint32_t rx_snd_buf_size = 2097152;

  PerCard<std::uint32_t> wifi_channel{165, {}};  ///< above 2000: MHz
  std::string wifi_region = "BO";
  PerCard<TxPower> wifi_txpower;
  double temp_measurement_interval = 10;  ///< s
  double temp_overheat_warning = 60;      ///< degrees Celsius

  bool operator==(const CommonConfig&) const = default;
};

/// A machine that lends its cards, with what the sections [cluster] and [common] say for all.
struct ClusterNode {
  IpAddress address;
  std::vector<std::string> wlans;
  IpAddress server_address;  ///< at which the node reaches the central one
  PerCard<std::uint32_t> wifi_channel{165, {}};
  PerCard<TxPower> wifi_txpower;
  std::optional<std::string> ssh_user = "root";
  std::optional<std::uint32_t> ssh_port = 22;
  std::optional<std::string> ssh_key;
  std::optional<std::string> custom_init_script;

  bool operator==(const ClusterNode&) const = default;
};

struct ClusterConfig {
  PathConfig path;
  CommonConfig common;
  std::vector<ProfileConfig> profiles;  ///< by name
  std::uint32_t base_port_server = 10000;
  std::uint32_t base_port_node = 11000;
  std::vector<ClusterNode> nodes;       ///< in the order of their addresses as texts

  /// Null where there is no profile of this name.
  const ProfileConfig* profile(std::string_view name) const;
  /// Null where there is no node of this address.
  const ClusterNode* node(IpAddress address) const;

  bool operator==(const ClusterConfig&) const = default;
};

}  // namespace twinbed::scenarios
