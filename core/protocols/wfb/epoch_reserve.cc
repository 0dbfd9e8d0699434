#include "core/protocols/wfb/epoch_reserve.h"

#include <algorithm>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {

std::string epoch_file_name(std::string_view side, ChannelId channel) {
  Buffer number;
  Writer(number).u32be(channel.value);
  return "wfb-" + std::string(side) + "-" + to_hex(number) + ".epoch";
}

EpochReserve::EpochReserve(ChannelId channel, std::uint64_t first_token)
    : file_(epoch_file_name("tx", channel), first_token) {}

void EpochReserve::start(Context& context) { file_.load(context); }

EpochReserve::Outcome EpochReserve::on_storage(Context& context, const StorageResult& result,
                                               std::uint64_t least) {
  switch (file_.on_storage(context, result)) {
    case StateFile::Outcome::kNotMine: return Outcome::kNotMine;
    case StateFile::Outcome::kPending: return Outcome::kPending;
    case StateFile::Outcome::kFailed: return Outcome::kFailed;
    case StateFile::Outcome::kSaved:
      durable_ = Reader(file_.record()).u64be();
      return Outcome::kReady;
    case StateFile::Outcome::kDamaged:
      context.recorder.log(file_.name() + " is damaged: the epoch is that of the wall clock alone");
      break;
    case StateFile::Outcome::kLoaded: break;
  }
  const std::int64_t wall_ms = to_ns(context.wall) / 1'000'000;
  const std::uint64_t used = file_.record().empty() ? 0 : Reader(file_.record()).u64be();
  first_ = std::max({static_cast<std::uint64_t>(std::max<std::int64_t>(wall_ms, 0)), used + 1,
                     least});
  wanted_ = first_ + kAhead;
  save(context);
  return Outcome::kPending;
}

void EpochReserve::retry(Context& context) { save(context); }

void EpochReserve::note(Context& context, std::uint64_t epoch) {
  if (epoch + kAhead / 2 <= wanted_) return;
  wanted_ = epoch + kAhead;
  save(context);
}

void EpochReserve::save(Context& context) {
  Buffer record;
  Writer(record).u64be(wanted_);
  file_.save(context, record);
}

}  // namespace twinbed::wfb
