// Files of a live node: the Storage seam over POSIX.
//
// Names are relative to the root (core/io/storage.h). Reads, writes and syncs are carried out at
// once, on the loop's thread: a slow disk delays the node's other events, as it would a simple
// single-threaded program, and the lateness ledger shows it. The answers still come as later
// handler calls.
//
// What a crash leaves: a killed process loses nothing that the kernel has taken, so by default even
// unsynced writes are found again. With `hold_unsynced`, writes stay in this process until they are
// synced, so that killing it loses them as a power failure would. Renaming a file writes out what
// was held for it, as ext4 does by default (auto_da_alloc); renames and removals are not undone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/io/storage.h"
#include "sim/faults/plan.h"

namespace twinbed::backends {

struct FileStorageOptions {
  std::string root;  ///< created with its first file; empty: there is no storage
  /// Any path may be named; relative ones start at the root, or where the process is if it is
  /// empty.
  bool whole_file_system = false;
  bool hold_unsynced = false;      ///< a kill loses what was not synced
};

struct StorageCounters {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t errors = 0;        ///< reads and syncs that were answered with anything but kOk
  std::uint64_t writes_lost = 0;   ///< by the disk fault
  std::uint64_t syncs_delayed = 0;
};

class FileStorage {
 public:
  /// `random` decides which writes a disk fault loses.
  FileStorage(FileStorageOptions options, Random& random);

  struct ReadAnswer {
    StorageStatus status = StorageStatus::kOk;
    Buffer data;
  };
  ReadAnswer read(std::string_view file, std::uint64_t offset, std::uint64_t size);
  /// A failure is remembered and answered by the next sync of the file.
  void write(std::string_view file, std::uint64_t offset, Bytes data);
  StorageStatus sync(std::string_view file);
  void rename(std::string_view from, std::string_view to);
  void remove(std::string_view file);

  /// Hands what is held to the kernel: the node stops in good order.
  void flush();

  /// Sets a disk fault or lifts it (a default-constructed one). Of its members, sync_delay and
  /// sync_jitter are left to the caller, who delays the answer; a lost write is seen by reads until
  /// the node ends and never reaches the disk; tear_write does nothing, as it takes a power cut.
  void set_fault(const sim::DiskFault& fault) { fault_ = fault; }
  const sim::DiskFault& fault() const { return fault_; }
  StorageCounters& counters() { return counters_; }

 private:
  struct HeldWrite {
    std::uint64_t offset = 0;
    Buffer data;
    bool is_lost = false;     ///< seen by reads, never written out
    bool is_written = false;  ///< kept only because a lost write lies below it
  };
  using HeldWrites = std::vector<HeldWrite>;

  bool path_of(std::string_view file, std::string& path) const;
  StorageStatus write_out(const std::string& path, std::uint64_t offset, Bytes data);
  void write_out_held(const std::string& path);
  StorageStatus sync_path(const std::string& path);
  StorageStatus sync_directories(const std::string& path);
  void overlay(const HeldWrites& writes, std::uint64_t offset, std::uint64_t size,
               Buffer& data) const;
  void remember(const std::string& path, StorageStatus status);
  void forget(const std::string& path);

  FileStorageOptions options_;
  Random& random_;
  sim::DiskFault fault_;
  StorageCounters counters_;
  std::map<std::string, StorageStatus> failed_writes_;       ///< first failure since the last sync
  std::set<std::string> durable_names_;                      ///< whose directories were synced
  std::set<std::string> gone_names_;                         ///< removed or renamed, not yet synced
  std::map<std::string, std::set<std::string>> old_places_;  ///< directories a rename took from
  std::map<std::string, HeldWrites> held_;
};

}  // namespace twinbed::backends
