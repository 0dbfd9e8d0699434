#include "sim/network/packet_bytes.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/wire/ipv4.h"
#include "core/wire/writer.h"

namespace twinbed::sim {
namespace {

constexpr std::uint32_t kUdpHeaderBytes = 8;
constexpr std::uint8_t kVersionAndLength = 0x45;  // IPv4, header of 5 words
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint8_t kTcpLength = 0x50;  // 5 words

std::uint32_t initial_sequence(ConnectionRef ref) {
  return static_cast<std::uint32_t>(hash_combine(ref.index, ref.generation));
}

/// The number on the wire of a byte that the model counts from 0.
std::uint32_t on_the_wire(ConnectionRef counting, std::uint64_t number) {
  return initial_sequence(counting) + 1 + static_cast<std::uint32_t>(number);
}

std::uint8_t flags_of(const TcpHeader& header, bool ack) {
  return static_cast<std::uint8_t>(header.fin | header.syn << 1 | header.rst << 2 | ack << 4);
}

}  // namespace

PacketBytes::ResetKey PacketBytes::reset_key(const Packet& packet) {
  return {key_of(packet.tcp.from), key_of(packet.tcp.to), to_ns(packet.sent_at)};
}

PacketBytes::Numbers PacketBytes::numbers_of(const Packet& packet) const {
  const TcpHeader& header = packet.tcp;
  Numbers numbers;
  numbers.ack = header.ack;
  numbers.span = packet.length + (header.syn ? 1 : 0) + (header.fin ? 1 : 0);
  numbers.sequence = header.syn ? initial_sequence(header.from)
                                : on_the_wire(header.from, header.sequence);
  if (header.probe) --numbers.sequence;
  if (header.ack) numbers.acknowledged = on_the_wire(header.to, header.acknowledged);
  return numbers;
}

PacketBytes::Numbers PacketBytes::reset_numbers(const Packet& packet) const {
  Numbers numbers;
  if (packet.tcp.from.index != ConnectionRef::kNone) {
    numbers = numbers_of(packet);
    const auto next = next_.find(key_of(packet.tcp.from));
    if (next != next_.end()) numbers.sequence = next->second;
    return numbers;
  }
  // It answers the segment that has just come, in the same instant.
  if (last_received_.ack) {
    numbers.sequence = last_received_.acknowledged;
  } else {
    numbers.ack = true;
    numbers.acknowledged = last_received_.sequence + last_received_.span;
  }
  return numbers;
}

Bytes PacketBytes::sent(const Packet& packet, Bytes payload) {
  if (packet.transport == Transport::kUdp) return write(packet, payload, {});
  if (packet.tcp.rst) {
    const Numbers numbers = reset_numbers(packet);
    resets_[reset_key(packet)] = numbers;
    return write(packet, payload, numbers);
  }
  const Numbers numbers = numbers_of(packet);
  const std::uint32_t after = numbers.sequence + numbers.span;
  const auto [next, added] = next_.try_emplace(key_of(packet.tcp.from), after);
  // Later is what is less than half of the numbers ahead (RFC 1982).
  if (!added && after - next->second < 0x8000'0000U) next->second = after;
  return write(packet, payload, numbers);
}

Bytes PacketBytes::received(const Packet& packet, Bytes payload) {
  if (packet.transport == Transport::kUdp) return write(packet, payload, {});
  Numbers numbers = numbers_of(packet);
  if (packet.tcp.rst) {
    const auto sent = resets_.find(reset_key(packet));
    if (sent != resets_.end()) numbers = sent->second;
  }
  last_received_ = numbers;
  return write(packet, payload, numbers);
}

Bytes PacketBytes::write(const Packet& packet, Bytes payload, const Numbers& numbers) {
  const bool udp = packet.transport == Transport::kUdp;
  bytes_.clear();
  Writer writer(bytes_);
  writer.u8(kVersionAndLength);
  writer.u8(0);
  writer.u16be(static_cast<std::uint16_t>(packet.wire_bytes()));
  writer.u16be(0);
  writer.u16be(kDontFragment);
  writer.u8(packet.hops_left);
  writer.u8(udp ? kProtocolUdp : kProtocolTcp);
  writer.u16be(0);
  writer.u32be(packet.from.address.value);
  writer.u32be(packet.to.address.value);
  writer.u16be(packet.from.port);
  writer.u16be(packet.to.port);
  std::size_t checksum_at = 0;
  if (udp) {
    writer.u16be(static_cast<std::uint16_t>(packet.length + kUdpHeaderBytes));
    checksum_at = writer.size();
    writer.u16be(0);
  } else {
    writer.u32be(numbers.sequence);
    writer.u32be(numbers.acknowledged);
    writer.u8(kTcpLength);
    writer.u8(flags_of(packet.tcp, numbers.ack));
    writer.u16be(static_cast<std::uint16_t>(std::min(packet.tcp.window, 0xffffU)));
    checksum_at = writer.size();
    writer.u32be(0);
  }
  writer.bytes(payload);
  write_checksums(bytes_);
  if (packet.corrupted) bytes_[checksum_at + 1] ^= std::byte{1};
  return bytes_;
}

}  // namespace twinbed::sim
