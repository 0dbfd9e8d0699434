#include "scenarios/node/node_radio.h"

#include <algorithm>

#include "backends/pcap/monitor_radio.h"
#include "backends/testbed/udp_air.h"

namespace twinbed::scenarios {
namespace {

Result<NodeRadio> open_in_the_air(const std::vector<std::string>& cards) {
  std::vector<Endpoint> endpoints;
  for (const std::string& card : cards) {
    const auto endpoint = parse_endpoint(card);
    if (!endpoint) return Error{"the card " + card + ": " + endpoint.error()};
    endpoints.push_back(*endpoint);
  }
  auto radio = backends::UdpRadio::open(endpoints);
  if (!radio) return Error{radio.error()};
  const backends::UdpRadio& opened = **radio;
  return NodeRadio{*std::move(radio), [&opened] { return opened.dropped(); }};
}

Result<NodeRadio> open_in_monitor_mode(backends::EventLoop& loop,
                                       const std::vector<std::string>& interfaces,
                                       std::function<void(const std::string&)> on_error) {
  backends::MonitorRadioOptions options;
  options.interfaces = interfaces;
  options.events.on_error = std::move(on_error);
  auto radio = backends::MonitorRadio::open(loop, std::move(options));
  if (!radio) return Error{radio.error()};
  backends::MonitorRadio& opened = **radio;
  return NodeRadio{*std::move(radio), [&opened] { return opened.dropped(); }};
}

}  // namespace

Result<NodeRadio> open_node_radio(backends::EventLoop& loop, const NodeSpec& node,
                                  const std::vector<std::string>& cards,
                                  std::function<void(const std::string&)> on_error) {
  if (cards.size() != node.cards.size()) {
    return Error{"node " + node.name + " has " + std::to_string(node.cards.size()) +
                 " radio cards in the scenario and was given " + std::to_string(cards.size()) +
                 "; give each with --card, an interface in monitor mode or an address that "
                 "twinbed air --udp prints"};
  }
  if (cards.empty()) return NodeRadio{nullptr, [] { return std::uint64_t{0}; }};
  const bool is_udp = cards.front().find(':') != std::string::npos;
  return is_udp ? open_in_the_air(cards) : open_in_monitor_mode(loop, cards, std::move(on_error));
}

}  // namespace twinbed::scenarios
