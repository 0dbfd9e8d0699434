#include <algorithm>
#include <iterator>
#include <utility>

#include "core/protocols/raft/node.h"

namespace twinbed::raft {

Index Node::propose(Context& context, Bytes command) {
  if (!can_act() || !leads() || transfer_to_ != kNobody) return 0;
  append_own(context, {term_, EntryKind::kCommand, to_buffer(command)});
  const Index index = log_.last_index();
  for (auto& [id, peer] : peers_) {
    if (!peer.is_probing) send_append(context, id, peer);
  }
  finish(context);
  return index;
}

// ---- Reads -----------------------------------------------------------------------------------

void Node::read(Context& context, ReadId id) {
  if (!can_act() || !leads()) {
    around_.on_read(context, id, false);
    return;
  }
  // Until an entry of its own term is committed, a leader does not know what is (§6.4).
  reads_.push_back({id, ++round_, std::max(commit_, first_own_index_)});
  broadcast(context);
  finish(context);
}

void Node::check_reads(Context& context) {
  const auto is_answered = [&](const PendingRead& read) {
    return applied_ >= read.index &&
           is_majority([&](const Peer& peer) { return peer.acked_round >= read.round; });
  };
  const auto first = std::stable_partition(reads_.begin(), reads_.end(),
                                           [&](const auto& read) { return !is_answered(read); });
  const std::vector<PendingRead> answered(first, reads_.end());
  reads_.erase(first, reads_.end());
  for (const PendingRead& read : answered) around_.on_read(context, read.id, true);
}

void Node::fail_reads(Context& context) {
  for (const PendingRead& read : std::exchange(reads_, {})) {
    around_.on_read(context, read.id, false);
  }
}

// ---- Handing over ----------------------------------------------------------------------------

std::string Node::transfer(Context& context, ServerId to) {
  if (!can_act() || !leads()) return "this server does not lead";
  if (to == options_.id) return "this server leads already";
  if (!log_.configuration().is_voter(to)) {
    return "server " + std::to_string(to) + " is no voter of the cluster";
  }
  transfer_to_ = to;
  transfer_sent_ = false;
  transfer_until_ = context.now + options_.election_timeout_max;
  finish(context);
  return {};
}

void Node::check_transfer(Context& context) {
  if (transfer_to_ == kNobody) return;
  if (context.now >= transfer_until_) {
    transfer_to_ = kNobody;
  } else if (!transfer_sent_ && match_of(transfer_to_) == log_.last_index()) {
    transfer_sent_ = true;
    around_.send(context, transfer_to_, TimeoutNow{term_});
  }
}

void Node::consider_hand_over(Context& context) {
  if (options_.hand_over_after <= Duration{} || transfer_to_ != kNobody) return;
  const std::vector<ServerId>& voters = log_.configuration().voters;
  for (auto id = voters.rbegin(); id != voters.rend() && *id > options_.id; ++id) {
    const Peer& peer = peers_.at(*id);
    if (peer.kept_up_since == kNever) continue;
    if (context.now < peer.kept_up_since + options_.hand_over_after) continue;
    transfer_to_ = *id;
    transfer_sent_ = false;
    transfer_until_ = context.now + options_.election_timeout_max;
    return;
  }
}

// ---- Membership ------------------------------------------------------------------------------

std::string Node::refusal_of(const Configuration& next) const {
  if (!can_act() || !leads()) return "this server does not lead";
  if (log_.configuration_index() > commit_) return "the last change of members is not committed";
  // Without it, two leaders could each commit with a majority of its own (Ongaro, raft-dev,
  // "bug in single-server membership changes", 2015).
  if (commit_ < first_own_index_) return "this leader has not yet committed an entry of its term";
  if (next.voters.empty()) return "a cluster needs a voter";
  Configuration checked;
  if (!decode(encode(next), checked)) return "members must be sorted and named once";
  const Configuration& now = log_.configuration();
  std::vector<ServerId> changed;
  std::set_symmetric_difference(now.voters.begin(), now.voters.end(), next.voters.begin(),
                                next.voters.end(), std::back_inserter(changed));
  if (changed.size() > 1) return "only one voter can be added or removed at a time";
  return {};
}

Result<Index> Node::change_members(Context& context, const Configuration& next) {
  if (std::string refusal = refusal_of(next); !refusal.empty()) return Error{std::move(refusal)};
  append_own(context, {term_, EntryKind::kConfiguration, encode(next)});
  const Index index = log_.last_index();
  broadcast(context);
  finish(context);
  return index;
}

}  // namespace twinbed::raft
