// A systemd unit for a server of cloud-p2p: the inside of `twinbed-node install-unit`.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/endpoint.h"
#include "core/protocols/election/peer.h"

namespace twinbed::scenarios {

/// Where the service may write without further ado: systemd makes it and gives it to its user.
inline constexpr const char* kStateDirectory = "/var/lib/cloud-p2p";

struct UnitOptions {
  election::PeerId node_id = 0;
  std::string config = "/etc/cloud-p2p/config.json";
  std::string key = "/etc/cloud-p2p/encryption_key";  ///< file of 64 hexadecimal digits
  std::string program;                 ///< twinbed-node; empty: the program that runs now
  std::string user;                    ///< empty: a user that exists while the service runs
  std::vector<std::string> arguments;  ///< of `twinbed-node cloud-p2p`
};

struct Unit {
  std::string text;
  Endpoint endpoint;                  ///< where the node's peers reach it
  std::vector<std::string> warnings;  ///< sentences for standard error
};

/// Reads the configuration and the key as the server will, and checks that the service can reach
/// what it needs. Errors are sentences with the remedy.
Result<Unit> make_unit(const UnitOptions& options);

/// Writes the unit as cloud-p2p.service into the directory, whole or not at all. A file that is
/// there and differs is kept unless `force` is set. Returns what to do next, for standard output.
Result<std::string> write_unit(const Unit& unit, const std::string& directory, bool force);

}  // namespace twinbed::scenarios
