#include "core/protocols/raft/node.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/protocols/raft/records.h"

namespace twinbed::raft {
namespace {

enum TimerOffset : std::uint32_t { kElectionTimer, kHeartbeatTimer, kRetryTimer };

/// How long after a full disk the server tries again.
constexpr Duration kRetryAfter = std::chrono::seconds(1);

}  // namespace

Node::Node(Options options, Surroundings& surroundings)
    : options_(std::move(options)),
      around_(surroundings),
      journal_(options_.directory, options_.first_token) {
  TWINBED_CHECK(options_.id != kNobody, "a Raft server needs an id");
  TWINBED_CHECK(options_.election_timeout_min <= options_.election_timeout_max,
                "the range of the election timeout is empty");
}

void Node::start(Context& context) {
  last_leader_contact_ = context.now;
  journal_.open(context, options_.initial);
}

bool Node::on_timer(Context& context, TimerId id) {
  const std::uint32_t offset =
      static_cast<std::uint32_t>(id) - static_cast<std::uint32_t>(options_.first_timer);
  if (offset >= kTimers) return false;
  if (!can_act()) return true;
  if (offset == kElectionTimer) {
    is_election_timer_set_ = false;
    on_election_timeout(context);
  } else if (offset == kHeartbeatTimer) {
    on_heartbeat(context);
  } else {
    is_stuck_ = false;
    journal_.retry(context);
  }
  finish(context);
  return true;
}

bool Node::on_storage(Context& context, const StorageResult& result) {
  if (!journal_.owns(result.token)) return false;
  if (!failure().empty()) return true;
  on_journal(context, journal_.on_storage(context, result));
  if (is_open_) finish(context);
  return true;
}

void Node::on_journal(Context& context, Journal::Outcome outcome) {
  switch (outcome) {
    case Journal::Outcome::kNothing: break;
    case Journal::Outcome::kOpened: on_opened(context); break;
    case Journal::Outcome::kDurable: break;  // finish() looks at what has waited for it.
    case Journal::Outcome::kSnapshotSaved: on_snapshot_saved(context); break;
    case Journal::Outcome::kNoSpace:
      context.recorder.event(kTroubleEvent, {{"reason", std::string_view("disk full")}});
      is_stuck_ = true;
      if (!journal_.is_saving()) saving_.reset();
      if (leads()) become_follower(context, term_, kNobody);
      context.timers.set(timer(kRetryTimer), context.now + kRetryAfter);
      break;
    case Journal::Outcome::kFailed:
      context.recorder.event(kTroubleEvent, {{"reason", std::string_view(failure())}});
      if (leads()) become_follower(context, term_, kNobody);
      role_ = Role::kFollower;
      leader_ = kNobody;
      record_change(context);
      break;
  }
}

void Node::on_opened(Context& context) {
  Durable found = journal_.take_recovered();
  is_open_ = true;
  term_ = found.term;
  vote_ = found.vote;
  log_ = std::move(found.log);
  snapshot_ = std::move(found.snapshot);
  commit_ = applied_ = log_.base().index;
  const LogPosition last = log_.last();
  context.recorder.event(kRecoverEvent,
                         {{"index", static_cast<std::int64_t>(last.index)},
                          {"prefix", static_cast<std::int64_t>(last.prefix_hash)}});
  if (commit_ != 0) around_.restore(context, snapshot_);
  set_election_timer(context);
}

void Node::on_message(Context& context, ServerId from, const Message& message) {
  if (!can_act() || from == options_.id || from == kNobody) return;
  std::visit([&](const auto& m) { handle(context, from, m); }, message);
  finish(context);
}

// ---- Roles and timers ------------------------------------------------------------------------

void Node::become_follower(Context& context, Term term, ServerId leader) {
  if (leads()) {
    context.timers.cancel(timer(kHeartbeatTimer));
    fail_reads(context);
    peers_.clear();
    transfer_to_ = kNobody;
  }
  if (term > term_) {
    term_ = term;
    vote_ = kNobody;
    save_state();
  }
  role_ = Role::kFollower;
  leader_ = leader;
  votes_.clear();
  // A candidate that steps down keeps its timer; a leader has none.
  if (!is_election_timer_set_) set_election_timer(context);
  record_change(context);  // Before anything is done in the new role.
}

void Node::save_state() { journal_.append_state(term_, vote_); }

Duration Node::draw_timeout(Context& context) {
  if (options_.priority_slot <= Duration{}) {
    return context.random.between(options_.election_timeout_min, options_.election_timeout_max);
  }
  const std::vector<ServerId>& voters = log_.configuration().voters;
  const auto higher = voters.end() - std::upper_bound(voters.begin(), voters.end(), options_.id);
  return options_.election_timeout_min + higher * options_.priority_slot +
         context.random.between(Duration{}, options_.priority_slot);
}

void Node::set_election_timer(Context& context) {
  is_election_timer_set_ = true;
  context.timers.set(timer(kElectionTimer), context.now + draw_timeout(context));
}

void Node::set_heartbeat_timer(Context& context) {
  context.timers.set(timer(kHeartbeatTimer), context.now + options_.heartbeat);
}

TimerId Node::timer(std::uint32_t offset) const {
  return TimerId{static_cast<std::uint32_t>(options_.first_timer) + offset};
}

bool Node::hears_leader(Time now) const {
  if (leader_ == kNobody) return false;
  return leads() || now < last_leader_contact_ + options_.election_timeout_min;
}

void Node::record_change(Context& context) {
  const bool is_other_term = term_ != recorded_term_;
  const auto term = static_cast<std::int64_t>(term_);
  if (is_other_term || role_ != recorded_role_) {
    context.recorder.event(kRoleEvent, {{"role", to_string(role_)}, {"term", term}});
    has_changed_ = true;
  }
  if (is_other_term || leader_ != recorded_leader_) {
    const std::int64_t leader = leader_ == kNobody ? -1 : static_cast<std::int64_t>(leader_);
    context.recorder.event(kLeaderViewEvent, {{"leader", leader}, {"term", term}});
    has_changed_ = true;
  }
  recorded_role_ = role_;
  recorded_term_ = term_;
  recorded_leader_ = leader_;
}

// ---- The end of every handler ----------------------------------------------------------------

void Node::when_durable(std::variant<OwnVote, OwnMatch, Outgoing> what) {
  deferred_.push_back({journal_.mark(), std::move(what)});
}

void Node::finish(Context& context) {
  do {
    journal_.flush(context);
  } while (run_deferred(context));
  apply_committed(context);
  if (leads()) {
    check_transfer(context);
    check_reads(context);
  }
  consider_snapshot(context);
  record_change(context);
  if (std::exchange(has_changed_, false)) around_.on_change(context);
  journal_.flush(context);
}

bool Node::run_deferred(Context& context) {
  bool any = false;
  while (!deferred_.empty() && deferred_.front().mark <= journal_.durable_mark()) {
    const auto what = std::move(deferred_.front().what);
    deferred_.pop_front();
    any = true;
    if (const auto* vote = std::get_if<OwnVote>(&what)) {
      if (role_ == Role::kCandidate && vote->term == term_) count_vote(context, options_.id);
    } else if (const auto* match = std::get_if<OwnMatch>(&what)) {
      if (!leads() || match->term != term_) continue;
      own_match_ = std::max(own_match_, match->index);
      advance_commit(context);
    } else {
      const auto& outgoing = std::get<Outgoing>(what);
      around_.send(context, outgoing.to, outgoing.message);
    }
  }
  return any;
}

void Node::apply_committed(Context& context) {
  while (applied_ < commit_) {
    const Entry& entry = log_.entry(++applied_);
    const LogPosition position = log_.position(applied_);
    context.recorder.event(kApplyEvent,
                           {{"index", static_cast<std::int64_t>(applied_)},
                            {"term", static_cast<std::int64_t>(entry.term)},
                            {"prefix", static_cast<std::int64_t>(position.prefix_hash)},
                            {"current", static_cast<std::int64_t>(term_)}});
    if (entry.kind == EntryKind::kCommand) {
      around_.apply(context, {applied_, entry.term, entry.data});
    } else if (entry.kind == EntryKind::kConfiguration && leads() &&
               applied_ == log_.configuration_index() &&
               !log_.configuration().is_voter(options_.id)) {
      // A leader that is no longer a member has done its last duty (§4.2.2).
      become_follower(context, term_, kNobody);
    }
  }
}

}  // namespace twinbed::raft
