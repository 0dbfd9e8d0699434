// The Bully algorithm as published, over the messages of cloud-p2p: the election's yardstick.
//
// Source: H. Garcia-Molina, "Elections in a distributed computing system", IEEE Transactions on
// Computers C-31(1), 1982. It assumes what the paper assumes: messages are not lost and arrive
// within a bound, so that silence means a crash. Messages travel as datagrams, each one sealed body
// of frame.h.
//
//              suspect, Election from below
//   NORMAL ─────────────────────────────────► ELECTING ── answer_wait over ──► declare ─► NORMAL
//     ▲                                          │ Ok
//     │ Coordinator                              ▼
//     └────────────────────────────────────── AWAITING ── coordinator_wait over ──► ELECTING anew
//
// ELECTING begins with an Election to every higher node; a node above which there is none, or only
// the one that it has found crashed, declares itself at once. To declare is to send Coordinator to
// every lower node. An Election from below is answered Ok in every state. A Coordinator from a
// lower node starts an election: its sender is to be bullied.
//
// With the top of n nodes crashed and one node noticing, this takes n-2 messages at best (the
// second highest notices) and n^2-n-1 at worst (the lowest does): n(n-1)/2 Election, those to the
// crashed node included, (n-1)(n-2)/2 Ok and n-2 Coordinator.
//
// A node notices by the command "suspect", or, where `heartbeat` is not zero, by itself: the leader
// sends Heartbeats and is suspected after `stale` without one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/crypto/aes256gcm.h"
#include "core/io/protocol.h"
#include "core/protocols/election/message.h"
#include "core/protocols/election/peer.h"
#include "core/protocols/election/records.h"

namespace twinbed::election {

struct TextbookOptions {
  PeerId id = 1;
  std::vector<Peer> peers;  ///< all nodes, this one included; their ports are UDP's
  Duration answer_wait = std::chrono::seconds(1);       ///< above two delays
  Duration coordinator_wait = std::chrono::seconds(3);  ///< above answer_wait and two delays
  Duration heartbeat{};                                 ///< zero: nodes notice by command only
  Duration stale = std::chrono::seconds(3);
  /// Begin as the paper's recovering node does, with an election; else in a system whose highest
  /// node leads.
  bool elect_at_start = true;
};

class TextbookNode final : public Protocol {
 public:
  /// The options must be sound, as make_textbook_node checks.
  TextbookNode(TextbookOptions options, const Aes256Gcm& cipher);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  /// "suspect": this node has found that the leader has crashed.
  void on_command(Context& context, Bytes command) override;

  std::optional<PeerId> leader() const { return view_.leader(); }
  /// Whether no election is going on here.
  bool normal() const { return state_ == State::kNormal; }

 private:
  enum class State : std::uint8_t { kNormal, kElecting, kAwaiting };

  void suspect(Context& context);
  void start_election(Context& context);
  void declare(Context& context, bool nobody_higher);
  void follow(Context& context, PeerId leader);
  void handle(Context& context, const Message& message);
  void watch(Context& context);
  void beat(Context& context);
  void send(Context& context, const Peer& to, const Message& message);
  void send_to_lower(Context& context, const Message& message);

  TextbookOptions options_;
  Aes256Gcm cipher_;
  State state_ = State::kNormal;
  LeaderView view_;
  std::optional<PeerId> crashed_;  ///< the leader that this node has found crashed
  SentCounter sent_;
};

/// A node, or a sentence that says what is wrong with the options or the key (64 hex digits).
Result<std::unique_ptr<Protocol>> make_textbook_node(TextbookOptions options,
                                                     std::string_view hex_key,
                                                     bool allow_zero_key);

}  // namespace twinbed::election
