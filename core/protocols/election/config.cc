#include "core/protocols/election/config.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace twinbed::election {
namespace {

using nlohmann::json;

std::optional<PeerId> parse_id(std::string_view text) {
  PeerId id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<Peer> parse_json_peer(const json& entry) {
  static const std::string kShape =
      R"(each of the "peers" must look like {"id": 1, "address": "192.168.1.100:7001"})";
  if (!entry.is_object() || !entry.contains("id") || !entry.contains("address")) {
    return Error{kShape};
  }
  const json& id = entry["id"];
  const json& address = entry["address"];
  if (!id.is_number_unsigned() || !address.is_string() ||
      id.get<std::uint64_t>() > std::numeric_limits<PeerId>::max()) {
    return Error{kShape};
  }
  const Result<Endpoint> endpoint = parse_endpoint(address.get_ref<const std::string&>());
  if (!endpoint) return Error{endpoint.error()};
  return Peer{id.get<PeerId>(), *endpoint};
}

std::vector<Peer> local_peers() {
  return {{1, {kLoopback, 7001}}, {2, {kLoopback, 7002}}, {3, {kLoopback, 7003}}};
}

/// The configuration without NODE_ID.
Result<Config> resolve_peers(const Environment& environment, const FileReader& read_file) {
  if (const std::optional<std::string> path = environment("CONFIG_FILE")) {
    if (const std::optional<std::string> text = read_file(*path)) {
      Result<Config> config = parse_config_json(*text);
      if (!config) return Error{*path + ": " + config.error()};
      (*config).source = *path;
      return config;
    }
  }
  Config config;
  config.shared_dir = environment("SHARED_DIR").value_or(config.shared_dir);
  if (const std::optional<std::string> text = environment("PEERS")) {
    Result<std::vector<Peer>> peers = parse_peers(*text);
    if (!peers) return Error{"PEERS: " + peers.error()};
    config.peers = *peers;
    config.source = "PEERS";
    return config;
  }
  config.peers = local_peers();
  config.source = "the built-in peers on this machine";
  return config;
}

}  // namespace

Result<Config> parse_config_json(std::string_view text) {
  const json root = json::parse(text.begin(), text.end(), nullptr, false);
  if (!root.is_object() || !root.contains("peers") || !root["peers"].is_array()) {
    return Error{R"(the configuration must be a JSON object with a list of "peers")"};
  }
  Config config;
  for (const json& entry : root["peers"]) {
    const Result<Peer> peer = parse_json_peer(entry);
    if (!peer) return Error{peer.error()};
    config.peers.push_back(*peer);
  }
  if (root.contains("shared_dir")) {
    if (!root["shared_dir"].is_string()) return Error{R"("shared_dir" must be a string)"};
    config.shared_dir = root["shared_dir"].get<std::string>();
  }
  const Result<std::vector<Peer>> checked = check_peers(config.peers);
  if (!checked) return Error{checked.error()};
  return config;
}

Result<std::vector<Peer>> parse_peers(std::string_view text) {
  std::vector<Peer> peers;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string_view entry = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const std::size_t equals = entry.find('=');
    const std::optional<PeerId> id = parse_id(trim(entry.substr(0, equals)));
    if (equals == std::string_view::npos || !id) {
      return Error{"'" + std::string(entry) + "' is not a peer such as 1=192.168.1.100:7001"};
    }
    const Result<Endpoint> endpoint = parse_endpoint(trim(entry.substr(equals + 1)));
    if (!endpoint) return Error{endpoint.error()};
    peers.push_back({*id, *endpoint});
  }
  return check_peers(std::move(peers));
}

Result<std::vector<Peer>> check_peers(std::vector<Peer> peers) {
  if (peers.empty()) return Error{"there are no peers; name at least one server"};
  std::set<PeerId> ids;
  for (const Peer& peer : peers) {
    const std::string name = "peer " + std::to_string(peer.id);
    if (peer.id == kClientId) return Error{"peer 0 is a client's number; count servers from 1"};
    if (!ids.insert(peer.id).second) return Error{name + " is there twice; give each its own id"};
    if (peer.endpoint.port == 0) return Error{name + " has no port; give it one such as 7001"};
  }
  return peers;
}

Result<Config> resolve_config(const Environment& environment, const FileReader& read_file) {
  Result<Config> config = resolve_peers(environment, read_file);
  if (!config) return config;
  if (const std::optional<std::string> text = environment("NODE_ID")) {
    const std::optional<PeerId> id = parse_id(*text);
    if (!id) return Error{"NODE_ID is '" + *text + "'; it must be a number such as 1"};
    (*config).node_id = *id;
  }
  return config;
}

}  // namespace twinbed::election
