// The epochs of a transmitter whose receivers refuse what is not newer: milliseconds of the wall
// clock at its start, but always above every epoch that it, or who transmitted on this channel from
// this storage before it, has ever used. Sessions that follow within a run have one more each, so
// that of two transmitters with one key the one that started later stays.
//
// What is kept is an upper bound of what was used, some epochs ahead: a change of the session does
// not wait for the disk. Nothing is used before its bound is durable.
#pragma once

#include "core/protocols/wfb/packet.h"
#include "core/protocols/wfb/state_file.h"

namespace twinbed::wfb {

class EpochReserve {
 public:
  /// Epochs that are reserved beyond the one in use.
  static constexpr std::uint64_t kAhead = 1000;

  EpochReserve(ChannelId channel, std::uint64_t first_token);

  void start(Context& context);
  enum class Outcome : std::uint8_t { kNotMine, kPending, kReady, kFailed };
  /// kReady: more is durable than before; the first time, first() may be used. kFailed: the disk
  /// did not take it, and retry() tries again. The first epoch is `least` at least.
  Outcome on_storage(Context& context, const StorageResult& result, std::uint64_t least);
  void retry(Context& context);

  std::uint64_t first() const { return first_; }
  bool allows(std::uint64_t epoch) const { return epoch <= durable_; }
  /// This epoch is in use: reserves more where few are left.
  void note(Context& context, std::uint64_t epoch);

 private:
  void save(Context& context);

  StateFile file_;
  std::uint64_t first_ = 0;
  std::uint64_t wanted_ = 0;
  std::uint64_t durable_ = 0;
};

/// "wfb-tx-7505d620.epoch", the name of a channel's file.
std::string epoch_file_name(std::string_view side, ChannelId channel);

}  // namespace twinbed::wfb
