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
// No timer is involved: a hole is waited for until a later block is complete, or 40 are there.
#pragma once

#include <vector>

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

  /// The owner outlives the ring; the parameters must be sound.
  Ring(FecParams fec, RingOwner& owner);

  /// Takes a fragment of at most kMaxFragmentBytes, number below n.
  void add(FragmentId id, Bytes fragment);

  FecParams fec() const { return fec_; }
  /// Data fragments that were computed, ever.
  std::uint64_t recovered() const { return recovered_; }
  /// Blocks that had to make room, ever.
  std::uint64_t overrides() const { return overrides_; }

 private:
  struct Block {
    std::uint64_t number = 0;
    int next = 0;      ///< data fragment that goes out next
    int received = 0;  ///< fragments of any kind
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
  void recover(Block& block);
  Block& at(std::size_t place) { return blocks_[(front_ + place) % kBlocks]; }

  FecParams fec_;
  RingOwner& owner_;
  ReedSolomon code_;
  std::vector<Block> blocks_;
  std::size_t front_ = 0;
  std::size_t count_ = 0;
  std::uint64_t last_known_ = 0;
  bool is_empty_yet_ = true;  ///< no block was ever pushed
  std::uint64_t recovered_ = 0;
  std::uint64_t overrides_ = 0;
};

}  // namespace twinbed::wfb
