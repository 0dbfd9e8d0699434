// One server of a Raft cluster: agreement on a sequence of commands among servers that crash,
// restart and lose contact, as long as a majority of them is alive and connected.
//
// Source: D. Ongaro, "Consensus: Bridging Theory and Practice", 2014; §3 the algorithm, §4 changes
// of membership, §5 snapshots, §6.4 reads, §9.6 pre-vote.
//
//                      timeout                     majority would vote
//      FOLLOWER ─────────────────► PRE-CANDIDATE ─────────────────────► CANDIDATE
//       ▲ ▲ ▲                            │                                 │ majority voted
//       │ │ └── a leader, a higher term ─┴────────────┬────────────────────┤
//       │ └──────────────────────────────────────────-┘                    ▼
//       └───────── a higher term; no majority for one timeout ────────── LEADER
//
// A Node is no Protocol: the protocol around it (Surroundings) carries its messages, applies its
// commands, and hands it the timers, storage answers and messages that are its own. Whatever is
// answered was durable before (the journal syncs once for all that one handler wrote).
//
// Beyond the paper's figure, each with a switch in Options: pre-vote, so that a server that was cut
// off does not raise the term; check-quorum, so that a leader without a majority steps down;
// stickiness, so that a server that hears its leader votes for nobody (all three are needed against
// one-way failures, see etcd's issues 8334, 8498 and 9241); the preference of higher ids, by
// time-out slots and by handing over in good order (§3.10).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/io/protocol.h"
#include "core/protocols/raft/journal.h"
#include "core/protocols/raft/log.h"
#include "core/protocols/raft/message.h"

namespace twinbed::raft {

struct Options {
  ServerId id = kNobody;
  Configuration initial;  ///< of a cluster that starts anew; the same at all its servers
  /// A follower waits a uniformly distributed time between these two for its leader.
  Duration election_timeout_min = std::chrono::milliseconds(1000);
  Duration election_timeout_max = std::chrono::milliseconds(2000);
  Duration heartbeat = std::chrono::milliseconds(250);
  bool pre_vote = true;
  bool check_quorum = true;  ///< a leader steps down after election_timeout_min without a majority
  bool stickiness = true;    ///< no votes within election_timeout_min of the leader's last message
  /// With a slot, the time-out of the server with the n-th highest id (from 0) is
  /// election_timeout_min + (n + U(0, 1)) slots; 0: the same range for all. A slot should be at
  /// least two one-way delays and the time to save a vote. Where members change it needs pre-vote:
  /// a server that was removed and does not know it may have an earlier slot than all others.
  Duration priority_slot{};
  /// A leader hands over to a server with a higher id once that has kept up for so long; 0: never.
  Duration hand_over_after{};
  std::size_t max_append_bytes = 256 * 1024;  ///< of entries in one message; one entry may be more
  std::size_t snapshot_chunk_bytes = 64 * 1024;
  std::uint64_t snapshot_every = 10'000;  ///< entries applied between two snapshots; 0: none
  std::string directory = "raft/";
  TimerId first_timer{};          ///< kTimers from here on belong to Raft
  StorageToken first_token{};     ///< Journal::kTokens from here on belong to Raft
};

/// Named by the caller and handed back with the answer.
enum class ReadId : std::uint64_t {};

/// A committed command.
struct Applied {
  Index index = 0;
  Term term = 0;
  Bytes command;
};

/// What a Raft server needs of the protocol around it, which must not call the Node from here.
class Surroundings {
 public:
  virtual ~Surroundings() = default;

  virtual void send(Context& context, ServerId to, const Message& message) = 0;
  /// Commands come in the order of the log, at every server the same, each once in a lifetime of
  /// the process; after a crash again from the last snapshot on.
  virtual void apply(Context& context, const Applied& applied) = 0;
  /// The state machine as of the last command applied.
  virtual Buffer take_snapshot() = 0;
  /// Puts a snapshot in place of the state machine.
  virtual void restore(Context& context, Bytes snapshot) = 0;
  /// Role, term or leader have changed.
  virtual void on_change(Context&) {}
  /// The answer to Node::read. True: the state machine holds everything that was committed when the
  /// read was asked for (it is linearizable, §6.4); false: this server does not lead.
  virtual void on_read(Context&, ReadId, bool /*is_current*/) {}
};

class Node {
 public:
  /// Timers from Options::first_timer on.
  static constexpr std::uint32_t kTimers = 3;

  /// The surroundings outlive the node.
  Node(Options options, Surroundings& surroundings);

  // What the surrounding protocol hands on.
  void start(Context& context);
  /// False where the timer is not Raft's.
  bool on_timer(Context& context, TimerId id);
  /// False where the answer is not Raft's.
  bool on_storage(Context& context, const StorageResult& result);
  /// From a server whose identity is certain. Messages that no correct server sends are dropped.
  void on_message(Context& context, ServerId from, const Message& message);

  // Requests of the surrounding protocol.
  /// Appends a command to the log and gives its index, at which apply will bring it once it is
  /// committed; 0 where this server does not lead or is handing over. A command that is overwritten
  /// by another leader's is never applied: then a command of another term comes at its index.
  Index propose(Context& context, Bytes command);
  /// Asks for a linearizable read; answered by on_read.
  void read(Context& context, ReadId id);
  /// Hands the lead over (§3.10): the target takes over within an election timeout, or never does.
  /// A sentence where that cannot begin.
  [[nodiscard]] std::string transfer(Context& context, ServerId to);
  /// Changes the members: one voter more or less at a time (§4.1). The index of the entry.
  Result<Index> change_members(Context& context, const Configuration& next);

  Role role() const { return role_; }
  bool leads() const { return role_ == Role::kLeader; }
  Term term() const { return term_; }
  ServerId leader() const { return leader_; }
  Index commit_index() const { return commit_; }
  Index applied_index() const { return applied_; }
  const Log& log() const { return log_; }
  const Options& options() const { return options_; }
  /// True once what was on the disk has been read.
  bool is_open() const { return is_open_; }
  /// Empty unless the disk has failed; then this server is silent for good.
  const std::string& failure() const { return journal_.failure(); }
  /// The disk is full: this server neither leads nor votes until there is room.
  bool is_stuck() const { return is_stuck_; }
  /// Of a leader: what the member is known to have durably; 0 where that is not known.
  Index match_of(ServerId id) const;

 private:
  /// A leader's view of another member.
  struct Peer {
    Index next = 1;
    Index match = 0;
    bool is_probing = true;   // one request at a time, until the logs are known to agree
    Time last_contact{};
    Time kept_up_since = kNever;  // connected and up to date without a break
    std::uint64_t acked_round = 0;
    std::uint64_t snapshot_offset = 0;
    Index snapshot_index = 0;     // of the snapshot that is being sent
  };
  struct OwnVote {
    Term term = 0;
  };
  struct OwnMatch {
    Term term = 0;
    Index index = 0;
  };
  struct Outgoing {
    ServerId to = kNobody;
    Message message;
  };
  /// Something that waits until the journal is durable up to a mark: this server's vote for itself,
  /// its own share in a majority for an entry, or a message.
  struct Deferred {
    std::uint64_t mark = 0;
    std::variant<OwnVote, OwnMatch, Outgoing> what;
  };
  /// A snapshot: this server's own, or one that came from the leader.
  struct Snapshot {
    LogPosition last;
    Configuration configuration;
    Buffer data;
    ServerId from = kNobody;  // kNobody: this server's own
    std::uint64_t round = 0;
  };
  struct PendingRead {
    ReadId id{};
    std::uint64_t round = 0;
    Index index = 0;
  };

  // node.cc
  void on_opened(Context& context);
  void become_follower(Context& context, Term term, ServerId leader);
  void record_change(Context& context);
  void set_election_timer(Context& context);
  void set_heartbeat_timer(Context& context);
  Duration draw_timeout(Context& context);
  void when_durable(std::variant<OwnVote, OwnMatch, Outgoing> what);
  void save_state();
  void finish(Context& context);
  bool run_deferred(Context& context);
  void on_journal(Context& context, Journal::Outcome outcome);
  void apply_committed(Context& context);
  TimerId timer(std::uint32_t offset) const;
  bool hears_leader(Time now) const;
  bool can_act() const { return is_open_ && failure().empty(); }
  bool can_lead() const { return can_act() && !is_stuck_ && is_electable(); }
  bool is_electable() const;

  // election.cc
  void on_election_timeout(Context& context);
  void start_pre_vote(Context& context);
  void start_election(Context& context, bool is_transfer);
  void ask_for_votes(Context& context, const VoteRequest& request);
  void count_vote(Context& context, ServerId from);
  void become_leader(Context& context);
  void handle(Context& context, ServerId from, const VoteRequest& request);
  void handle(Context& context, ServerId from, const VoteReply& reply);
  void handle(Context& context, ServerId from, const TimeoutNow& message);

  // replication.cc
  void handle(Context& context, ServerId from, const AppendRequest& request);
  void handle(Context& context, ServerId from, const AppendReply& reply);
  bool accept_leader(Context& context, ServerId from, Term term);
  bool store_entries(Context& context, const AppendRequest& request);
  void append_own(Context& context, Entry entry);
  void adopt_entry(Context& context, Entry entry);
  void send_append(Context& context, ServerId to, Peer& peer);
  void broadcast(Context& context);
  void advance_commit(Context& context);
  void on_heartbeat(Context& context);
  void update_peers(Context& context);
  Peer* peer_that_answers(Context& context, ServerId from, Term term, std::uint64_t round);
  void check_quorum(Context& context);
  Index refusal_hint(const AppendRequest& request) const;
  /// Whether this server and the peers for which the test holds are a majority of the voters.
  template <class Test>
  bool is_majority(Test test) const {
    const Configuration& members = log_.configuration();
    std::size_t count = members.is_voter(options_.id);
    for (const auto& [id, peer] : peers_) count += members.is_voter(id) && test(peer);
    return count >= members.majority();
  }

  // requests.cc
  void check_reads(Context& context);
  void fail_reads(Context& context);
  void check_transfer(Context& context);
  void consider_hand_over(Context& context);
  std::string refusal_of(const Configuration& next) const;

  // snapshots.cc
  void handle(Context& context, ServerId from, const SnapshotRequest& request);
  void handle(Context& context, ServerId from, const SnapshotReply& reply);
  void send_snapshot(Context& context, ServerId to, Peer& peer);
  void consider_snapshot(Context& context);
  void on_snapshot_saved(Context& context);
  void install(Context& context, const LogPosition& last);

  Options options_;
  Surroundings& around_;
  Journal journal_;
  bool is_open_ = false;
  bool is_stuck_ = false;

  Role role_ = Role::kFollower;
  Term term_ = 0;
  ServerId vote_ = kNobody;
  ServerId leader_ = kNobody;
  Time last_leader_contact_{};
  bool is_election_timer_set_ = false;
  Log log_;
  Index commit_ = 0;
  Index applied_ = 0;
  std::set<ServerId> votes_;
  std::deque<Deferred> deferred_;

  // Of a leader.
  std::map<ServerId, Peer> peers_;
  Index own_match_ = 0;       // durable here
  Index first_own_index_ = 0; // of the first entry of its term
  std::uint64_t round_ = 0;
  std::vector<PendingRead> reads_;
  ServerId transfer_to_ = kNobody;
  Time transfer_until_{};
  bool transfer_sent_ = false;

  Buffer snapshot_;  // of the state machine as of log_.base()
  std::optional<Snapshot> saving_;    // until it is durable
  std::optional<Snapshot> incoming_;  // while its pieces come in

  // What was recorded last.
  Role recorded_role_ = Role::kFollower;
  Term recorded_term_ = 0;
  ServerId recorded_leader_ = kNobody;
  bool has_changed_ = false;  // since the last on_change
};

}  // namespace twinbed::raft
