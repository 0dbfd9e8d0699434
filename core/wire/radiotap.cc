#include "core/wire/radiotap.h"

#include <algorithm>
#include <array>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed {
namespace {

// Numbers of the fields that mean something here.
constexpr int kFlags = 1;
constexpr int kChannel = 3;
constexpr int kSignal = 5;
constexpr int kNoise = 6;
constexpr int kAntenna = 11;
constexpr int kTxFlags = 15;
constexpr int kMcs = 19;
constexpr int kVht = 21;
constexpr int kRadiotapNext = 29;  // the next word's bits count from 0
constexpr int kVendorNext = 30;    // the next word's bits are a vendor's
constexpr int kMoreWords = 31;

struct Layout {
  std::uint8_t alignment = 0;  // 0: not known
  std::uint8_t bytes = 0;
};

// By number: https://www.radiotap.org/fields/defined.
constexpr std::array<Layout, 28> kLayouts{{
    {8, 8}, {1, 1}, {1, 1}, {2, 4},   // TSFT, flags, rate, channel
    {2, 2}, {1, 1}, {1, 1}, {2, 2},   // FHSS, dBm signal, dBm noise, lock quality
    {2, 2}, {2, 2}, {1, 1}, {1, 1},   // attenuation, dB attenuation, dBm power, antenna
    {1, 1}, {1, 1}, {2, 2}, {2, 2},   // dB signal, dB noise, RX flags, TX flags
    {1, 1}, {1, 1}, {4, 8}, {1, 3},   // RTS retries, data retries, XChannel, MCS
    {4, 8}, {2, 12}, {8, 12}, {2, 12},  // A-MPDU, VHT, timestamp, HE
    {2, 12}, {2, 6}, {1, 1}, {2, 4},  // HE-MU, HE-MU other user, 0-length PSDU, L-SIG
}};

constexpr std::uint8_t kFlagCheckSequence = 0x10;
constexpr std::uint8_t kFlagBadCheckSequence = 0x40;
constexpr std::size_t kCheckSequenceBytes = 4;
constexpr std::uint16_t kNoAcknowledgement = 0x0008;

std::uint32_t bit(int number) { return std::uint32_t{1} << number; }

/// Goes from field to field of a header.
class Fields {
 public:
  explicit Fields(Bytes packet) {
    Reader reader(packet);
    const std::uint8_t version = reader.u8();
    reader.skip(1);
    const std::uint16_t length = reader.u16le();
    if (!reader.ok() || version != 0 || length > packet.size()) return;
    header_ = packet.first(length);
    at_ = 4;
    do {
      Reader word(rest());
      at_ += 4;
      present_ = word.u32le();
      if (!word.ok()) return;
    } while ((present_ & bit(kMoreWords)) != 0);
    ok_ = true;
    word_at_ = 4;
    load_word();
  }

  /// False where the header is malformed, as far as it was read.
  bool ok() const { return ok_; }
  std::size_t header_bytes() const { return header_.size(); }

  /// Moves to the next field; false at the end.
  bool next() {
    while (ok_) {
      if (position_ == kRadiotapNext) {
        if (!next_word()) return false;
        continue;
      }
      number_ = position_++;
      if ((present_ & bit(number_)) == 0 || is_vendors_) continue;
      if (number_ >= static_cast<int>(kLayouts.size()) || continues_) return false;
      const Layout layout = kLayouts[static_cast<std::size_t>(number_)];
      data_ = take(layout.alignment, layout.bytes);
      return ok_;
    }
    return false;
  }
  int number() const { return number_; }
  Bytes data() const { return data_; }

 private:
  Bytes rest() const { return header_.subspan(std::min(at_, header_.size())); }

  void load_word() {
    present_ = Reader(header_.subspan(word_at_)).u32le();
    position_ = 0;
  }

  /// Goes on to the next word of bits, over what a vendor has in between.
  bool next_word() {
    if ((present_ & bit(kMoreWords)) == 0) return false;
    continues_ = (present_ & (bit(kRadiotapNext) | bit(kVendorNext))) == 0;
    if (!continues_) is_vendors_ = (present_ & bit(kVendorNext)) != 0;
    if (!continues_ && is_vendors_) {
      // The vendor's identifier, its sub-namespace, and how many bytes to skip.
      Reader vendor(take(2, 6));
      vendor.skip(4);
      take(1, vendor.u16le());
    }
    word_at_ += 4;
    load_word();
    return ok_;
  }

  Bytes take(std::size_t alignment, std::size_t bytes) {
    at_ = (at_ + alignment - 1) / alignment * alignment;
    ok_ = ok_ && at_ <= header_.size() && bytes <= header_.size() - at_;
    if (!ok_) return {};
    at_ += bytes;
    return header_.subspan(at_ - bytes, bytes);
  }

  Bytes header_;
  std::size_t at_ = 0;
  std::size_t word_at_ = 0;
  std::uint32_t present_ = 0;
  int position_ = 0;  // of the next bit of the word
  int number_ = 0;
  bool is_vendors_ = false;
  bool continues_ = false;  // bits from 32 on, none of which is known
  bool ok_ = false;
  Bytes data_;
};

std::uint8_t bandwidth_code(Bandwidth bandwidth) {
  switch (bandwidth) {
    case Bandwidth::k20Mhz: return 0;
    case Bandwidth::k40Mhz: return 1;
    case Bandwidth::k80Mhz: return 4;
    case Bandwidth::k160Mhz: return 11;
  }
  return 0;
}

/// Codes beside those above are halves and quarters of a wider channel.
Bandwidth bandwidth_of(std::uint8_t code) {
  if (code >= 11 && code <= 25) return Bandwidth::k160Mhz;
  if (code >= 4 && code <= 10) return Bandwidth::k80Mhz;
  return code >= 1 && code <= 3 ? Bandwidth::k40Mhz : Bandwidth::k20Mhz;
}

// MCS: what is known, flags, index.
constexpr std::uint8_t kMcsAllKnown = 0x37;  // bandwidth, index, guard interval, FEC, STBC
/// A receiver also knows the format, which is mixed, and that there are no extension streams.
constexpr std::uint8_t kMcsHeard = kMcsAllKnown | 0x08 | 0x40;

void write_mcs(const TxParams& params, std::uint8_t known, Writer& writer) {
  writer.u8(known);
  writer.u8(static_cast<std::uint8_t>(bandwidth_code(params.bandwidth) |
                                      (params.short_guard_interval ? 0x04 : 0) |
                                      (params.ldpc ? 0x10 : 0) | params.stbc_streams << 5));
  writer.u8(params.mcs);
}

void read_mcs(Bytes field, TxParams& params) {
  Reader reader(field);
  const std::uint8_t known = reader.u8();
  const std::uint8_t flags = reader.u8();
  const std::uint8_t index = reader.u8();
  params.modulation = Modulation::kHt;
  if ((known & 0x02) != 0) params.mcs = index & 0x7f;
  params.bandwidth = (known & 0x01) != 0 && (flags & 0x03) == 1 ? Bandwidth::k40Mhz
                                                                : Bandwidth::k20Mhz;
  params.short_guard_interval = (known & 0x04) != 0 && (flags & 0x04) != 0;
  params.ldpc = (known & 0x10) != 0 && (flags & 0x10) != 0;
  params.stbc_streams = (known & 0x20) != 0 ? flags >> 5 & 0x03 : 0;
  params.spatial_streams = static_cast<std::uint8_t>(params.mcs / 8 + 1);
}

// VHT: what is known, flags, bandwidth, four users' MCS and streams, coding, group, partial AID.
constexpr std::uint16_t kVhtKnown = 0x0045;  // STBC, guard interval, bandwidth

void write_vht(const TxParams& params, Writer& writer) {
  writer.u16le(kVhtKnown);
  writer.u8((params.stbc_streams > 0 ? 0x01 : 0) | (params.short_guard_interval ? 0x04 : 0));
  writer.u8(bandwidth_code(params.bandwidth));
  writer.u8(static_cast<std::uint8_t>(params.mcs << 4 | params.spatial_streams));
  writer.zeros(3);
  writer.u8(params.ldpc ? 1 : 0);
  writer.zeros(3);
}

void read_vht(Bytes field, TxParams& params) {
  Reader reader(field);
  reader.skip(2);  // WFB-NG takes all fields for known, and so do we
  const std::uint8_t flags = reader.u8();
  const std::uint8_t bandwidth = reader.u8() & 0x1f;
  const std::uint8_t user = reader.u8();
  reader.skip(3);
  const std::uint8_t coding = reader.u8();
  params.modulation = Modulation::kVht;
  params.stbc_streams = flags & 0x01;
  params.short_guard_interval = (flags & 0x04) != 0;
  params.bandwidth = bandwidth_of(bandwidth);
  params.mcs = user >> 4;
  params.spatial_streams = user & 0x0f;
  params.ldpc = (coding & 0x01) != 0;
}

/// Begins a header with these words of bits; its length is filled in by end_header.
std::size_t begin_header(std::initializer_list<std::uint32_t> words, Writer& writer) {
  const std::size_t start = writer.size();
  writer.u16le(0);
  writer.u16le(0);
  for (const std::uint32_t word : words) writer.u32le(word);
  return start;
}

void end_header(std::size_t start, Buffer& out) {
  const std::size_t length = out.size() - start;
  out[start + 2] = static_cast<std::byte>(length & 0xff);
  out[start + 3] = static_cast<std::byte>(length >> 8);
}

/// The frequency, and what it says of the modulation and the band.
void write_channel(ChannelMhz channel, Writer& writer) {
  constexpr std::uint16_t kOfdm = 0x0040;
  constexpr std::uint16_t k2Ghz = 0x0080;
  constexpr std::uint16_t k5Ghz = 0x0100;
  const auto mhz = static_cast<std::uint16_t>(channel);
  writer.u16le(mhz);
  writer.u16le(kOfdm | (mhz < 3000 ? k2Ghz : k5Ghz));
}

/// The rate of a frame that was heard, or sent, as MCS or VHT.
void write_rate(const TxParams& rate, Writer& writer) {
  if (rate.modulation == Modulation::kHt) {
    write_mcs(rate, kMcsHeard, writer);
  } else {
    write_vht(rate, writer);
  }
}

/// Where the readings of an antenna go that may be one too many.
AntennaReading& slot_of(RxFrame& frame) {
  return frame.readings[std::min<std::size_t>(frame.antenna_count, kMaxAntennas - 1)];
}

void read_field(const Fields& fields, RadiotapRx& packet, std::uint8_t& flags) {
  Reader reader(fields.data());
  RxFrame& frame = packet.frame;
  switch (fields.number()) {
    case kFlags: flags = reader.u8(); break;
    case kChannel: frame.channel = ChannelMhz{reader.u16le()}; break;
    case kSignal: slot_of(frame).signal_dbm = static_cast<std::int8_t>(reader.u8()); break;
    case kNoise: slot_of(frame).noise_dbm = static_cast<std::int8_t>(reader.u8()); break;
    case kAntenna:
      slot_of(frame).antenna = reader.u8();
      ++frame.antenna_count;
      break;
    case kTxFlags: packet.is_injected = true; break;
    case kMcs: read_mcs(fields.data(), frame.rate); break;
    case kVht: read_vht(fields.data(), frame.rate); break;
    default: break;
  }
}

}  // namespace

std::string_view mistake_in(const TxParams& params) {
  if (params.stbc_streams > 3) return "there are at most 3 STBC streams";
  if (params.modulation == Modulation::kHt) {
    if (params.bandwidth > Bandwidth::k40Mhz) return "HT is at most 40 MHz wide; use VHT";
    return params.mcs > 127 ? "an MCS of HT is at most 127" : "";
  }
  if (params.mcs > 15) return "an MCS of VHT is at most 15";
  return params.spatial_streams > 15 ? "VHT has at most 15 spatial streams" : "";
}

void write_radiotap_tx(const TxParams& params, Buffer& out) {
  const bool is_ht = params.modulation == Modulation::kHt;
  Writer writer(out);
  const std::size_t start = begin_header({bit(kTxFlags) | bit(is_ht ? kMcs : kVht)}, writer);
  writer.u16le(kNoAcknowledgement);
  if (is_ht) {
    write_mcs(params, kMcsAllKnown, writer);
  } else {
    write_vht(params, writer);
  }
  end_header(start, out);
}

std::optional<RadiotapTx> read_radiotap_tx(Bytes packet) {
  RadiotapTx result;
  bool is_found = false;
  Fields fields(packet);
  while (fields.next()) {
    if (fields.number() == kMcs) read_mcs(fields.data(), result.params);
    if (fields.number() == kVht) read_vht(fields.data(), result.params);
    is_found = is_found || fields.number() == kMcs || fields.number() == kVht;
  }
  if (!fields.ok() || !is_found) return std::nullopt;
  result.header_bytes = fields.header_bytes();
  return result;
}

std::optional<RadiotapRx> read_radiotap_rx(Bytes packet) {
  RadiotapRx result;
  RxFrame& frame = result.frame;
  frame.readings.fill(kUnknownReading);
  frame.rate = TxParams{};
  frame.rate.mcs = 0;
  std::uint8_t flags = 0;
  Fields fields(packet);
  while (frame.antenna_count < kMaxAntennas && fields.next()) read_field(fields, result, flags);
  if (!fields.ok()) return std::nullopt;
  frame.frame = packet.subspan(fields.header_bytes());
  frame.bad_fcs = (flags & kFlagBadCheckSequence) != 0;
  if ((flags & kFlagCheckSequence) != 0) {
    if (frame.frame.size() < kCheckSequenceBytes) return std::nullopt;
    frame.frame = frame.frame.first(frame.frame.size() - kCheckSequenceBytes);
  }
  return result;
}

void write_radiotap_sent(const TxParams& params, ChannelMhz channel, Buffer& out) {
  const bool is_ht = params.modulation == Modulation::kHt;
  Writer writer(out);
  const std::size_t start =
      begin_header({bit(kChannel) | bit(kTxFlags) | bit(is_ht ? kMcs : kVht)}, writer);
  write_channel(channel, writer);
  writer.u16le(kNoAcknowledgement);
  write_rate(params, writer);
  end_header(start, out);
}

void write_radiotap_rx(const RxFrame& frame, Buffer& out) {
  const bool is_ht = frame.rate.modulation == Modulation::kHt;
  const std::size_t antennas = std::min<std::size_t>(frame.antenna_count, kMaxAntennas);
  const auto links = [&](std::size_t words_left) {
    return words_left > 0 ? bit(kRadiotapNext) | bit(kMoreWords) : 0;
  };
  Writer writer(out);
  const std::size_t start = begin_header(
      {bit(kFlags) | bit(kChannel) | bit(is_ht ? kMcs : kVht) | links(antennas)}, writer);
  for (std::size_t i = 0; i < antennas; ++i) {
    writer.u32le(bit(kSignal) | bit(kNoise) | bit(kAntenna) | links(antennas - 1 - i));
  }
  writer.u8(frame.bad_fcs ? kFlagBadCheckSequence : 0);
  writer.zeros(1);  // the channel lies at an even offset
  write_channel(frame.channel, writer);
  write_rate(frame.rate, writer);
  for (std::size_t i = 0; i < antennas; ++i) {
    writer.u8(static_cast<std::uint8_t>(frame.readings[i].signal_dbm));
    writer.u8(static_cast<std::uint8_t>(frame.readings[i].noise_dbm));
    writer.u8(frame.readings[i].antenna);
  }
  end_header(start, out);
}

}  // namespace twinbed
