// The receiver's ring of blocks: fragments come in any order, more than once or not at all, and go
// out in order, each at most once.
//
//   front ──► block 7   block 8   ...   block 12 ◄── last known
//             at most 40 blocks, without gaps, the oldest one in front
//
//   - Data fragments of the front go out at once, as far as they follow each other.
//   - A block with k fragments is complete: what is missing is computed. All older blocks go out as
//     far as they were received, and then the block.
//   - A block that has gone out is closed: what comes of it is passed over.
//   - The oldest block goes out, as far as it was received, when there is no room for a new one.
//
// Without a timeout a hole is waited for until a later block is complete, or 40 are there. With one
// (policy robust) it is given up when what came behind it has waited that long: all that is there
// goes out, and the block is closed unless it is the newest one, of which more may come. What slow
// traffic leaves open holds nothing back, and is not given up. Whoever has the ring has the timers:
// it is told the time, and says when it next needs to be woken.
#pragma once

#include <vector>

#include "core/base/time.h"
#include "core/fec/reed_solomon.h"
#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

class RingOwner {
 public:
  virtual ~RingOwner() = default;
  /// The next data fragment in order. `room` is a fragment's whole place, of which `length` bytes
  /// were received or computed; it is valid during the call and may be written to.
  virtual void on_fragment(FragmentId id, std::span<std::byte> room, std::size_t length) = 0;
};

class Ring {
 public:
  static constexpr std::size_t kBlocks = 40;

  /// The owner outlives the ring; the parameters must be sound. No timeout: holes are waited for.
  Ring(FecParams fec, RingOwner& owner, Duration timeout = {});

  /// Takes a fragment of at most kMaxFragmentBytes, number below n. The time counts where there is
  /// a timeout.
  void add(FragmentId id, Bytes fragment, Time now = {});
  /// When the front is to be given up; kNever where nothing waits behind a hole.
  Time wake_at() const;
  /// Gives up what is due.
  void expire(Time now);
  /// Delivers all that was received, in order: nothing more will come.
  void flush();

  FecParams fec() const { return fec_; }
  /// Data fragments that were computed, ever.
  std::uint64_t recovered() const { return recovered_; }
  /// Blocks that had to make room, ever.
  std::uint64_t overrides() const { return overrides_; }
  /// Holes that were given up for their age, ever.
  std::uint64_t expired() const { return expired_; }

 private:
  struct Block {
    std::uint64_t number = 0;
    int next = 0;      ///< data fragment that goes out next
    int received = 0;  ///< fragments of any kind
    /// With a timeout: when its first fragment came that had to wait, or the next block.
    Time waits_since = kNever;
    std::vector<bool> is_there;
    std::vector<std::size_t> lengths;
    Buffer storage;
    std::vector<std::byte*> places;
  };

  Block* find(std::uint64_t number);
  void push(std::uint64_t number);
  void pop();
  void deliver(Block& block, int fragment);
  /// Delivers what follows without a hole.
  void deliver_run(Block& block);
  /// Delivers whatever is there.
  void deliver_rest(Block& block);
  /// Delivers whatever is there, and leaves room for what comes behind it.
  void pass_holes(Block& block);
  /// Delivers what was freed by the end of the block before.
  void settle();
  bool holds_back(const Block& block) const;
  void recover(Block& block);
  Block& at(std::size_t place) { return blocks_[(front_ + place) % kBlocks]; }
  const Block& at(std::size_t place) const { return blocks_[(front_ + place) % kBlocks]; }

  FecParams fec_;
  RingOwner& owner_;
  Duration timeout_;
  ReedSolomon code_;
  std::vector<Block> blocks_;
  std::size_t front_ = 0;
  std::size_t count_ = 0;
  std::uint64_t last_known_ = 0;
  bool is_empty_yet_ = true;  ///< no block was ever pushed
  std::uint64_t recovered_ = 0;
  std::uint64_t overrides_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace twinbed::wfb
