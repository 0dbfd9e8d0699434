#include "scenarios/node/cloud_p2p_robust.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "backends/system_random.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

Result<secure::AllowList> read_list(const std::string& path, const std::string& option) {
  if (path.empty()) return secure::AllowList{};
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Error{option + ": cannot read " + path + ": " +
                 std::generic_category().message(errno)};
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  auto list = secure::AllowList::parse(text);
  if (!list) return Error{path + ": " + list.error()};
  if (list->keys.empty()) {
    return Error{option + ": " + path + " names no key; write one public key a line, as "
                 "`twinbed-node make-key` prints it"};
  }
  return list;
}

/// What servers and clients set alike.
Result<imagestore::LinkOptions> link_options(const RobustSettings& settings) {
  imagestore::LinkOptions links;
  if (!settings.node_key.empty()) {
    const Result<std::string> hex = read_key_file(settings.node_key);
    if (!hex) return Error{"--node-key: " + hex.error()};
    const auto keys = secure::KeyPair::from_hex_secret(*hex);
    if (!keys) return Error{"--node-key: " + settings.node_key + ": " + keys.error()};
    links.keys = *keys;
  }
  auto clients = read_list(settings.known_clients, "--known-clients");
  if (!clients) return Error{clients.error()};
  auto servers = read_list(settings.known_servers, "--known-servers");
  if (!servers) return Error{servers.error()};
  links.allowed_clients = *std::move(clients);
  links.known_servers = *std::move(servers);
  return links;
}

}  // namespace

Result<imagestore::NodeOptions> robust_node_options(const election::Config& config,
                                                    const RobustSettings& settings) {
  const Result<Duration> timeout = parse_duration(settings.timeout);
  if (!timeout) return Error{"--timeout " + timeout.error()};
  if (*timeout < std::chrono::milliseconds(50) || *timeout > std::chrono::minutes(10)) {
    return Error{"--timeout is " + settings.timeout +
                 "; it must be from 50 ms to 10 min, such as '1 s', or '150 ms' on a local "
                 "network"};
  }
  auto links = link_options(settings);
  if (!links) return Error{links.error()};
  imagestore::NodeOptions options;
  options.id = config.node_id;
  options.peers = config.peers;
  imagestore::set_timeout(options, *timeout);
  options.links = *std::move(links);
  options.blobs.image_prefix = "";
  options.blobs.state_prefix = state_prefix(config.node_id);
  options.replicate = settings.replicate;
  options.shared_storage = settings.shared_storage;
  options.at_rest = settings.at_rest;
  return options;
}

Result<backends::ProtocolFactory> robust_factory(const election::Config& config,
                                                 const RobustSettings& settings,
                                                 const std::string& key) {
  const auto options = robust_node_options(config, settings);
  if (!options) return Error{options.error()};
  const auto make = [options = *options, key] { return imagestore::make_node(options, key); };
  if (const auto first = make(); !first) return Error{first.error()};
  return backends::ProtocolFactory([make]() -> std::unique_ptr<Protocol> { return *make(); });
}

Result<imagestore::ClientOptions> robust_client_options(const election::Config& config,
                                                        const RobustSettings& settings,
                                                        const std::string& user) {
  auto links = link_options(settings);
  if (!links) return Error{links.error()};
  const Result<Duration> give_up = parse_duration(settings.give_up);
  if (!give_up) return Error{"--give-up " + give_up.error()};
  imagestore::ClientOptions options;
  options.give_up = *give_up;
  options.peers = config.peers;
  options.user = user;
  options.links = *std::move(links);
  return options;
}

std::string state_prefix(election::PeerId id) {
  return ".cloud-p2p/node" + std::to_string(id) + "/";
}

std::vector<std::pair<std::string, std::string>> robust_parameters(
    const RobustSettings& settings) {
  return {{"timeout", settings.timeout},
          {"replicate", settings.replicate ? "true" : "false"},
          {"shared_storage", settings.shared_storage ? "true" : "false"},
          {"at_rest", settings.at_rest ? "true" : "false"},
          {"node_key", settings.node_key},
          {"known_clients", settings.known_clients},
          {"known_servers", settings.known_servers}};
}

RobustSettings robust_settings(
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  RobustSettings settings;
  for (const auto& [name, value] : parameters) {
    if (name == "timeout") settings.timeout = value;
    if (name == "replicate") settings.replicate = value == "true";
    if (name == "shared_storage") settings.shared_storage = value == "true";
    if (name == "at_rest") settings.at_rest = value == "true";
    if (name == "node_key") settings.node_key = value;
    if (name == "known_clients") settings.known_clients = value;
    if (name == "known_servers") settings.known_servers = value;
  }
  return settings;
}

Result<std::string> write_node_key(const std::string& path) {
  backends::SystemRandom random;
  Buffer secret(32);
  random.fill(secret);
  const std::string hex = to_hex(secret);
  const auto keys = secure::KeyPair::from_hex_secret(hex);
  if (!keys) return Error{keys.error()};
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::string line = hex + "\n";
  const bool is_written =
      file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = errno;
  if (file >= 0) ::close(file);
  if (is_written) return to_hex(keys->public_key);
  std::string sentence = "cannot write the key to " + path + ": " +
                         std::generic_category().message(error);
  if (error == EEXIST) sentence += "; a key is never overwritten, so name another file";
  return Error{sentence};
}

}  // namespace twinbed::scenarios
