#include "backends/pcap/radio_capture_file.h"

#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "core/wire/writer.h"

namespace twinbed::backends {
namespace {

// Types of blocks, and options within them.
constexpr std::uint32_t kSectionHeader = 0x0a0d'0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kUserApplication = 4;  // of a section
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;

constexpr std::uint16_t kRadiotap = 127;  // LINKTYPE_IEEE802_11_RADIOTAP
constexpr std::uint32_t kByteOrder = 0x1a2b'3c4d;
constexpr std::uint32_t kSnapBytes = 262'144;  // more than any packet: none is cut
constexpr char kNanoseconds = 9;               // negative power of ten
constexpr std::size_t kBlockOverhead = 12;     // its type, and its length at both ends

/// Fields are multiples of four bytes.
void pad(Writer& writer) { writer.zeros((4 - writer.size() % 4) % 4); }

void write_option(Writer& writer, std::uint16_t code, std::string_view value) {
  writer.u16le(code);
  writer.u16le(static_cast<std::uint16_t>(value.size()));
  writer.text(value);
  pad(writer);
}

void end_options(Writer& writer) {
  writer.u16le(kEndOfOptions);
  writer.u16le(0);
}

}  // namespace

void RadioCaptureFile::Closer::operator()(std::FILE* file) const {
  if (file == stdout) {
    std::fflush(file);
  } else {
    std::fclose(file);
  }
}

RadioCaptureFile::RadioCaptureFile(std::string path,
                                   std::unique_ptr<std::FILE, Closer> file)
    : path_(std::move(path)), file_(std::move(file)) {
  Buffer body;
  Writer writer(body);
  writer.u32le(kByteOrder);
  writer.u16le(1);  // version 1.0
  writer.u16le(0);
  writer.u64le(~std::uint64_t{0});  // the section's length is not given
  write_option(writer, kUserApplication, "twinbed");
  end_options(writer);
  write_block(kSectionHeader, body);
}

Result<RadioCaptureFile> RadioCaptureFile::create(const std::string& path) {
  std::unique_ptr<std::FILE, Closer> file(path == "-" ? stdout : std::fopen(path.c_str(), "wb"));
  if (!file) {
    return Error{"the capture file cannot be written (" + path + ": " + std::strerror(errno) +
                 "), check the path"};
  }
  return RadioCaptureFile(path, std::move(file));
}

std::uint32_t RadioCaptureFile::add_card(std::string_view name) {
  Buffer body;
  Writer writer(body);
  writer.u16le(kRadiotap);
  writer.u16le(0);
  writer.u32le(kSnapBytes);
  write_option(writer, kInterfaceName, name);
  write_option(writer, kTimeResolution, std::string_view(&kNanoseconds, 1));
  end_options(writer);
  write_block(kInterfaceDescription, body);
  return cards_++;
}

void RadioCaptureFile::write(std::uint32_t card, Time at, FrameDirection direction, Bytes packet) {
  TWINBED_CHECK(card < cards_, "a frame of a card that the file does not have");
  const auto time_ns = static_cast<std::uint64_t>(to_ns(at));
  block_.clear();
  Writer writer(block_);
  writer.u32le(card);
  writer.u32le(static_cast<std::uint32_t>(time_ns >> 32));
  writer.u32le(static_cast<std::uint32_t>(time_ns));
  writer.u32le(static_cast<std::uint32_t>(packet.size()));  // kept
  writer.u32le(static_cast<std::uint32_t>(packet.size()));  // on the wire
  writer.bytes(packet);
  pad(writer);
  writer.u16le(kPacketFlags);
  writer.u16le(4);
  writer.u32le(direction == FrameDirection::kReceived ? 1 : 2);
  end_options(writer);
  write_block(kEnhancedPacket, block_);
}

void RadioCaptureFile::write_block(std::uint32_t type, Bytes body) {
  Buffer ends;
  Writer writer(ends);
  const auto length = static_cast<std::uint32_t>(body.size() + kBlockOverhead);
  writer.u32le(type);
  writer.u32le(length);
  writer.u32le(length);
  // The stream remembers an error for close().
  std::fwrite(ends.data(), 1, 8, file_.get());
  std::fwrite(body.data(), 1, body.size(), file_.get());
  std::fwrite(ends.data() + 8, 1, 4, file_.get());
}

std::optional<Error> RadioCaptureFile::close() {
  const bool flushed = std::fflush(file_.get()) == 0;
  const int reason = errno;
  const bool failed = !flushed || std::ferror(file_.get()) != 0;
  file_.reset();
  if (!failed) return std::nullopt;
  return Error{"the capture file " + path_ + " could not be written to its end (" +
               std::strerror(reason) + "), check the disk"};
}

}  // namespace twinbed::backends
