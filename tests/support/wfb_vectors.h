// The vectors of WFB-NG: recorded from its programs at commit 0a1be20 (26.8.20), in
// tests/testdata/wfb; and what every test of them needs.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/protocols/wfb/encoder.h"
#include "core/protocols/wfb/keys.h"

namespace twinbed::testing {

inline nlohmann::json wfb_vectors(const std::string& name) {
  std::ifstream file(TWINBED_SOURCE_DIR "/tests/testdata/wfb/" + name);
  return nlohmann::json::parse(file);
}

inline Buffer bytes_of(const std::string& hex) {
  Buffer bytes;
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

inline std::vector<std::string> texts_of(const nlohmann::json& list) {
  return list.get<std::vector<std::string>>();
}

/// The random numbers with which the vectors were recorded: the bytes 0, 1, 2, ...
class CountingRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t bytes = 0;
    for (int i = 0; i < 8; ++i) bytes |= std::uint64_t{next_++} << (8 * i);
    return bytes;
  }

 private:
  std::uint8_t next_ = 0;
};

/// The keys with which the vectors were recorded.
inline wfb::LinkKeys wfb_link_keys() {
  const nlohmann::json keys = wfb_vectors("vectors.json")["keys"];
  return {*wfb::KeyFile::read(bytes_of(keys["drone.key"])),
          *wfb::KeyFile::read(bytes_of(keys["gs.key"]))};
}

/// Keeps what an encoder sends.
struct SentPackets final : wfb::EncoderOwner {
  void on_packet(wfb::PacketKind kind, Bytes packet) override {
    kinds.push_back(kind);
    packets.push_back(to_buffer(packet));
    hex.push_back(to_hex(packet));
  }

  std::vector<wfb::PacketKind> kinds;
  std::vector<Buffer> packets;
  std::vector<std::string> hex;
};

}  // namespace twinbed::testing
