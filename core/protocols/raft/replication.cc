#include <algorithm>
#include <functional>
#include <utility>

#include "core/protocols/raft/node.h"
#include "core/protocols/raft/records.h"

namespace twinbed::raft {

// ---- A follower ------------------------------------------------------------------------------

bool Node::accept_leader(Context& context, ServerId from, Term term) {
  if (term < term_ || (term == term_ && leads())) return false;
  if (term > term_ || role_ != Role::kFollower || leader_ != from) {
    become_follower(context, term, from);
  }
  last_leader_contact_ = context.now;
  set_election_timer(context);
  return true;
}

void Node::handle(Context& context, ServerId from, const AppendRequest& request) {
  AppendReply reply{term_, request.round, false, 0};
  if (accept_leader(context, from, request.term)) {
    reply.term = term_;
    reply.is_accepted = store_entries(context, request);
    reply.match = reply.is_accepted ? request.previous_index + request.entries.size()
                                    : refusal_hint(request);
  }
  when_durable(Outgoing{from, reply});
}

bool Node::store_entries(Context& context, const AppendRequest& request) {
  Index index = request.previous_index;
  if (index > log_.last_index()) return false;
  // What the snapshot covers was committed, and so is the same in the leader's log.
  if (index >= log_.base().index && *log_.term_at(index) != request.previous_term) return false;
  Term term = request.previous_term;
  for (const Entry& entry : request.entries) {
    ++index;
    if (entry.term < term || entry.term > request.term) return false;
    term = entry.term;
    if (index <= log_.base().index) continue;
    if (const std::optional<Term> known = log_.term_at(index)) {
      if (*known == entry.term) continue;
      if (index <= commit_) return false;  // No correct leader contradicts what is committed.
      log_.truncate(index);
      context.recorder.event(kTruncateEvent, {{"index", static_cast<std::int64_t>(index)}});
    }
    adopt_entry(context, entry);
  }
  commit_ = std::max(commit_, std::min(request.commit, index));
  return true;
}

/// Where the leader should try next: no entry of this log beyond it can be one of the leader's,
/// since the leader's has no higher term up to the place that it asked about.
Index Node::refusal_hint(const AppendRequest& request) const {
  const Index before = request.previous_index == 0 ? 0 : request.previous_index - 1;
  Index hint = std::min(before, log_.last_index());
  while (hint > log_.base().index && *log_.term_at(hint) > request.previous_term) --hint;
  return hint;
}

void Node::adopt_entry(Context& context, Entry entry) {
  const Index index = log_.last_index() + 1;
  journal_.append_entry(index, entry);
  log_.append(std::move(entry));
  const LogPosition last = log_.last();
  context.recorder.event(kAppendEvent,
                         {{"index", static_cast<std::int64_t>(last.index)},
                          {"term", static_cast<std::int64_t>(last.term)},
                          {"prefix", static_cast<std::int64_t>(last.prefix_hash)}});
}

// ---- A leader --------------------------------------------------------------------------------

void Node::append_own(Context& context, Entry entry) {
  const bool is_change = entry.kind == EntryKind::kConfiguration;
  adopt_entry(context, std::move(entry));
  when_durable(OwnMatch{term_, log_.last_index()});
  if (is_change) update_peers(context);  // It counts from its place in the log on (§4.1).
}

void Node::update_peers(Context& context) {
  const Configuration& members = log_.configuration();
  std::erase_if(peers_, [&](const auto& known) { return !members.is_member(known.first); });
  Peer fresh;
  fresh.next = log_.last_index() + 1;
  fresh.last_contact = context.now;
  for (const auto* group : {&members.voters, &members.learners}) {
    for (const ServerId id : *group) {
      if (id != options_.id) peers_.try_emplace(id, fresh);
    }
  }
}

void Node::broadcast(Context& context) {
  for (auto& [id, peer] : peers_) send_append(context, id, peer);
}

void Node::send_append(Context& context, ServerId to, Peer& peer) {
  if (peer.next <= log_.base().index) {
    send_snapshot(context, to, peer);
    return;
  }
  const LogPosition previous = log_.position(peer.next - 1);
  AppendRequest request{term_, previous.index, previous.term, commit_, round_, {}};
  std::size_t bytes = 0;
  for (Index index = peer.next; index <= log_.last_index(); ++index) {
    const Entry& entry = log_.entry(index);
    bytes += entry.data.size();
    if (bytes > options_.max_append_bytes && !request.entries.empty()) break;
    request.entries.push_back(entry);
  }
  // As soon as the logs are known to agree, requests follow each other without waiting.
  if (!peer.is_probing) peer.next += request.entries.size();
  around_.send(context, to, request);
}

/// The peer whose answer this is; null unless this server leads in that term.
Node::Peer* Node::peer_that_answers(Context& context, ServerId from, Term term,
                                    std::uint64_t round) {
  if (term > term_) become_follower(context, term, kNobody);
  if (!leads() || term != term_) return nullptr;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return nullptr;
  Peer& peer = found->second;
  peer.last_contact = context.now;
  peer.acked_round = std::max(peer.acked_round, std::min(round, round_));
  return &peer;
}

void Node::handle(Context& context, ServerId from, const AppendReply& reply) {
  Peer* peer = peer_that_answers(context, from, reply.term, reply.round);
  if (peer == nullptr || reply.match > log_.last_index()) return;
  if (!reply.is_accepted) {
    if (reply.match < peer->match) return;  // Overtaken by a later answer.
    peer->is_probing = true;
    peer->next = std::min(peer->next, reply.match + 1);
    send_append(context, from, *peer);
    return;
  }
  peer->is_probing = false;
  if (reply.match > peer->match) {
    peer->match = reply.match;
    advance_commit(context);
  }
  peer->next = std::max(peer->next, peer->match + 1);
  if (peer->match >= commit_) peer->kept_up_since = std::min(peer->kept_up_since, context.now);
  if (peer->next <= log_.last_index()) send_append(context, from, *peer);
}

void Node::advance_commit(Context&) {
  const Configuration& members = log_.configuration();
  std::vector<Index> matches;
  for (const ServerId id : members.voters) {
    matches.push_back(id == options_.id ? own_match_ : match_of(id));
  }
  if (matches.empty()) return;
  std::sort(matches.begin(), matches.end(), std::greater<>());
  const Index shared = matches[members.majority() - 1];
  // Only an entry of its own term tells a leader that what is before it is committed (§3.6.2).
  if (shared > commit_ && log_.term_at(shared) == term_) commit_ = shared;
}

Index Node::match_of(ServerId id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? 0 : found->second.match;
}

void Node::on_heartbeat(Context& context) {
  if (!leads()) return;
  check_quorum(context);
  if (!leads()) return;
  for (auto& [id, peer] : peers_) {
    const bool is_silent = context.now > peer.last_contact + 2 * options_.heartbeat;
    if (is_silent || peer.match < commit_) peer.kept_up_since = kNever;
  }
  consider_hand_over(context);
  broadcast(context);
  set_heartbeat_timer(context);
}

void Node::check_quorum(Context& context) {
  if (!options_.check_quorum) return;
  const Time limit = context.now - options_.election_timeout_min;
  if (!is_majority([&](const Peer& peer) { return peer.last_contact > limit; })) {
    become_follower(context, term_, kNobody);
  }
}

}  // namespace twinbed::raft
