// What a Raft server must not forget: its term, its vote, its log and its snapshot, on Storage.
//
// Two journal files take turns, one generation after the other; within a generation records are
// only appended:
//
//   base | entry ... | base end | state or entry | state or entry | ...
//
// A record is `u32 length | u8 type | body | u64 check`, and the check covers the one before, too,
// so that what a crash tore off, or a former generation left behind, ends the journal and is never
// taken for a part of it. An entry whose index is not beyond the end replaces the log from there.
// A snapshot is synced before the generation that builds on it begins, and a generation counts once
// its base is whole; until then the former one holds everything. Thus the server can crash between
// any two steps.
//
// A record that was durable and has gone bad is not told from one that was torn off (Alagappan et
// al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, says what it would take).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/io/protocol.h"
#include "core/protocols/raft/log.h"

namespace twinbed::raft {

/// What survives a crash.
struct Durable {
  Term term = 0;
  ServerId vote = kNobody;
  Log log;
  Buffer snapshot;  ///< of the state machine as of log.base()
};

class Journal {
 public:
  /// Tokens from `first` on that the journal uses.
  static constexpr std::uint64_t kTokens = 5;

  Journal(std::string directory, StorageToken first);

  enum class Outcome : std::uint8_t {
    kNothing,
    kOpened,         ///< recovered() is there
    kDurable,        ///< durable_mark() has moved
    kSnapshotSaved,  ///< begin_generation may follow
    kNoSpace,        ///< nothing is lost, but the disk is full: call retry() after a while
    kFailed,         ///< what is on the disk is not known any more: failure() says why
  };

  /// Reads what there is; kOpened or kFailed follows. Members as in `initial` where there is none.
  void open(Context& context, const Configuration& initial);
  bool owns(StorageToken token) const;
  Outcome on_storage(Context& context, const StorageResult& result);
  /// Once, after kOpened.
  Durable take_recovered() { return std::move(recovered_); }
  const std::string& failure() const { return failure_; }

  // Appending. It reaches the disk with flush, which is called once at the end of a handler.
  void append_state(Term term, ServerId vote);
  void append_entry(Index index, const Entry& entry);
  void flush(Context& context);
  /// Writes again what did not fit.
  void retry(Context& context);

  /// Stands for everything appended so far.
  std::uint64_t mark() const { return appended_; }
  /// What was appended up to this mark survives a crash.
  std::uint64_t durable_mark() const { return durable_; }

  /// Saves a snapshot beside the present one; kSnapshotSaved or kNoSpace follows. One at a time.
  void save_snapshot(Context& context, Bytes snapshot);
  bool is_saving() const { return is_saving_; }
  /// Goes on in a new generation that builds on the snapshot saved last; the log is what it holds
  /// now, its base what the snapshot covers.
  void begin_generation(Context& context, Term term, ServerId vote, const Log& log);

 private:
  struct File {
    Buffer bytes;              // as read
    std::uint64_t generation = 0;  // 0: none that counts
    std::size_t end = 0;       // of the last good record
    std::uint64_t check = 0;
    std::uint64_t snapshot_size = 0;
    std::uint64_t snapshot_hash = 0;
    Durable durable;
  };

  std::string journal_name(std::uint64_t generation) const;
  std::string snapshot_name(std::uint64_t generation) const;
  StorageToken token(std::uint64_t offset) const;
  void append_record(std::uint8_t type, Bytes body);
  Outcome on_read(Context& context, std::size_t file, const StorageResult& result);
  Outcome on_snapshot_read(const StorageResult& result);
  Outcome on_synced(Context& context, const StorageResult& result);
  Outcome choose(Context& context);
  Outcome fail(std::string sentence);
  Outcome fail_to_sync(const std::string& name);
  static void parse(File& file, const Configuration& initial);

  std::string directory_;
  std::uint64_t first_token_;
  Configuration initial_;
  std::array<File, 2> files_;  // while opening
  std::size_t files_read_ = 0;
  Durable recovered_;
  std::string failure_;

  std::uint64_t generation_ = 0;
  std::uint64_t check_ = 0;        // of the last record
  std::uint64_t file_start_ = 0;   // the mark at which the present file begins
  Buffer pending_;                 // records from durable or the file's start on
  std::uint64_t pending_start_ = 0;
  std::uint64_t appended_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t durable_ = 0;
  std::optional<std::uint64_t> syncing_;  // the mark up to which a sync is under way
  bool is_stuck_ = false;                 // the disk was full: nothing more before retry()

  bool is_saving_ = false;
  std::uint64_t snapshot_size_ = 0;
  std::uint64_t snapshot_hash_ = 0;
};

}  // namespace twinbed::raft
