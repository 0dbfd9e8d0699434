#include "scenarios/node/wfb_server.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/protocols/wfb/central_node.h"
#include "scenarios/node/wfb_host.h"
#include "scenarios/node/wfb_server_log.h"
#include "scenarios/node/wfb_ssh.h"
#include "scenarios/node/wfb_statistics.h"
#include "scenarios/node/wfb_stream_users.h"
#include "scenarios/suggest.h"
#include "scenarios/wfb/cluster_nodes.h"
#include "scenarios/wfb/node_script.h"

namespace twinbed::scenarios {
namespace {

/// WFB-NG's own limit, of a receiver.
constexpr std::size_t kMostCards = 8;

std::string key_path(const ClusterConfig& config, const std::string& keypair) {
  return (std::filesystem::path(config.path.conf_dir) / keypair).string();
}

ClusterPolicy policy_of(bool is_robust) {
  return is_robust ? ClusterPolicy::kRobust : ClusterPolicy::kOriginal;
}

Result<CentralSettings> settings_of(const WfbServerOptions& options, const ClusterConfig& config) {
  const WfbPolicy& policy = options.policy;
  CentralSettings settings;
  settings.session_repeat = policy.is_on(policy.session_repeat);
  settings.refuse_replay = policy.is_on(policy.refuse_replay);
  settings.close_block = policy.is_on(policy.close_block);
  settings.flush_on_session = policy.is_on(policy.flush_on_session);
  settings.ring_timeout = policy.ring_timeout();
  settings.init_digest = policy.is_on(policy.init_digest);
  settings.is_adaptive = policy.is_on(policy.adaptive);
  for (const std::string& name : options.profiles) {
    const ProfileConfig* profile = config.profile(name);
    if (profile == nullptr) continue;  // which plan_cluster says
    for (const StreamConfig& stream : profile->streams) {
      if (!stream.keypair || settings.keys_of_file.contains(*stream.keypair)) continue;
      auto keys = read_wfb_key(key_path(config, *stream.keypair));
      if (!keys) return Error{keys.error()};
      settings.keys_of_file.emplace(*stream.keypair, *std::move(keys));
    }
  }
  return settings;
}

std::set<wfb::WlanId> receive_only_cards(const WfbServerOptions& options,
                                         const ClusterConfig& config) {
  std::set<wfb::WlanId> cards;
  for (std::size_t i = 0; i < options.wlans.size(); ++i) {
    const TxPower* power = config.common.wifi_txpower.of(options.wlans[i]);
    if (power == nullptr || power->mode != TxPower::Mode::kOff) continue;
    cards.insert(wfb::AntennaId::of(0, static_cast<std::uint8_t>(i), 0).wlan());
  }
  return cards;
}

/// What runs: a cluster's central node, or the same with cards of this host.
Result<wfb::CentralOptions> central_of(const WfbServerOptions& options,
                                       const ClusterConfig& config,
                                       const CentralSettings& settings) {
  if (options.wlans.empty()) return central_of_cluster(config, options.profiles, settings);
  wfb::CentralOptions central;
  for (const std::string& profile : options.profiles) {
    auto one = central_of_cards(config, profile, static_cast<std::uint8_t>(options.wlans.size()),
                                settings);
    if (!one) return Error{one.error()};
    wfb::ProfileOptions& made = central.profiles.emplace_back(std::move(one->profiles.front()));
    made.receive_only = receive_only_cards(options, config);
    if (options.profiles.size() == 1) continue;
    for (wfb::StreamOptions& stream : made.streams) stream.name = profile + "_" + stream.name;
  }
  return central;
}

/// The cards of this host, for what all streams ask of them together.
backends::MonitorRadioOptions radio_options(const WfbServerOptions& options,
                                            const ClusterConfig& config) {
  backends::MonitorRadioOptions radio;
  radio.interfaces = options.wlans;
  radio.filter = "wlan[10:2] == 0x5742";
  radio.capture_buffer_bytes = config.common.tx_rcv_buf_size;
  for (const std::string& profile : options.profiles) {
    for (const StreamConfig& stream : config.profile(profile)->streams) {
      backends::InjectionOptions& injection = radio.injection;
      injection.retries = std::max(injection.retries, static_cast<int>(stream.injection_retries));
      injection.retry_delay = std::chrono::microseconds(stream.injection_retry_delay);
      injection.uses_qdisc |= stream.use_qdisc;
    }
  }
  return radio;
}

/// Runs one central node.
class Server {
 public:
  Server(const WfbServerOptions& options, const ClusterConfig& config,
         wfb::CentralOptions& central)
      : options_(options),
        config_(config),
        central_(central),
        host_(static_cast<int>(config.common.tx_rcv_buf_size),
              static_cast<int>(config.common.rx_snd_buf_size)),
        statistics_(host_.loop(), config, options.wlans, central),
        log_(config.common.debug,
             [this](std::string_view profile, std::uint64_t wlan) {
               statistics_.on_selected(profile, wlan);
             }),
        users_(host_, config.common, [this](const std::string& sentence) { log_.say(sentence); },
               [this](std::string_view profile, Bytes frame) {
                 statistics_.on_mavlink(profile, frame);
               }),
        nodes_(host_.loop(), [this](IpAddress node) { on_node_ended(node); }) {}

  Result<int> run() {
    const WfbPolicy& policy = options_.policy;
    if (policy.is_on(policy.refuse_replay) || policy.is_on(policy.adaptive)) {
      host_.store_in(options_.policy.state_directory);
    }
    host_.record_to(log_);
    host_.log_to([this](std::string_view line) { log_.line(line); });
    host_.observe([this](const backends::SentDatagram& sent) { statistics_.on_sent(sent); });
    host_.deliver_to([this](Bytes message) { users_.deliver(message); });
    if (const auto opened = open_cards(); !opened) return Error{opened.error()};
    if (const auto opened = open_streams(); !opened) return Error{opened.error()};
    if (const auto listens = statistics_.listen(); !listens) return Error{listens.error()};
    const auto say = [this](const std::string& sentence) { log_.say(sentence); };
    if (const auto created = statistics_.create_logs(config_, say); !created) {
      return Error{created.error()};
    }
    if (const auto started = start_nodes(); !started) return Error{started.error()};
    const auto status =
        host_.run([this] { return std::make_unique<wfb::CentralNode>(central_); });
    if (!has_lost_node_) return status;
    std::fprintf(stderr, "%s\n", status.error().c_str());
    return 1;
  }

 private:
  Result<std::monostate> open_cards();
  Result<std::monostate> open_streams();
  Result<std::monostate> start_nodes();
  void on_node_ended(IpAddress node);

  const WfbServerOptions& options_;
  const ClusterConfig& config_;
  wfb::CentralOptions& central_;
  WfbHost host_;
  WfbStatistics statistics_;
  WfbServerLog log_;
  WfbStreamUsers users_;
  WfbSshNodes nodes_;
  bool has_lost_node_ = false;
};

Result<std::monostate> Server::open_cards() {
  if (options_.wlans.empty()) return std::monostate{};
  return host_.open_radio(
      radio_options(options_, config_),
      [this](const backends::InjectedFrame& frame) { statistics_.on_injected(frame); });
}

Result<std::monostate> Server::open_streams() {
  std::size_t number = 0;
  for (wfb::ProfileOptions& profile : central_.profiles) {
    const std::vector<StreamConfig>& streams = config_.profile(profile.name)->streams;
    for (std::size_t i = 0; i < streams.size(); ++i, ++number) {
      const StreamConfig& config = streams[i];
      wfb::StreamOptions& stream = profile.streams[i];
      const auto opened = users_.open(profile.name, config, number, stream);
      if (!opened) return Error{"stream " + in_quotes(config.name) + ": " + opened.error()};
      if (config.control_port == 0 || !stream.transmit) continue;
      stream.transmit->control =
          Endpoint{kLoopback, static_cast<std::uint16_t>(config.control_port)};
    }
  }
  return std::monostate{};
}

Result<std::monostate> Server::start_nodes() {
  if (options_.cluster != "ssh") return std::monostate{};
  const WfbPolicy& policy = options_.policy;
  const bool tells_digests = policy.is_on(policy.init_digest);
  for (const ClusterNode& node : config_.nodes) {
    const auto command = ssh_command(node, policy_of(policy.is_robust));
    if (!command) {
      log_.say("node " + to_string(node.address) +
               " has no ssh_user or no ssh_port, and is to be started by hand");
      continue;
    }
    const auto plan = plan_node(config_, options_.profiles, node.address,
                                policy.is_on(policy.adaptive));
    if (!plan) return Error{plan.error()};
    const auto started =
        nodes_.start(node.address, *command,
                     node_script(*plan, {policy_of(tells_digests), /*is_for_ssh=*/true}));
    if (!started) return Error{started.error()};
  }
  return std::monostate{};
}

void Server::on_node_ended(IpAddress node) {
  has_lost_node_ = true;
  host_.fail("Connection to " + to_string(node) + " closed, aborting");
}

}  // namespace

std::string default_wfb_config_file() {
  const char* const named = std::getenv("WIFIBROADCAST_CFG");
  return named != nullptr && *named != '\0' ? named : "/etc/wifibroadcast.cfg";
}

Result<std::monostate> print_wfb_node_script(const WfbServerOptions& options,
                                             const ClusterConfig& config) {
  const WfbPolicy& policy = options.policy;
  const auto node = find_node(config, options.gen_init);
  if (!node) return Error{node.error()};
  const auto plan = plan_node(config, options.profiles, *node, policy.is_on(policy.adaptive));
  if (!plan) return Error{plan.error()};
  const bool tells_digests = policy.is_on(policy.init_digest);
  std::fputs(node_script(*plan, {policy_of(tells_digests), false}).c_str(), stdout);
  return std::monostate{};
}

Result<std::monostate> check_wfb_server(const WfbServerOptions& options,
                                        const ClusterConfig& config) {
  const std::set<std::string> names(options.profiles.begin(), options.profiles.end());
  if (names.size() < options.profiles.size()) {
    return Error{"each of the --profiles can run once; leave out the others"};
  }
  if (options.cluster.empty() == options.wlans.empty()) {
    return Error{"say whose cards are used: those of nodes by --cluster ssh or --cluster manual, "
                 "or this host's by --wlans"};
  }
  if (options.wlans.size() > kMostCards) {
    return Error{"a server uses at most " + std::to_string(kMostCards) + " cards of its own, not " +
                 std::to_string(options.wlans.size())};
  }
  if (!options.cluster.empty()) {
    const auto plan = plan_cluster(config, options.profiles);
    if (!plan) return Error{plan.error()};
  }
  CentralSettings settings;
  settings.is_adaptive = options.policy.is_on(options.policy.adaptive);
  for (const std::string& profile : options.profiles) {
    const auto sound = central_of_cards(config, profile, 1, settings);
    if (!sound) return Error{sound.error()};
  }
  return std::monostate{};
}

Result<int> run_wfb_server(const WfbServerOptions& options, const ClusterConfig& config) {
  const auto settings = settings_of(options, config);
  if (!settings) return Error{settings.error()};
  auto central = central_of(options, config, *settings);
  if (!central) return Error{central.error()};
  return Server(options, config, *central).run();
}

}  // namespace twinbed::scenarios
