#include "scenarios/node/cloud_p2p_setup.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/base/bytes.h"
#include "core/protocols/election/original_node.h"

namespace twinbed::scenarios {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

/// The whole file; nothing where it does not exist; an error where it cannot be read.
Result<std::optional<std::string>> read_text(const std::string& path) {
  std::error_code code;
  const std::filesystem::file_status status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<std::string>{};
  if (std::filesystem::is_directory(status)) {
    return Error{"CONFIG_FILE is " + path + ", which is a directory; name a JSON file"};
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Error{"cannot read the configuration " + path + ": " + reason_of(errno)};
  return std::optional<std::string>(std::string(std::istreambuf_iterator<char>(stream), {}));
}

Result<election::Config> read_config(const election::Environment& environment,
                                     std::vector<std::string>& warnings) {
  std::optional<std::string> text;
  const std::string path = environment("CONFIG_FILE").value_or("");
  if (!path.empty()) {
    auto file = read_text(path);
    if (!file) return Error{file.error()};
    text = std::move(*file);
  }
  auto config = election::resolve_config(environment, [&](std::string_view) { return text; });
  if (config && !path.empty() && !text) {
    warnings.push_back("CONFIG_FILE names " + path + ", which does not exist; the peers are " +
                       (config->source == "PEERS" ? "those of PEERS" : config->source));
  }
  return config;
}

/// An error unless every setting is one of the policy's.
Result<std::monostate> check_policy(const CloudP2pOptions& options) {
  const RobustSettings& robust = options.robust;
  const RobustSettings defaults;
  if (options.policy == "robust") {
    if (options.zero_key || !options.profile.empty()) {
      return Error{std::string(options.zero_key ? "--zero-key" : "--profile") +
                   " belongs to the policy original; add --policy original to run the program as "
                   "it was"};
    }
    if (robust.shared_storage && !robust.replicate) {
      return Error{"--shared-storage keeps one file of each image for all servers, and "
                   "--no-replication one at its leader; leave one of them out"};
    }
  } else if (options.policy == "original") {
    const bool is_set = !robust.health.empty() || !robust.node_key.empty() ||
                        !robust.known_clients.empty() || !robust.known_servers.empty() ||
                        !robust.replicate || robust.shared_storage || robust.at_rest ||
                        robust.timeout != defaults.timeout ||
                        robust.give_up != defaults.give_up;
    if (is_set) {
      return Error{"--timeout, --no-replication, --shared-storage, --encrypt-at-rest, --health, "
                   "--node-key, --known-clients, --known-servers and --give-up belong to the "
                   "policy robust; leave out --policy original"};
    }
  } else {
    return Error{"there is no policy '" + options.policy + "'; there are robust and original"};
  }
  return std::monostate{};
}

Result<std::string> read_key(bool zero_key, const election::Environment& environment,
                             std::vector<std::string>& warnings) {
  if (!zero_key) return read_cluster_key(environment);
  if (environment("ENCRYPTION_KEY")) {
    warnings.push_back("--zero-key is given, so ENCRYPTION_KEY is not used");
  }
  return std::string(64, '0');
}

}  // namespace

Result<std::string> read_cluster_key(const election::Environment& environment) {
  if (const std::optional<std::string> key = environment("ENCRYPTION_KEY")) return *key;
  const std::string directory = environment("CREDENTIALS_DIRECTORY").value_or("");
  if (directory.empty()) {
    return Error{
        "ENCRYPTION_KEY is not set; make a key with `openssl rand -hex 32` and give the same one "
        "to all servers and clients, or use --policy original --zero-key to talk to original "
        "programs"};
  }
  const std::string path = directory + "/encryption_key";
  std::error_code code;
  if (!std::filesystem::exists(path, code) && !code) {
    return Error{"ENCRYPTION_KEY is not set and there is no " + path +
                 "; write LoadCredential=encryption_key:FILE into the unit, with a FILE that "
                 "holds the key"};
  }
  return read_key_file(path);
}

Result<std::string> read_key_file(const std::string& path) {
  const auto error = [&](const std::string& problem) {
    return Error{"the key file " + path + " " + problem};
  };
  const std::string make = "make one with `(umask 077; openssl rand -hex 32 > " + path +
                           ")` and copy it to all servers and clients";
  std::error_code code;
  if (!std::filesystem::exists(path, code) && !code) return error("does not exist; " + make);
  if (std::filesystem::is_directory(path, code)) return error("is a directory; name a file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  // What fills this is no key, however large the file is.
  std::string text(1024, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream && !stream.eof()) {
    return error("cannot be read: " + reason_of(errno) + "; run this as the user who may");
  }
  const bool is_short = stream.eof();
  text.resize(static_cast<std::size_t>(stream.gcount()));
  constexpr std::string_view kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  Buffer bytes;
  if (!is_short || text.size() != 64 || !from_hex(text, bytes)) {
    return error("must hold 64 hexadecimal digits and nothing else; " + make);
  }
  return text;
}

Result<CloudP2pSetup> read_cloud_p2p_setup(const CloudP2pOptions& options,
                                           const election::Environment& environment) {
  CloudP2pSetup setup;
  if (const auto sound = check_policy(options); !sound) return Error{sound.error()};
  setup.is_robust = options.policy == "robust";
  setup.robust = options.robust;
  if (!options.profile.empty() && !election::parse_profile(options.profile, setup.profile)) {
    return Error{"there is no profile '" + options.profile +
                 "'; there are f988f94, 67dc5ff and head"};
  }
  auto config = read_config(environment, setup.warnings);
  if (!config) return Error{config.error()};
  setup.config = std::move(*config);
  const bool is_from_file = environment("CONFIG_FILE") == setup.config.source;
  setup.directory_setting = is_from_file ? "shared_dir in " + setup.config.source : "SHARED_DIR";
  auto key = read_key(options.zero_key, environment, setup.warnings);
  if (!key) return Error{key.error()};
  setup.key = std::move(*key);
  setup.zero_key = options.zero_key;
  return setup;
}

Result<std::optional<Endpoint>> read_bind(const election::Environment& environment) {
  const std::optional<std::string> text = environment("BIND");
  if (!text) return std::optional<Endpoint>{};
  if (const auto address = parse_address(*text)) return std::optional(Endpoint{*address, 0});
  if (const auto endpoint = parse_endpoint(*text)) return std::optional(*endpoint);
  return Error{"BIND is '" + *text +
               "'; it must be an address or an endpoint to listen at, such as 0.0.0.0 or "
               "0.0.0.0:7001"};
}

Result<backends::ProtocolFactory> original_factory(const election::Config& config,
                                                   election::Profile profile,
                                                   const std::string& key, bool zero_key) {
  const election::NodeOptions options{config.node_id, config.peers, election::timings_of(profile),
                                      ""};
  const auto make = [options, key, zero_key] {
    return election::make_original_node(options, key, zero_key);
  };
  if (const auto first = make(); !first) return Error{first.error()};
  return backends::ProtocolFactory([make] { return *make(); });
}

Result<std::monostate> check_image_directory(const CloudP2pSetup& setup) {
  const std::string& path = setup.config.shared_dir;
  const std::string remedy = ", or name another one by " + setup.directory_setting;
  std::error_code code;
  const std::filesystem::file_status status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) {
    return Error{"the image directory '" + path + "' does not exist; create it with `mkdir -p " +
                 path + "`" + remedy};
  }
  if (!code && !std::filesystem::is_directory(status)) {
    return Error{"the image directory '" + path + "' is not a directory; remove it" + remedy};
  }
  // Permissions do not tell all (a read-only mount, a full disk, a remote file system): try it.
  std::string probe = path + "/.cloud-p2p-XXXXXX";
  const int file = code ? -1 : ::mkstemp(probe.data());
  if (file < 0) {
    return Error{"cannot create files in the image directory '" + path +
                 "': " + (code ? code.message() : reason_of(errno)) +
                 "; make it writable for the server's user" + remedy};
  }
  ::close(file);
  ::unlink(probe.c_str());
  return std::monostate{};
}

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace twinbed::scenarios
