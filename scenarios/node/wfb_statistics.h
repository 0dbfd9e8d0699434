// The statistics of a live central node of WFB-NG: what its streams find in each interval, told at
// the ports of their profile and logged.
//
//   receiver, transmitter ──► interval's figures ──► totals ──► stats_port (MessagePack)
//   datagrams to injectors,                         │     └──► api_port (lines of JSON)
//   frames on own cards ────► ledger of each stream ┘     └──► binary log (the same MessagePack)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/pcap/frame_injector.h"
#include "backends/socket/counters.h"
#include "core/protocols/wfb/central_node.h"
#include "core/wire/ieee80211.h"
#include "scenarios/node/wfb_binary_log.h"
#include "scenarios/node/wfb_send_ledger.h"
#include "scenarios/node/wfb_tcp_port.h"
#include "scenarios/wfb/cluster_config.h"
#include "scenarios/wfb/statistics.h"

namespace twinbed::scenarios {

class WfbStatistics {
 public:
  /// Has the streams of these options tell their figures here; without cards of its own the node is
  /// a cluster's. The loop outlives the statistics, and these the protocol that is made of the
  /// options.
  WfbStatistics(backends::EventLoop& loop, const ClusterConfig& config,
                const std::vector<std::string>& own_cards, wfb::CentralOptions& central);
  WfbStatistics(const WfbStatistics&) = delete;
  WfbStatistics& operator=(const WfbStatistics&) = delete;

  /// Listens at the ports of the profiles. The error is a sentence with the remedy.
  Result<std::monostate> listen();
  /// Creates the binary log of each profile, where the configuration asks for them. Failures later
  /// are told to `say`. The error is a sentence with the remedy.
  Result<std::monostate> create_logs(const ClusterConfig& config, WfbBinaryLog::Say say);
  /// Logs a frame of MAVLink that goes through a stream of the profile.
  void on_mavlink(std::string_view profile, Bytes frame);

  /// A datagram that the host has sent; those to injectors count.
  void on_sent(const backends::SentDatagram& sent);
  /// What became of a frame on a card of this host; those of streams count.
  void on_injected(const backends::InjectedFrame& injected);
  /// Through which card a profile sends from now on.
  void on_selected(std::string_view profile, std::uint64_t wlan);

 private:
  struct Profile {
    std::string name;
    std::optional<std::uint16_t> stats_port;
    std::optional<std::uint16_t> api_port;
    std::unique_ptr<WfbTcpPort> stats;
    std::unique_ptr<WfbTcpPort> api;
    LogBegin begin;  ///< of its binary log
    std::unique_ptr<WfbBinaryLog> log;
    std::optional<std::uint64_t> tx_wlan;
  };
  struct Service {
    Profile* profile = nullptr;
    std::string id;  ///< "video rx"
    std::map<std::string, std::uint64_t> totals;
    std::optional<SessionInfo> session;  ///< of the last report
    WfbSendLedger ledger;
  };

  void add_profile(const TitleMessage& title, const ProfileConfig& profile);
  Service& add_service(Profile& profile, const std::string& id);
  void watch_outputs(std::size_t stream, const wfb::StreamOptions& options, Service& service);
  static void report(Service& service, const wfb::Aggregator& aggregator);
  static void report(Service& service, wfb::TransmitterCounters& counters);
  static void tell(Profile& profile, const StatisticsMessage& message);

  backends::EventLoop& loop_;
  std::vector<std::unique_ptr<Profile>> profiles_;
  std::vector<std::unique_ptr<Service>> services_;
  /// By the socket of a stream's transmitter and the injector's endpoint: whose ledger, which card.
  std::map<std::pair<SocketId, Endpoint>, std::pair<Service*, std::uint64_t>> injectors_;
  std::map<MacAddress, Service*> transmitters_;  ///< by the sender's address in its frames
};

}  // namespace twinbed::scenarios
