#include <algorithm>

#include "core/protocols/imagestore/blob_store.h"

// What BlobStore does with images that are committed.
namespace twinbed::imagestore {
namespace {

constexpr std::uint64_t kReadBytes = 256 * 1024;

}  // namespace

void BlobStore::keep(Context& context, const Image& image) {
  auto [at, is_new] = files_.try_emplace(image.hash);
  File& file = at->second;
  if (is_new) {
    file.path = path_of(image);
    file.size = image.size;
    if (options_.is_shared) file.staged = staged_name(image.term, image.staged);
  } else if (file.state != FileState::kMissing && file.state != FileState::kAwaited) {
    // Of a second request with the same content: its own copy is not needed.
    if (file.state == FileState::kHeld) free_copies(context, image.hash);
    return;
  }
  const std::optional<Slot> slot =
      options_.is_shared ? own_slot_of(image) : slot_of(image.hash, SlotState::kStaged);
  if (slot) {
    place(context, *slot, file);
  } else if (!options_.is_shared && is_coming(image.hash)) {
    file.state = FileState::kAwaited;
  } else {
    check(context, image);
  }
}

/// In the shared directory: the slot that the image's entry names.
std::optional<Slot> BlobStore::own_slot_of(const Image& image) const {
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    const SlotData& at = slots_[slot];
    const bool is_named = at.term == image.term && at.number == image.staged;
    if (at.state == SlotState::kStaged && is_named && at.hash == image.hash) return slot;
  }
  return std::nullopt;
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
  if (options_.is_shared && status != StorageStatus::kOk) {
    slots_[slot].state = SlotState::kStaged;  // there is no other copy: the next check tries again
  } else {
    free(context, slot);
  }
  File& file = files_.at(hash);
  file.state = status == StorageStatus::kOk ? FileState::kHeld : FileState::kMissing;
  if (status != StorageStatus::kOk) {
    owner_.on_missing(context, hash, status);
    return;
  }
  free_copies(context, hash);  // of other requests with this content
  owner_.on_held(context, hash);
}

void BlobStore::check(Context& context, const Image& image) {
  File& file = files_[image.hash];
  if (file.state == FileState::kChecking || file.state == FileState::kPlacing) return;
  file = {FileState::kChecking, path_of(image), image.size,
          options_.is_shared ? staged_name(image.term, image.staged) : ""};
  queue_check(context, {file.path, image.hash, image.size});
}

std::optional<FileOpener> BlobStore::opener(std::uint64_t size) const {
  if (!options_.key) return std::nullopt;
  return FileOpener(*options_.key, size);
}

std::uint64_t BlobStore::file_bytes(std::uint64_t image_bytes) const {
  return options_.key ? sealed_bytes(image_bytes) : image_bytes;
}

void BlobStore::queue_check(Context& context, Check check) {
  check.opener = opener(check.size);
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
  if (check.offset == 0) check.begins_sealed = is_sealed(result.data);
  Buffer opened;
  const bool opens = !check.opener || check.opener->add(result.data, opened);
  check.running.update(check.opener ? Bytes(opened) : result.data);
  check.offset += result.data.size();
  const std::uint64_t expected = file_bytes(check.size);
  if (!opens || check.offset > expected || result.data.size() < kReadBytes) {
    const bool is_good =
        opens && check.offset == expected && check.running.finish() == check.hash;
    if (!is_good && check.begins_sealed != options_.key.has_value()) {
      owner_.on_other_kind(context, check.path, check.begins_sealed);
    }
    end_check(context, is_good, is_good ? StorageStatus::kOk : StorageStatus::kFailed);
    return;
  }
  read_next(context);
}

void BlobStore::end_check(Context& context, bool is_good, StorageStatus status) {
  if (is_good && checks_.front().look == Look::kStaged) {
    Check& check = checks_.front();
    const File& file = files_.at(check.hash);
    check.look = Look::kNaming;
    context.storage.rename(file.staged, file.path);
    context.storage.sync(token(Kind::kNameSync), file.path);
    return;
  }
  if (!is_good && look_further(context)) return;
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
    if (options_.is_shared) free_copies(context, check.hash);
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

/// After a look that found nothing: takes the next one, if there is one.
bool BlobStore::look_further(Context& context) {
  Check& check = checks_.front();
  if (!options_.is_shared || check.look == Look::kNaming || check.look == Look::kFileAgain) {
    return false;
  }
  const File& file = files_.at(check.hash);
  const bool is_first = check.look == Look::kFile;
  check = {is_first ? file.staged : file.path, check.hash, check.size, std::nullopt,
           is_first ? Look::kStaged : Look::kFileAgain};
  check.opener = opener(check.size);
  read_next(context);
  return true;
}

void BlobStore::on_named(Context& context, StorageStatus status) {
  if (checks_.empty() || checks_.front().look != Look::kNaming) return;
  end_check(context, status == StorageStatus::kOk, status);
}

bool BlobStore::lacks(const Digest& hash) const {
  const auto found = files_.find(hash);
  return found != files_.end() && found->second.state == FileState::kMissing;
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
