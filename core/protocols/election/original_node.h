// The election policy `original`: a server of cloud-p2p as it behaves, its defects included.
//
// Source: github.com/AbdelrahmanIhab/distributed-system at f988f94, 67dc5ff and ed07fc4, by its
// observable behaviour (timings, messages, measured runs). It is the Bully algorithm
// (Garcia-Molina, "Elections in a distributed computing system", 1982) as that program does it.
//
// Four kinds of tasks share `leader`, `last_heard` and the flag `ok`; each task may run an
// election:
//
//   main task      start delay ──► election ──► ends
//   monitor task   every poll: not leader, and no leader or last_heard too old ──► election,
//                  during which it does not poll
//   receive task   one message after the other, in order of arrival; an Election from a lower id
//                  is answered Ok and then starts an election *inside this task*, which handles no
//                  message until that election is over
//   heartbeat task one for each declaration; tick: leader == self ? Heartbeat to all : ends
//
//   an election:      nobody higher ─────────────────────────────────► DECLARE
//        │
//        ▼ ok := false; Election to all higher
//     WAIT FOR OK ── ok_wait over, ok still false ─────────────────────► DECLARE
//        │ ok
//        ▼
//     WAIT FOR COORDINATOR ── a leader heard of since the start ────────► over
//        └─────────────────── coordinator_wait over ───────────────────► over (the monitor retries)
//
//   DECLARE: leader := self; Coordinator to all; one more heartbeat task.
//   Coordinator or Heartbeat from L: leader := L whoever L is; last_heard := now; a leader that
//   steps down so aborts its newest heartbeat task only.
//
// What follows from it, and is kept: a node with a higher one above it cannot hear the Ok it waits
// for while its receive task is blocked, so node 2 declares itself although node 3 is alive; a
// lower id can depose a higher; heartbeat tasks pile up; there is neither quorum nor term (always
// 1).
//
// Sending goes through one queue for all peers (outgoing.h), receiving through connections that
// peers opened (inbox.h). An EncryptRequest is stored if this node leads, without sync, and
// answered to client 0, which no server knows: the answer is lost, and no client ever sees its
// SUCCESS line.
//
// Decided here, where the sources are silent:
//   - The monitors' polls stay on a grid of their period. The grids of the n nodes are spread
//     evenly: that of a node with r lower ids starts r/n of a period after the node's start delay,
//     and the first poll is one period later. Real machines are never in step; nodes that a
//     simulator starts in one instant would be, for ever. With it the model's means are within the
//     scatter of those measured: 15.1, 5.0 and 5.1 s against 15.25, 5.07 and 4.98 s.
//   - The first heartbeat follows a declaration after one period.
//   - A frame that is not authentic, too long or too short ends its connection; one that is
//     authentic and means nothing is skipped. Either is counted and the node serves on.
//   - A server that does not lead drops an image and logs it.
//   - A request id that is not 1 to 128 letters, digits, '-' or '_' is refused: it becomes part of
//     a file name.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/aes256gcm.h"
#include "core/io/protocol.h"
#include "core/protocols/election/inbox.h"
#include "core/protocols/election/message.h"
#include "core/protocols/election/outgoing.h"
#include "core/protocols/election/peer.h"
#include "core/protocols/election/records.h"

namespace twinbed::election {

struct NodeOptions {
  PeerId id = 1;
  std::vector<Peer> peers;   ///< all servers, this one included
  Timings timings = timings_of(Profile::kF988f94);
  std::string image_prefix;  ///< before the name of every stored image: "images/"
};

class OriginalNode final : public Protocol {
 public:
  /// The options must be sound, as make_original_node checks.
  OriginalNode(NodeOptions options, const Aes256Gcm& cipher);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_stream(Context& context, const StreamEvent& event) override;

  std::optional<PeerId> leader() const { return view_.leader(); }
  bool leads() const { return view_.leads(); }
  /// Heartbeat tasks that have not ended: more than one shows the pile-up.
  std::size_t heartbeat_tasks() const;

 private:
  /// The tasks that can run an election; each has one timer of its own.
  enum class Task : std::uint8_t { kMain, kMonitor, kReceive };
  enum class Phase : std::uint8_t { kIdle, kWaitOk, kWaitCoordinator };
  struct Campaign {
    Phase phase = Phase::kIdle;
    Time started;
    Time deadline;
  };

  void run_election(Context& context, Task task);
  void poll_campaign(Context& context, Task task);
  void wait_for_coordinator(Context& context, Task task);
  void end_campaign(Context& context, Task task);
  void schedule_poll(Context& context, Task task, Duration every);
  void declare(Context& context, bool nobody_higher);
  void poll_monitor(Context& context);
  void schedule_monitor(Context& context);
  void tick_heartbeat(Context& context, std::size_t slot);
  void start_heartbeat_task(Context& context);

  void handle_queue(Context& context);
  void handle(Context& context, const Received& received);
  void handle_election(Context& context, PeerId from);
  void handle_image(Context& context, const EncryptRequest& request, const Endpoint& client);
  void take_leader(Context& context, PeerId leader);
  void store_image(Context& context, const EncryptRequest& request, const Endpoint& client);

  void send(Context& context, PeerId to, const Message& message);
  void send_to_others(Context& context, const Message& message);
  void log(Context& context, std::string_view text);
  Campaign& campaign(Task task) { return campaigns_[static_cast<std::size_t>(task)]; }

  NodeOptions options_;
  Aes256Gcm cipher_;
  Outgoing outgoing_;
  Inbox inbox_;

  LeaderView view_;
  Time last_heard_{};
  bool ok_ = false;  ///< shared by all running elections, as in the original
  std::array<Campaign, 3> campaigns_;
  Time next_monitor_poll_{};
  std::vector<bool> heartbeats_;          ///< which heartbeat timers run
  std::optional<std::size_t> newest_heartbeat_;
  SentCounter sent_;
};

/// A server, or a sentence that says what is wrong with the options or the key (64 hex digits).
Result<std::unique_ptr<Protocol>> make_original_node(NodeOptions options, std::string_view hex_key,
                                                     bool allow_zero_key);

}  // namespace twinbed::election
