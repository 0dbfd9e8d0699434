#include "core/protocols/raft/node.h"

namespace twinbed::raft {

/// A voter; or one that was a voter before a change that is not known to be committed: it may be
/// the only one that has the change in its log, and then nobody else can be elected. It does not
/// count its own vote, and steps down when the change is committed (§4.2.2).
bool Node::is_electable() const {
  if (log_.configuration().is_voter(options_.id)) return true;
  const Index change = log_.configuration_index();
  return change > commit_ && log_.configuration_at(change - 1).is_voter(options_.id);
}

void Node::on_election_timeout(Context& context) {
  if (leads()) return;
  leader_ = kNobody;
  if (!can_lead()) {
    role_ = Role::kFollower;
    set_election_timer(context);
  } else if (options_.pre_vote) {
    start_pre_vote(context);
  } else {
    start_election(context, false);
  }
}

void Node::start_pre_vote(Context& context) {
  role_ = Role::kPreCandidate;
  votes_.clear();
  set_election_timer(context);
  const LogPosition last = log_.last();
  ask_for_votes(context, {term_ + 1, last.index, last.term, true, false});
  count_vote(context, options_.id);
}

void Node::start_election(Context& context, bool is_transfer) {
  role_ = Role::kCandidate;
  ++term_;
  vote_ = options_.id;
  leader_ = kNobody;
  votes_.clear();
  save_state();
  set_election_timer(context);
  const LogPosition last = log_.last();
  ask_for_votes(context, {term_, last.index, last.term, false, is_transfer});
  when_durable(OwnVote{term_});
}

void Node::ask_for_votes(Context&, const VoteRequest& request) {
  for (const ServerId id : log_.configuration().voters) {
    if (id != options_.id) when_durable(Outgoing{id, request});
  }
}

void Node::count_vote(Context& context, ServerId from) {
  const Configuration& members = log_.configuration();
  if (!members.is_voter(from)) return;
  votes_.insert(from);
  if (votes_.size() < members.majority()) return;
  if (role_ == Role::kPreCandidate) {
    start_election(context, false);
  } else {
    become_leader(context);
  }
}

void Node::become_leader(Context& context) {
  role_ = Role::kLeader;
  leader_ = options_.id;
  votes_.clear();
  context.timers.cancel(timer(0));
  is_election_timer_set_ = false;
  // Everything in the log is durable: this server's vote came after it and is durable.
  own_match_ = log_.last_index();
  first_own_index_ = log_.last_index() + 1;
  transfer_to_ = kNobody;
  peers_.clear();
  update_peers(context);
  // Entries of former terms are committed with the first one of this term (§3.6.2).
  append_own(context, {term_, EntryKind::kNoop, {}});
  broadcast(context);
  set_heartbeat_timer(context);
}

void Node::handle(Context& context, ServerId from, const VoteRequest& request) {
  const bool is_loyal =
      options_.stickiness && hears_leader(context.now) && !request.is_transfer;
  if (!is_loyal && !request.is_pre_vote && request.term > term_) {
    become_follower(context, request.term, kNobody);
  }
  const bool is_free = request.term > term_ || vote_ == from ||
                       (vote_ == kNobody && leader_ == kNobody);
  const bool is_granted = !is_loyal && !is_stuck_ && request.term >= term_ && is_free &&
                          log_.is_up_to_date(request.last_index, request.last_term);
  if (is_granted && !request.is_pre_vote) {
    role_ = Role::kFollower;
    vote_ = from;
    save_state();
    set_election_timer(context);
  }
  const Term term = is_granted ? request.term : term_;
  when_durable(Outgoing{from, VoteReply{term, request.is_pre_vote, is_granted}});
}

void Node::handle(Context& context, ServerId from, const VoteReply& reply) {
  if (!reply.is_granted) {
    if (reply.term > term_) become_follower(context, reply.term, kNobody);
    return;
  }
  const bool is_pre_vote = role_ == Role::kPreCandidate && reply.term == term_ + 1;
  const bool is_vote = role_ == Role::kCandidate && reply.term == term_;
  if (reply.is_pre_vote ? is_pre_vote : is_vote) count_vote(context, from);
}

void Node::handle(Context& context, ServerId from, const TimeoutNow& message) {
  if (message.term != term_ || leader_ != from || !can_lead()) return;
  start_election(context, true);
}

}  // namespace twinbed::raft
