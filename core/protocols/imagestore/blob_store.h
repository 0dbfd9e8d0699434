// The bytes of images in the files of one node.
//
//     begin ─► append ... ─► finish ──sync──► STAGED ──keep: rename, sync──► HELD
//        └───────────────────────────► drop        └─► drop (never committed)
//
// Images come in through a fixed number of staging slots. A slot that is staged has its bytes and a
// note of their hash on the disk, so that it is found again after a crash; only an image that was
// committed gets its name, by a rename. Thus no file with an image's name is ever partial, and none
// is there that was not committed. (Storage cannot list a directory; the slots' fixed names make
// that unnecessary.)
//
// Files are checked by reading and hashing them, one after the other and piece by piece, so that
// other work goes on: after a restart, and whenever the owner wants to know (scrub).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/hash.h"
#include "core/io/protocol.h"
#include "core/protocols/imagestore/catalogue.h"

namespace twinbed::imagestore {

/// A staging slot, from 0.
using Slot = std::uint32_t;

struct BlobOptions {
  std::string image_prefix = "images/";
  std::string state_prefix = "state/";
  Slot slots = 32;
  StorageToken first_token{};  ///< tokens from here on belong to the blob store, see tokens()
};

/// What the owner is told; it may call the store from here, except from on_opened.
class BlobOwner {
 public:
  virtual ~BlobOwner() = default;
  /// What was staged before the start is known.
  virtual void on_opened(Context& context) = 0;
  /// The slot's image is durable, or could not be made so: then the slot is free again.
  virtual void on_staged(Context& context, Slot slot, StorageStatus status) = 0;
  /// The image's file is there, whole.
  virtual void on_held(Context& context, const Digest& hash) = 0;
  /// The image's file is not there, or its bytes are wrong, and no slot has it.
  virtual void on_missing(Context& context, const Digest& hash, StorageStatus status) = 0;
};

class BlobStore {
 public:
  BlobStore(BlobOptions options, BlobOwner& owner);

  void open(Context& context);
  /// False where the answer is not for the blob store.
  bool on_storage(Context& context, const StorageResult& result);

  // Images that come in.

  /// A slot for an image, or nothing while all are in use.
  std::optional<Slot> begin(Context& context, const Digest& hash, std::uint64_t size,
                            raft::Term term);
  /// The next bytes; false if they are not next, or more than was announced.
  bool append(Context& context, Slot slot, std::uint64_t offset, Bytes data);
  /// All bytes are there: on_staged follows. False if they are too few or have another hash.
  bool finish(Context& context, Slot slot);
  /// Gives up a slot that is not staged yet; on_staged will not come. A staged one is the store's.
  void drop(Context& context, Slot slot);
  /// Nobody will commit this image, which may be staged.
  void abandon(Context& context, const Digest& hash);
  /// Drops what was staged before this term and is not committed: an entry of this term is, so
  /// nothing of an earlier one can be any more.
  void drop_before(Context& context, raft::Term term);
  std::size_t free_slots() const;
  /// The images that are staged for this term, once for each slot.
  std::vector<Digest> staged(raft::Term term) const;

  // Images that are committed.

  /// Sees to it that the image has its file: on_held or on_missing follows, unless it is held.
  void keep(Context& context, const Image& image);
  /// Reads and hashes the image's file: on_held or on_missing follows.
  void check(Context& context, const Image& image);
  bool holds(const Digest& hash) const;
  /// The images held, and those that are known to be missing.
  std::size_t held() const { return count(FileState::kHeld); }
  std::size_t missing() const { return count(FileState::kMissing); }
  std::string path_of(const Image& image) const { return options_.image_prefix + image.file; }

 private:
  enum class SlotState : std::uint8_t { kFree, kReceiving, kSyncing, kStaged, kPlacing };
  struct SlotData {
    SlotState state = SlotState::kFree;
    Digest hash{};
    std::uint64_t size = 0;
    raft::Term term = 0;
    std::uint64_t received = 0;
    Blake2b256 running;
    std::uint8_t syncs = 0;  // still to be answered
    bool is_dropped = false;
    StorageStatus status = StorageStatus::kOk;
  };
  enum class FileState : std::uint8_t { kAwaited, kChecking, kPlacing, kHeld, kMissing };
  struct File {
    FileState state = FileState::kAwaited;
    std::string path;
    std::uint64_t size = 0;
  };
  /// A file or slot that is being read and hashed.
  struct Check {
    std::string path;
    Digest hash{};
    std::uint64_t size = 0;
    std::optional<Slot> slot;  // a slot found at the start
    std::uint64_t offset = 0;
    Blake2b256 running;
  };
  /// The parts of a token: what is answered, and for which slot.
  enum class Kind : std::uint64_t { kNote, kBytesSync, kNoteSync, kPlaceSync, kCheck };

  std::string bytes_name(Slot slot) const;
  std::string note_name(Slot slot) const;
  StorageToken token(Kind kind, Slot slot = 0) const;
  void on_note(Context& context, Slot slot, const StorageResult& result);
  void on_slot_synced(Context& context, Slot slot, StorageStatus status);
  void on_placed(Context& context, Slot slot, StorageStatus status);
  void on_check(Context& context, const StorageResult& result);
  void end_check(Context& context, bool is_good, StorageStatus status);
  void consider_opened(Context& context);
  void end_slot_check(Context& context, const Check& check, bool is_good);
  void queue_check(Context& context, Check check);
  void read_next(Context& context);
  void place(Context& context, Slot slot, File& file);
  void free(Context& context, Slot slot);
  std::optional<Slot> slot_of(const Digest& hash, SlotState state) const;
  void note_loss(Context& context, const Digest& hash);
  bool is_coming(const Digest& hash) const;
  std::size_t count(FileState state) const;

  BlobOptions options_;
  BlobOwner& owner_;
  std::vector<SlotData> slots_;
  std::map<Digest, File> files_;
  std::deque<Check> checks_;   // the first one is under way
  std::size_t notes_left_ = 0; // to be read at the start
  std::size_t slot_checks_left_ = 0;
  bool is_open_ = false;
};

}  // namespace twinbed::imagestore
