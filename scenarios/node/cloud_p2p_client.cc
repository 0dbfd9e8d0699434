#include "scenarios/node/cloud_p2p_client.h"

#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>

#include "backends/live_host.h"
#include "backends/socket/posix.h"
#include "core/protocols/election/client.h"
#include "core/protocols/imagestore/client.h"
#include "scenarios/node/cloud_p2p_robust.h"
#include "scenarios/node/prompt.h"

namespace twinbed::scenarios {
namespace {

constexpr Endpoint kOriginalListen{kLoopback, 7100};
/// A server that takes nothing off its connection must not hang a script for ever.
constexpr Duration kAnswerLimit = std::chrono::minutes(10);
constexpr Duration kStopLimit = std::chrono::seconds(5);

election::ClientOptions client_options(const CloudP2pClient& client, const Endpoint& listen) {
  election::ClientOptions options;
  options.peers = client.setup.config.peers;
  options.user = client.user;
  options.listen = listen;
  const bool is_head = client.setup.profile == election::Profile::kHead;
  options.dialect = is_head ? election::Dialect::kHead : election::Dialect::kSeed;
  return options;
}

/// The original's endpoint, or any free port where another client has that one.
Endpoint default_listen(bool is_robust) {
  if (is_robust) return {};  // it listens nowhere: answers come on its own connections
  const backends::Socket probe = backends::Socket::stream();
  // A client that has just ended does not count: its connections are left in TIME_WAIT.
  if (probe.is_open()) backends::set_option(probe, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!probe.is_open() || backends::bind_socket(probe, kOriginalListen) != EADDRINUSE) {
    return kOriginalListen;
  }
  std::fprintf(stderr, "twinbed-node: %s is in use, so this client listens at a free port\n",
               to_string(kOriginalListen).c_str());
  return {kLoopback, 0};
}

class ClientProgram {
 public:
  explicit ClientProgram(const CloudP2pClient& client);

  Result<int> run();

 private:
  void run_commands();
  /// False to end.
  bool execute(const std::string& line);
  /// Hands a command to the protocol, which is its next one.
  void give(std::string_view command);
  /// Waits until the protocol has answered the command that was given last.
  void wait_for_answer(const std::string& command);
  void on_log(std::string_view line);
  void on_signal(int number);

  backends::EventLoop loop_;
  std::unique_ptr<Prompt> prompt_;
  TeeSink no_rows_;
  std::unique_ptr<backends::LiveHost> host_;
  const CommandClient* client_ = nullptr;  // the host's protocol, once it has started
  const bool is_robust_;
  std::uint64_t given_ = 0;                   // commands so far
  bool is_waiting_ = false;  // for the answer to a command
  bool is_ended_ = false;
  bool has_failed_ = false;  // a command did not do what it should
};

std::vector<PromptCommand> prompt_commands(bool is_robust) {
  std::vector<PromptCommand> commands{
      {"status", false}, {"discover", false}, {"send-image", true}, {"help", false},
      {"quit", false}};
  if (is_robust) commands.push_back({"get-image", true});
  return commands;
}

ClientProgram::ClientProgram(const CloudP2pClient& client)
    : prompt_(make_prompt(loop_, prompt_commands(client.setup.is_robust))),
      is_robust_(client.setup.is_robust) {
  backends::LiveHostOptions options;
  options.name = "client";
  options.storage.whole_file_system = true;
  options.on_log = [this](std::string_view line) { on_log(line); };
  options.on_error = [this](const std::string&) { prompt_->end(); };
  const auto make = client.make(client.listen ? *client.listen : default_listen(is_robust_));
  const auto factory = [this, make] {
    auto made = make();
    client_ = made.get();
    return made;
  };
  host_ = std::make_unique<backends::LiveHost>(loop_, std::move(options), no_rows_, factory);
}

Result<int> ClientProgram::run() {
  loop_.on_signals({SIGINT, SIGTERM, SIGWINCH, SIGCONT}, [this](int number) { on_signal(number); });
  host_->start();
  run_commands();
  host_->request_stop();
  (void)loop_.run_until([this] { return host_->stopped(); }, kStopLimit);
  if (!host_->error().empty()) return Error{host_->error()};
  return has_failed_ && !prompt_->is_terminal() ? 1 : 0;
}

void ClientProgram::run_commands() {
  // Joins the discover that the protocol begins with, so that its result is shown.
  give("discover");
  if (!prompt_->is_terminal()) wait_for_answer("discover");
  while (!is_ended_ && !host_->stopped()) {
    const std::optional<std::string> line = prompt_->read_line();
    if (!line || !execute(*line)) return;
  }
}

bool ClientProgram::execute(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return true;
  const std::string command = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
  if (command == "quit" || command == "exit") return false;
  if (command == "help") {
    prompt_->print(is_robust_ ? "[Client] commands: status | discover | send-image PATH [ID] | "
                                "get-image ID [PATH] | help | quit"
                              : "[Client] commands: status | discover | send-image PATH | help | "
                                "quit");
    return true;
  }
  give(command);
  wait_for_answer(command);
  return true;
}

void ClientProgram::give(std::string_view command) {
  host_->command(as_bytes(command));
  ++given_;
}

void ClientProgram::wait_for_answer(const std::string& command) {
  is_waiting_ = true;
  const auto done = [this] {
    if (!is_waiting_ || is_ended_ || host_->stopped()) return true;
    return client_ != nullptr && !client_->busy_with(given_);
  };
  const bool is_done = loop_.run_until(done, kAnswerLimit);
  is_waiting_ = false;
  if (is_done) return;
  has_failed_ = true;
  prompt_->print("[Client] ✗ No answer to '" + command + "' in " + format_duration(kAnswerLimit));
}

void ClientProgram::on_log(std::string_view line) {
  prompt_->print(line);
  if (line.starts_with("[Client] ✗") || line.starts_with("[Client] unknown command")) {
    has_failed_ = true;
  }
}

void ClientProgram::on_signal(int number) {
  if (number == SIGWINCH) {
    prompt_->resize();
  } else if (number == SIGCONT) {
    prompt_->resume();
  } else if (number == SIGINT && prompt_->is_terminal()) {
    if (!is_waiting_) prompt_->interrupt();
    is_waiting_ = false;
  } else {
    is_ended_ = true;
    prompt_->end();
  }
}

}  // namespace

Result<CloudP2pClient> prepare_cloud_p2p_client(const CloudP2pOptions& options,
                                                const std::string& listen,
                                                const election::Environment& environment) {
  CloudP2pClient client;
  auto setup = read_cloud_p2p_setup(options, environment);
  if (!setup) return Error{setup.error()};
  client.setup = std::move(*setup);
  if (!listen.empty()) {
    const auto endpoint = parse_endpoint(listen);
    if (!endpoint) return Error{"--listen: " + endpoint.error()};
    client.listen = *endpoint;
  }
  client.user = environment("USER").value_or("user");
  if (client.setup.is_robust) {
    if (client.listen) return Error{"--listen belongs to the policy original"};
    const auto robust =
        robust_client_options(client.setup.config, client.setup.robust, client.user);
    if (!robust) return Error{robust.error()};
    const auto first = imagestore::make_client(*robust, client.setup.key);
    if (!first) return Error{first.error()};
    client.make = [protocol = *robust, key = client.setup.key](const Endpoint&) {
      return [protocol, key]() -> std::unique_ptr<CommandClient> {
        return *imagestore::make_client(protocol, key);
      };
    };
    return client;
  }
  const auto first = election::make_client(client_options(client, kOriginalListen),
                                           client.setup.key, client.setup.zero_key);
  if (!first) return Error{first.error()};
  client.make = [client](const Endpoint& own) {
    return [protocol = client_options(client, own), key = client.setup.key,
            zero_key = client.setup.zero_key]() -> std::unique_ptr<CommandClient> {
      return *election::make_client(protocol, key, zero_key);
    };
  };
  return client;
}

Result<int> run_cloud_p2p_client(const CloudP2pClient& client) {
  return ClientProgram(client).run();
}

}  // namespace twinbed::scenarios
