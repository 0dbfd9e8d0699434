#include "core/protocols/wfb/link_report.h"

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

void write_link_report(const LinkReport& report, Buffer& out) {
  Writer writer(out);
  writer.u8(kVersion);
  writer.u32be(report.number);
  writer.u64be(report.epoch);
  for (const std::uint32_t count : {report.sent, report.heard, report.lost, report.out}) {
    writer.u32be(count);
  }
  writer.u8(static_cast<std::uint8_t>(report.signal_dbm));
  writer.u8(static_cast<std::uint8_t>(report.snr_db));
}

std::optional<LinkReport> read_link_report(Bytes bytes) {
  Reader reader(bytes);
  if (reader.u8() != kVersion) return std::nullopt;
  LinkReport report;
  report.number = reader.u32be();
  report.epoch = reader.u64be();
  for (std::uint32_t* count : {&report.sent, &report.heard, &report.lost, &report.out}) {
    *count = reader.u32be();
  }
  report.signal_dbm = static_cast<std::int8_t>(reader.u8());
  report.snr_db = static_cast<std::int8_t>(reader.u8());
  if (!reader.done()) return std::nullopt;
  return report;
}

ChannelId report_channel(ChannelId stream) { return {stream.value ^ 0x80}; }

}  // namespace twinbed::wfb
