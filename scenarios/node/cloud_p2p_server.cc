#include "scenarios/node/cloud_p2p_server.h"

#include <signal.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "backends/live_host.h"
#include "backends/socket/posix.h"
#include "backends/sqlite/store.h"
#include "core/protocols/election/inbox.h"
#include "core/protocols/election/original_node.h"
#include "core/protocols/imagestore/records.h"
#include "scenarios/judge.h"
#include "scenarios/node/cloud_p2p_operations.h"
#include "scenarios/node/cloud_p2p_robust.h"
#include "scenarios/node/service.h"
#include "scenarios/node/startup_checks.h"

namespace twinbed::scenarios {
namespace {

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

/// Prints what the protocol records but does not log, and passes all rows to the store, if there is
/// one, the input log among them. The store is written out after each turn of the loop, so that a
/// kill loses nothing.
class ServerRows final : public RunSink, public backends::InputSink {
 public:
  ServerRows(backends::EventLoop& loop, std::string name, backends::Store* store)
      : loop_(loop), name_(std::move(name)), store_(store) {}

  void sample(Time at, NodeId node, const Metric& metric, double value) override {
    if (store_ == nullptr) return;
    store_->sink().sample(at, node, metric, value);
    flush_later();
  }
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override {
    if (type.name == election::kRefusedEvent.name) print_refusal("a frame", fields);
    if (type.name == imagestore::kLinkRefusedEvent.name) print_refusal("a connection", fields);
    if (store_ == nullptr) return;
    store_->sink().event(at, node, type, fields);
    flush_later();
  }
  void fault(Time, const FaultRow&) override {}
  void input(const backends::InputRow& row) override {
    store_->add_input(row);
    flush_later();
  }

 private:
  void print_refusal(const std::string& what, std::span<const Field> fields) const {
    const auto count = static_cast<std::uint64_t>(int_field(fields, "count", 0));
    if (!std::has_single_bit(count)) return;
    const std::string_view reason = text_field(fields, "reason");
    // What a process leaves that was killed; a key that differs shows at the one who checks it.
    if (reason == to_string(secure::Refusal::kTruncated)) return;
    std::string line = "[Node " + name_ + "] refused " + what + " from " +
                       std::string(text_field(fields, "from")) + ": " + std::string(reason);
    if (reason == to_string(election::Refusal::kNotAuthentic) ||
        reason == to_string(secure::Refusal::kNotAuthentic)) {
      line += " (is its key this one?)";
    }
    print_line(line + ", " + std::to_string(count) + " of these so far");
  }
  void flush_later() {
    if (pending_) return;
    pending_ = true;
    loop_.post([this] {
      pending_ = false;
      (void)store_->flush();  // finish_run reports the first error
    });
  }

  backends::EventLoop& loop_;
  std::string name_;
  backends::Store* store_;
  bool pending_ = false;
};

/// Where this server is in the list of peers: its node id.
NodeId own_node(const election::Config& config) {
  std::uint32_t index = 0;
  while (config.peers[index].id != config.node_id) ++index;
  return NodeId{index};
}

/// Scenario and real endpoints are the same; only the port of BIND is translated.
backends::AddressMap make_addresses(const CloudP2pServer& server) {
  const election::Config& config = server.setup.config;
  backends::AddressMap map;
  for (std::uint32_t node = 0; node < config.peers.size(); ++node) {
    const Endpoint endpoint = config.peers[node].endpoint;
    Endpoint real = endpoint;
    const bool is_own = config.peers[node].id == config.node_id;
    if (is_own && server.bind && server.bind->port != 0) real.port = server.bind->port;
    map.add({NodeId{node}, endpoint, real});
  }
  return map;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// The configuration takes the place of the scenario's text, without the key.
backends::RunInfo run_info(const CloudP2pServer& server, const std::string& profile) {
  const election::Config& config = server.setup.config;
  backends::RunInfo info;
  info.scenario = "cloud-p2p";
  info.mode = "real";
  info.build_id = build_id();
  info.started_at = utc_now();
  info.parameters = {{"node_id", std::to_string(config.node_id)}};
  if (server.setup.is_robust) {
    info.parameters.emplace_back("policy", "robust");
    for (auto& parameter : robust_parameters(server.setup.robust)) {
      info.parameters.push_back(std::move(parameter));
    }
  } else {
    info.parameters.emplace_back("policy", "original");
    info.parameters.emplace_back("profile", profile);
    info.parameters.emplace_back("zero_key", server.setup.zero_key ? "true" : "false");
  }
  nlohmann::json peers = nlohmann::json::array();
  for (const election::Peer& peer : config.peers) {
    const std::string address = to_string(peer.endpoint);
    peers.push_back({{"id", peer.id}, {"address", address}});
    info.nodes.push_back({"node" + std::to_string(peer.id), "server", address});
  }
  info.scenario_text =
      nlohmann::json{{"peers", peers}, {"shared_dir", config.shared_dir}}.dump(
          2, ' ', false, nlohmann::json::error_handler_t::replace);
  return info;
}

std::string_view name_of(election::Profile profile) {
  switch (profile) {
    case election::Profile::kF988f94: return "f988f94";
    case election::Profile::k67dc5ff: return "67dc5ff";
    case election::Profile::kHead: break;
  }
  return "head";
}

Result<std::unique_ptr<backends::Store>> open_store(const CloudP2pServer& server) {
  if (server.database.empty()) return std::unique_ptr<backends::Store>{};
  auto store = backends::Store::open(server.database);
  if (!store) return Error{store.error()};
  auto run = (*store)->begin_run(run_info(server, std::string(name_of(server.setup.profile))));
  if (!run) return Error{run.error()};
  return store;
}

backends::LiveHostOptions host_options(const CloudP2pServer& server,
                                       backends::InputSink* input_log) {
  const election::Config& config = server.setup.config;
  backends::LiveHostOptions options;
  options.self = own_node(config);
  options.name = std::to_string(config.node_id);
  options.storage.root = config.shared_dir;
  options.addresses = make_addresses(server);
  if (server.bind) options.bind_address = server.bind->address;
  options.input_log = input_log;
  options.on_log = print_line;
  return options;
}

/// An error unless the server can listen where it is told to. The host would find the same, but
/// knows less about what can be done.
Result<std::monostate> check_listen(const CloudP2pServer& server) {
  const election::Config& config = server.setup.config;
  Endpoint local = election::find_peer(config.peers, config.node_id)->endpoint;
  if (server.bind) {
    local.address = server.bind->address;
    if (server.bind->port != 0) local.port = server.bind->port;
  }
  const backends::Socket probe = backends::Socket::stream();
  if (probe.is_open()) backends::set_option(probe, SOL_SOCKET, SO_REUSEADDR, 1);
  const int error = probe.is_open() ? backends::bind_socket(probe, local) : errno;
  if (error == 0) return std::monostate{};
  std::string sentence = "node " + std::to_string(config.node_id) + " cannot listen at " +
                         to_string(local) + ": " + std::generic_category().message(error);
  if (error == EADDRINUSE) {
    sentence += "; stop the program that holds this port, or give the node another one";
  } else if (error == EADDRNOTAVAIL) {
    sentence += "; set NODE_ID to the peer that this machine is, or BIND to an address it has";
  } else if (error == EACCES) {
    sentence += "; ports below 1024 need privileges, so give the node a higher one";
  }
  return Error{sentence};
}

/// Attaches the operations of a robust server to its host.
Result<std::monostate> start_operations(const CloudP2pServer& server,
                                        CloudP2pOperations& operations) {
  const election::Config& config = server.setup.config;
  const std::string table = config.shared_dir + "/" + state_prefix(config.node_id) + "images.db";
  if (const auto opened = operations.open_table(table); !opened) return Error{opened.error()};
  if (!server.health) return std::monostate{};
  return operations.listen(*server.health);
}

}  // namespace

Result<CloudP2pServer> prepare_cloud_p2p_server(const CloudP2pOptions& options,
                                                const std::string& database,
                                                const election::Environment& environment) {
  CloudP2pServer server;
  auto setup = read_cloud_p2p_setup(options, environment);
  if (!setup) return Error{setup.error()};
  server.setup = std::move(*setup);
  auto bind = read_bind(environment);
  if (!bind) return Error{bind.error()};
  server.bind = *bind;
  const election::Config& config = server.setup.config;
  if (const auto member = check_membership(config); !member) return Error{member.error()};
  for (std::string& sentence : startup_warnings(present_surroundings())) {
    server.setup.warnings.push_back(std::move(sentence));
  }
  const CloudP2pSetup& given = server.setup;
  auto factory = given.is_robust
                     ? robust_factory(config, given.robust, given.key)
                     : original_factory(config, given.profile, given.key, given.zero_key);
  if (!factory) return Error{factory.error()};
  server.factory = *std::move(factory);
  if (!server.setup.robust.health.empty()) {
    const auto endpoint = parse_endpoint(server.setup.robust.health);
    if (!endpoint) return Error{"--health: " + endpoint.error()};
    server.health = *endpoint;
  }
  const auto directory = check_image_directory(server.setup);
  if (!directory) return Error{directory.error()};
  server.database = database;
  return server;
}

Result<int> run_cloud_p2p_server(const CloudP2pServer& server) {
  signal(SIGPIPE, SIG_IGN);  // the server outlives the reader of its log
  if (const auto free = check_listen(server); !free) return Error{free.error()};
  auto store = open_store(server);
  if (!store) return Error{store.error()};
  backends::EventLoop loop;
  ServerRows rows(loop, std::to_string(server.setup.config.node_id), store->get());
  backends::InputSink* const input_log = *store != nullptr ? &rows : nullptr;
  Service service(loop);
  const imagestore::Node* node = nullptr;  // the host's protocol, if it is robust
  std::optional<backends::LiveHost> host;
  std::string fatal;
  CloudP2pOperations operations(
      loop,
      {[&] { return host && !host->stopped() ? node : nullptr; },
       [&] { return host->run_now(); }, server.setup.config.shared_dir},
      service,
      [&](const std::string& sentence) {
        fatal = sentence;
        host->request_stop();
      });
  backends::LiveHostOptions options = host_options(server, input_log);
  options.on_deliver = [&](Bytes image) { operations.on_image(image); };
  host.emplace(loop, std::move(options), rows, [&] {
    auto protocol = server.factory();
    node = dynamic_cast<const imagestore::Node*>(protocol.get());
    return protocol;
  });
  if (server.setup.is_robust) {
    if (const auto ready = start_operations(server, operations); !ready) {
      return Error{ready.error()};
    }
    operations.start();
  }
  loop.on_signals({SIGINT, SIGTERM}, [&](int) {
    service.stopping();
    host->request_stop();
  });
  host->start();
  // It listens when its first handler has run.
  loop.run_until([&] { return host->stopped() || host->counters().handlers > 0; }, Duration::max());
  if (!host->stopped()) {
    service.ready("node " + std::to_string(server.setup.config.node_id) + " is listening");
  }
  host->run();
  if (*store != nullptr) {
    backends::RunResultRow result;
    result.failure = host->error();
    result.end_ns = to_ns(host->run_now());
    result.events_count = static_cast<std::int64_t>(host->counters().handlers);
    const backends::Status written = (*store)->finish_run(result);
    if (!written) return Error{written.error()};
  }
  if (!host->error().empty()) return Error{host->error()};
  if (!fatal.empty()) {
    return Error{"node " + std::to_string(server.setup.config.node_id) + " cannot join: " + fatal};
  }
  return 0;
}

}  // namespace twinbed::scenarios
