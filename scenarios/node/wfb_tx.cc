#include "scenarios/node/wfb_tx.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include "core/protocols/wfb/injector_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "core/wire/ieee80211.h"
#include "scenarios/node/wfb_host.h"
#include "scenarios/node/wfb_send_ledger.h"

namespace twinbed::scenarios {
namespace {

/// Where the program sends, and the number under which each output is announced.
struct Output {
  wfb::TxOutput to;
  std::uint64_t wlan = 0;
};

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return Error{"'" + std::string(text) + "' is no port, which is from 1 to 65535"};
  }
  return port;
}

/// "10.0.0.11:11000,11001": a card for each port.
Result<std::monostate> add_injector(const std::string& text, std::vector<Output>& outputs) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return Error{"'" + text + "' names no injector; write ADDRESS:PORT,PORT,..."};
  }
  const auto address = parse_address(text.substr(0, colon));
  if (!address) return Error{text + ": " + address.error()};
  std::string_view ports = std::string_view(text).substr(colon + 1);
  for (std::uint64_t card = 0;; ++card) {
    const std::size_t comma = ports.find(',');
    const auto port = parse_port(ports.substr(0, comma));
    if (!port) return Error{text + ": " + port.error()};
    outputs.push_back({wfb::InjectorAddress{{*address, *port}},
                       std::uint64_t{address->value} << 24 | card});
    if (comma == std::string_view::npos) return std::monostate{};
    ports.remove_prefix(comma + 1);
  }
}

Result<std::vector<Output>> outputs_of(const WfbTxOptions& options) {
  std::vector<Output> outputs;
  std::set<std::string> hosts;
  for (const std::string& name : options.outputs) {
    const auto index = static_cast<std::uint32_t>(outputs.size());
    if (options.distributes) {
      if (!hosts.insert(name.substr(0, name.find(':'))).second) {
        return Error{name + ": this address is there already; write all its ports behind one"};
      }
      if (const auto added = add_injector(name, outputs); !added) return Error{added.error()};
    } else if (options.debug_port) {
      const auto port = static_cast<std::uint16_t>(*options.debug_port + index);
      outputs.push_back({wfb::AggregatorAddress{{kLoopback, port}}, index});
    } else {
      outputs.push_back({InterfaceId{index}, index});
    }
  }
  return outputs;
}

void announce(const char* word, const std::string& where, std::uint64_t wlan) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), ":%" PRIx64, wlan);
  print_wfb_line(std::to_string(wfb_time_ms()) + "\t" + word + "\t" + where + number.data());
}

void announce(const std::string& words) {
  print_wfb_line(std::to_string(wfb_time_ms()) + "\t" + words);
}

/// Inputs by UDP, one for each of these cards, at ports that follow each other or free ones.
Result<std::monostate> open_udp_inputs(std::uint16_t first_port,
                                       const std::vector<std::uint64_t>& wlans, WfbHost& host) {
  if (first_port + wlans.size() > 65'536) {
    return Error{"there are not " + std::to_string(wlans.size()) + " ports from " +
                 std::to_string(first_port) + " on"};
  }
  for (std::size_t i = 0; i < wlans.size(); ++i) {
    const auto port = static_cast<std::uint16_t>(first_port == 0 ? 0 : first_port + i);
    auto socket = open_wfb_udp({kAnyAddress, port});
    if (!socket) return Error{socket.error()};
    if (first_port == 0) {
      announce("LISTEN_UDP", std::to_string(backends::local_endpoint(*socket).port), wlans[i]);
    }
    host.adopt(SocketId{static_cast<std::uint32_t>(i)}, *std::move(socket));
  }
  if (first_port == 0) announce("LISTEN_UDP_END");
  return std::monostate{};
}

/// Inputs by local sockets: NAME, NAME-1, NAME-2 ...
Result<std::monostate> open_local_inputs(const std::string& name,
                                         const std::vector<std::uint64_t>& wlans, WfbHost& host) {
  for (std::size_t i = 0; i < wlans.size(); ++i) {
    const std::string each = i == 0 ? name : name + "-" + std::to_string(i);
    auto socket = open_wfb_local(each);
    if (!socket) return Error{socket.error()};
    announce("LISTEN_UNIX", each, wlans[i]);
    host.adopt(SocketId{static_cast<std::uint32_t>(i)}, *std::move(socket));
  }
  announce("LISTEN_UNIX_END");
  return std::monostate{};
}

Result<std::monostate> open_control(std::uint16_t port, WfbHost& host) {
  auto socket = open_wfb_udp({kLoopback, port});
  if (!socket) return Error{socket.error()};
  if (port == 0) {
    announce("LISTEN_UDP_CONTROL\t" + std::to_string(backends::local_endpoint(*socket).port));
  }
  host.adopt(wfb::kTransmitterControl, *std::move(socket));
  return std::monostate{};
}

backends::MonitorRadioOptions radio_options(const WfbTxOptions& options) {
  backends::MonitorRadioOptions radio;
  radio.interfaces = options.outputs;
  radio.captures = false;
  radio.injection = {options.inject_retries,
                     std::chrono::microseconds(options.inject_retry_delay_us),
                     options.uses_qdisc};
  return radio;
}

wfb::TransmitterOptions transmitter_options(const WfbTxOptions& options, wfb::KeyFile keys) {
  wfb::TransmitterOptions node;
  node.encoder.keys = std::move(keys);
  node.encoder.channel = wfb::ChannelId::of(options.link_id, options.radio_port);
  node.encoder.epoch = options.epoch;
  node.encoder.fec = options.fec;
  node.encoder.session_repeat = options.policy.is_on(options.policy.session_repeat);
  node.encoder.refuse_replay = options.policy.is_on(options.policy.refuse_replay);
  node.close_block = options.policy.is_on(options.policy.close_block);
  // Without a radio there are no settings of one, until somebody gives some.
  node.radio = options.debug_port ? wfb::RadioSettings{0, 0, 0, 0, 0, 0, 0} : options.radio;
  node.frame_type = options.frame_type;
  node.mirror = options.mirrors;
  node.fec_timeout = std::chrono::milliseconds(options.fec_timeout_ms);
  node.fec_delay = std::chrono::microseconds(options.fec_delay_us);
  node.fwmark = options.uses_qdisc ? options.fwmark : 0;
  node.log_interval = std::chrono::milliseconds(options.log_interval_ms);
  node.reports_at_start = true;
  return node;
}

std::vector<std::uint64_t> wlans_of(const std::vector<Output>& outputs) {
  std::vector<std::uint64_t> wlans;
  for (const Output& output : outputs) wlans.push_back(output.wlan);
  return wlans;
}

/// Enters in the ledger what is sent to the injectors.
void observe_injectors(const std::vector<Output>& outputs, WfbSendLedger& ledger, WfbHost& host) {
  std::map<Endpoint, std::uint64_t> wlan_at;
  for (const Output& output : outputs) {
    wlan_at[std::get<wfb::InjectorAddress>(output.to).endpoint] = output.wlan;
  }
  host.observe([wlan_at, &ledger](const backends::SentDatagram& sent) {
    if (sent.socket != wfb::kTransmitterOut) return;
    ledger.add(wlan_at.at(sent.to), wfb_injected_bytes(sent.payload), sent.is_sent, sent.latency);
  });
}

Result<int> run_transmitter(const WfbTxOptions& options, WfbHost& host) {
  const auto outputs = outputs_of(options);
  if (!outputs) return Error{outputs.error()};
  auto keys = read_wfb_key(options.key_file);
  if (!keys) return Error{keys.error()};
  WfbSendLedger ledger;
  if (options.distributes) {
    observe_injectors(*outputs, ledger, host);
  } else if (!options.debug_port) {
    const auto opened =
        host.open_radio(radio_options(options), [&](const backends::InjectedFrame& frame) {
          ledger.add(static_cast<std::uint64_t>(frame.interface),
                     frame.frame.size() - MacHeader::kBytes, frame.is_sent, frame.latency);
        });
    if (!opened) return Error{opened.error()};
  }
  const std::vector<std::uint64_t> wlans = wlans_of(*outputs);
  const auto inputs = options.input_socket.empty()
                          ? open_udp_inputs(options.input_port, wlans, host)
                          : open_local_inputs(options.input_socket, wlans, host);
  if (!inputs) return Error{inputs.error()};
  if (const auto control = open_control(options.control_port, host); !control) {
    return Error{control.error()};
  }
  wfb::TransmitterOptions node = transmitter_options(options, *std::move(keys));
  if (node.encoder.refuse_replay) host.store_in(options.policy.state_directory);
  for (const Output& output : *outputs) node.outputs.push_back(output.to);
  std::uint64_t overflowed = 0;
  node.before_report = [&](Time now, wfb::TransmitterCounters& counters) {
    for (const std::string& line : ledger.lines(to_ns(now) / 1'000'000)) print_wfb_line(line);
    ledger.end_interval(counters);
    // What came in when the buffer was full has come in, too.
    const std::uint64_t so_far = host.counters().sockets.datagrams_overflowed;
    counters.incoming += so_far - std::exchange(overflowed, so_far);
  };
  return host.run([&] { return std::make_unique<wfb::TransmitterNode>(node); });
}

Result<int> run_injector(const WfbTxOptions& options, WfbHost& host) {
  if (const auto opened = host.open_radio(radio_options(options)); !opened) {
    return Error{opened.error()};
  }
  wfb::InjectorOptions injector;
  std::vector<std::uint64_t> wlans;
  for (std::uint32_t i = 0; i < options.outputs.size(); ++i) {
    injector.interfaces.push_back(InterfaceId{i});
    wlans.push_back(i);
  }
  const auto inputs = open_udp_inputs(*options.injector_port, wlans, host);
  if (!inputs) return Error{inputs.error()};
  return host.run([injector] { return std::make_unique<wfb::InjectorNode>(injector); });
}

}  // namespace

Result<std::monostate> check_wfb_tx(const WfbTxOptions& options) {
  if (options.outputs.empty()) {
    return Error{options.distributes
                     ? "name the injectors to send to, each as ADDRESS:PORT,PORT,..."
                     : "name the interfaces to send on, such as wlan0"};
  }
  if (options.distributes + options.injector_port.has_value() + options.debug_port.has_value() >
      1) {
    return Error{"of -d, -I and -D only one can be given"};
  }
  if (!options.fec.is_sound()) {
    return Error{"-k " + std::to_string(options.fec.k) + " -n " + std::to_string(options.fec.n) +
                 ": of n fragments k hold data, so k is from 1 to n"};
  }
  if (!wfb::tx_params_of(options.radio)) {
    return Error{"no frame can be sent as -B, -S, -M, -N and -V say; the bandwidth is 10, 20, 40, "
                 "80 or 160 MHz, with at most 3 STBC streams"};
  }
  return std::monostate{};
}

Result<int> run_wfb_tx(const WfbTxOptions& options) {
  WfbHost host(options.receive_buffer_bytes, options.send_buffer_bytes);
  return options.injector_port ? run_injector(options, host) : run_transmitter(options, host);
}

}  // namespace twinbed::scenarios
