// Both ends of a secure channel, with the bytes on their way between them in the test's hands.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "core/base/random_stream.h"
#include "core/protocols/secure/channel.h"

namespace twinbed::testing {

inline const std::string kClusterKeyHex =
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

/// A node whose secret key is one digit, 64 times; the digit also makes its instance.
inline secure::Credentials test_credentials(secure::PeerRole role, std::uint32_t id, char digit,
                                            const std::string& cluster_key = kClusterKeyHex) {
  secure::Identity self;
  self.role = role;
  self.id = id;
  self.instance = static_cast<std::uint64_t>(digit) << 32 | id;
  self.config_hash.fill(std::byte{0xc0});
  return {*secure::ClusterKey::from_hex(cluster_key),
          *secure::KeyPair::from_hex_secret(std::string(64, digit)), self};
}
inline secure::Credentials client_credentials(const std::string& cluster_key = kClusterKeyHex) {
  return test_credentials(secure::PeerRole::kClient, 7, '1', cluster_key);
}
inline secure::Credentials server_credentials(const std::string& cluster_key = kClusterKeyHex) {
  return test_credentials(secure::PeerRole::kServer, 3, '2', cluster_key);
}

/// One end: its channel, its random numbers and what it has written and nobody has taken yet.
struct SecureEnd {
  RandomStream random;
  Buffer out;
  secure::Channel channel;
  Time now{};

  /// Hands over bytes and lets a peer in that asks for it.
  void receive(Bytes bytes) {
    channel.receive(random, now, bytes, out);
    if (channel.wants_verdict()) channel.accept(random, out);
  }
  void send(std::string_view text) { channel.send(now, as_bytes(text), out); }
  void close() { channel.close(now, out); }
  Buffer take_out() { return std::exchange(out, {}); }
  /// All messages that have come, each followed by a bar.
  std::string messages() {
    std::string all;
    while (const std::optional<Buffer> message = channel.next()) {
      all += std::string(as_text(*message)) + "|";
    }
    return all;
  }
};

inline SecureEnd secure_initiator(const secure::Credentials& credentials = client_credentials(),
                                  std::uint64_t seed = 1,
                                  secure::Frames frames = secure::Frames::kSealed) {
  RandomStream random(seed, "initiator");
  Buffer out;
  secure::Channel channel = secure::Channel::initiator(credentials, random, out, frames);
  return {random, std::move(out), std::move(channel)};
}
inline SecureEnd secure_responder(const secure::Credentials& credentials = server_credentials(),
                                  std::uint64_t seed = 1,
                                  secure::Frames frames = secure::Frames::kSealed) {
  return {RandomStream(seed, "responder"), {}, secure::Channel::responder(credentials, frames)};
}

struct SecurePair {
  SecureEnd initiator = secure_initiator();
  SecureEnd responder = secure_responder();

  /// A pair that does not seal its messages.
  static SecurePair clear() {
    return {secure_initiator(client_credentials(), 1, secure::Frames::kClear),
            secure_responder(server_credentials(), 1, secure::Frames::kClear)};
  }

  /// Hands over all bytes both ways, in pieces of `piece`, until nobody writes any more.
  void carry(std::size_t piece = std::numeric_limits<std::size_t>::max()) {
    while (!initiator.out.empty() || !responder.out.empty()) {
      carry(initiator, responder, piece);
      carry(responder, initiator, piece);
    }
  }

 private:
  static void carry(SecureEnd& from, SecureEnd& to, std::size_t piece) {
    const Buffer bytes = from.take_out();
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
      to.receive(Bytes(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
  }
};

/// The pair once it is open on both sides.
inline SecurePair open_secure_pair(SecurePair pair = {}) {
  pair.carry();
  EXPECT_EQ(pair.initiator.channel.state(), secure::Channel::State::kOpen);
  EXPECT_EQ(pair.responder.channel.state(), secure::Channel::State::kOpen);
  return pair;
}

}  // namespace twinbed::testing
