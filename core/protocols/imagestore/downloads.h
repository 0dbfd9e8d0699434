// Images that go out: to clients that ask for one by its id, to servers that repair their copy.
//
//     Get ──(current as of now? then Raft confirms the lead)──► GetResult ─► Chunk ... ─► End
//
// The file is read piece by piece, no faster than the connection takes it.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "core/protocols/imagestore/parts.h"

namespace twinbed::imagestore {

class Downloads {
 public:
  /// Storage tokens and read ids from `first` on belong to the downloads.
  Downloads(const Parts& parts, std::uint64_t first) : parts_(parts), next_(first), first_(first) {}

  void on_get(Context& context, StreamId link, const Get& get);
  /// Raft's answer to a read that is to be current.
  void on_read(Context& context, raft::ReadId id, bool is_current);
  /// False where the answer is not for a download.
  bool on_storage(Context& context, const StorageResult& result);
  void on_link_drained(Context& context, StreamId link);
  void on_link_closed(StreamId link);

  std::size_t size() const { return downloads_.size(); }

 private:
  struct Download {
    StreamId link{};
    Get what;
    Digest hash{};
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t sent = 0;
    std::uint64_t read = 0;             // of the file
    std::optional<FileOpener> opener;   // of a file that is sealed
    bool is_reading = false;
  };

  void begin(Context& context, std::uint64_t number);
  std::optional<Bytes> take(Download& download, const StorageResult& result, Buffer& opened) const;
  void read_next(Context& context, std::uint64_t number, Download& download);
  void refuse(Context& context, std::uint64_t number, Outcome outcome, std::string text);

  const Parts& parts_;
  std::uint64_t next_;
  std::uint64_t first_;
  std::map<std::uint64_t, Download> downloads_;
};

}  // namespace twinbed::imagestore
