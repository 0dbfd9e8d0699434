#include <algorithm>
#include <utility>

#include "core/protocols/raft/node.h"
#include "core/protocols/raft/records.h"

namespace twinbed::raft {

// ---- This server's own -----------------------------------------------------------------------

void Node::consider_snapshot(Context& context) {
  if (options_.snapshot_every == 0 || journal_.is_saving() || is_stuck_) return;
  if (applied_ - log_.base().index < options_.snapshot_every) return;
  saving_ = Snapshot{log_.position(applied_), log_.configuration_at(applied_),
                     around_.take_snapshot(), kNobody, 0};
  journal_.save_snapshot(context, saving_->data);
}

void Node::on_snapshot_saved(Context& context) {
  Snapshot saved = *std::exchange(saving_, std::nullopt);
  const ServerId from = saved.from;
  const SnapshotReply reply{term_, saved.round, saved.last.index, 0, true};
  if (saved.last.index > log_.base().index) {
    if (from == kNobody || log_.term_at(saved.last.index) == saved.last.term) {
      log_.compact(saved.last.index);
    } else {
      log_.reset(saved.last, saved.configuration);
    }
    snapshot_ = std::move(saved.data);
    if (applied_ < saved.last.index) install(context, saved.last);
    journal_.begin_generation(context, term_, vote_, log_);
  }
  if (from != kNobody) when_durable(Outgoing{from, reply});
}

void Node::install(Context& context, const LogPosition& last) {
  applied_ = last.index;
  commit_ = std::max(commit_, last.index);
  context.recorder.event(kInstallEvent,
                         {{"index", static_cast<std::int64_t>(last.index)},
                          {"prefix", static_cast<std::int64_t>(last.prefix_hash)}});
  around_.restore(context, snapshot_);
}

// ---- From the leader to a follower that is far behind ----------------------------------------

void Node::send_snapshot(Context& context, ServerId to, Peer& peer) {
  if (peer.snapshot_index != log_.base().index) {
    peer.snapshot_index = log_.base().index;
    peer.snapshot_offset = 0;
  }
  const std::size_t offset = std::min<std::size_t>(peer.snapshot_offset, snapshot_.size());
  const std::size_t size = std::min(options_.snapshot_chunk_bytes, snapshot_.size() - offset);
  const bool is_last = offset + size == snapshot_.size();
  around_.send(context, to,
               SnapshotRequest{term_, log_.base(), log_.base_configuration(), round_, offset,
                               is_last, to_buffer(Bytes(snapshot_).subspan(offset, size))});
}

void Node::handle(Context& context, ServerId from, const SnapshotRequest& request) {
  const bool is_accepted = accept_leader(context, from, request.term);
  SnapshotReply reply{term_, request.round, request.last.index, 0, false};
  if (!is_accepted || request.last.index <= commit_) {
    reply.is_installed = is_accepted;
    when_durable(Outgoing{from, reply});
    return;
  }
  if (journal_.is_saving()) return;  // The leader asks again with its next heartbeat.
  if (request.offset == 0) {
    incoming_ = Snapshot{request.last, request.configuration, {}, from, request.round};
  }
  if (incoming_ && incoming_->last == request.last && incoming_->from == from) {
    if (request.offset == incoming_->data.size()) {
      incoming_->data.insert(incoming_->data.end(), request.data.begin(), request.data.end());
      incoming_->round = request.round;
      if (request.is_last) {
        saving_ = std::exchange(incoming_, std::nullopt);
        journal_.save_snapshot(context, saving_->data);
        return;
      }
    }
    reply.next_offset = incoming_->data.size();
  }
  when_durable(Outgoing{from, reply});
}

void Node::handle(Context& context, ServerId from, const SnapshotReply& reply) {
  Peer* peer = peer_that_answers(context, from, reply.term, reply.round);
  if (peer == nullptr || reply.last_index > log_.last_index()) return;
  if (reply.is_installed) {
    peer->match = std::max(peer->match, reply.last_index);
    peer->next = std::max(peer->next, peer->match + 1);
    peer->is_probing = true;
    advance_commit(context);
    send_append(context, from, *peer);
  } else if (peer->next <= log_.base().index && reply.last_index == log_.base().index) {
    peer->snapshot_offset = reply.next_offset;
    send_snapshot(context, from, *peer);
  }
}

}  // namespace twinbed::raft
