#include "core/protocols/imagestore/blob_store.h"

#include <algorithm>
#include <utility>

#include "core/base/hash.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

constexpr std::uint32_t kNoteMagic = 0x7477'6e31;  // "twn1"
constexpr std::uint32_t kSharedNoteMagic = 0x7477'6e32;  // "twn2": with a number
constexpr std::size_t kNoteBytes = 4 + 32 + 8 + 8 + 8;
constexpr std::size_t kSharedNoteBytes = kNoteBytes + 8;

struct Note {
  Digest hash{};
  std::uint64_t size = 0;
  raft::Term term = 0;
  std::uint64_t number = 0;  // 0 where nothing is shared
};

Buffer encode(const Note& note) {
  Buffer buffer;
  Writer out(buffer);
  out.u32be(note.number == 0 ? kNoteMagic : kSharedNoteMagic);
  out.bytes(note.hash);
  out.u64be(note.size);
  out.u64be(note.term);
  if (note.number != 0) out.u64be(note.number);
  out.u64be(hash_bytes(buffer));
  return buffer;
}

std::optional<Note> decode(Bytes bytes, bool is_shared) {
  if (bytes.size() != (is_shared ? kSharedNoteBytes : kNoteBytes)) return std::nullopt;
  Reader in(bytes);
  Note note;
  const std::uint32_t magic = in.u32be();
  const Bytes hash = in.bytes(note.hash.size());
  std::copy(hash.begin(), hash.end(), note.hash.begin());
  note.size = in.u64be();
  note.term = in.u64be();
  if (is_shared) note.number = in.u64be();
  const std::uint64_t check = in.u64be();
  if (magic != (is_shared ? kSharedNoteMagic : kNoteMagic)) return std::nullopt;
  if (check != hash_bytes(bytes.first(bytes.size() - 8))) return std::nullopt;
  return note;
}

}  // namespace

BlobStore::BlobStore(BlobOptions options, BlobOwner& owner)
    : options_(std::move(options)), owner_(owner), slots_(options_.slots) {}

std::string BlobStore::bytes_name(Slot slot) const {
  const SlotData& at = slots_[slot];
  if (options_.is_shared) return staged_name(at.term, at.number);
  return options_.state_prefix + "staging/" + std::to_string(slot);
}
std::string BlobStore::note_name(Slot slot) const {
  return options_.state_prefix + "staging/" + std::to_string(slot) + ".note";
}
std::string BlobStore::staged_name(raft::Term term, std::uint64_t number) const {
  return options_.image_prefix + ".incoming/" + std::to_string(term) + "-" +
         std::to_string(number);
}

StorageToken BlobStore::token(Kind kind, Slot slot) const {
  return StorageToken{static_cast<std::uint64_t>(options_.first_token) +
                      static_cast<std::uint64_t>(kind) * options_.slots + slot};
}

bool BlobStore::on_storage(Context& context, const StorageResult& result) {
  const auto first = static_cast<std::uint64_t>(options_.first_token);
  const auto number = static_cast<std::uint64_t>(result.token);
  if (number < first || number >= static_cast<std::uint64_t>(token(Kind::kEnd))) return false;
  const Slot slot = static_cast<Slot>((number - first) % options_.slots);
  switch (static_cast<Kind>((number - first) / options_.slots)) {
    case Kind::kNote: on_note(context, slot, result); break;
    case Kind::kBytesSync:
    case Kind::kNoteSync: on_slot_synced(context, slot, result.status); break;
    case Kind::kPlaceSync: on_placed(context, slot, result.status); break;
    case Kind::kCheck: on_check(context, result); break;
    case Kind::kNameSync: on_named(context, result.status); break;
    case Kind::kEnd: break;
  }
  return true;
}

// ---- The start: what is staged already --------------------------------------------------------

void BlobStore::open(Context& context) {
  notes_left_ = slots_.size();
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    context.storage.read(token(Kind::kNote, slot), note_name(slot), 0,
                         kSharedNoteBytes + 1);
  }
}

void BlobStore::on_note(Context& context, Slot slot, const StorageResult& result) {
  --notes_left_;
  const std::optional<Note> note =
      result.status == StorageStatus::kOk ? decode(result.data, options_.is_shared) : std::nullopt;
  if (note) {
    SlotData& data = slots_[slot];
    data.state = options_.is_shared ? SlotState::kFound : SlotState::kSyncing;
    data.hash = note->hash;
    data.size = note->size;
    data.term = note->term;
    data.number = note->number;
    if (!options_.is_shared) {
      ++slot_checks_left_;
      queue_check(context, {bytes_name(slot), note->hash, note->size, slot});
    }
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
  if (options_.key) found->sealer.emplace(*options_.key, size, context.random);
  if (options_.is_shared) {
    found->number = next_number_++;
    found->is_noted = false;
    found->syncs = 1;
    write_note(context, slot);
  } else {
    context.storage.remove(bytes_name(slot));  // what a former image left may be longer
  }
  return slot;
}

void BlobStore::write_note(Context& context, Slot slot) {
  const SlotData& at = slots_[slot];
  context.storage.write(note_name(slot), 0, encode(Note{at.hash, at.size, at.term, at.number}));
  context.storage.sync(token(Kind::kNoteSync, slot), note_name(slot));
}

bool BlobStore::append(Context& context, Slot slot, std::uint64_t offset, Bytes data) {
  SlotData& at = slots_[slot];
  if (at.state != SlotState::kReceiving || offset != at.received) return false;
  if (data.size() > at.size - at.received) return false;
  if (at.sealer) {
    Buffer sealed;
    at.sealer->add(data, sealed);
    write_bytes(context, slot, sealed);
  } else {
    write_bytes(context, slot, data);
  }
  at.running.update(data);
  at.received += data.size();
  return true;
}

void BlobStore::write_bytes(Context& context, Slot slot, Bytes bytes) {
  SlotData& at = slots_[slot];
  if (bytes.empty()) return;
  if (at.is_noted) {
    context.storage.write(bytes_name(slot), at.written, bytes);
  } else {
    at.waiting.insert(at.waiting.end(), bytes.begin(), bytes.end());
  }
  at.written += bytes.size();
}

bool BlobStore::finish(Context& context, Slot slot) {
  SlotData& at = slots_[slot];
  if (at.state != SlotState::kReceiving || at.received != at.size) return false;
  if (at.running.finish() != at.hash) return false;
  at.state = SlotState::kSyncing;
  if (!options_.is_shared) {
    sync_bytes(context, slot);
    ++at.syncs;
    write_note(context, slot);
  } else if (at.is_noted) {
    sync_bytes(context, slot);
  }
  return true;
}

void BlobStore::sync_bytes(Context& context, Slot slot) {
  ++slots_[slot].syncs;
  context.storage.sync(token(Kind::kBytesSync, slot), bytes_name(slot));
}

void BlobStore::on_slot_synced(Context& context, Slot slot, StorageStatus status) {
  SlotData& at = slots_[slot];
  if (at.syncs == 0) return;
  if (at.status == StorageStatus::kOk) at.status = status;
  if (--at.syncs > 0) return;
  if (!at.is_noted) {
    on_noted(context, slot);
    return;
  }
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

/// Now the shared directory may be written to.
void BlobStore::on_noted(Context& context, Slot slot) {
  SlotData& at = slots_[slot];
  at.is_noted = true;
  if (at.is_dropped) {
    const Digest hash = at.hash;
    free(context, slot);
    note_loss(context, hash);
    return;
  }
  if (!at.waiting.empty()) context.storage.write(bytes_name(slot), 0, at.waiting);
  at.waiting = {};
  if (at.state == SlotState::kSyncing) sync_bytes(context, slot);
}

void BlobStore::drop(Context& context, Slot slot) {
  SlotData& at = slots_[slot];
  // Freed once the disk has answered.
  if (at.state == SlotState::kSyncing || at.syncs > 0) at.is_dropped = true;
  if (at.state != SlotState::kReceiving || at.syncs > 0) return;
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
    const bool is_staged = at.state == SlotState::kStaged || at.state == SlotState::kFound;
    // In the shared directory it may be all that there is of an image that was committed.
    const bool is_needed = options_.is_shared && files_.contains(at.hash) && !holds(at.hash);
    if (is_staged && at.term < term && !is_needed) free(context, slot);
  }
}

void BlobStore::free(Context& context, Slot slot) {
  const std::string bytes = bytes_name(slot);
  slots_[slot] = SlotData{};
  context.storage.remove(note_name(slot));
  context.storage.remove(bytes);
}

/// What is staged of an image that is held is not needed.
void BlobStore::free_copies(Context& context, const Digest& hash) {
  while (const std::optional<Slot> slot = slot_of(hash, SlotState::kStaged)) free(context, *slot);
  while (const std::optional<Slot> slot = slot_of(hash, SlotState::kFound)) free(context, *slot);
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

}  // namespace twinbed::imagestore
