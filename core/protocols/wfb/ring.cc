#include "core/protocols/wfb/ring.h"

#include <algorithm>

#include "core/protocols/wfb/fragment_room.h"

namespace twinbed::wfb {

Ring::Ring(FecParams fec, RingOwner& owner, Duration timeout)
    : fec_(fec), owner_(owner), timeout_(timeout), code_(fec.k, fec.n), blocks_(kBlocks) {
  for (Block& block : blocks_) {
    block.is_there.resize(fec.n);
    block.lengths.resize(fec.n);
    make_room(fec.n, block.storage, block.places);
  }
}

void Ring::add(FragmentId id, Bytes fragment, Time now) {
  Block* block = find(id.block);
  if (block == nullptr) {
    if (!is_empty_yet_ && id.block <= last_known_) return;
    const std::uint64_t missing = is_empty_yet_ ? 1 : id.block - last_known_;
    const std::uint64_t fresh = std::min<std::uint64_t>(missing, kBlocks);
    for (std::uint64_t i = fresh; i > 0; --i) {
      // From now on something waits for the block that was the newest.
      if (count_ > 0) at(count_ - 1).waits_since = std::min(at(count_ - 1).waits_since, now);
      push(id.block - (i - 1));
    }
    block = &at(count_ - 1);
  }
  if (block->is_there[id.fragment]) return;
  std::ranges::copy(fragment, block->places[id.fragment]);
  block->is_there[id.fragment] = true;
  block->lengths[id.fragment] = fragment.size();
  ++block->received;

  if (block == &at(0)) deliver_run(*block);
  if (block->next < fec_.k && block->received == fec_.k) {
    while (block != &at(0)) {
      deliver_rest(at(0));
      pop();
    }
    recover(*block);
    deliver_run(*block);
  }
  const bool waits = id.fragment < fec_.k && block->next <= id.fragment;
  if (waits) block->waits_since = std::min(block->waits_since, now);
  if (block->next == fec_.k) pop();
  if (timeout_ > Duration{}) settle();
}

Time Ring::wake_at() const {
  if (timeout_ == Duration{} || count_ == 0 || at(0).waits_since == kNever) return kNever;
  return at(0).waits_since + timeout_;
}

void Ring::expire(Time now) {
  while (wake_at() <= now) {
    Block& front = at(0);
    ++expired_;
    if (count_ > 1) {
      deliver_rest(front);
    } else {
      pass_holes(front);
    }
    settle();
  }
}

void Ring::flush() {
  for (; count_ > 0; pop()) deliver_rest(at(0));
}

void Ring::settle() {
  while (count_ > 0) {
    Block& front = at(0);
    deliver_run(front);
    if (front.next < fec_.k) {
      if (count_ == 1 && !holds_back(front)) front.waits_since = kNever;
      return;
    }
    pop();
  }
}

bool Ring::holds_back(const Block& block) const {
  const auto data_end = block.is_there.begin() + fec_.k;
  return std::find(block.is_there.begin() + block.next, data_end, true) != data_end;
}

Ring::Block* Ring::find(std::uint64_t number) {
  if (count_ == 0 || number < at(0).number || number > last_known_) return nullptr;
  return &at(static_cast<std::size_t>(number - at(0).number));
}

void Ring::push(std::uint64_t number) {
  if (count_ == kBlocks) {
    deliver_rest(at(0));
    pop();
    ++overrides_;
  }
  Block& block = at(count_++);
  block.number = last_known_ = number;
  block.next = block.received = 0;
  block.waits_since = kNever;
  block.is_there.assign(fec_.n, false);
  is_empty_yet_ = false;
}

void Ring::pop() {
  front_ = (front_ + 1) % kBlocks;
  --count_;
}

void Ring::deliver(Block& block, int fragment) {
  const auto place = static_cast<std::size_t>(fragment);
  owner_.on_fragment({block.number, static_cast<std::uint8_t>(fragment)},
                     {block.places[place], kMaxFragmentBytes}, block.lengths[place]);
}

void Ring::deliver_run(Block& block) {
  while (block.next < fec_.k && block.is_there[static_cast<std::size_t>(block.next)]) {
    deliver(block, block.next++);
  }
}

void Ring::deliver_rest(Block& block) {
  for (; block.next < fec_.k; ++block.next) {
    if (block.is_there[static_cast<std::size_t>(block.next)]) deliver(block, block.next);
  }
}

void Ring::pass_holes(Block& block) {
  int end = fec_.k;
  while (end > block.next && !block.is_there[static_cast<std::size_t>(end - 1)]) --end;
  for (; block.next < end; ++block.next) {
    if (block.is_there[static_cast<std::size_t>(block.next)]) deliver(block, block.next);
  }
}

void Ring::recover(Block& block) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < fec_.n; ++i) {
    if (block.is_there[i]) length = std::max(length, block.lengths[i]);
  }
  for (std::size_t i = 0; i < fec_.n; ++i) {
    if (!block.is_there[i]) continue;
    std::fill(block.places[i] + block.lengths[i], block.places[i] + length, std::byte{});
  }
  code_.recover(block.places, block.is_there, length);
  for (std::size_t i = 0; i < fec_.k; ++i) {
    if (block.is_there[i]) continue;
    block.is_there[i] = true;
    block.lengths[i] = length;
    ++recovered_;
  }
}

}  // namespace twinbed::wfb
