#include "core/protocols/election/original_node.h"

#include <algorithm>
#include <utility>

#include "core/crypto/hash.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/image.h"

namespace twinbed::election {
namespace {

constexpr TimerId kStartTimer{1};
constexpr TimerId kMonitorTimer{2};
constexpr TimerId kConnectTimer{3};
constexpr std::uint32_t kFirstTaskTimer = 4;  // one for each of the three tasks
constexpr std::uint32_t kFirstHeartbeatTimer = 16;
constexpr ListenerId kListener{1};

TimerId heartbeat_timer(std::size_t slot) {
  return TimerId{kFirstHeartbeatTimer + static_cast<std::uint32_t>(slot)};
}

std::vector<Peer> others(const NodeOptions& options) {
  std::vector<Peer> peers;
  for (const Peer& peer : options.peers) {
    if (peer.id != options.id) peers.push_back(peer);
  }
  return peers;
}

}  // namespace

OriginalNode::OriginalNode(NodeOptions options, const Aes256Gcm& cipher)
    : options_(std::move(options)),
      cipher_(cipher),
      outgoing_(others(options_), options_.timings.connect_limit, kConnectTimer),
      inbox_(cipher),
      view_(options_.id) {
  TWINBED_CHECK(find_peer(options_.peers, options_.id) != nullptr,
                "an election server is not one of its own peers");
}

std::size_t OriginalNode::heartbeat_tasks() const {
  return static_cast<std::size_t>(std::count(heartbeats_.begin(), heartbeats_.end(), true));
}

void OriginalNode::on_start(Context& context) {
  const Timings& timings = options_.timings;
  const Endpoint& own = find_peer(options_.peers, options_.id)->endpoint;
  context.streams.listen(kListener, {kAnyAddress, own.port});
  view_.start(context.recorder);
  log(context, "listening on port " + std::to_string(own.port));

  const Time begin = context.now + timings.start_base + timings.start_per_id * options_.id;
  context.timers.set(kStartTimer, begin);
  const auto rank = std::count_if(options_.peers.begin(), options_.peers.end(),
                                  [this](const Peer& peer) { return peer.id < options_.id; });
  const auto nodes = static_cast<std::int64_t>(options_.peers.size());
  next_monitor_poll_ = begin + timings.monitor_poll + timings.monitor_poll * rank / nodes;
  schedule_monitor(context);
}

void OriginalNode::on_timer(Context& context, TimerId id) {
  const auto number = static_cast<std::uint32_t>(id);
  if (id == kStartTimer) {
    run_election(context, Task::kMain);
  } else if (id == kMonitorTimer) {
    poll_monitor(context);
  } else if (id == kConnectTimer) {
    outgoing_.on_timer(context);
  } else if (number >= kFirstHeartbeatTimer) {
    tick_heartbeat(context, number - kFirstHeartbeatTimer);
  } else {
    poll_campaign(context, static_cast<Task>(number - kFirstTaskTimer));
  }
  handle_queue(context);
}

void OriginalNode::on_stream(Context& context, const StreamEvent& event) {
  if (outgoing_.on_stream(context, event)) return;
  inbox_.on_stream(context, event);
  handle_queue(context);
}

// ---- an election, in any of three tasks ----

void OriginalNode::run_election(Context& context, Task task) {
  bool somebody_higher = false;
  for (const Peer& peer : options_.peers) somebody_higher |= peer.id > options_.id;
  if (!somebody_higher) {
    declare(context, true);
    end_campaign(context, task);
    return;
  }
  ok_ = false;
  campaign(task) = {Phase::kWaitOk, context.now, context.now + options_.timings.ok_wait};
  for (const Peer& peer : options_.peers) {
    if (peer.id > options_.id) send(context, peer.id, Election{options_.id});
  }
  schedule_poll(context, task, options_.timings.ok_poll);
}

void OriginalNode::poll_campaign(Context& context, Task task) {
  Campaign& running = campaign(task);
  const bool over = context.now >= running.deadline;
  if (running.phase == Phase::kWaitOk) {
    if (ok_) {
      wait_for_coordinator(context, task);
    } else if (over) {
      declare(context, false);
      end_campaign(context, task);
    } else {
      schedule_poll(context, task, options_.timings.ok_poll);
    }
  } else if (running.phase == Phase::kWaitCoordinator) {
    const bool announced = leader().has_value() && last_heard_ >= running.started;
    if (announced || over) {
      end_campaign(context, task);
    } else {
      schedule_poll(context, task, options_.timings.coordinator_poll);
    }
  }
}

void OriginalNode::wait_for_coordinator(Context& context, Task task) {
  Campaign& running = campaign(task);
  running.phase = Phase::kWaitCoordinator;
  running.deadline = context.now + options_.timings.coordinator_wait;
  poll_campaign(context, task);
}

void OriginalNode::schedule_poll(Context& context, Task task, Duration every) {
  const TimerId timer{kFirstTaskTimer + static_cast<std::uint32_t>(task)};
  context.timers.set(timer, std::min(context.now + every, campaign(task).deadline));
}

void OriginalNode::end_campaign(Context& context, Task task) {
  campaign(task).phase = Phase::kIdle;
  if (task == Task::kMonitor) schedule_monitor(context);
  // The receive task's queue is taken up by the handler that called.
}

void OriginalNode::declare(Context& context, bool nobody_higher) {
  log(context, nobody_higher ? "no higher nodes -> becoming coordinator"
                             : "no answer from higher nodes -> becoming coordinator");
  view_.declare(context.recorder, nobody_higher);
  last_heard_ = context.now;
  send_to_others(context, Coordinator{options_.id});
  start_heartbeat_task(context);
}

// ---- the monitor task and the heartbeat tasks ----

void OriginalNode::schedule_monitor(Context& context) {
  while (next_monitor_poll_ <= context.now) next_monitor_poll_ += options_.timings.monitor_poll;
  context.timers.set(kMonitorTimer, next_monitor_poll_);
}

void OriginalNode::poll_monitor(Context& context) {
  const bool stale = leader() && context.now - last_heard_ > options_.timings.stale;
  if (leads() || (leader() && !stale)) {
    schedule_monitor(context);
    return;
  }
  if (stale) {
    context.recorder.event(kSuspectEvent, {{"suspect", std::int64_t{*leader()}}});
    log(context, "leader " + std::to_string(*leader()) + " not heard of for " +
                     format_duration(context.now - last_heard_) + " -> starting an election");
  }
  run_election(context, Task::kMonitor);
}

void OriginalNode::start_heartbeat_task(Context& context) {
  std::size_t slot = 0;
  while (slot < heartbeats_.size() && heartbeats_[slot]) ++slot;
  if (slot == heartbeats_.size()) heartbeats_.push_back(false);
  heartbeats_[slot] = true;
  newest_heartbeat_ = slot;
  log(context, "starting heartbeat task");
  context.timers.set(heartbeat_timer(slot), context.now + options_.timings.heartbeat);
}

void OriginalNode::tick_heartbeat(Context& context, std::size_t slot) {
  if (!leads()) {
    heartbeats_[slot] = false;
    return;
  }
  send_to_others(context, Heartbeat{options_.id});
  context.timers.set(heartbeat_timer(slot), context.now + options_.timings.heartbeat);
}

// ---- the receive task ----

void OriginalNode::handle_queue(Context& context) {
  while (campaign(Task::kReceive).phase == Phase::kIdle && !inbox_.empty()) {
    handle(context, inbox_.pop());
  }
}

void OriginalNode::handle(Context& context, const Received& received) {
  if (const auto* election = std::get_if<Election>(&received.message)) {
    handle_election(context, election->from);
  } else if (std::holds_alternative<Ok>(received.message)) {
    ok_ = true;
  } else if (const auto* coordinator = std::get_if<Coordinator>(&received.message)) {
    log(context, "Coordinator announced: " + std::to_string(coordinator->leader));
    take_leader(context, coordinator->leader);
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&received.message)) {
    take_leader(context, heartbeat->from);
  } else if (const auto* request = std::get_if<EncryptRequest>(&received.message)) {
    handle_image(context, *request, received.from);
  } else {  // Hello and QueryLeader have no way back; nobody sends the others to a server.
    log(context, std::string(name_of(received.message)) + " from " + to_string(received.from));
  }
}

void OriginalNode::handle_election(Context& context, PeerId from) {
  if (from >= options_.id) return;
  send(context, from, Ok{options_.id});
  run_election(context, Task::kReceive);
}

void OriginalNode::take_leader(Context& context, PeerId leader) {
  const bool steps_down = leads() && leader != options_.id;
  view_.set(context.recorder, leader);
  last_heard_ = context.now;
  if (!steps_down || !newest_heartbeat_) return;
  context.timers.cancel(heartbeat_timer(*newest_heartbeat_));
  heartbeats_[*newest_heartbeat_] = false;
  newest_heartbeat_.reset();
}

// ---- images ----

void OriginalNode::handle_image(Context& context, const EncryptRequest& request,
                                const Endpoint& client) {
  if (!is_plain_id(request.req_id)) {
    log(context, "an image from " + to_string(client) + " has an unusable id -> dropped");
    return;
  }
  if (!leads()) {
    log(context, "not the leader -> image " + request.req_id + " dropped");
    return;
  }
  store_image(context, request, client);
  send(context, request.from, EncryptReply{request.req_id, true, {}, {}, {}, {}});
}

void OriginalNode::store_image(Context& context, const EncryptRequest& request,
                               const Endpoint& client) {
  const Bytes image = request.image_bytes;
  const std::string name =
      options_.image_prefix + image_name(request.req_id, client, unix_seconds(context.wall),
                                         image_extension(image));
  context.storage.write(name, 0, image);
  const std::string hash = blake2b_hex(image);
  context.recorder.event(kStoreEvent, {{"id", std::string_view(request.req_id)},
                                       {"bytes", static_cast<std::int64_t>(image.size())},
                                       {"hash", std::string_view(hash)}});
  log(context, "stored image " + request.req_id + " as " + name);
}

// ---- sending ----

void OriginalNode::send(Context& context, PeerId to, const Message& message) {
  if (!outgoing_.send(context, to, seal_frame(message, cipher_, context.random))) {
    log(context, std::string(name_of(message)) + " to " + std::to_string(to) +
                     " lost: unknown peer");
    return;
  }
  sent_.count(context.recorder, message);
}

void OriginalNode::send_to_others(Context& context, const Message& message) {
  for (const Peer& peer : options_.peers) {
    if (peer.id != options_.id) send(context, peer.id, message);
  }
}

void OriginalNode::log(Context& context, std::string_view text) {
  context.recorder.log("[Node " + std::to_string(options_.id) + "] " + std::string(text));
}

Result<std::unique_ptr<Protocol>> make_original_node(NodeOptions options, std::string_view hex_key,
                                                     bool allow_zero_key) {
  const Result<std::vector<Peer>> peers = check_peers(options.peers);
  if (!peers) return Error{peers.error()};
  if (find_peer(*peers, options.id) == nullptr) {
    return Error{"node " + std::to_string(options.id) +
                 " is not among the peers; add it or set NODE_ID to one of them"};
  }
  const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(hex_key, allow_zero_key);
  if (!cipher) return Error{cipher.error()};
  return std::unique_ptr<Protocol>(new OriginalNode(std::move(options), *cipher));
}

}  // namespace twinbed::election
