// Fuzzes what WFB-NG's receivers take from strangers: frames and packets. Behind the seal there is
// nothing to find without the key, so that the bytes are also taken for an opened session and for
// an opened fragment.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/protocols/wfb/decoder.h"
#include "core/protocols/wfb/link_report.h"
#include "core/protocols/wfb/mavlink_frames.h"

namespace {

using namespace twinbed;

struct Nobody final : wfb::DecoderOwner {
  void on_payload(Bytes) override { TWINBED_CHECK(false, "a payload without a session"); }
  void on_session(const wfb::Session&) override { TWINBED_CHECK(false, "a session without a key"); }
};

/// Looks at every byte that is delivered.
struct Fragments final : wfb::RingOwner {
  void on_fragment(wfb::FragmentId id, std::span<std::byte> room, std::size_t length) override {
    TWINBED_CHECK(length <= room.size(), "a fragment is longer than its place");
    const auto sequence = id.block * 4 + id.fragment;
    TWINBED_CHECK(is_first || sequence > last, "fragments are out of order");
    is_first = false;
    last = sequence;
    for (std::size_t i = 0; i < length; ++i) sum += std::to_integer<unsigned>(room[i]);
  }
  bool is_first = true;
  std::uint64_t last = 0;
  unsigned sum = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  static Nobody nobody;
  static wfb::Decoder decoder({{}, {}, 0}, nobody);
  decoder.receive(bytes);
  if (const auto packet = wfb::packet_in_frame(bytes, {})) decoder.receive(*packet);
  wfb::read_session(bytes);
  wfb::read_reception(bytes);
  wfb::read_link_report(bytes);
  static wfb::MavlinkFrames frames;
  frames.feed(bytes, [](Bytes frame) {
    TWINBED_CHECK(wfb::read_mavlink_frame(frame), "a whole frame cannot be read");
    TWINBED_CHECK(frame.size() <= wfb::MavlinkFrames::kMostBytes, "a frame is too long");
  });

  // Triples of block, fragment and length; every second input with a timeout, and time that passes.
  Fragments fragments;
  const Duration timeout = size % 2 == 0 ? Duration{} : Duration{100};
  wfb::Ring ring({4, 6}, fragments, timeout);
  Time now{};
  for (std::size_t i = 0; i + 3 <= size; i += 3) {
    const std::uint64_t block = data[i] < 250 ? data[i] : std::uint64_t{data[i]} << 40;
    ring.add({block, static_cast<std::uint8_t>(data[i + 1] % 6)},
             bytes.first(std::min<std::size_t>(data[i + 2], size)), now);
    now += Duration{data[i + 2]};
    if (ring.wake_at() <= now) ring.expire(now);
    TWINBED_CHECK(ring.wake_at() > now, "a hole that is due was not given up");
  }
  return 0;
}
