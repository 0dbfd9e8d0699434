#include "scenarios/wfb/cluster_commands.h"

namespace twinbed::scenarios {
namespace {

void add(CommandLine& command, const char* option, std::uint32_t value) {
  command.insert(command.end(), {option, std::to_string(value)});
}

void add(CommandLine& command, const char* option, const std::string& value) {
  command.insert(command.end(), {option, value});
}

bool is_direct(const StreamConfig& stream) {
  return stream.service_type == ServiceType::kUdpDirectRx ||
         stream.service_type == ServiceType::kUdpDirectTx;
}

std::string key_file(const ClusterConfig& config, const StreamConfig& stream) {
  const std::string& directory = config.path.conf_dir;
  return directory + (directory.ends_with('/') ? "" : "/") + stream.keypair.value_or("");
}

/// From where a transmitter takes its payloads, and to where a receiver hands them.
void add_payloads(CommandLine& command, const StreamConfig& stream, const std::string& socket) {
  if (!is_direct(stream)) {
    add(command, "-U", socket);
  } else if (stream.peer->kind == Peer::Kind::kListenUnix ||
             stream.peer->kind == Peer::Kind::kConnectUnix) {
    add(command, "-U", stream.peer->name);
  } else {
    if (stream.peer->kind == Peer::Kind::kConnect) {
      add(command, "-c", to_string(stream.peer->endpoint.address));
    }
    add(command, "-u", stream.peer->endpoint.port);
  }
}

void add_radio(CommandLine& command, const StreamConfig& stream) {
  add(command, "-B", stream.bandwidth);
  add(command, "-G", stream.short_gi ? "short" : "long");
  add(command, "-S", stream.stbc);
  add(command, "-L", stream.ldpc);
  add(command, "-M", stream.mcs_index);
  if (stream.mirror) command.push_back("-m");
  if (stream.force_vht) command.push_back("-V");
  if (stream.use_qdisc) {
    command.push_back("-Q");
    add(command, "-P", stream.fwmark);
  }
}

void add_cards(CommandLine& command, const NodePlan& plan) {
  for (const NodePlan::Card& card : plan.cards) command.push_back(card.name);
}

bool is_plain(const std::string& word) {
  for (const char c : word) {
    const bool is_alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_alphanumeric && std::string_view("./_-:,=@+").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !word.empty();
}

}  // namespace

CommandLine aggregator_command(const ClusterConfig& config, const StreamPlan& plan,
                               const std::string& tag) {
  const StreamConfig& stream = plan.stream;
  CommandLine command{kNodeProgram, "wfb-rx"};
  add(command, "-a", plan.aggregator_port);
  add(command, "-p", stream.stream_rx.value_or(0));
  add_payloads(command, stream, stream.name + "-rx-" + tag);
  add(command, "-K", key_file(config, stream));
  add(command, "-R", config.common.tx_rcv_buf_size);
  add(command, "-s", config.common.rx_snd_buf_size);
  add(command, "-l", config.common.log_interval);
  add(command, "-i", plan.link_id);
  return command;
}

CommandLine distributor_command(const ClusterConfig& config, const StreamPlan& plan,
                                const std::string& tag) {
  const StreamConfig& stream = plan.stream;
  CommandLine command{kNodeProgram, "wfb-tx", "-d"};
  add(command, "-f", stream.frame_type);
  add(command, "-p", stream.stream_tx.value_or(0));
  add_payloads(command, stream, stream.name + "-tx-" + tag);
  add(command, "-K", key_file(config, stream));
  add_radio(command, stream);
  add(command, "-k", stream.fec_k);
  add(command, "-n", stream.fec_n);
  add(command, "-T", stream.fec_timeout);
  add(command, "-F", stream.fec_delay);
  add(command, "-i", plan.link_id);
  add(command, "-R", config.common.tx_rcv_buf_size);
  add(command, "-s", config.common.rx_snd_buf_size);
  add(command, "-l", config.common.log_interval);
  add(command, "-C", stream.control_port);
  add(command, "-J", stream.injection_retries);
  add(command, "-E", stream.injection_retry_delay);
  for (const InjectorPorts& injectors : plan.injectors) {
    std::string word = to_string(injectors.node);
    for (std::size_t i = 0; i < injectors.ports.size(); ++i) {
      word += (i == 0 ? ":" : ",") + std::to_string(injectors.ports[i]);
    }
    command.push_back(std::move(word));
  }
  return command;
}

std::optional<CommandLine> forwarder_command(const NodePlan& plan, const NodePlan::Stream& stream,
                                             ClusterPolicy policy) {
  if (!stream.stream_rx) return std::nullopt;
  CommandLine command{kNodeProgram, "wfb-rx", "-f"};
  add(command, "-c", to_string(plan.server_address));
  add(command, "-u", stream.aggregator_port);
  add(command, "-p", *stream.stream_rx);
  add(command, "-i", stream.link_id);
  add(command, "-R", plan.receive_buffer);
  if (policy == ClusterPolicy::kRobust) add(command, "--init-digest", init_digest(plan));
  add_cards(command, plan);
  return command;
}

std::optional<CommandLine> injector_command(const NodePlan& plan, const NodePlan::Stream& stream) {
  if (!stream.stream_tx && !plan.sends_reports) return std::nullopt;
  CommandLine command{kNodeProgram, "wfb-tx"};
  add(command, "-I", stream.first_injector_port);
  add(command, "-R", plan.receive_buffer);
  if (stream.fwmark) {
    command.push_back("-Q");
    add(command, "-P", *stream.fwmark);
  }
  add_cards(command, plan);
  return command;
}

std::optional<CommandLine> ssh_command(const ClusterNode& node, ClusterPolicy policy) {
  if (!node.ssh_user || !node.ssh_port) return std::nullopt;
  CommandLine command{"ssh"};
  for (const char* option : {"StrictHostKeyChecking=no", "KbdInteractiveAuthentication=no",
                             "PasswordAuthentication=no"}) {
    add(command, "-o", option);
  }
  if (node.ssh_key) {
    add(command, "-i", *node.ssh_key);
    add(command, "-o", "IdentitiesOnly=yes");
  }
  if (policy == ClusterPolicy::kRobust) add(command, "-p", *node.ssh_port);
  command.push_back(*node.ssh_user + "@" + to_string(node.address));
  command.push_back("/bin/bash");
  return command;
}

std::string shell_text(const CommandLine& command) {
  std::string text;
  for (const std::string& word : command) {
    if (!text.empty()) text += ' ';
    if (is_plain(word)) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace twinbed::scenarios
