#include "core/protocols/election/config.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/text.h"

namespace twinbed::election {
namespace {

using nlohmann::json;

std::optional<PeerId> parse_id(std::string_view text) {
  PeerId id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

constexpr std::string_view kPeerShape = R"({"id": 1, "address": "192.168.1.100:7001"})";
constexpr std::size_t kShownValue = 60;

/// Whether a value has more than so many levels of lists and objects.
bool is_deeper(const json& value, int levels) {
  if (!value.is_structured()) return false;
  if (levels == 0) return true;
  return std::any_of(value.begin(), value.end(),
                     [&](const json& inner) { return is_deeper(inner, levels - 1); });
}

/// A value as a message shows it: in ASCII, so that it can be cut anywhere. Writing a value out
/// takes stack for each level, so that what is deep is not.
std::string shown(const json& value) {
  if (is_deeper(value, 8)) return value.is_array() ? "[...]" : "{...}";
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownValue) text.replace(kShownValue, std::string::npos, "...");
  return text;
}

/// The sentence about a value at a place such as "peers[2].id".
Error wrong_value(const std::string& place, const json& value, std::string_view remedy) {
  return Error{place + " is " + shown(value) + "; it must be " + std::string(remedy)};
}

/// "line:column", from 1, of a place in a text.
std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == before.npos ? 0 : newline + 1) + 1;
  return std::to_string(line) + ":" + std::to_string(column);
}

/// The text as JSON; an error begins with line and column.
Result<json> parse_json(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& problem) {
    const std::string what = problem.what();
    const std::size_t reason = what.find("syntax error");
    return Error{place_of(text, problem.byte == 0 ? 0 : problem.byte - 1) +
                 ": this is not JSON: " +
                 (reason == std::string::npos ? what : what.substr(reason))};
  } catch (const json::out_of_range& problem) {
    // The parser says which number it was, in quotes, and not where.
    const std::string what = problem.what();
    const std::size_t quote = what.find('\'');
    const std::string number = quote == std::string::npos ? "" : what.substr(quote + 1);
    const std::string digits = number.substr(0, number.find('\''));
    const std::size_t at = text.find(digits);
    return Error{place_of(text, at == std::string_view::npos ? 0 : at) +
                 ": the number " + digits + " is too large; write the one that is meant"};
  }
}

Result<Peer> parse_json_peer(const std::string& place, const json& entry) {
  if (!entry.is_object()) {
    return wrong_value(place, entry, "a peer such as " + std::string(kPeerShape));
  }
  for (const char* key : {"id", "address"}) {
    if (entry.contains(key)) continue;
    return Error{place + "." + key + " is missing: " + place + " is " + shown(entry) +
                 "; it must look like " + std::string(kPeerShape)};
  }
  const json& id = entry["id"];
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() == kClientId ||
      id.get<std::uint64_t>() > std::numeric_limits<PeerId>::max()) {
    return wrong_value(place + ".id", id, "a whole number from 1 to 4294967295");
  }
  const json& address = entry["address"];
  const Result<Endpoint> endpoint =
      address.is_string() ? parse_endpoint(address.get_ref<const std::string&>()) : Error{""};
  if (!endpoint || endpoint->port == 0) {
    return wrong_value(place + ".address", address,
                       "an IPv4 address in numbers with a port from 1 to 65535, such as "
                       "\"192.168.1.100:7001\"");
  }
  return Peer{id.get<PeerId>(), *endpoint};
}

Result<std::vector<Peer>> parse_json_peers(const json& list) {
  if (!list.is_array() || list.empty()) {
    return wrong_value("peers", list,
                       "a list of all servers such as [" + std::string(kPeerShape) + "]");
  }
  std::vector<Peer> peers;
  for (const json& entry : list) {
    const std::string place = "peers[" + std::to_string(peers.size()) + "]";
    const Result<Peer> peer = parse_json_peer(place, entry);
    if (!peer) return Error{peer.error()};
    for (std::size_t other = 0; other < peers.size(); ++other) {
      if (peers[other].id != peer->id) continue;
      return Error{place + ".id is " + std::to_string(peer->id) + ", as is peers[" +
                   std::to_string(other) + "].id; give each server its own"};
    }
    peers.push_back(*peer);
  }
  return peers;
}

std::vector<Peer> local_peers() {
  return {{1, {kLoopback, 7001}}, {2, {kLoopback, 7002}}, {3, {kLoopback, 7003}}};
}

/// The configuration without NODE_ID.
Result<Config> resolve_peers(const Environment& environment, const FileReader& read_file) {
  if (const std::optional<std::string> path = environment("CONFIG_FILE")) {
    if (const std::optional<std::string> text = read_file(*path)) {
      Result<Config> config = parse_config_json(*text, *path);
      if (!config) return config;
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

Result<Config> parse_config_json(std::string_view text, const std::string& name) {
  const Result<json> document = parse_json(text);
  if (!document) return Error{name + ":" + document.error()};
  const json& root = *document;
  if (!root.is_object() || !root.contains("peers")) {
    return Error{name + R"(: "peers" is missing: the file is )" + shown(root) +
                 R"(; it must look like {"peers": [)" + std::string(kPeerShape) +
                 R"(], "shared_dir": "/shared/images"})"};
  }
  const Result<std::vector<Peer>> peers = parse_json_peers(root["peers"]);
  if (!peers) return Error{name + ": " + peers.error()};
  Config config;
  config.peers = *peers;
  if (root.contains("shared_dir")) {
    const json& directory = root["shared_dir"];
    if (!directory.is_string() || directory.get_ref<const std::string&>().empty()) {
      return Error{name + ": " + wrong_value("shared_dir", directory,
                                             "a directory such as \"/shared/images\"").message};
    }
    config.shared_dir = directory.get<std::string>();
  }
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
    const std::string_view address = equals == entry.npos ? "" : trim(entry.substr(equals + 1));
    const Result<Endpoint> endpoint = parse_endpoint(address);
    if (!id || !endpoint) {
      return Error{"'" + std::string(entry) + "' is not a peer such as 1=192.168.1.100:7001"};
    }
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
