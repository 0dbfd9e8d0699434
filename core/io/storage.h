// Storage: named files that survive a crash only as far as they were synced.
#pragma once

#include <string_view>

#include "core/base/bytes.h"
#include "core/io/ids.h"

namespace twinbed {

enum class StorageStatus : std::uint8_t {
  kOk,
  kNotFound,  ///< the file does not exist, or cannot be opened
  kNoSpace,   ///< a write since the last sync found the disk full; what it wrote is not there
  kFailed,    ///< the disk reported an error
};

/// The answer to a read or sync, found again by its token.
struct StorageResult {
  StorageToken token{};
  StorageStatus status = StorageStatus::kOk;
  Bytes data;  ///< of a read; shorter than asked for at the end of the file; valid in the handler
};

/// A file is named by a relative path with '/' between its parts; directories come into being with
/// their files. Names with "..", an empty part or a leading '/' are kNotFound, unless the host was
/// told to open its whole file system (an interactive client reads any file of its user).
class Storage {
 public:
  virtual ~Storage() = default;

  /// Reads up to `size` bytes from `offset`; answered by on_storage(token).
  virtual void read(StorageToken token, std::string_view file, std::uint64_t offset,
                    std::uint64_t size) = 0;

  /// Writes at an offset, extending the file with zeros where needed. Visible to reads at once,
  /// durable only after a later sync has answered kOk. Failure shows in that sync.
  virtual void write(std::string_view file, std::uint64_t offset, Bytes data) = 0;

  /// Answered by on_storage(token) once everything written to the file, its name included, survives
  /// a crash (fdatasync and the sync of its directory).
  virtual void sync(StorageToken token, std::string_view file) = 0;

  /// Renames atomically over any file that has the new name (rename(2)); durable after a sync of
  /// the new name.
  virtual void rename(std::string_view from, std::string_view to) = 0;

  /// Removes the file; removing one that does not exist does nothing.
  virtual void remove(std::string_view file) = 0;
};

/// "ok", "not found", "no space", "failed".
std::string_view to_string(StorageStatus status);

}  // namespace twinbed
