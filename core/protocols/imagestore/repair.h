// Fetches copies that this server should have and has not: it was away when the image came, its
// disk lost it, or a scrub found it damaged. One at a time, so that clients come first.
//
// On shared storage there is nothing to fetch: the store looks again from time to time, as another
// server or a person may have brought the image back.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "core/protocols/imagestore/parts.h"

namespace twinbed::imagestore {

class Repair {
 public:
  explicit Repair(const Parts& parts) : parts_(parts) {}

  /// False if it was missing already.
  bool on_missing(const Digest& hash);
  void on_get_result(Context& context, StreamId link, const GetResult& result);
  void on_chunk(Context& context, StreamId link, const Chunk& chunk);
  void on_end(Context& context, StreamId link, const End& end);
  void on_abort(Context& context, StreamId link, const Abort& abort);
  /// False if the slot is not the one in use here.
  bool on_staged(Context& context, Slot slot, StorageStatus status);
  void on_link_closed(Context& context, StreamId link);
  void tick(Context& context);

  std::size_t waiting() const { return queue_.size() + (fetch_ ? 1 : 0); }

 private:
  struct Fetch {
    Digest hash{};
    std::vector<raft::ServerId> sources;  // still to be asked
    std::optional<StreamId> link;         // of the one that was asked
    TransferId transfer = 0;
    std::optional<Slot> slot;
    Time progress{};
  };

  void look_again(Context& context);
  bool is_from(StreamId link, TransferId transfer) const;
  void start(Context& context);
  std::vector<raft::ServerId> sources_of(const Image& image) const;
  /// Asks the next source; without one the image waits for another round.
  void ask_next(Context& context);
  void drop_slot(Context& context);

  const Parts& parts_;
  std::deque<Digest> queue_;
  std::optional<Fetch> fetch_;
  TransferId next_transfer_ = 1;
  Time not_before_{};
};

}  // namespace twinbed::imagestore
