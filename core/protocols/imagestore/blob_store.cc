#include "core/protocols/imagestore/blob_store.h"

#include <algorithm>
#include <utility>

#include "core/base/hash.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

constexpr std::uint32_t kNoteMagic = 0x7477'6e31;  // "twn1"
constexpr std::size_t kNoteBytes = 4 + 32 + 8 + 8 + 8;
constexpr std::uint64_t kReadBytes = 256 * 1024;

struct Note {
  Digest hash{};
  std::uint64_t size = 0;
  raft::Term term = 0;
};

Buffer encode(const Note& note) {
  Buffer buffer;
  Writer out(buffer);
  out.u32be(kNoteMagic);
  out.bytes(note.hash);
  out.u64be(note.size);
  out.u64be(note.term);
  out.u64be(hash_bytes(buffer));
  return buffer;
}

std::optional<Note> decode(Bytes bytes) {
  if (bytes.size() != kNoteBytes) return std::nullopt;
  Reader in(bytes);
  Note note;
  const std::uint32_t magic = in.u32be();
  const Bytes hash = in.bytes(note.hash.size());
  std::copy(hash.begin(), hash.end(), note.hash.begin());
  note.size = in.u64be();
  note.term = in.u64be();
  const std::uint64_t check = in.u64be();
  if (magic != kNoteMagic || check != hash_bytes(bytes.first(kNoteBytes - 8))) return std::nullopt;
  return note;
}

}  // namespace

BlobStore::BlobStore(BlobOptions options, BlobOwner& owner)
    : options_(std::move(options)), owner_(owner), slots_(options_.slots) {}

std::string BlobStore::bytes_name(Slot slot) const {
  return options_.state_prefix + "staging/" + std::to_string(slot);
}
std::string BlobStore::note_name(Slot slot) const { return bytes_name(slot) + ".note"; }

StorageToken BlobStore::token(Kind kind, Slot slot) const {
  return StorageToken{static_cast<std::uint64_t>(options_.first_token) +
                      static_cast<std::uint64_t>(kind) * options_.slots + slot};
}

bool BlobStore::on_storage(Context& context, const StorageResult& result) {
  const auto first = static_cast<std::uint64_t>(options_.first_token);
  const auto number = static_cast<std::uint64_t>(result.token);
  if (number < first || number > static_cast<std::uint64_t>(token(Kind::kCheck))) return false;
  const Slot slot = static_cast<Slot>((number - first) % options_.slots);
  switch (static_cast<Kind>((number - first) / options_.slots)) {
    case Kind::kNote: on_note(context, slot, result); break;
    case Kind::kBytesSync:
    case Kind::kNoteSync: on_slot_synced(context, slot, result.status); break;
    case Kind::kPlaceSync: on_placed(context, slot, result.status); break;
    case Kind::kCheck: on_check(context, result); break;
  }
  return true;
}

// ---- The start: what is staged already --------------------------------------------------------

void BlobStore::open(Context& context) {
  notes_left_ = slots_.size();
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    context.storage.read(token(Kind::kNote, slot), note_name(slot), 0, kNoteBytes + 1);
  }
}

void BlobStore::on_note(Context& context, Slot slot, const StorageResult& result) {
  --notes_left_;
  const std::optional<Note> note =
      result.status == StorageStatus::kOk ? decode(result.data) : std::nullopt;
  if (note) {
    SlotData& data = slots_[slot];
    data.state = SlotState::kSyncing;
    data.hash = note->hash;
    data.size = note->size;
    data.term = note->term;
    ++slot_checks_left_;
    queue_check(context, {bytes_name(slot), note->hash, note->size, slot, 0, {}});
  } else {
    free(context, slot);  // what a crash has brought back, or cut short
  }
  consider_opened(context);
}

void BlobStore::consider_opened(Context& context) {
  if (notes_left_ > 0 || slot_checks_left_ > 0) return;
  is_open_ = true;
  owner_.on_opened(context);
}

void BlobStore::end_slot_check(Context& context, const Check& check, bool is_good) {
  --slot_checks_left_;
  if (is_good) {
    slots_[*check.slot].state = SlotState::kStaged;
  } else {
    free(context, *check.slot);
  }
  consider_opened(context);
}

// ---- Images that come in ----------------------------------------------------------------------

std::optional<Slot> BlobStore::begin(Context& context, const Digest& hash, std::uint64_t size,
                                     raft::Term term) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [](const SlotData& data) {
    return data.state == SlotState::kFree;
  });
  if (!is_open_ || found == slots_.end()) return std::nullopt;
  const Slot slot = static_cast<Slot>(found - slots_.begin());
  *found = SlotData{};
  found->state = SlotState::kReceiving;
  found->hash = hash;
  found->size = size;
  found->term = term;
  context.storage.remove(bytes_name(slot));  // what a former image left may be longer
  return slot;
}

bool BlobStore::append(Context& context, Slot slot, std::uint64_t offset, Bytes data) {
  SlotData& at = slots_[slot];
  if (at.state != SlotState::kReceiving || offset != at.received) return false;
  if (data.size() > at.size - at.received) return false;
  context.storage.write(bytes_name(slot), offset, data);
  at.running.update(data);
  at.received += data.size();
  return true;
}

bool BlobStore::finish(Context& context, Slot slot) {
  SlotData& at = slots_[slot];
  if (at.state != SlotState::kReceiving || at.received != at.size) return false;
  if (at.running.finish() != at.hash) return false;
  at.state = SlotState::kSyncing;
  at.syncs = 2;
  context.storage.write(note_name(slot), 0, encode(Note{at.hash, at.size, at.term}));
  context.storage.sync(token(Kind::kBytesSync, slot), bytes_name(slot));
  context.storage.sync(token(Kind::kNoteSync, slot), note_name(slot));
  return true;
}

void BlobStore::on_slot_synced(Context& context, Slot slot, StorageStatus status) {
  SlotData& at = slots_[slot];
  if (at.state != SlotState::kSyncing || at.syncs == 0) return;
  if (at.status == StorageStatus::kOk) at.status = status;
  if (--at.syncs > 0) return;
  const Digest hash = at.hash;
  const StorageStatus outcome = at.status;
  const bool was_dropped = at.is_dropped;
  if (was_dropped || outcome != StorageStatus::kOk) {
    free(context, slot);
    if (!was_dropped) owner_.on_staged(context, slot, outcome);
    note_loss(context, hash);
    return;
  }
  at.state = SlotState::kStaged;
  const auto wanted = files_.find(hash);
  if (wanted != files_.end()) {
    const FileState state = wanted->second.state;
    if (state == FileState::kHeld) free(context, slot);
    if (state == FileState::kAwaited || state == FileState::kMissing) {
      place(context, slot, wanted->second);
    }
  }
  owner_.on_staged(context, slot, StorageStatus::kOk);
}

void BlobStore::drop(Context& context, Slot slot) {
  SlotData& at = slots_[slot];
  if (at.state == SlotState::kSyncing) at.is_dropped = true;  // freed once the disk has answered
  if (at.state != SlotState::kReceiving) return;
  const Digest hash = at.hash;
  free(context, slot);
  note_loss(context, hash);
}

void BlobStore::abandon(Context& context, const Digest& hash) {
  if (files_.contains(hash)) return;
  if (const std::optional<Slot> slot = slot_of(hash, SlotState::kStaged)) free(context, *slot);
}

/// An image that a committed one waited for does not come.
void BlobStore::note_loss(Context& context, const Digest& hash) {
  const auto wanted = files_.find(hash);
  if (wanted == files_.end() || wanted->second.state != FileState::kAwaited) return;
  if (is_coming(hash)) return;
  wanted->second.state = FileState::kMissing;
  owner_.on_missing(context, hash, StorageStatus::kNotFound);
}

void BlobStore::drop_before(Context& context, raft::Term term) {
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    const SlotData& at = slots_[slot];
    if (at.state == SlotState::kStaged && at.term < term) free(context, slot);
  }
}

void BlobStore::free(Context& context, Slot slot) {
  slots_[slot] = SlotData{};
  context.storage.remove(note_name(slot));
  context.storage.remove(bytes_name(slot));
}

std::vector<Digest> BlobStore::staged(raft::Term term) const {
  std::vector<Digest> hashes;
  for (const SlotData& at : slots_) {
    if (at.state == SlotState::kStaged && at.term == term) hashes.push_back(at.hash);
  }
  return hashes;
}

std::size_t BlobStore::free_slots() const {
  return static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(),
                    [](const SlotData& data) { return data.state == SlotState::kFree; }));
}

std::optional<Slot> BlobStore::slot_of(const Digest& hash, SlotState state) const {
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].state == state && slots_[slot].hash == hash) return slot;
  }
  return std::nullopt;
}

bool BlobStore::is_coming(const Digest& hash) const {
  return slot_of(hash, SlotState::kReceiving) || slot_of(hash, SlotState::kSyncing);
}

// ---- Images that are committed ----------------------------------------------------------------

void BlobStore::keep(Context& context, const Image& image) {
  auto [at, is_new] = files_.try_emplace(image.hash);
  File& file = at->second;
  if (is_new) {
    file.path = path_of(image);
    file.size = image.size;
  } else if (file.state != FileState::kMissing && file.state != FileState::kAwaited) {
    if (file.state == FileState::kHeld) {
      // A second request with the same content: its own copy is not needed.
      if (const auto slot = slot_of(image.hash, SlotState::kStaged)) free(context, *slot);
    }
    return;
  }
  if (const std::optional<Slot> slot = slot_of(image.hash, SlotState::kStaged)) {
    place(context, *slot, file);
  } else if (is_coming(image.hash)) {
    file.state = FileState::kAwaited;
  } else {
    check(context, image);
  }
}

void BlobStore::place(Context& context, Slot slot, File& file) {
  slots_[slot].state = SlotState::kPlacing;
  file.state = FileState::kPlacing;
  context.storage.rename(bytes_name(slot), file.path);
  context.storage.sync(token(Kind::kPlaceSync, slot), file.path);
}

void BlobStore::on_placed(Context& context, Slot slot, StorageStatus status) {
  if (slots_[slot].state != SlotState::kPlacing) return;
  const Digest hash = slots_[slot].hash;
  free(context, slot);
  File& file = files_.at(hash);
  file.state = status == StorageStatus::kOk ? FileState::kHeld : FileState::kMissing;
  if (status != StorageStatus::kOk) {
    owner_.on_missing(context, hash, status);
    return;
  }
  // Other requests with this content need no copy of their own.
  while (const std::optional<Slot> other = slot_of(hash, SlotState::kStaged)) free(context, *other);
  owner_.on_held(context, hash);
}

void BlobStore::check(Context& context, const Image& image) {
  File& file = files_[image.hash];
  if (file.state == FileState::kChecking || file.state == FileState::kPlacing) return;
  file = {FileState::kChecking, path_of(image), image.size};
  queue_check(context, {file.path, image.hash, image.size, std::nullopt, 0, {}});
}

void BlobStore::queue_check(Context& context, Check check) {
  checks_.push_back(std::move(check));
  if (checks_.size() == 1) read_next(context);
}

void BlobStore::read_next(Context& context) {
  const Check& check = checks_.front();
  context.storage.read(token(Kind::kCheck), check.path, check.offset, kReadBytes);
}

void BlobStore::on_check(Context& context, const StorageResult& result) {
  if (checks_.empty()) return;
  Check& check = checks_.front();
  if (result.status != StorageStatus::kOk) {
    end_check(context, false, result.status);
    return;
  }
  check.running.update(result.data);
  check.offset += result.data.size();
  if (check.offset > check.size || result.data.size() < kReadBytes) {
    const bool is_good = check.offset == check.size && check.running.finish() == check.hash;
    end_check(context, is_good, is_good ? StorageStatus::kOk : StorageStatus::kFailed);
    return;
  }
  read_next(context);
}

void BlobStore::end_check(Context& context, bool is_good, StorageStatus status) {
  const Check check = std::move(checks_.front());
  checks_.pop_front();
  if (!checks_.empty()) read_next(context);
  if (check.slot) {
    end_slot_check(context, check, is_good);
    return;
  }
  File& file = files_.at(check.hash);
  if (is_good) {
    file.state = FileState::kHeld;
    owner_.on_held(context, check.hash);
    return;
  }
  file.state = FileState::kMissing;
  if (const std::optional<Slot> slot = slot_of(check.hash, SlotState::kStaged)) {
    place(context, *slot, file);
  } else if (is_coming(check.hash)) {
    file.state = FileState::kAwaited;
  } else {
    owner_.on_missing(context, check.hash, status);
  }
}

bool BlobStore::holds(const Digest& hash) const {
  const auto found = files_.find(hash);
  return found != files_.end() && found->second.state == FileState::kHeld;
}

std::size_t BlobStore::count(FileState state) const {
  return static_cast<std::size_t>(std::count_if(
      files_.begin(), files_.end(),
      [state](const auto& entry) { return entry.second.state == state; }));
}

}  // namespace twinbed::imagestore
