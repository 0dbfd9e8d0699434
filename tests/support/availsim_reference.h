// Elections of Raft on a simulated WAN, written a second time and without any of twinbed: what the
// published experiment "AvailSim" (Ongaro 2014, §9.4) does, in as few lines as possible. It is the
// reference for the figures with differing logs, of which no numbers are published.
//
// Rules of AvailSim that matter: a vote resets the voter's timer; a candidate that steps down keeps
// its timer, also on a heartbeat of a higher term; a leader counts once a majority has answered its
// first heartbeats, and its time is that of its election.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <queue>
#include <random>
#include <vector>

namespace twinbed::testing {

class AvailSimReference {
 public:
  /// Five servers, of which the last `absent` are not there; logs all the same or all different.
  AvailSimReference(std::uint64_t seed, std::size_t absent, bool logs_differ)
      : random_(seed), present_(kServers - absent) {
    std::array<int, kServers> lengths{};
    if (logs_differ) {
      std::iota(lengths.begin(), lengths.end(), 1);
      std::shuffle(lengths.begin(), lengths.end(), random_);
    }
    for (std::size_t i = 0; i < present_; ++i) servers_[i].log = lengths[i];
  }

  /// Milliseconds until the leader that stays is elected.
  double run() {
    for (std::size_t i = 0; i < present_; ++i) reset_timer(i);
    while (settled_at_ < 0) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
    }
    return settled_at_;
  }

 private:
  static constexpr std::size_t kServers = 5;
  static constexpr std::size_t kMajority = 3;
  enum class Kind { kTimeout, kHeartbeat, kVoteRequest, kVote, kAppend, kAck };
  enum class Role { kFollower, kCandidate, kLeader };
  struct Event {
    double at = 0;
    Kind kind{};
    std::size_t from = 0;
    std::size_t to = 0;
    int term = 0;
    int value = 0;  // the candidate's log; whether a vote is granted; of a timer, its number
    bool operator>(const Event& other) const { return at > other.at; }
  };
  struct Server {
    Role role = Role::kFollower;
    int term = 0;
    int log = 0;
    int timer = 0;
    std::size_t vote = kServers;
    std::size_t answers = 0;
    double elected_at = 0;
  };

  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  void reset_timer(std::size_t i) {
    events_.push({now_ + uniform(300, 600), Kind::kTimeout, i, i, 0, ++servers_[i].timer});
  }
  void send(Kind kind, std::size_t from, std::size_t to, int value = 0) {
    events_.push({now_ + uniform(30, 40), kind, from, to, servers_[from].term, value});
  }
  void send_all(Kind kind, std::size_t from, int value = 0) {
    for (std::size_t to = 0; to < present_; ++to) {
      if (to != from) send(kind, from, to, value);
    }
  }
  void adopt_term(std::size_t i, int term) {
    Server& server = servers_[i];
    if (term <= server.term) return;
    const bool had_timer = server.role != Role::kLeader;
    server.term = term;
    server.vote = kServers;
    server.role = Role::kFollower;
    if (!had_timer) reset_timer(i);
  }
  void heartbeat(std::size_t i) {
    send_all(Kind::kAppend, i);
    events_.push({now_ + 150, Kind::kHeartbeat, i, i, servers_[i].term, 0});
  }
  void time_out(std::size_t i) {
    Server& server = servers_[i];
    server.role = Role::kCandidate;
    ++server.term;
    server.vote = i;
    server.answers = 1;
    reset_timer(i);
    send_all(Kind::kVoteRequest, i, server.log);
  }

  void handle(const Event& event) {
    Server& server = servers_[event.to];
    if (event.kind == Kind::kTimeout) {
      if (event.value == server.timer && server.role != Role::kLeader) time_out(event.to);
      return;
    }
    if (event.kind == Kind::kHeartbeat) {
      if (server.role == Role::kLeader && server.term == event.term) heartbeat(event.to);
      return;
    }
    const bool is_news = event.term > server.term;
    adopt_term(event.to, event.term);
    const bool is_current = event.term == server.term;
    if (event.kind == Kind::kVoteRequest) {
      const bool is_free = server.vote == kServers || server.vote == event.from;
      const bool grants = is_current && is_free && event.value >= server.log;
      if (grants) {
        server.vote = event.from;
        reset_timer(event.to);
      }
      send(Kind::kVote, event.to, event.from, grants);
    } else if (event.kind == Kind::kVote) {
      if (!is_current || server.role != Role::kCandidate || event.value == 0) return;
      if (++server.answers < kMajority) return;
      server.role = Role::kLeader;
      server.answers = 1;
      server.elected_at = now_;
      heartbeat(event.to);
    } else if (event.kind == Kind::kAppend) {
      if (is_current) {
        server.role = Role::kFollower;
        if (!is_news) reset_timer(event.to);
      }
      send(Kind::kAck, event.to, event.from);
    } else if (is_current && server.role == Role::kLeader && ++server.answers >= kMajority) {
      settled_at_ = server.elected_at;
    }
  }

  std::mt19937_64 random_;
  std::size_t present_;
  std::array<Server, kServers> servers_{};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  double now_ = 0;
  double settled_at_ = -1;
};

}  // namespace twinbed::testing
