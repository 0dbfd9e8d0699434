// twinbed-node: runs one node of a scenario on this machine, or a program of cloud-p2p, without
// Python.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "scenarios/load.h"
#include "scenarios/node/cloud_p2p_client.h"
#include "scenarios/node/cloud_p2p_server.h"
#include "scenarios/node/node_process.h"

namespace {

using twinbed::scenarios::CloudP2pOptions;
using twinbed::scenarios::CloudP2pSetup;
using twinbed::scenarios::NodeProcessOptions;

constexpr const char* kExamples = R"(
Examples, one line for each machine (with the same file, seed and addresses everywhere):
  twinbed-node --scenario leader_failover.yaml --node node1 --seed 7 \
      --address node1=192.168.1.100:7001 --address node2=192.168.1.101:7002
  twinbed-node --scenario leader_failover.yaml --node node2 --seed 7 ...

Without --address the nodes are on this machine, each at a loopback address of its own.
Faults of the scenario are the runner's business (twinbed run --mode real); started by hand, a node
knows only its commands of the workload. It stops in good order on SIGINT and SIGTERM.
Exit status: 0 stopped in good order, 2 bad arguments or scenario, 3 the node failed.)";

constexpr const char* kConfiguration = R"(
Configuration, by environment variables as for the original program:
  CONFIG_FILE     JSON file {"peers": [{"id": 1, "address": "192.168.1.100:7001"}, ...],
                  "shared_dir": "/shared/images"}; if it does not exist:
  PEERS           1=192.168.1.100:7001,2=192.168.1.101:7002,... and SHARED_DIR, by default
                  /shared/images; without PEERS: three nodes at 127.0.0.1, ports 7001 to 7003
  ENCRYPTION_KEY  64 hexadecimal digits (openssl rand -hex 32), the same for servers and clients)";

constexpr const char* kServerNotes = R"(
  NODE_ID         which of the peers this server is, 1 unless set
  BIND            address or ADDRESS:PORT to listen at in place of the peer's own, such as 0.0.0.0

Example:
  CONFIG_FILE=config.json NODE_ID=1 twinbed-node cloud-p2p

The log goes to standard output. The server stops in good order on SIGINT and SIGTERM.
Exit status: 0 stopped in good order, 2 bad arguments or configuration, 3 the server failed.)";

constexpr const char* kClientNotes = R"(
  USER            goes into each request

Commands: status, discover, send-image PATH, help, quit. At a terminal there are line editing,
history and completion (Tab); Ctrl-C clears the line or gives up waiting for an answer, Ctrl-D ends.
From a pipe or a file, each command is finished before the next one starts:
  echo 'send-image photo.jpg' | CONFIG_FILE=config.json twinbed-node cloud-p2p-client

Exit status: 0 ended in good order, 1 a command from a pipe failed, 2 bad arguments or
configuration, 3 the client failed.)";

struct Arguments {
  std::string scenario;
  std::string node;
  std::vector<std::string> settings;
  std::string storage;
  std::string database;
  double start_at_unix = 0;
  bool no_workload = false;
  NodeProcessOptions options;
  CloudP2pOptions cloud_p2p;
  std::string cloud_p2p_database;
  std::string cloud_p2p_listen;
};

void add_arguments(CLI::App& app, Arguments& arguments) {
  app.footer(kExamples);
  app.add_option("--scenario", arguments.scenario, "scenario file (YAML)")->required();
  app.add_option("--node", arguments.node, "name of the node to run")->required();
  app.add_option("--seed", arguments.options.seed, "seed of the run, the same on every machine")
      ->required();
  app.add_option("--set", arguments.settings, "setting PATH=VALUE, as for twinbed run");
  app.add_option("--address", arguments.options.addresses,
                 "NODE=ADDRESS:PORT, where a node really is");
  app.add_option("--storage", arguments.storage, "directory of the node's files")
      ->default_str("NODE.files");
  app.add_option("--database", arguments.database, "result store to write")
      ->default_str("NODE.db");
  app.add_option("--start-at", arguments.start_at_unix,
                 "common start as Unix time in seconds; default: now");
  app.add_option("--run-number", arguments.options.run_number,
                 "tells runs on one machine apart (1 to 254)");
  app.add_option("--control", arguments.options.control,
                 "descriptor of a control channel, used by twinbed run");
  app.add_flag("--no-workload", arguments.no_workload,
               "do not give the node its commands of the workload");
}

/// One of the programs of cloud-p2p. The options of a scenario's node do not go with it.
CLI::App* add_cloud_p2p(CLI::App& app, const char* name, const char* description,
                        Arguments& arguments) {
  const std::vector<CLI::Option*> node_options = app.get_options();
  CLI::App* program = app.add_subcommand(name, description);
  program->add_option("--profile", arguments.cloud_p2p.profile,
                      "version of the original: f988f94, 67dc5ff or head")
      ->default_str("f988f94");
  program->add_flag("--zero-key", arguments.cloud_p2p.zero_key,
                    "use the all-zero key, which original programs have compiled in");
  program->preparse_callback([node_options](std::size_t) {
    for (CLI::Option* option : node_options) option->required(false);
  });
  for (CLI::Option* option : node_options) {
    if (option->get_name() != "--help") program->excludes(option);
  }
  return program;
}

int fail(int status, const std::string& sentence) {
  std::fprintf(stderr, "twinbed-node: %s\n", sentence.c_str());
  return status;
}

/// The instant of CLOCK_MONOTONIC that corresponds to a Unix time.
std::int64_t monotonic_of(double unix_seconds) {
  if (unix_seconds == 0) return 0;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const double ahead = unix_seconds - std::chrono::duration<double>(wall).count();
  return twinbed::backends::monotonic_now_ns() + static_cast<std::int64_t>(ahead * 1e9);
}

void warn(const CloudP2pSetup& setup) {
  for (const std::string& sentence : setup.warnings) {
    std::fprintf(stderr, "twinbed-node: %s\n", sentence.c_str());
  }
}

int run_cloud_p2p(const Arguments& arguments) {
  const auto server = twinbed::scenarios::prepare_cloud_p2p_server(
      arguments.cloud_p2p, arguments.cloud_p2p_database,
      twinbed::scenarios::process_environment);
  if (!server) return fail(2, server.error());
  warn(server->setup);
  const auto status = twinbed::scenarios::run_cloud_p2p_server(*server);
  return status ? *status : fail(3, status.error());
}

int run_cloud_p2p_client(const Arguments& arguments) {
  const auto client = twinbed::scenarios::prepare_cloud_p2p_client(
      arguments.cloud_p2p, arguments.cloud_p2p_listen, twinbed::scenarios::process_environment);
  if (!client) return fail(2, client.error());
  warn(client->setup);
  const auto status = twinbed::scenarios::run_cloud_p2p_client(*client);
  return status ? *status : fail(3, status.error());
}

int run_scenario_node(Arguments& arguments) {
  auto scenario = twinbed::scenarios::load_scenario(arguments.scenario, arguments.settings);
  if (!scenario) return fail(2, scenario.error());
  NodeProcessOptions& options = arguments.options;
  options.scenario = std::move(*scenario);
  const auto& nodes = options.scenario.nodes;
  const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const auto& spec) {
    return spec.name == arguments.node;
  });
  if (node == nodes.end()) {
    return fail(2, "the scenario has no node '" + arguments.node + "'");
  }
  options.node = static_cast<std::size_t>(node - nodes.begin());
  options.storage_root =
      arguments.storage.empty() ? arguments.node + ".files" : arguments.storage;
  options.database = arguments.database.empty() ? arguments.node + ".db" : arguments.database;
  options.run_start_ns = monotonic_of(arguments.start_at_unix);
  options.workload = !arguments.no_workload;
  const auto status = twinbed::scenarios::run_node_process(options);
  if (!status) return fail(3, status.error());
  return *status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs one node of a twinbed scenario on this machine, or a program of cloud-p2p."};
  Arguments arguments;
  add_arguments(app, arguments);
  CLI::App* server = add_cloud_p2p(app, "cloud-p2p", "a server of cloud-p2p", arguments);
  CLI::App* client =
      add_cloud_p2p(app, "cloud-p2p-client", "the interactive client of cloud-p2p", arguments);
  server->add_option("--database", arguments.cloud_p2p_database, "result store to write");
  server->footer(std::string(kConfiguration) + kServerNotes);
  client->add_option("--listen", arguments.cloud_p2p_listen,
                     "ADDRESS:PORT where replies arrive")
      ->default_str("127.0.0.1:7100, or a free port");
  client->footer(std::string(kConfiguration) + kClientNotes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // 0: it was asked for help
  }
  if (server->parsed()) return run_cloud_p2p(arguments);
  if (client->parsed()) return run_cloud_p2p_client(arguments);
  return run_scenario_node(arguments);
}
