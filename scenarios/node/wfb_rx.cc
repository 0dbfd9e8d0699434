#include "scenarios/node/wfb_rx.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "core/protocols/wfb/forwarder_node.h"
#include "core/protocols/wfb/receiver_node.h"
#include "scenarios/node/wfb_host.h"

namespace twinbed::scenarios {
namespace {

/// WFB-NG's own limit.
constexpr std::size_t kMostInterfaces = 8;

wfb::ChannelId channel_of(const WfbRxOptions& options) {
  return wfb::ChannelId::of(options.link_id, options.radio_port);
}

/// The frames of a channel, whatever their type: "WB" and its number in the sender's address.
std::string filter_of(wfb::ChannelId channel) {
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "wlan[10:2] == 0x5742 and wlan[12:4] == 0x%08x",
                channel.value);
  return text.data();
}

backends::MonitorRadioOptions radio_options(const WfbRxOptions& options) {
  backends::MonitorRadioOptions radio;
  radio.interfaces = options.interfaces;
  radio.injects = false;
  radio.filter = filter_of(channel_of(options));
  if (options.receive_buffer_bytes > 0) {
    radio.capture_buffer_bytes = static_cast<std::size_t>(options.receive_buffer_bytes);
  }
  return radio;
}

Result<int> run_receiver(const WfbRxOptions& options, const Endpoint& client, WfbHost& host) {
  auto keys = read_wfb_key(options.key_file);
  if (!keys) return Error{keys.error()};
  wfb::ReceiverOptions receiver;
  const WfbPolicy& policy = options.policy;
  receiver.decoder = {*keys, channel_of(options), options.epoch};
  receiver.decoder.ring_timeout = policy.ring_timeout();
  receiver.decoder.flush_on_session = policy.is_on(policy.flush_on_session);
  receiver.decoder.refuse_replay = policy.is_on(policy.refuse_replay);
  if (receiver.decoder.refuse_replay) host.store_in(policy.state_directory);
  receiver.output = client;
  receiver.log_interval = std::chrono::milliseconds(options.log_interval_ms);
  receiver.reports_at_start = true;
  if (options.aggregator_port != 0) receiver.listen_port = options.aggregator_port;
  if (!options.client_socket.empty()) {
    host.adopt(wfb::kReceiverOutput, backends::Socket::local_datagram(),
               backends::to_abstract_address(options.client_socket));
  }
  return host.run([receiver] { return std::make_unique<wfb::ReceiverNode>(receiver); });
}

}  // namespace

Result<std::monostate> check_wfb_rx(const WfbRxOptions& options) {
  const bool has_cards = options.aggregator_port == 0;
  if (has_cards && options.interfaces.empty()) {
    return Error{"name the interfaces to hear, such as wlan0; only with -a there are none"};
  }
  if (!has_cards && !options.interfaces.empty()) {
    return Error{"an aggregator (-a) hears forwarders and no interfaces; leave out " +
                 options.interfaces.front()};
  }
  if (options.interfaces.size() > kMostInterfaces) {
    return Error{"a receiver hears at most " + std::to_string(kMostInterfaces) +
                 " interfaces, not " + std::to_string(options.interfaces.size())};
  }
  if (options.forwards && !options.client_socket.empty()) {
    return Error{"a forwarder (-f) sends by UDP: give the aggregator as -c ADDRESS -u PORT"};
  }
  if (options.client_socket.size() > backends::kMaxAbstractName) {
    return Error{"-U: a socket's name has at most " + std::to_string(backends::kMaxAbstractName) +
                 " characters"};
  }
  Buffer digest;
  if (!options.init_digest.empty() &&
      (!options.forwards || !from_hex(options.init_digest, digest) ||
       digest.size() != wfb::kMaxDigestBytes)) {
    return Error{"--init-digest is of a forwarder (-f), and has 64 hexadecimal digits; take the "
                 "script that `twinbed wfb gen-init` prints as it is"};
  }
  const auto address = parse_address(options.client_address);
  if (!address) return Error{"-c: " + address.error()};
  return std::monostate{};
}

Result<int> run_wfb_rx(const WfbRxOptions& options) {
  const Endpoint client{*parse_address(options.client_address), options.client_port};
  WfbHost host(options.receive_buffer_bytes, options.send_buffer_bytes);
  if (options.aggregator_port == 0) {
    if (const auto opened = host.open_radio(radio_options(options)); !opened) {
      return Error{opened.error()};
    }
  }
  if (!options.forwards) return run_receiver(options, client, host);
  wfb::ForwarderOptions forwarder{channel_of(options), client};
  from_hex(options.init_digest, forwarder.init_digest);
  return host.run([forwarder] { return std::make_unique<wfb::ForwarderNode>(forwarder); });
}

}  // namespace twinbed::scenarios
