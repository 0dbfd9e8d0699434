#include "core/protocols/wfb/packet.h"

#include <algorithm>

#include "core/crypto/hash.h"
#include "core/crypto/sha1.h"
#include "core/wire/radiotap.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

/// "WB" and the channel's number, the address of all who hear it.
MacAddress address_of(ChannelId channel) {
  MacAddress address{std::byte{'W'}, std::byte{'B'}};
  for (std::size_t i = 0; i < 4; ++i) {
    address[2 + i] = static_cast<std::byte>(channel.value >> (24 - 8 * i));
  }
  return address;
}

}  // namespace

std::uint32_t link_id_of(std::string_view link_domain) {
  const auto digest = sha1(as_bytes(link_domain));
  return Reader(digest).u32be() >> 8;
}

MacHeader frame_header(ChannelId channel, FrameType type, std::uint16_t frame_number) {
  MacHeader header;
  header.frame_control = static_cast<std::uint16_t>(0x0100 | static_cast<std::uint8_t>(type));
  header.receiver.fill(std::byte{0xff});
  header.transmitter = header.third = address_of(channel);
  header.sequence_control = static_cast<std::uint16_t>(frame_number << 4);
  return header;
}

std::optional<Bytes> packet_in_frame(Bytes frame, ChannelId channel) {
  const std::optional<MacHeader> header = read_mac_header(frame);
  if (!header || header->transmitter != address_of(channel)) return std::nullopt;
  return frame.subspan(MacHeader::kBytes);
}

SenderMark mark_of(const PublicKey& sender) {
  const Digest digest = blake2b(sender);
  SenderMark mark;
  std::copy_n(digest.begin(), mark.size(), mark.begin());
  return mark;
}

void write_session(const Session& session, Buffer& out) {
  Writer writer(out);
  writer.u64be(session.epoch);
  writer.u32be(session.channel.value);
  writer.u8(session.fec_type);
  writer.u8(session.fec.k);
  writer.u8(session.fec.n);
  writer.bytes(session.key.bytes());
  if (!session.sender) return;
  writer.u8(kSenderTag);
  writer.u16be(static_cast<std::uint16_t>(session.sender->size()));
  writer.bytes(*session.sender);
}

std::optional<Session> read_session(Bytes bytes) {
  Reader reader(bytes);
  Session session;
  session.epoch = reader.u64be();
  session.channel.value = reader.u32be();
  session.fec_type = reader.u8();
  session.fec.k = reader.u8();
  session.fec.n = reader.u8();
  const Bytes key = reader.bytes(SecretKey::kBytes);
  if (!reader.ok()) return std::nullopt;
  std::copy(key.begin(), key.end(), session.key.writable().begin());
  while (reader.remaining() > 0) {
    const std::uint8_t tag = reader.u8();
    const Bytes value = reader.bytes(reader.u16be());
    if (tag != kSenderTag || value.size() != sizeof(SenderMark)) continue;
    std::ranges::copy(value, session.sender.emplace().begin());
  }
  return session;
}

std::array<std::byte, kDataHeaderBytes> data_header(FragmentId id) {
  std::array<std::byte, kDataHeaderBytes> header;
  header[0] = static_cast<std::byte>(PacketType::kData);
  const std::uint64_t nonce = id.block << 8 | id.fragment;
  for (std::size_t i = 0; i < 8; ++i) header[1 + i] = static_cast<std::byte>(nonce >> (56 - 8 * i));
  return header;
}

FragmentId fragment_of(std::span<const std::byte, 8> nonce) {
  const std::uint64_t number = Reader(nonce).u64be();
  return {number >> 8, static_cast<std::uint8_t>(number)};
}

Reception reception_of_nobody() {
  Reception reception;
  reception.wlan = kNoWlan;
  reception.readings.fill(kUnknownReading);
  reception.bandwidth_mhz = 0;
  return reception;
}

Reception reception_of(const RxFrame& frame, std::uint8_t wlan) {
  return {wlan, frame.readings, static_cast<std::uint16_t>(frame.channel), frame.rate.mcs,
          mhz_of(frame.rate.bandwidth)};
}

void write_reception(const Reception& reception, Buffer& out) {
  Writer writer(out);
  writer.u8(reception.wlan);
  for (const AntennaReading& one : reception.readings) writer.u8(one.antenna);
  for (const AntennaReading& one : reception.readings) {
    writer.u8(static_cast<std::uint8_t>(one.signal_dbm));
  }
  for (const AntennaReading& one : reception.readings) {
    writer.u8(static_cast<std::uint8_t>(one.noise_dbm));
  }
  writer.u16be(reception.mhz);
  writer.u8(reception.mcs);
  writer.u8(reception.bandwidth_mhz);
}

std::optional<Reception> read_reception(Bytes bytes) {
  Reader reader(bytes);
  Reception reception;
  reception.wlan = reader.u8();
  for (AntennaReading& one : reception.readings) one.antenna = reader.u8();
  for (AntennaReading& one : reception.readings) {
    one.signal_dbm = static_cast<std::int8_t>(reader.u8());
  }
  for (AntennaReading& one : reception.readings) {
    one.noise_dbm = static_cast<std::int8_t>(reader.u8());
  }
  reception.mhz = reader.u16be();
  reception.mcs = reader.u8();
  reception.bandwidth_mhz = reader.u8();
  if (!reader.ok()) return std::nullopt;
  return reception;
}

std::uint8_t mhz_of(Bandwidth bandwidth) {
  switch (bandwidth) {
    case Bandwidth::k20Mhz: return 20;
    case Bandwidth::k40Mhz: return 40;
    case Bandwidth::k80Mhz: return 80;
    case Bandwidth::k160Mhz: return 160;
  }
  return 20;
}

}  // namespace twinbed::wfb
