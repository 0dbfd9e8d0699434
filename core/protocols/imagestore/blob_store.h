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
// On shared storage (BlobOptions::is_shared) all servers see the images' directory, and an image is
// written there once, by the leader. The state of each server, its notes included, stays its own.
//
//   begin ─► note ──sync──► bytes into IMAGES/.incoming/TERM-NUMBER ──sync──► STAGED
//                 committed ─► the writer, or whoever executes the entry and finds no image under
//                              its name: rename to the name, sync ─► HELD
//
// TERM is the leader's, NUMBER the store's count of what it has staged: no two uploads ever have
// the same staged name, so that it is the fence. What a leader writes that lost its lead without
// knowing it (paused, cut off) goes into a file that no committed entry names, as it would have to
// propose that first and nobody follows it. A staged file is written and synced before its entry is
// proposed and never touched afterwards but by the rename, which can be repeated: whoever comes
// second finds nothing to rename, and the image under its name. The writer knows the bytes that it
// has hashed; every other server reads and hashes what it finds before it renames it or says that
// it holds it.
//
// Nothing goes into the shared directory before the note that names it is durable, so that what was
// never committed is removed by who wrote it, after a crash too. A note that is found at the start
// says only that something may be there, whole or not: it is never given a name because of the
// note, and is removed as soon as its fate is known.
//
// With a key (BlobOptions::key) what is written of an image, staged or named, is sealed
// (sealed_file.h), and what is read is opened; hashes and sizes stay those of the image. A file of
// the other kind is as good as missing.
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
#include "core/protocols/imagestore/sealed_file.h"

namespace twinbed::imagestore {

/// A staging slot, from 0.
using Slot = std::uint32_t;

struct BlobOptions {
  std::string image_prefix = "images/";
  std::string state_prefix = "state/";
  Slot slots = 32;
  bool is_shared = false;  ///< all servers see the files under image_prefix, the same ones
  std::optional<SecretKey> key;  ///< images are sealed with it; without, files are the images
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
  /// A file is sealed and should not be, or the other way round; it counts as damaged.
  virtual void on_other_kind(Context& context, const std::string& path, bool is_sealed) = 0;
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
  /// What names the slot's image in the shared directory, beside its term.
  std::uint64_t number(Slot slot) const { return slots_[slot].number; }
  /// Nobody will commit this image, which may be staged.
  void abandon(Context& context, const Digest& hash);
  /// Drops what was staged before this term and is not committed: an entry of this term is, so
  /// nothing of an earlier one can be any more. All entries up to that one have been executed.
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
  /// The image should be here and is not, and nothing is being done about it.
  bool lacks(const Digest& hash) const;
  /// The images held, and those that are known to be missing.
  std::size_t held() const { return count(FileState::kHeld); }
  std::size_t missing() const { return count(FileState::kMissing); }
  std::string path_of(const Image& image) const { return options_.image_prefix + image.file; }
  /// What opens the file of an image of this size; nothing where files are the images.
  std::optional<FileOpener> opener(std::uint64_t size) const;

 private:
  enum class SlotState : std::uint8_t {
    kFree,
    kReceiving,
    kSyncing,
    kStaged,
    kPlacing,
    kFound,  // named by a note from before the start, in the shared directory
  };
  struct SlotData {
    SlotState state = SlotState::kFree;
    Digest hash{};
    std::uint64_t size = 0;
    raft::Term term = 0;
    std::uint64_t number = 0;
    std::uint64_t received = 0;
    Blake2b256 running;
    std::optional<FileSealer> sealer;
    std::uint64_t written = 0;  // of the file
    std::uint8_t syncs = 0;  // still to be answered
    bool is_noted = true;    // false: the shared directory must wait for the note
    Buffer waiting;          // what came meanwhile
    bool is_dropped = false;
    StorageStatus status = StorageStatus::kOk;
  };
  enum class FileState : std::uint8_t { kAwaited, kChecking, kPlacing, kHeld, kMissing };
  struct File {
    FileState state = FileState::kAwaited;
    std::string path;
    std::uint64_t size = 0;
    std::string staged;  // where the entry says that it was staged; empty where nothing is shared
  };
  /// Where a check has got. In the shared directory another server may rename the staged file
  /// between two looks, so that the last one is at the image's name again.
  enum class Look : std::uint8_t { kFile, kStaged, kNaming, kFileAgain };
  /// A file or slot that is being read and hashed.
  struct Check {
    std::string path;
    Digest hash{};
    std::uint64_t size = 0;
    std::optional<Slot> slot = {};  // a slot found at the start
    Look look = Look::kFile;
    std::uint64_t offset = 0;   // of the file
    Blake2b256 running = {};
    std::optional<FileOpener> opener = {};
    bool begins_sealed = false;
  };
  /// The parts of a token: what is answered, and for which slot.
  enum class Kind : std::uint64_t {
    kNote, kBytesSync, kNoteSync, kPlaceSync, kCheck, kNameSync, kEnd
  };

  std::string bytes_name(Slot slot) const;
  std::string note_name(Slot slot) const;
  std::string staged_name(raft::Term term, std::uint64_t number) const;
  StorageToken token(Kind kind, Slot slot = 0) const;
  void on_note(Context& context, Slot slot, const StorageResult& result);
  void write_note(Context& context, Slot slot);
  void write_bytes(Context& context, Slot slot, Bytes bytes);
  void sync_bytes(Context& context, Slot slot);
  void on_slot_synced(Context& context, Slot slot, StorageStatus status);
  void on_noted(Context& context, Slot slot);
  void on_placed(Context& context, Slot slot, StorageStatus status);
  void on_check(Context& context, const StorageResult& result);
  void end_check(Context& context, bool is_good, StorageStatus status);
  std::uint64_t file_bytes(std::uint64_t image_bytes) const;
  void consider_opened(Context& context);
  void end_slot_check(Context& context, const Check& check, bool is_good);
  bool look_further(Context& context);
  void on_named(Context& context, StorageStatus status);
  void queue_check(Context& context, Check check);
  void read_next(Context& context);
  void place(Context& context, Slot slot, File& file);
  void free(Context& context, Slot slot);
  void free_copies(Context& context, const Digest& hash);
  std::optional<Slot> own_slot_of(const Image& image) const;
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
  std::uint64_t next_number_ = 1;
};

}  // namespace twinbed::imagestore
