// Who a node is and what it holds to prove it: the cluster's key, its own key pair, its identity,
// and the list of clients that a server lets in.
//
// All servers and clients of a cluster hold the same cluster key. It keeps strangers out and proves
// nothing else: whoever holds it can claim any role and any id. What tells one holder from another
// is the public key, so an owner that must know whom it speaks to compares that.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string_view>

#include "core/base/result.h"
#include "core/crypto/key_exchange.h"

namespace twinbed::secure {

using twinbed::KeyPair;
using twinbed::PublicKey;
using twinbed::SecretKey;

/// The secret that all servers and clients of a cluster share (ENCRYPTION_KEY).
class ClusterKey {
 public:
  /// From 64 hexadecimal digits; another length, another character and all zeros are refused in one
  /// sentence with the remedy.
  static Result<ClusterKey> from_hex(std::string_view hex);

  Bytes bytes() const { return key_.bytes(); }

 private:
  explicit ClusterKey(const SecretKey& key) : key_(key) {}
  SecretKey key_;
};

enum class PeerRole : std::uint8_t { kServer = 1, kClient = 2 };

/// What a side says of itself in the handshake.
struct Identity {
  PeerRole role = PeerRole::kServer;
  std::uint32_t id = 0;
  std::uint64_t instance = 0;  ///< random at each start: tells a restart from a duplicate
  std::array<std::byte, 32> config_hash{};
  PublicKey public_key{};

  bool operator==(const Identity&) const = default;
};

struct Credentials {
  /// The identity's public key is taken from the pair.
  Credentials(const ClusterKey& cluster, const KeyPair& pair, const Identity& identity)
      : cluster_key(cluster), keys(pair), self(identity) {
    self.public_key = keys.public_key;
  }

  ClusterKey cluster_key;
  KeyPair keys;
  Identity self;
};

/// The public keys of the clients that may come in.
struct AllowList {
  std::set<PublicKey> keys;

  /// One key a line, as 64 hexadecimal digits; blank lines, and all from a '#' on, are passed over.
  /// An error names the line.
  static Result<AllowList> parse(std::string_view text);

  bool contains(const PublicKey& key) const { return keys.contains(key); }
};

}  // namespace twinbed::secure
