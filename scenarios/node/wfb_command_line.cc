#include "scenarios/node/wfb_command_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <type_traits>

#include "scenarios/node/wfb_keygen.h"
#include "scenarios/wfb/cluster_load.h"

namespace twinbed::scenarios {
namespace {

constexpr const char* kRxNotes = R"(
Examples:
  twinbed-node wfb-rx -K gs.key -i 7669206 -p 0 -u 5600 wlan0 wlan1     its own cards
  twinbed-node wfb-rx -f -c 10.0.0.1 -u 10000 -i 7669206 -p 0 wlan0     a node of a cluster
  twinbed-node wfb-rx -a 10000 -K gs.key -i 7669206 -p 0 -u 5600        the cluster's aggregator

Interfaces are in monitor mode. Statistics go to standard output each -l milliseconds.
Exit status: 0 stopped by SIGINT or SIGTERM, 2 bad arguments, 3 the receiver failed.)";

constexpr const char* kTxNotes = R"(
Examples:
  twinbed-node wfb-tx -K drone.key -i 7669206 -p 0 -u 5600 wlan0        its own card
  twinbed-node wfb-tx -d -K drone.key -i 7669206 -p 0 -u 5600 10.0.0.11:11000,11001 10.0.0.12:11000
  twinbed-node wfb-tx -I 11000 wlan0 wlan1                              a node of a cluster
  twinbed-node wfb-tx -D 10000 -K drone.key -i 7669206 -p 0 any         to an aggregator, no radio

Each output has an input port of its own, from -u on: payloads leave by the output whose port they
came in at. Interfaces are in monitor mode. Statistics go to standard output each -l milliseconds.
Exit status: 0 stopped by SIGINT or SIGTERM, 2 bad arguments, 3 the transmitter failed.)";

constexpr const char* kKeygenNotes = R"(
The drone needs drone.key and the ground station gs.key; whoever has one of them hears the link and
can send on it.
Exit status: 0 written, 2 bad arguments, 3 they could not be written.)";

constexpr const char* kCmdNotes = R"(
Examples, with the port of wfb-tx -C or of its line LISTEN_UDP_CONTROL:
  twinbed-node wfb-cmd 8000 get_fec
  twinbed-node wfb-cmd 8000 set_radio -B 20 -G long -S 1 -L 1 -M 2

Settings that are not given get their defaults.
Exit status: 0 done, 2 bad arguments, 3 no answer, or refused.)";

constexpr const char* kServerNotes = R"(
Examples:
  twinbed-node wfb-server --config cluster.cfg --profiles gs --cluster ssh
  twinbed-node wfb-server --config cluster.cfg --gen-init 10.77.0.11 > node11.sh
  twinbed-node wfb-server --config cluster.cfg --profiles gs --cluster manual
  twinbed-node wfb-server --config cluster.cfg --profiles drone --wlans wlan0

Each stream's payloads go where the file's peer says, a tunnel's through its interface. Keys stay
here, in conf_dir. Who watches uses stats_port and api_port (twinbed wfb top HOST:8003).
With ssh the nodes' scripts are piped to bash on each node; one connection that closes ends all.
With manual each node runs the script of --gen-init, made anew whenever the file changes, and comes
and goes alone. The other side of the link needs --refuse-replay, too, where this one has it, and
--adaptive; of the latter the nodes' scripts must know, so give it to --gen-init as well, or the
same --policy. The k, n and MCS that wfb-cmd sets for an adaptive stream stand until the next
report.
Telemetry may be a serial line's (peer = 'serial:ttyUSB0:57600'). Clients of mavlink_tcp_port, from
anywhere, hear what comes over the air, and what they say goes over it, commands included; osd and
osd_tcp get copies of the former.
With default_route a tunnel is a default route, of metric 10.
With binary_log_file statistics are logged, and with log_messages frames of telemetry, too.
What the original does beyond that is left out: setting up cards of this host, log_file and the
cards' temperature.
Exit status: 0 stopped by SIGINT or SIGTERM, 1 the connection to a node has closed, 2 bad arguments
or configuration, 3 the central node failed.)";

/// An option of which the last one counts, as getopt's do.
template <class T>
CLI::Option* add(CLI::App& program, const char* name, T& value, const char* description) {
  CLI::Option* const option = program.add_option(name, value, description)->take_last();
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    return option->default_str(std::to_string(value));  // CLI11 takes it for a character
  } else {
    return option->capture_default_str();
  }
}

}  // namespace

std::string wfb_program_of(std::string_view name_of_the_original) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kNames{{
      {"wfb_rx", "wfb-rx"},
      {"wfb_tx", "wfb-tx"},
      {"wfb_keygen", "wfb-keygen"},
      {"wfb_tx_cmd", "wfb-cmd"},
      {"wfb-server", "wfb-server"},
  }};
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const auto& name) {
    return name.first == name_of_the_original;
  });
  return found == kNames.end() ? "" : found->second;
}

WfbCommandLine::WfbCommandLine(const AddProgram& add_program)
    : rx_(add_program("wfb-rx", "WFB-NG's receiver, forwarder (-f) and aggregator (-a)")),
      tx_(add_program("wfb-tx", "WFB-NG's transmitter, distributor (-d) and injector (-I)")),
      keygen_(add_program("wfb-keygen", "writes the keys of a WFB-NG link: gs.key and drone.key")),
      cmd_(add_program("wfb-cmd", "asks a running wfb-tx for its settings, or changes them")),
      server_(add_program("wfb-server", "one side of a WFB-NG link: a cluster's central node, or "
                                        "with cards of its own")) {
  add_rx_options();
  add_tx_options();
  add_tx_stream_options();
  add_keygen_options();
  add_cmd_options();
  add_server_options();
}

void WfbCommandLine::add_rx_options() {
  WfbRxOptions& options = rx_options_;
  rx_->add_flag("-f", options.forwards, "forwarder: send what is heard to the aggregator -c, -u");
  add(*rx_, "-a", options.aggregator_port, "aggregator: hear forwarders at this UDP port")
      ->check(CLI::Range(1, 65535))
      ->excludes("-f")
      ->default_str("");
  add(*rx_, "-K", options.key_file, "key file");
  add(*rx_, "-c", options.client_address, "IPv4 address of the client, or of the aggregator");
  add(*rx_, "-u", options.client_port, "its UDP port");
  add(*rx_, "-U", options.client_socket, "abstract local socket of the client, instead");
  add(*rx_, "-p", options.radio_port, "port of the link, 0 to 255");
  add(*rx_, "-i", options.link_id, "number of the link, 24 bits");
  add(*rx_, "-e", options.epoch, "least epoch of sessions");
  add(*rx_, "-l", options.log_interval_ms, "milliseconds between statistics")
      ->check(CLI::PositiveNumber);
  add(*rx_, "-R", options.receive_buffer_bytes, "bytes of the receive buffer")
      ->check(CLI::NonNegativeNumber);
  add(*rx_, "-s", options.send_buffer_bytes, "bytes of the send buffer")
      ->check(CLI::NonNegativeNumber);
  add(*rx_, "--init-digest", options.init_digest,
      "with -f: digest of the script that starts it, which the aggregator is told");
  add_wfb_policy(*rx_, options.policy,
                 {WfbRepair::kRefuseReplay, WfbRepair::kFlushOnSession, WfbRepair::kRingTimeout});
  rx_->add_option("INTERFACE", options.interfaces, "cards in monitor mode, at most 8");
  rx_->footer(kRxNotes);
}

void WfbCommandLine::add_tx_options() {
  WfbTxOptions& options = tx_options_;
  tx_->add_flag("-d", options.distributes,
                "distributor: outputs are injectors, ADDRESS:PORT,PORT,...");
  add(*tx_, "-I", options.injector_port,
      "injector: send what a distributor asks for at this UDP port and the next ones");
  add(*tx_, "-D", options.debug_port,
      "send to an aggregator at this UDP port of 127.0.0.1 and the next ones, without a radio");
  tx_->add_flag("-m", options.mirrors, "send everything on all outputs");
  add(*tx_, "-K", options.key_file, "key file");
  add(*tx_, "-u", options.input_port,
      "UDP port of the first input; 0: free ones, which are printed");
  add(*tx_, "-U", options.input_socket, "abstract local sockets as inputs, instead");
  add(*tx_, "-C", options.control_port,
      "control port at 127.0.0.1; 0: a free one, which is printed");
  add(*tx_, "-l", options.log_interval_ms, "milliseconds between statistics")
      ->check(CLI::PositiveNumber);
  add(*tx_, "-R", options.receive_buffer_bytes, "bytes of the receive buffers")
      ->check(CLI::NonNegativeNumber);
  add(*tx_, "-s", options.send_buffer_bytes, "bytes of the send buffer")
      ->check(CLI::NonNegativeNumber);
  add(*tx_, "-J", options.inject_retries, "how often a card without room is tried again")
      ->check(CLI::NonNegativeNumber);
  add(*tx_, "-E", options.inject_retry_delay_us, "microseconds before that");
  tx_->add_flag("-Q", options.uses_qdisc, "send through the cards' queueing disciplines");
  add(*tx_, "-P", options.fwmark, "with -Q: mark of data; parities have one more");
  add_wfb_policy(*tx_, options.policy,
                 {WfbRepair::kSessionRepeat, WfbRepair::kRefuseReplay, WfbRepair::kCloseBlock});
  tx_->add_option("OUTPUT", options.outputs, "cards in monitor mode, or with -d injectors");
  tx_->footer(kTxNotes);
}

void WfbCommandLine::add_tx_stream_options() {
  WfbTxOptions& options = tx_options_;
  add(*tx_, "-k", options.fec.k, "fragments of a block that hold data");
  add(*tx_, "-n", options.fec.n, "fragments of a block, parities included");
  add(*tx_, "-T", options.fec_timeout_ms,
      "milliseconds without a payload after which an open block gets a filler; 0: never");
  add(*tx_, "-F", options.fec_delay_us, "microseconds before each parity");
  add(*tx_, "-p", options.radio_port, "port of the link, 0 to 255");
  add(*tx_, "-i", options.link_id, "number of the link, 24 bits");
  add(*tx_, "-e", options.epoch, "epoch of the session");
  const std::map<std::string, wfb::FrameType> types{{"data", wfb::FrameType::kData},
                                                    {"rts", wfb::FrameType::kRts}};
  tx_->add_option("-f", options.frame_type, "type of the frames, data or rts")
      ->take_last()
      ->transform(CLI::CheckedTransformer(types))
      ->option_text("data|rts [data]");
  add_radio_options(*tx_, options.radio);
}

void WfbCommandLine::add_radio_options(CLI::App& program, wfb::RadioSettings& radio) {
  add(program, "-B", radio.bandwidth_mhz, "bandwidth in MHz: 10, 20, 40, 80 or 160");
  const std::map<std::string, std::uint8_t> intervals{{"long", 0}, {"short", 1}};
  program.add_option("-G", radio.short_guard_interval, "guard interval, long or short")
      ->take_last()
      ->transform(CLI::CheckedTransformer(intervals))
      ->option_text("long|short [long]");
  add(program, "-S", radio.stbc, "STBC streams, 0 to 3");
  add(program, "-L", radio.ldpc, "LDPC, 0 or 1");
  add(program, "-M", radio.mcs, "MCS index");
  add(program, "-N", radio.spatial_streams, "VHT: spatial streams");
  program.add_flag("-V{1}", radio.vht_mode, "VHT frames; below 80 MHz they are HT otherwise");
}

void WfbCommandLine::add_keygen_options() {
  keygen_->add_option("PASSWORD", password_,
                      "makes the same keys everywhere; who guesses it has them");
  keygen_->footer(kKeygenNotes);
  keygen_->add_flag("--force", replaces_keys_, "replace files that hold other keys");
}

void WfbCommandLine::add_cmd_options() {
  cmd_->add_option("PORT", control_port_, "control port of the transmitter")
      ->required()
      ->check(CLI::Range(1, 65535));
  cmd_->footer(kCmdNotes);
  const auto add_command = [&](const char* name, wfb::ControlCommand command,
                               const char* description) {
    CLI::App* const program = cmd_->add_subcommand(name, description);
    program->callback([this, command] { request_.command = command; });
    return program;
  };
  CLI::App* const fec =
      add_command("set_fec", wfb::ControlCommand::kSetFec, "begins a session with other FEC");
  add(*fec, "-k", request_.fec.k, "fragments of a block that hold data");
  add(*fec, "-n", request_.fec.n, "fragments of a block, parities included");
  add_radio_options(*add_command("set_radio", wfb::ControlCommand::kSetRadio,
                                 "sends frames otherwise from the next one on"),
                    request_.radio);
  add_command("get_fec", wfb::ControlCommand::kGetFec, "prints k and n");
  add_command("get_radio", wfb::ControlCommand::kGetRadio, "prints how frames are sent");
  cmd_->require_subcommand(1);
}

void WfbCommandLine::add_server_options() {
  WfbServerOptions& options = server_options_;
  server_->add_option("--config", options.files,
                      "configuration of WFB-NG; of several the later ones replace single keys of "
                      "the earlier ones")
      ->default_str("WIFIBROADCAST_CFG, or /etc/wifibroadcast.cfg");
  server_->add_option("--profiles", options.profiles, "profiles to run")->default_str("gs");
  CLI::Option* const cluster =
      server_->add_option("--cluster", options.cluster, "how nodes are started, ssh or manual")
          ->check(CLI::IsMember({"ssh", "manual"}));
  server_->add_option("--wlans", options.wlans,
                      "without a cluster: cards of this host, which are in monitor mode")
      ->excludes(cluster);
  server_->add_option("--gen-init", options.gen_init,
                      "print the script that makes a machine the node of this IPv4 address")
      ->excludes(cluster);
  add_wfb_policy(*server_, options.policy,
                 {WfbRepair::kSessionRepeat, WfbRepair::kRefuseReplay, WfbRepair::kCloseBlock,
                  WfbRepair::kFlushOnSession, WfbRepair::kRingTimeout, WfbRepair::kInitDigest,
                  WfbRepair::kAdaptive});
  server_->footer(kServerNotes);
}

std::optional<int> WfbCommandLine::run(const Fail& fail) {
  if (rx_->parsed()) {
    if (const auto sound = check_wfb_rx(rx_options_); !sound) return fail(2, sound.error());
    const auto status = run_wfb_rx(rx_options_);
    return status ? *status : fail(3, status.error());
  }
  if (tx_->parsed()) {
    if (const auto sound = check_wfb_tx(tx_options_); !sound) return fail(2, sound.error());
    const auto status = run_wfb_tx(tx_options_);
    return status ? *status : fail(3, status.error());
  }
  if (keygen_->parsed()) return run_keygen(fail);
  if (cmd_->parsed()) return run_cmd(fail);
  if (server_->parsed()) return run_server(fail);
  return std::nullopt;
}

int WfbCommandLine::run_keygen(const Fail& fail) const {
  const auto written = write_wfb_keys(".", password_, replaces_keys_);
  if (!written) return fail(3, written.error());
  std::puts("wrote gs.key and drone.key, each for one side of the link");
  return 0;
}

int WfbCommandLine::run_server(const Fail& fail) {
  WfbServerOptions& options = server_options_;
  if (options.files.empty()) options.files.push_back(default_wfb_config_file());
  const auto config = load_cluster_files(options.files);
  if (!config) return fail(2, config.error());
  if (!options.gen_init.empty()) {
    const auto printed = print_wfb_node_script(options, *config);
    return printed ? 0 : fail(2, printed.error());
  }
  if (const auto sound = check_wfb_server(options, *config); !sound) {
    return fail(2, sound.error());
  }
  const auto status = run_wfb_server(options, *config);
  return status ? *status : fail(3, status.error());
}

int WfbCommandLine::run_cmd(const Fail& fail) const {
  const auto reply = ask_wfb_transmitter(control_port_, request_);
  if (!reply) return fail(3, reply.error());
  std::fputs(reply->c_str(), stdout);
  return 0;
}

}  // namespace twinbed::scenarios
