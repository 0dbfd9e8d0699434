// A node's simulated disk: what was not synced is lost at a crash.
//
// Names and contents become durable separately from becoming visible. A sync makes a file's
// contents and its present name durable (fdatasync and the sync of the directory); a rename or
// removal becomes durable with the next sync of the name it concerns. Faults: syncs that take
// longer, a full disk, writes that are acknowledged and never reach the platter, and a crash that
// leaves a prefix of an unsynced write behind (Pillai et al., "All File Systems Are Not Created
// Equal", OSDI 2014).
//
// A directory may be one that other nodes see, too (shared_storage.h). The node's disk faults apply
// to what the node does there.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/io/storage.h"
#include "sim/faults/plan.h"
#include "sim/shared_storage.h"

namespace twinbed::sim {

class SimStorage {
 public:
  explicit SimStorage(Random& random) : random_(random) {}

  StorageStatus read(std::string_view file, std::uint64_t offset, std::uint64_t size,
                     Buffer& out) const;
  void write(std::string_view file, std::uint64_t offset, Bytes data);
  StorageStatus sync(std::string_view file);
  void rename(std::string_view from, std::string_view to);
  void remove(std::string_view file);

  /// From here on files whose names begin with the prefix, "images/", lie in the shared directory.
  /// A rename between it and the node's own disk does nothing, as between two file systems.
  void mount(std::string prefix, std::shared_ptr<SharedStorage> shared);

  /// Puts a file on the disk before the run, durable from the start.
  void preload(std::string_view file, Bytes data);
  /// Back to what is durable.
  void crash();
  /// A new, empty disk. What is shared stays.
  void erase();

  void set_fault(const DiskFault& fault) { fault_ = fault; }
  /// How much longer the next sync takes.
  Duration draw_sync_delay() { return sim::draw_sync_delay(fault_, random_); }
  /// Writes and syncs that a disk fault changed, ever.
  std::uint64_t touched() const { return touched_; }
  /// Names as a process would list them, in order.
  std::vector<std::string> list() const;

 private:
  struct File {
    Buffer content;
    Buffer durable;
    std::uint64_t dirty_from = 0;  // [dirty_from, dirty_to) of content is not yet durable
    std::uint64_t dirty_to = 0;
    StorageStatus failure = StorageStatus::kOk;  // of a write since the last sync
  };
  using FilePtr = std::shared_ptr<File>;
  using Names = std::map<std::string, FilePtr, std::less<>>;

  struct Mount {
    std::string prefix;
    std::shared_ptr<SharedStorage> shared;
    SharedStorage::Member self{};
  };

  File& open_for_write(std::string_view file);
  static void make_durable(File& file);
  WriteFate draw_fate();
  /// Where the file lies if it is not on the node's own disk; null if it is.
  const Mount* mount_of(std::string_view file) const;

  Random& random_;
  DiskFault fault_;
  Names visible_;
  Names durable_;
  std::vector<Mount> mounts_;
  std::uint64_t touched_ = 0;
};

}  // namespace twinbed::sim
