// The wire format of WFB-NG: what its frames, packets and datagrams look like.
//
//   on the air    802.11 header (24) | packet
//   forwarder to aggregator, UDP      reception (17) | packet
//   distributor to injector, UDP      fwmark (4) | radiotap (13 or 22) | 802.11 header | packet
//
//   packet        first byte
//   data          1      nonce (8) | sealed fragment | tag (16)
//   session       2      nonce (24) | tag (16) | sealed session
//   duplicates    3      records of 25 bytes: hash (8) | reception (17); in UDP alone
//   digest        4      up to 32 bytes; in UDP alone, and not of the original
//
// All numbers are big-endian but those of 802.11 and radiotap. Source: svpcom/wfb-ng at commit
// 0a1be20 (26.8.20), described anew from what its programs do; its tests are in tests/core.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/crypto/key_exchange.h"
#include "core/io/radio.h"
#include "core/wire/ieee80211.h"

namespace twinbed::wfb {

inline constexpr std::size_t kMaxFrameBytes = 4045;  ///< with the 802.11 header, without radiotap
inline constexpr std::size_t kMaxPacketBytes = kMaxFrameBytes - MacHeader::kBytes;
inline constexpr std::size_t kDataHeaderBytes = 9;   ///< type and nonce
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kFragmentHeaderBytes = 3;
/// A fragment: its header and the payload, before it is sealed.
inline constexpr std::size_t kMaxFragmentBytes = kMaxPacketBytes - kDataHeaderBytes - kTagBytes;
inline constexpr std::size_t kMaxPayloadBytes = kMaxFragmentBytes - kFragmentHeaderBytes;

enum class PacketType : std::uint8_t { kData = 1, kSession = 2, kDuplicates = 3, kDigest = 4 };

// Addresses.

/// A link's number of 24 bits and a port of 8 bits of it: who hears whom.
struct ChannelId {
  std::uint32_t value = 0;

  static ChannelId of(std::uint32_t link_id, std::uint8_t port) {
    return {(link_id & 0xffffff) << 8 | port};
  }
  bool operator==(const ChannelId&) const = default;
};

/// The number of a link by its name: the first 24 bits of its SHA-1.
std::uint32_t link_id_of(std::string_view link_domain);

enum class FrameType : std::uint8_t { kData = 0x08, kRts = 0xb4 };

/// The 802.11 header of the frame with this number; only its lower 12 bits are sent.
MacHeader frame_header(ChannelId channel, FrameType type, std::uint16_t frame_number);
/// The packet in a frame of this channel, of whatever type; nothing: the frame is another's.
std::optional<Bytes> packet_in_frame(Bytes frame, ChannelId channel);

// Session.

struct FecParams {
  std::uint8_t k = 8;
  std::uint8_t n = 12;

  bool is_sound() const { return 1 <= k && k <= n; }
  bool operator==(const FecParams&) const = default;
};

inline constexpr std::size_t kSessionNonceBytes = 24;
/// A session packet without tags.
inline constexpr std::size_t kMinSessionBytes = 88;
inline constexpr std::uint8_t kFecReedSolomon = 1;

/// Who made a session: the beginning of the BLAKE2b-256 of the public key. A box opens under the
/// keys of either side, so that a side that is sent its own sessions back takes them for the
/// peer's.
using SenderMark = std::array<std::byte, 8>;
SenderMark mark_of(const PublicKey& sender);
/// The tag that holds it. The original passes over tags that it does not know, and sends none.
inline constexpr std::uint8_t kSenderTag = 0xd0;

/// What a session packet tells, once it is open.
struct Session {
  std::uint64_t epoch = 0;
  ChannelId channel;
  std::uint8_t fec_type = kFecReedSolomon;
  FecParams fec;
  SecretKey key;
  std::optional<SenderMark> sender{};  ///< policy robust alone
};

void write_session(const Session& session, Buffer& out);
/// Tags after the session are passed over, but for the sender's mark; nothing where the bytes are
/// too few.
std::optional<Session> read_session(Bytes bytes);

// Data.

/// The place of a fragment in its stream.
struct FragmentId {
  std::uint64_t block = 0;  ///< 56 bits
  std::uint8_t fragment = 0;
};
/// A session ends before its blocks' numbers do.
inline constexpr std::uint64_t kLastBlock = (std::uint64_t{1} << 55) - 1;

/// Type and nonce of a data packet; the nonce's eight bytes are the last ones.
std::array<std::byte, kDataHeaderBytes> data_header(FragmentId id);
FragmentId fragment_of(std::span<const std::byte, 8> nonce);

/// A fragment's flag: it fills its block and holds nothing.
inline constexpr std::uint8_t kFillerFlag = 0x01;

// Reception.

/// What a forwarder says of how a card received a packet. Fields that are not known: antenna 0xff,
/// signal -128, noise 127.
/// The number of no card.
inline constexpr std::uint8_t kNoWlan = 0xff;

struct Reception {
  static constexpr std::size_t kBytes = 17;

  std::uint8_t wlan = 0;
  std::array<AntennaReading, kMaxAntennas> readings{};
  std::uint16_t mhz = 0;
  std::uint8_t mcs = 0;
  std::uint8_t bandwidth_mhz = 20;
};

/// The header of what is of no card: batches of duplicates, and digests.
Reception reception_of_nobody();
/// How this card received the frame.
Reception reception_of(const RxFrame& frame, std::uint8_t wlan);
void write_reception(const Reception& reception, Buffer& out);
/// Nothing where the bytes are too few.
std::optional<Reception> read_reception(Bytes bytes);

/// 20, 40, 80 or 160.
std::uint8_t mhz_of(Bandwidth bandwidth);

}  // namespace twinbed::wfb
