// A directory that several simulated nodes see, as NFS version 3 would show it (RFC 1813).
//
// What one node does the others see at once. Creating, renaming and removing files takes effect at
// the server and survives whatever happens to the node. Bytes that were written wait in the writing
// node until it syncs the file (RFC 1813, section 3.3.7: unstable writes and COMMIT): when it
// crashes before, they are gone, for all nodes, also from a file that has been renamed since. The
// server itself does not fail. (NFS shows others what was written only when the file is closed or
// synced; here they may see it earlier, and with that more of what is unfinished.)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/io/storage.h"

namespace twinbed {
class Random;
}

namespace twinbed::sim {

/// What a node's disk fault makes of one of its writes.
enum class WriteFate : std::uint8_t {
  kTaken,
  kNoSpace,  ///< nothing is written, and the next sync says so
  kLost,     ///< seen until the node crashes, as no sync makes it durable
};

class SharedStorage {
 public:
  /// A node that the directory is shared with, from 0 in the order in which they join.
  using Member = std::uint32_t;
  Member join() { return members_++; }

  StorageStatus read(std::string_view file, std::uint64_t offset, std::uint64_t size,
                     Buffer& out) const;
  void write(Member member, std::string_view file, std::uint64_t offset, Bytes data,
             WriteFate fate);
  /// Of what this member has written.
  StorageStatus sync(Member member, std::string_view file);
  void rename(std::string_view from, std::string_view to);
  void remove(std::string_view file);
  /// Puts a file there before the run.
  void preload(std::string_view file, Bytes data);
  /// The member's unsynced writes are gone, but for a prefix of each with the probability `tear`.
  /// Returns of how many something was left.
  std::uint64_t crash(Member member, double tear, Random& random);
  /// Names in order.
  std::vector<std::string> list() const;

 private:
  /// What one member has written to a file and not synced: [from, to) of its content.
  struct Unsynced {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool has_lost = false;  // others that no sync will make durable
    StorageStatus failure = StorageStatus::kOk;  // of a write since its last sync
  };
  struct File {
    Buffer content;
    Buffer durable;
    std::map<Member, Unsynced> unsynced;
  };

  Member members_ = 0;
  // Two names never mean one file: there are no links, and a rename moves the name.
  std::map<std::string, std::unique_ptr<File>, std::less<>> files_;
};

}  // namespace twinbed::sim
