// Servers of the election policy `original` on a FakeNetwork, for the tests of the election.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/protocols/election/client.h"
#include "core/protocols/election/original_node.h"
#include "tests/support/fake_network.h"

namespace twinbed::testing {

inline const std::string kZeroKey(64, '0');
inline const std::string kTestKey =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

inline Aes256Gcm test_cipher(const std::string& key = kTestKey) {
  return *Aes256Gcm::from_hex_key(key, true);
}

/// Peers 1 .. count at 10.0.0.ID:700ID.
inline std::vector<election::Peer> test_peers(std::uint32_t count) {
  std::vector<election::Peer> peers;
  for (std::uint32_t id = 1; id <= count; ++id) {
    peers.push_back({id, {{0x0a00'0000 + id}, static_cast<std::uint16_t>(7000 + id)}});
  }
  return peers;
}

/// What one message on the wire says, as JSON; empty where it is no frame of this key.
inline std::string frame_text(Bytes frame, const Aes256Gcm& cipher) {
  std::vector<election::FrameParser::Outcome> outcomes;
  election::FrameParser parser(cipher);
  parser.feed(frame, outcomes);
  if (outcomes.size() != 1) return {};
  const auto* message = std::get_if<election::Message>(&outcomes[0]);
  return message != nullptr ? election::encode_json(*message) : std::string{};
}

class ElectionCluster {
 public:
  ElectionCluster(std::uint32_t count, election::Profile profile,
                  Duration delay = std::chrono::microseconds(200))
      : network(delay), peers(test_peers(count)), profile_(profile) {
    for (const election::Peer& peer : peers) network.add(peer.endpoint.address);
    client_index = network.add(IpAddress{0x0a00'0064});
  }

  FakeNetwork network;
  std::vector<election::Peer> peers;
  std::size_t client_index = 0;

  void start(std::uint32_t id) {
    election::NodeOptions options;
    options.id = id;
    options.peers = peers;
    options.timings = election::timings_of(profile_);
    options.image_prefix = "images/";
    network.start(id - 1, std::make_unique<election::OriginalNode>(options, test_cipher()));
  }
  void start_all() {
    for (const election::Peer& peer : peers) start(peer.id);
  }
  void start_client() {
    election::ClientOptions options;
    options.peers = peers;
    network.start(client_index, std::make_unique<election::Client>(options, test_cipher()));
  }

  const election::OriginalNode& server(std::uint32_t id) {
    return static_cast<const election::OriginalNode&>(*network.node(id - 1).protocol);
  }
  FakeRecorder& records(std::uint32_t id) { return network.node(id - 1).fake.recorder; }
  FakeRecorder& client_records() { return network.node(client_index).fake.recorder; }

  /// Whether all living servers take the same one for the leader.
  bool agreed() {
    std::optional<election::PeerId> common;
    for (const election::Peer& peer : peers) {
      if (!network.node(peer.id - 1).protocol) continue;
      const std::optional<election::PeerId> leader = server(peer.id).leader();
      if (!leader || (common && common != leader)) return false;
      common = leader;
    }
    return common.has_value();
  }
  /// Runs in steps of 1 ms until something holds; the time, or kNever at the limit.
  template <class Predicate>
  Time run_until(Predicate&& holds, Time limit) {
    while (!holds()) {
      if (network.now() >= limit) return kNever;
      network.run_for(std::chrono::milliseconds(1));
    }
    return network.now();
  }

 private:
  election::Profile profile_;
};

}  // namespace twinbed::testing
