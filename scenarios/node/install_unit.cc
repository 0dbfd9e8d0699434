#include "scenarios/node/install_unit.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "scenarios/node/cloud_p2p_setup.h"
#include "scenarios/node/startup_checks.h"

namespace twinbed::scenarios {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnitName = "cloud-p2p.service";

/// What of the unit is the same everywhere. `systemd-analyze security` explains each line.
constexpr const char* kHardening = R"(
# Nothing but the network, the images and the key.
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
CapabilityBoundingSet=
# AF_UNIX is the way to the service manager.
RestrictAddressFamilies=AF_INET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
KeyringMode=private
RemoveIPC=yes
UMask=0077

[Install]
WantedBy=multi-user.target
)";

/// Whether the text means itself in every line of a unit: systemd and the shell give a meaning to
/// blanks, quotes, '%', '$', '\' and others.
bool is_plain(std::string_view text, std::string_view more) {
  for (const char c : text) {
    const bool is_alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_alphanumeric && more.find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

/// The path in its shortest form; an error unless it is absolute and plain.
Result<std::string> clean_path(const std::string& what, const std::string& path) {
  if (!path.starts_with('/') || !is_plain(path, "/._-+")) {
    return Error{what + " is '" + path +
                 "'; a unit needs a path from / on, of letters, digits and . _ - + alone"};
  }
  std::string clean = fs::path(path).lexically_normal().string();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

/// An error where the unit's own protection would hide the file from the service.
Result<std::monostate> check_visible(const std::string& what, const std::string& path,
                                     const std::string& remedy) {
  for (const char* hidden : {"/home", "/root", "/run/user", "/tmp", "/var/tmp"}) {
    if (!is_within(path, hidden)) continue;
    return Error{what + " " + path + " is in " + hidden +
                 ", which the service does not see, for its protection; " + remedy};
  }
  return std::monostate{};
}

Result<std::string> find_program(const std::string& given) {
  std::error_code code;
  const std::string found =
      given.empty() ? fs::read_symlink("/proc/self/exe", code).string() : given;
  const auto path = clean_path("the program", found);
  if (!path) return path;
  if (!fs::is_regular_file(*path, code) || ::access(path->c_str(), X_OK) != 0) {
    return Error{"the program " + *path + " is not there or not executable; name twinbed-node by "
                 "--program"};
  }
  const std::string place = "/usr/local/bin/twinbed-node";
  const auto visible = check_visible(
      "the program", *path,
      "copy it with `install -m 755 " + *path + " " + place + "` and add --program " + place);
  if (!visible) return Error{visible.error()};
  return path;
}

Result<std::string> check_config_file(const UnitOptions& options) {
  const auto path = clean_path("the configuration", options.config);
  if (!path) return path;
  struct stat status {};
  if (::stat(path->c_str(), &status) != 0) {
    return Error{"cannot read the configuration " + *path + ": " +
                 std::generic_category().message(errno) +
                 R"(; write {"peers": [{"id": 1, "address": "192.168.1.100:7001"}, ...], )" +
                 "\"shared_dir\": \"" + kStateDirectory +
                 "/images\"} there, or name another file by --config"};
  }
  const auto visible =
      check_visible("the configuration", *path, "move it to " + UnitOptions{}.config);
  if (!visible) return Error{visible.error()};
  if (!options.user.empty()) return path;  // whose rights are not known here
  if ((status.st_mode & S_IROTH) == 0) {
    return Error{"the service's user cannot read the configuration " + *path +
                 "; there is no secret in it, so `chmod 644 " + *path + "`"};
  }
  for (fs::path parent = fs::path(*path).parent_path(); parent != "/";
       parent = parent.parent_path()) {
    if (::stat(parent.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) != 0) continue;
    return Error{"the service's user cannot reach the configuration " + *path + "; `chmod a+x " +
                 parent.string() + "`"};
  }
  return path;
}

/// The setting as the server will read it from this unit.
Result<CloudP2pSetup> read_setup(const UnitOptions& options, const std::string& config,
                                 const std::string& key) {
  const std::string node_id = std::to_string(options.node_id);
  auto setup = read_cloud_p2p_setup({}, [&](std::string_view name) -> std::optional<std::string> {
    if (name == "CONFIG_FILE") return config;
    if (name == "NODE_ID") return node_id;
    if (name == "ENCRYPTION_KEY") return key;
    return std::nullopt;
  });
  if (!setup) return setup;
  const auto member = check_membership(setup->config, "--node-id");
  if (!member) return Error{member.error()};
  return setup;
}

/// The lines that give the service its user and its directory.
Result<std::string> place_lines(const std::string& user, const std::string& images) {
  if (!user.empty() && (!is_plain(user, "_-") || ::getpwnam(user.c_str()) == nullptr)) {
    return Error{"there is no user '" + user + "'; make it with `useradd --system " + user +
                 "`, or leave out --user, for a user that exists while the service runs"};
  }
  std::string lines =
      user.empty()
          ? "# A user that exists while the service runs; its files stay.\nDynamicUser=yes\n"
          : "User=" + user + "\n";
  lines += "StateDirectory=cloud-p2p";
  if (is_within(images, kStateDirectory)) {
    const std::string name = images.substr(std::string("/var/lib/").size());
    return lines + (name == "cloud-p2p" ? "" : " " + name) + "\nStateDirectoryMode=0700\n";
  }
  if (user.empty()) {
    return Error{"the image directory '" + images +
                 "' cannot belong to a user that exists only while the service runs; set "
                 "shared_dir to " + kStateDirectory +
                 "/images, or name the user to whom it belongs by --user"};
  }
  if (std::error_code code; !fs::is_directory(images, code)) {
    return Error{"the image directory '" + images + "' does not exist; create it with `install -d "
                 "-o " + user + " " + images + "`"};
  }
  if (const auto seen = check_visible("the image directory", images, "use another one"); !seen) {
    return Error{seen.error()};
  }
  return lines + "\nStateDirectoryMode=0700\nReadWritePaths=" + images + "\n";
}

Result<std::string> command_line(const std::string& program,
                                 const std::vector<std::string>& arguments) {
  std::string command = program + " cloud-p2p";
  for (const std::string& argument : arguments) {
    if (!is_plain(argument, "/._-+=:,")) {
      return Error{"'" + argument + "' cannot go into the unit; an argument of the server has "
                   "letters, digits and / . _ - + = : , alone"};
    }
    command += " " + argument;
  }
  return command;
}

/// The whole file; nothing where there is none.
std::optional<std::string> read_unit(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Result<std::monostate> replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  errno = 0;
  std::ofstream stream(fresh, std::ios::binary | std::ios::trunc);
  stream << text << std::flush;
  if (stream && ::chmod(fresh.c_str(), 0644) == 0 &&
      std::rename(fresh.c_str(), path.c_str()) == 0) {
    return std::monostate{};
  }
  const int error = errno;
  (void)std::remove(fresh.c_str());
  return Error{"cannot write " + path + ": " + std::generic_category().message(error) +
               "; run this as root, or use --to DIR or --print"};
}

}  // namespace

Result<Unit> make_unit(const UnitOptions& options) {
  const auto program = find_program(options.program);
  if (!program) return Error{program.error()};
  const auto config = check_config_file(options);
  if (!config) return Error{config.error()};
  const auto key_file = clean_path("the key file", options.key);
  if (!key_file) return Error{key_file.error()};
  const auto key = read_key_file(*key_file);
  if (!key) return Error{key.error()};
  const auto setup = read_setup(options, *config, *key);
  if (!setup) return Error{setup.error()};
  const auto images = clean_path("shared_dir in " + *config, setup->config.shared_dir);
  if (!images) return Error{images.error()};
  const auto place = place_lines(options.user, *images);
  if (!place) return Error{place.error()};
  const auto command = command_line(*program, options.arguments);
  if (!command) return Error{command.error()};

  Unit unit;
  struct stat status {};
  if (::stat(key_file->c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    unit.warnings.push_back("others than its owner can read the key; `chmod 600 " + *key_file +
                            "`, and make another key if they may have done so");
  }
  const std::string id = std::to_string(options.node_id);
  unit.endpoint = election::find_peer(setup->config.peers, options.node_id)->endpoint;
  unit.text = "# Written by `twinbed-node install-unit`; changes of your own go into\n"
              "# `systemctl edit cloud-p2p`.\n"
              "[Unit]\nDescription=Server " + id + " of cloud-p2p\n"
              "Wants=network-online.target\nAfter=network-online.target\n\n"
              "[Service]\nType=notify\nExecStart=" + *command + "\n"
              "Environment=CONFIG_FILE=" + *config + "\nEnvironment=NODE_ID=" + id + "\n"
              "# The key is no Environment=, which `systemctl show` tells every user.\n"
              "LoadCredential=encryption_key:" + *key_file + "\n"
              "Restart=always\n"
              "# The deployment guide's value: the other servers notice that this one is gone and\n"
              "# elect before it is back. A failover is watched with `systemctl stop`, for a kill\n"
              "# brings the server back within the 10 to 15 s that the guide's test waits.\n"
              "RestartSec=10\n" +
              *place + "LimitNOFILE=65536\n" + kHardening;
  return unit;
}

Result<std::string> write_unit(const Unit& unit, const std::string& directory, bool force) {
  if (std::error_code code; !fs::is_directory(directory, code)) {
    return Error{"there is no directory " + directory + "; name another one by --to"};
  }
  const std::string path = directory + "/" + kUnitName;
  const std::optional<std::string> present = read_unit(path);
  if (present && *present != unit.text && !force) {
    return Error{path + " is there and differs; look at it with `twinbed-node install-unit ... "
                 "--print | diff " + path + " -`, then replace it with --force"};
  }
  if (present != unit.text) {
    const auto written = replace_file(path, unit.text);
    if (!written) return Error{written.error()};
  }
  const std::string port = std::to_string(unit.endpoint.port) + "/tcp";
  return std::string(present == unit.text ? "unchanged: " : "written: ") + path +
         "\nNext, as root:\n"
         "  systemctl daemon-reload\n"
         "  systemctl enable --now cloud-p2p\n"
         "  systemctl status cloud-p2p\n"
         "If there is a firewall, the other servers and the clients must get through, by one of\n"
         "  ufw allow " + port + "\n"
         "  firewall-cmd --permanent --add-port=" + port + " && firewall-cmd --reload\n";
}

}  // namespace twinbed::scenarios
