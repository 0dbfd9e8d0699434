// Copies that the leader hands to this server.
#pragma once

#include <map>
#include <utility>

#include "core/protocols/imagestore/parts.h"

namespace twinbed::imagestore {

class Copies {
 public:
  explicit Copies(const Parts& parts) : parts_(parts) {}

  /// `term` is the sender's: a server that leads no more is refused.
  void on_begin(Context& context, StreamId link, raft::ServerId from, raft::Term term,
                const CopyBegin& begin);
  void on_chunk(Context& context, StreamId link, const Chunk& chunk);
  void on_end(Context& context, StreamId link, const End& end);
  void on_abort(Context& context, StreamId link, const Abort& abort);
  /// False if the slot is not one of these.
  bool on_staged(Context& context, Slot slot, StorageStatus status);
  /// What the leader has given up while it was not connected is dropped, once everything is
  /// executed here that it knows to be committed.
  void on_pending(Context& context, raft::Term term, const Pending& pending);
  /// A command has been executed.
  void on_applied(Context& context, const Digest& hash);
  void on_link_closed(Context& context, StreamId link);

 private:
  using Key = std::pair<StreamId, TransferId>;
  struct Copy {
    Slot slot = 0;
    Digest hash{};
    raft::ServerId from = raft::kNobody;
    raft::Term term = 0;
    bool is_whole = false;   // all bytes have come
    bool is_staged = false;  // and are durable: the slot is the store's
  };

  void drop_given_up(Context& context);
  bool is_stale(Context& context, const Copy& copy);
  void answer(Context& context, const Key& key, Outcome outcome, std::string text);

  const Parts& parts_;
  std::vector<Digest> given_up_;  // staged copies that count no more
  raft::Index given_up_at_ = 0;   // once this index is executed
  std::map<Key, Copy> copies_;  // until committed, given up, or the leader's connection ends
};

}  // namespace twinbed::imagestore
