#include "core/protocols/election/textbook.h"

#include <algorithm>
#include <utility>

#include "core/protocols/election/config.h"
#include "core/protocols/election/frame.h"

namespace twinbed::election {
namespace {

constexpr SocketId kSocket{1};
constexpr TimerId kElectionTimer{1};
constexpr TimerId kHeartbeatTimer{2};
constexpr TimerId kWatchTimer{3};

PeerId highest(const std::vector<Peer>& peers) {
  PeerId id = 0;
  for (const Peer& peer : peers) id = std::max(id, peer.id);
  return id;
}

}  // namespace

TextbookNode::TextbookNode(TextbookOptions options, const Aes256Gcm& cipher)
    : options_(std::move(options)), cipher_(cipher), view_(options_.id) {
  TWINBED_CHECK(find_peer(options_.peers, options_.id) != nullptr,
                "an election node is not one of its own peers");
}

void TextbookNode::on_start(Context& context) {
  const Endpoint& own = find_peer(options_.peers, options_.id)->endpoint;
  context.datagrams.bind(kSocket, {kAnyAddress, own.port});
  view_.start(context.recorder);
  if (options_.elect_at_start) {
    start_election(context);
  } else {
    follow(context, highest(options_.peers));
    if (view_.leads()) beat(context);
  }
}

void TextbookNode::on_timer(Context& context, TimerId id) {
  if (id == kHeartbeatTimer) {
    beat(context);
  } else if (id == kWatchTimer) {
    suspect(context);
  } else if (state_ == State::kElecting) {
    declare(context, false);
  } else if (state_ == State::kAwaiting) {
    start_election(context);
  }
}

void TextbookNode::on_datagram(Context& context, const Datagram& datagram) {
  const auto opened = open_body(datagram.payload, cipher_);
  if (const auto* message = std::get_if<Message>(&opened)) handle(context, *message);
}

void TextbookNode::on_command(Context& context, Bytes command) {
  if (as_text(command) == "suspect") suspect(context);
}

void TextbookNode::suspect(Context& context) {
  const std::optional<PeerId> leader = view_.leader();
  if (state_ != State::kNormal || view_.leads() || !leader) return;
  context.recorder.event(kSuspectEvent, {{"suspect", std::int64_t{*leader}}});
  crashed_ = *leader;
  start_election(context);
}

void TextbookNode::start_election(Context& context) {
  context.timers.cancel(kWatchTimer);
  bool hope = false;  // Whether somebody above may be alive.
  for (const Peer& peer : options_.peers) hope |= peer.id > options_.id && peer.id != crashed_;
  if (!hope) {
    declare(context, true);
    return;
  }
  for (const Peer& peer : options_.peers) {
    if (peer.id > options_.id) send(context, peer, Election{options_.id});
  }
  state_ = State::kElecting;
  context.timers.set(kElectionTimer, context.now + options_.answer_wait);
}

void TextbookNode::declare(Context& context, bool nobody_higher) {
  view_.declare(context.recorder, nobody_higher);
  follow(context, options_.id);
  send_to_lower(context, Coordinator{options_.id});
  if (options_.heartbeat > Duration{}) {
    context.timers.set(kHeartbeatTimer, context.now + options_.heartbeat);
  }
}

void TextbookNode::follow(Context& context, PeerId leader) {
  state_ = State::kNormal;
  crashed_.reset();
  context.timers.cancel(kElectionTimer);
  view_.set(context.recorder, leader);
  watch(context);
}

void TextbookNode::handle(Context& context, const Message& message) {
  if (const auto* election = std::get_if<Election>(&message)) {
    const Peer* from = find_peer(options_.peers, election->from);
    if (from == nullptr || from->id >= options_.id) return;
    send(context, *from, Ok{options_.id});
    if (state_ == State::kNormal) start_election(context);
  } else if (std::holds_alternative<Ok>(message)) {
    if (state_ != State::kElecting) return;
    state_ = State::kAwaiting;
    context.timers.set(kElectionTimer, context.now + options_.coordinator_wait);
  } else if (const auto* coordinator = std::get_if<Coordinator>(&message)) {
    if (coordinator->leader > options_.id) {
      follow(context, coordinator->leader);
    } else if (coordinator->leader < options_.id && state_ == State::kNormal) {
      start_election(context);
    }
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message)) {
    if (heartbeat->from == view_.leader() && state_ == State::kNormal) watch(context);
  }
}

/// Puts off the suspicion of the leader.
void TextbookNode::watch(Context& context) {
  if (options_.heartbeat == Duration{}) return;
  if (view_.leads()) {
    context.timers.cancel(kWatchTimer);
  } else {
    context.timers.set(kWatchTimer, context.now + options_.stale);
  }
}

void TextbookNode::beat(Context& context) {
  if (options_.heartbeat == Duration{} || !view_.leads()) return;
  send_to_lower(context, Heartbeat{options_.id});
  context.timers.set(kHeartbeatTimer, context.now + options_.heartbeat);
}

void TextbookNode::send(Context& context, const Peer& to, const Message& message) {
  context.datagrams.send(kSocket, to.endpoint, seal_body(message, cipher_, context.random));
  sent_.count(context.recorder, message);
}

void TextbookNode::send_to_lower(Context& context, const Message& message) {
  for (const Peer& peer : options_.peers) {
    if (peer.id < options_.id) send(context, peer, message);
  }
}

Result<std::unique_ptr<Protocol>> make_textbook_node(TextbookOptions options,
                                                     std::string_view hex_key,
                                                     bool allow_zero_key) {
  const Result<std::vector<Peer>> peers = check_peers(options.peers);
  if (!peers) return Error{peers.error()};
  if (find_peer(*peers, options.id) == nullptr) {
    return Error{"node " + std::to_string(options.id) + " is not among the peers; add it"};
  }
  const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(hex_key, allow_zero_key);
  if (!cipher) return Error{cipher.error()};
  return std::unique_ptr<Protocol>(new TextbookNode(std::move(options), *cipher));
}

}  // namespace twinbed::election
