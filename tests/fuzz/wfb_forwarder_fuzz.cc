// Fuzzes what an aggregator takes from the nodes of a cluster, or from whoever sends to its port:
// datagrams of a real session in any order, damaged or not, among others that are made up. What is
// delivered was sent, in its order, and once; figures add up.
//
// An input is a list of steps: a byte that chooses, then what the step needs.
//   0..159    the datagram of this number, whole
//   160..223  the same with one byte changed: where, how
//   224..239  a batch of duplicates that names what was sent: how many records
//   else      the bytes up to the next step: their number, bytes
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/check.h"
#include "core/base/random_stream.h"
#include "core/protocols/wfb/aggregator.h"
#include "core/protocols/wfb/encoder.h"
#include "core/protocols/wfb/forwarder.h"

namespace {

using namespace twinbed;

const wfb::ChannelId kChannel = wfb::ChannelId::of(7669206, 0);
constexpr int kPayloads = 96;

/// A stream as two cards of a node heard it: the datagrams of its forwarder.
class Sent final : wfb::EncoderOwner, wfb::ForwarderOwner {
 public:
  Sent() {
    RandomStream random(1, "fuzz");
    const wfb::LinkKeys keys = wfb::make_link_keys(random);
    receiver_keys = keys.ground;
    wfb::Encoder encoder({keys.drone, kChannel, 0, {4, 6}}, random, *this);
    for (std::uint8_t i = 0; i < kPayloads; ++i) {
      // A payload is its own number, as often as makes lengths differ.
      const Buffer payload(1 + i % 7, std::byte{i});
      encoder.send(now_, payload, random);
      now_ += std::chrono::milliseconds(1);
    }
    forwarder_.send_batch();
  }

  wfb::KeyFile receiver_keys;
  std::vector<Buffer> datagrams;

 private:
  void on_packet(wfb::PacketKind, Bytes packet) override {
    Buffer frame;
    write_mac_header(wfb::frame_header(kChannel, wfb::FrameType::kData, number_++), frame);
    frame.insert(frame.end(), packet.begin(), packet.end());
    RxFrame heard{};
    heard.frame = frame;
    heard.antenna_count = 1;
    heard.readings[0] = {0, -50, -90};
    forwarder_.receive(now_, 0, heard);
    forwarder_.receive(now_, 1, heard);
  }
  void on_datagram(Bytes datagram) override {
    datagrams.emplace_back(datagram.begin(), datagram.end());
  }

  wfb::Forwarder forwarder_{kChannel, *this};
  std::uint16_t number_ = 0;
  Time now_{};
};

struct Received final : wfb::DecoderOwner {
  void on_payload(Bytes payload) override {
    TWINBED_CHECK(!payload.empty(), "an empty payload, which nobody sent");
    const int number = std::to_integer<int>(payload.front());
    TWINBED_CHECK(number > last, "a payload twice, or out of order");
    TWINBED_CHECK(payload.size() == 1u + static_cast<unsigned>(number) % 7, "another length");
    for (const std::byte byte : payload) {
      TWINBED_CHECK(byte == payload.front(), "a payload that nobody sent");
    }
    last = number;
  }
  void on_session(const wfb::Session&) override { ++sessions; }
  int last = -1;
  int sessions = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Sent sent;
  Received received;
  wfb::Aggregator aggregator({sent.receiver_keys, kChannel, 0}, received);
  std::size_t at = 0;
  const auto next = [&]() -> std::size_t { return at < size ? data[at++] : 0; };
  while (at < size) {
    const std::size_t step = next();
    Buffer datagram = sent.datagrams[step % sent.datagrams.size()];
    if (step >= 240) {
      const std::size_t length = std::min(next(), size - at);
      const auto* bytes = reinterpret_cast<const std::byte*>(data + at);
      datagram.assign(bytes, bytes + length);
      at += length;
    } else if (step >= 224) {
      datagram = sent.datagrams.back();
      datagram.resize(std::min(datagram.size(), wfb::Reception::kBytes + 1 + 25 * next()));
    } else if (step >= 160) {
      const std::size_t place = next() % datagram.size();
      datagram[place] ^= static_cast<std::byte>(next());
    }
    aggregator.receive_datagram(0x0a4d000b, datagram);
    if (step % 16 == 15) aggregator.forget_old();
  }
  TWINBED_CHECK(received.sessions <= 1, "a session that nobody announced");
  const wfb::ReceiverCounters counters = aggregator.counters();
  TWINBED_CHECK(counters.uniq <= counters.data && counters.data <= counters.all,
                "figures do not add up");
  return 0;
}
