// twinbed-node: runs one node of a scenario on this machine, or a program of cloud-p2p or WFB-NG,
// without Python.
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
#include "scenarios/node/cloud_p2p_robust.h"
#include "scenarios/node/cloud_p2p_server.h"
#include "scenarios/node/cloud_p2p_unseal.h"
#include "scenarios/node/install_unit.h"
#include "scenarios/node/node_process.h"
#include "scenarios/node/wfb_command_line.h"

namespace {

using twinbed::scenarios::CloudP2pOptions;
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
  ENCRYPTION_KEY  64 hexadecimal digits (openssl rand -hex 32), the same for servers and clients;
                  if it is not set, the file encryption_key in CREDENTIALS_DIRECTORY, where
                  systemd puts what LoadCredential= names)";

constexpr const char* kServerNotes = R"(
  NODE_ID         which of the peers this server is, 1 unless set
  BIND            address or ADDRESS:PORT to listen at in place of the peer's own, such as 0.0.0.0

Example:
  CONFIG_FILE=config.json NODE_ID=1 twinbed-node cloud-p2p

The log goes to standard output. The server stops in good order on SIGINT and SIGTERM.
Exit status: 0 stopped in good order, 2 bad arguments or configuration, 3 the server failed.)";

constexpr const char* kClientNotes = R"(
  USER            goes into each request

Commands: status, discover, send-image PATH [ID], get-image ID [PATH], help, quit; with the policy
original no get-image and no IDs. At a terminal there are line editing,
history and completion (Tab); Ctrl-C clears the line or gives up waiting for an answer, Ctrl-D ends.
From a pipe or a file, each command is finished before the next one starts:
  echo 'send-image photo.jpg' | CONFIG_FILE=config.json twinbed-node cloud-p2p-client

Exit status: 0 ended in good order, 1 a command from a pipe failed, 2 bad arguments or
configuration, 3 the client failed.)";

constexpr const char* kUnitNotes = R"(
The unit runs `twinbed-node cloud-p2p` as a user of its own, with the key as a credential, confined
to what it needs. It is checked before it is written: the configuration, that this node is in it,
the key, and that the service can reach them. Settings of your own, such as
Environment=BIND=0.0.0.0, go into `systemctl edit cloud-p2p`; words after -- go to the server.

Examples:
  (umask 077; openssl rand -hex 32 > /etc/cloud-p2p/encryption_key)
  twinbed-node install-unit --node-id 1
  twinbed-node install-unit --node-id 1 --print -- --health 127.0.0.1:9001

Exit status: 0 written, or there as it should be; 2 bad arguments or configuration; 3 it could not
be written.)";

struct UnitArguments {
  twinbed::scenarios::UnitOptions options;
  std::string directory = "/etc/systemd/system";
  bool print = false;
  bool force = false;
};

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
  UnitArguments unit;
  std::string key_file;
  std::string sealed_file;
  std::string image_file;
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
  app.add_option("--card", arguments.options.cards,
                 "where each of the node's radio cards is: an interface in monitor mode, or "
                 "ADDRESS:PORT of twinbed air --udp");
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

/// Something else than a scenario's node, whose options do not go with it.
CLI::App* add_program(CLI::App& app, const char* name, const char* description) {
  const std::vector<CLI::Option*> node_options = app.get_options();
  CLI::App* program = app.add_subcommand(name, description);
  program->preparse_callback([node_options](std::size_t) {
    for (CLI::Option* option : node_options) option->required(false);
  });
  for (CLI::Option* option : node_options) {
    if (option->get_name() != "--help") program->excludes(option);
  }
  return program;
}

/// One of the programs of cloud-p2p.
CLI::App* add_cloud_p2p(CLI::App& app, const char* name, const char* description,
                        Arguments& arguments) {
  CLI::App* program = add_program(app, name, description);
  CloudP2pOptions& options = arguments.cloud_p2p;
  program->add_option("--policy", options.policy,
                      "robust: images are replicated and encrypted, every promise is kept; "
                      "original: the program as it was, on its own wire format")
      ->capture_default_str();
  program->add_option("--node-key", options.robust.node_key,
                      "file of this program's own secret key, see `twinbed-node make-key`; "
                      "default: a new one at each start");
  program->add_option("--known-servers", options.robust.known_servers,
                      "file of the servers' public keys, one a line; default: the cluster's key "
                      "is enough");
  program->add_option("--profile", options.profile,
                      "policy original: which version, f988f94, 67dc5ff or head")
      ->default_str("f988f94");
  program->add_flag("--zero-key", options.zero_key,
                    "policy original: use the all-zero key, which original programs have compiled "
                    "in");
  return program;
}

void add_server_options(CLI::App& server, twinbed::scenarios::RobustSettings& robust) {
  server.add_option("--timeout", robust.timeout,
                    "how long a server waits for its leader, up to twice; '150 ms' suits a local "
                    "network")
      ->capture_default_str();
  server.add_flag("!--no-replication", robust.replicate,
                  "only the leader keeps an image, as the original does");
  server.add_flag("--shared-storage", robust.shared_storage,
                  "all servers see one directory of images, such as an NFS mount: an image is "
                  "written there once");
  server.add_flag("--encrypt-at-rest", robust.at_rest,
                  "images are sealed in their files, with a key that follows from the cluster's; "
                  "`twinbed-node cloud-p2p unseal` opens one");
  server.add_option("--health", robust.health,
                    "ADDRESS:PORT where /healthz, /readyz and /metrics are served over HTTP");
  server.add_option("--known-clients", robust.known_clients,
                    "file of the public keys of the clients that are served, one a line");
}

CLI::App* add_install_unit(CLI::App& app, UnitArguments& unit) {
  CLI::App* program =
      add_program(app, "install-unit", "writes a systemd unit for a server of cloud-p2p");
  program->add_option("--node-id", unit.options.node_id, "which of the peers this machine is")
      ->required();
  program->add_option("--config", unit.options.config, "JSON file of the peers and the directory")
      ->capture_default_str();
  program->add_option("--key", unit.options.key, "file with the encryption key")
      ->capture_default_str();
  program->add_option("--user", unit.options.user,
                      "user of the service; default: one that exists while it runs");
  program->add_option("--program", unit.options.program, "twinbed-node; default: this one");
  program->add_option("--to", unit.directory, "directory of the unit")->capture_default_str();
  program->add_flag("--print", unit.print, "print the unit and write nothing");
  program->add_flag("--force", unit.force, "replace a unit that differs");
  program->add_option("arguments", unit.options.arguments, "arguments of the server, after --");
  program->footer(kUnitNotes);
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

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& sentence : warnings) {
    std::fprintf(stderr, "twinbed-node: %s\n", sentence.c_str());
  }
}

int run_cloud_p2p(const Arguments& arguments) {
  const auto server = twinbed::scenarios::prepare_cloud_p2p_server(
      arguments.cloud_p2p, arguments.cloud_p2p_database,
      twinbed::scenarios::process_environment);
  if (!server) return fail(2, server.error());
  warn(server->setup.warnings);
  const auto status = twinbed::scenarios::run_cloud_p2p_server(*server);
  return status ? *status : fail(3, status.error());
}

int run_cloud_p2p_client(const Arguments& arguments) {
  const auto client = twinbed::scenarios::prepare_cloud_p2p_client(
      arguments.cloud_p2p, arguments.cloud_p2p_listen, twinbed::scenarios::process_environment);
  if (!client) return fail(2, client.error());
  warn(client->setup.warnings);
  const auto status = twinbed::scenarios::run_cloud_p2p_client(*client);
  return status ? *status : fail(3, status.error());
}

int run_make_key(const std::string& path) {
  const auto public_key = twinbed::scenarios::write_node_key(path);
  if (!public_key) return fail(3, public_key.error());
  std::printf("%s\n", public_key->c_str());
  return 0;
}

int run_unseal(const Arguments& arguments) {
  const auto done = twinbed::scenarios::unseal_image(arguments.sealed_file, arguments.image_file,
                                                     twinbed::scenarios::process_environment);
  return done ? 0 : fail(2, done.error());
}

int run_install_unit(const UnitArguments& arguments) {
  const auto unit = twinbed::scenarios::make_unit(arguments.options);
  if (!unit) return fail(2, unit.error());
  warn(unit->warnings);
  if (arguments.print) {
    std::fputs(unit->text.c_str(), stdout);
    return 0;
  }
  const auto next = twinbed::scenarios::write_unit(*unit, arguments.directory, arguments.force);
  if (!next) return fail(3, next.error());
  std::fputs(next->c_str(), stdout);
  return 0;
}

/// The arguments from the last to the first, as CLI11 wants them. Under a name of WFB-NG's programs
/// this is that program.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string name = std::filesystem::path(argv[0]).filename();
  const std::string program = twinbed::scenarios::wfb_program_of(name);
  if (!program.empty()) words.insert(words.begin(), program);
  std::reverse(words.begin(), words.end());
  return words;
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
  CLI::App app{"Runs one node of a twinbed scenario on this machine, or a program of cloud-p2p or "
               "WFB-NG."};
  Arguments arguments;
  add_arguments(app, arguments);
  CLI::App* server = add_cloud_p2p(app, "cloud-p2p", "a server of cloud-p2p", arguments);
  CLI::App* client =
      add_cloud_p2p(app, "cloud-p2p-client", "the interactive client of cloud-p2p", arguments);
  server->add_option("--database", arguments.cloud_p2p_database, "result store to write");
  add_server_options(*server, arguments.cloud_p2p.robust);
  server->footer(std::string(kConfiguration) + kServerNotes);
  CLI::App* unseal = server->add_subcommand(
      "unseal", "writes the image that a server with --encrypt-at-rest has sealed; takes the key "
                "from ENCRYPTION_KEY");
  unseal->add_option("FILE", arguments.sealed_file, "a file of the image directory")->required();
  unseal->add_option("OUT", arguments.image_file, "where the image goes")->required();
  client->add_option("--listen", arguments.cloud_p2p_listen,
                     "ADDRESS:PORT where replies arrive")
      ->default_str("127.0.0.1:7100, or a free port");
  client->add_option("--give-up", arguments.cloud_p2p.robust.give_up,
                     "after so long a command that could not be carried out has failed")
      ->capture_default_str();
  client->footer(std::string(kConfiguration) + kClientNotes);
  CLI::App* unit = add_install_unit(app, arguments.unit);
  CLI::App* make_key = add_program(
      app, "make-key", "makes a key pair for --node-key and prints the public key for the lists");
  make_key->add_option("FILE", arguments.key_file, "where the secret key goes")->required();
  twinbed::scenarios::WfbCommandLine wfb([&](const char* name, const char* description) {
    return add_program(app, name, description);
  });
  try {
    app.name(argv[0]);
    app.parse(words_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // 0: it was asked for help
  }
  if (unseal->parsed()) return run_unseal(arguments);
  if (server->parsed()) return run_cloud_p2p(arguments);
  if (client->parsed()) return run_cloud_p2p_client(arguments);
  if (unit->parsed()) return run_install_unit(arguments.unit);
  if (make_key->parsed()) return run_make_key(arguments.key_file);
  if (const auto status = wfb.run(fail)) return *status;
  return run_scenario_node(arguments);
}
