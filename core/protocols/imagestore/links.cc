#include "core/protocols/imagestore/links.h"

#include <algorithm>
#include <utility>

#include "core/protocols/imagestore/records.h"

namespace twinbed::imagestore {
namespace {

constexpr ListenerId kListener{1};

StreamId stream_of(std::size_t place) { return StreamId{static_cast<std::uint32_t>(place)}; }
bool is_accepted(StreamId stream) {
  return static_cast<std::uint32_t>(stream) >= kFirstAcceptedStream;
}

}  // namespace

Links::Links(LinkOptions options, const secure::ClusterKey& key, LinkOwner& owner)
    : options_(std::move(options)),
      key_(key),
      owner_(owner),
      handshakes_of_servers_(options_.max_handshakes, options_.max_handshakes_per_second),
      handshakes_of_others_(options_.max_handshakes, options_.max_handshakes_per_second) {
  for (const election::Peer& peer : options_.peers) {
    if (is_server() && peer.id == options_.self.id) continue;
    dials_.push_back({peer, Lane::kControl, {}, options_.retry_least});
    if (is_server()) dials_.push_back({peer, Lane::kBytes, {}, options_.retry_least});
  }
}

Links::Dial* Links::dial_of(StreamId stream) {
  return is_accepted(stream) ? nullptr : &dials_[static_cast<std::size_t>(stream)];
}
const Links::Dial* Links::dial_of(StreamId stream) const {
  return is_accepted(stream) ? nullptr : &dials_[static_cast<std::size_t>(stream)];
}

// ---- Dialling and time limits -----------------------------------------------------------------

void Links::start(Context& context) {
  options_.self.instance = context.random.next();
  const secure::KeyPair keys =
      options_.keys ? *options_.keys : secure::KeyPair::generate(context.random);
  credentials_.emplace(key_, keys, options_.self);
  if (options_.listen) context.streams.listen(kListener, *options_.listen);
  for (std::size_t place = 0; place < dials_.size(); ++place) dial(context, place);
}

void Links::dial(Context& context, std::size_t place) {
  Dial& dial = dials_[place];
  dial.is_up = true;
  // The limit for setting up a connection is that of the handshake: `heard` counts from here.
  links_.insert_or_assign(stream_of(place),
                          Link{secure::Channel::responder(*credentials_, frames()),
                               dial.peer.endpoint, context.now, context.now, context.now});
  context.streams.open(stream_of(place), dial.peer.endpoint);
}

void Links::tick(Context& context) {
  for (std::size_t place = 0; place < dials_.size(); ++place) {
    if (!dials_[place].is_up && dials_[place].next <= context.now) dial(context, place);
  }
  std::vector<StreamId> silent;
  for (auto& [stream, link] : links_) {
    // A connection that a dead host never answers must not hold up the next attempt.
    const Duration limit = is_accepted(stream) && !link.is_open ? options_.handshake_limit
                                                                : options_.silence_limit;
    if (context.now - link.heard > limit) {
      silent.push_back(stream);
    } else if (link.is_open && context.now - link.said >= options_.alive_every) {
      send(context, stream, 0, Alive{});
    }
  }
  for (const StreamId stream : silent) end(context, stream, true);
}

void Links::stop(Context& context) {
  for (auto& [stream, link] : links_) {
    Buffer out;
    if (link.is_open) link.channel.close(context.now, out);
    if (!out.empty()) context.streams.write(stream, out);
    context.streams.close(stream);
  }
  links_.clear();
}

// ---- What the network says --------------------------------------------------------------------

void Links::on_stream(Context& context, const StreamEvent& event) {
  if (event.kind == StreamEventKind::kAccepted) {
    if (!may_begin_handshake(context.now, event.peer)) {
      note_refusal(context, secure::Refusal::kBusy, event.peer);
      context.streams.close(event.stream);
      return;
    }
    links_.emplace(event.stream, Link{secure::Channel::responder(*credentials_, frames()),
                                      event.peer, context.now, context.now, context.now});
    return;
  }
  const auto found = links_.find(event.stream);
  if (found == links_.end()) return;
  Link& link = found->second;
  switch (event.kind) {
    case StreamEventKind::kOpened: {
      Buffer out;
      link.channel = secure::Channel::initiator(*credentials_, context.random, out, frames());
      link.heard = context.now;
      write(context, event.stream, link, out);
      break;
    }
    case StreamEventKind::kData: on_data(context, event.stream, event.data); break;
    case StreamEventKind::kDrained:
      link.undrained = 0;
      if (link.is_open) owner_.on_link_drained(context, event.stream);
      break;
    case StreamEventKind::kClosed: on_closed(context, event.stream, link); break;
    case StreamEventKind::kFailed:
    case StreamEventKind::kReset: end(context, event.stream, false); break;
    case StreamEventKind::kAccepted: break;
  }
}

void Links::on_data(Context& context, StreamId stream, Bytes data) {
  Link& link = links_.at(stream);
  link.heard = context.now;
  Buffer out;
  link.channel.receive(context.random, context.now, data, out);
  if (link.channel.wants_verdict()) judge(context, link, out);
  if (!out.empty()) write(context, stream, link, out);
  if (link.channel.state() == secure::Channel::State::kOpen && !link.is_open) {
    open(context, stream, link);
  }
  hand_over(context, stream);
}

void Links::on_closed(Context& context, StreamId stream, Link& link) {
  link.channel.on_end();
  const secure::Refusal failure = link.channel.failure();
  if (failure != secure::Refusal::kNone) note_refusal(context, failure, link.endpoint);
  // A peer whose key is another one hangs up on the hello without a word.
  Dial* dial = dial_of(stream);
  if (dial != nullptr && !link.is_open) dial->refused = secure::Refusal::kNotAuthentic;
  end(context, stream, false);
}

/// Gives the owner every message that is there; the link may end at any of them.
void Links::hand_over(Context& context, StreamId stream) {
  for (;;) {
    const auto found = links_.find(stream);
    if (found == links_.end()) return;
    Link& link = found->second;
    if (!link.is_open) break;
    const std::optional<Buffer> bytes = link.channel.next();
    if (!bytes) break;
    const secure::Identity& peer = link.channel.peer();
    if (peer.role == secure::PeerRole::kServer) last_heard_[peer.id] = context.now;
    const std::optional<Frame> frame = decode(*bytes);
    const raft::ServerId named = peer.role == secure::PeerRole::kServer ? peer.id : raft::kNobody;
    if (!frame || frame->from != named) {
      refuse(context, stream, secure::Refusal::kProtocol);
      return;
    }
    if (!std::holds_alternative<Alive>(frame->message)) owner_.on_message(context, stream, *frame);
  }
  const auto found = links_.find(stream);
  if (found == links_.end()) return;
  const secure::Channel& channel = found->second.channel;
  if (channel.state() == secure::Channel::State::kFailed) {
    refuse(context, stream, channel.failure());
  } else if (channel.state() == secure::Channel::State::kClosed) {
    end(context, stream, true);
  }
}

// ---- Who may connect --------------------------------------------------------------------------

bool Links::may_begin_handshake(Time now, const Endpoint& from) {
  const bool is_server = is_of_server(from);
  const auto waiting = std::count_if(links_.begin(), links_.end(), [&](const auto& entry) {
    return is_accepted(entry.first) && !entry.second.is_open &&
           is_of_server(entry.second.endpoint) == is_server;
  });
  return waiting < std::int64_t{options_.max_handshakes} &&
         (is_server ? handshakes_of_servers_ : handshakes_of_others_).take(now);
}

/// By the address alone: a claim, which the handshake has yet to prove.
bool Links::is_of_server(const Endpoint& from) const {
  return std::any_of(options_.peers.begin(), options_.peers.end(),
                     [&](const auto& peer) { return peer.endpoint.address == from.address; });
}

void Links::judge(Context& context, Link& link, Buffer& out) {
  const secure::Refusal why = verdict(context, link.channel.peer());
  if (why == secure::Refusal::kNone) {
    link.channel.accept(context.random, out);
  } else {
    link.channel.refuse(why, out);
  }
}

secure::Refusal Links::verdict(Context& context, const secure::Identity& peer) const {
  using secure::Refusal;
  if (peer.role == secure::PeerRole::kClient) {
    const secure::AllowList& allowed = options_.allowed_clients;
    if (!allowed.keys.empty() && !allowed.contains(peer.public_key)) {
      return Refusal::kUnknownClient;
    }
    const auto clients = std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
      return entry.second.is_open &&
             entry.second.channel.peer().role == secure::PeerRole::kClient;
    });
    return static_cast<std::size_t>(clients) < options_.max_clients ? Refusal::kNone
                                                                    : Refusal::kBusy;
  }
  if (!is_known_server(peer)) return Refusal::kWrongServer;
  if (peer.id == options_.self.id) return Refusal::kDuplicateId;
  if (election::find_peer(options_.peers, peer.id) == nullptr) return Refusal::kWrongServer;
  if (peer.config_hash != options_.self.config_hash) return Refusal::kConfigDiffers;
  for (const auto& [stream, link] : links_) {
    if (!link.is_open || !is_accepted(stream)) continue;
    const secure::Identity& other = link.channel.peer();
    const bool is_alive = context.now - link.heard <= options_.silence_limit;
    if (other.role == peer.role && other.id == peer.id && other.instance != peer.instance &&
        is_alive) {
      return Refusal::kDuplicateId;
    }
  }
  return Refusal::kNone;
}

/// Whoever holds the cluster's key can say that it is a server; a list of keys is proof.
bool Links::is_known_server(const secure::Identity& peer) const {
  return options_.known_servers.keys.empty() ||
         options_.known_servers.contains(peer.public_key);
}

bool Links::is_right_server(StreamId stream, const secure::Identity& peer) const {
  const Dial* dial = dial_of(stream);
  return dial == nullptr ||
         (peer.role == secure::PeerRole::kServer && peer.id == dial->peer.id &&
          is_known_server(peer));
}

void Links::open(Context& context, StreamId stream, Link& link) {
  if (!is_right_server(stream, link.channel.peer())) {
    refuse(context, stream, secure::Refusal::kWrongServer);
    return;
  }
  link.is_open = true;
  if (Dial* dial = dial_of(stream)) {
    dial->back_off = options_.retry_least;
    dial->refused = secure::Refusal::kNone;
  }
  owner_.on_link_open(context, stream);
}

// ---- Sending and ending -----------------------------------------------------------------------

void Links::send(Context& context, StreamId stream, raft::Term term, const Message& message) {
  const auto found = links_.find(stream);
  if (found == links_.end() || !found->second.is_open) return;
  Buffer out;
  const raft::ServerId self = is_server() ? options_.self.id : raft::kNobody;
  found->second.channel.send(context.now, encode(self, term, message), out);
  write(context, stream, found->second, out);
}

void Links::write(Context& context, StreamId stream, Link& link, Bytes bytes) {
  link.undrained += bytes.size();
  link.said = context.now;
  context.streams.write(stream, bytes);
}

void Links::close(Context& context, StreamId link) { end(context, link, true); }

void Links::refuse(Context& context, StreamId stream, secure::Refusal reason) {
  const Link& link = links_.at(stream);
  if (Dial* dial = dial_of(stream)) dial->refused = reason;
  note_refusal(context, reason, link.endpoint);
  end(context, stream, true);
}

void Links::note_refusal(Context& context, secure::Refusal reason, const Endpoint& from) {
  const std::uint64_t count = ++refusals_[reason];
  const std::string endpoint = to_string(from);
  context.recorder.event(kLinkRefusedEvent, {{"reason", secure::to_string(reason)},
                                             {"from", std::string_view(endpoint)},
                                             {"count", static_cast<std::int64_t>(count)}});
}

void Links::end(Context& context, StreamId stream, bool close_stream) {
  const auto found = links_.find(stream);
  if (found == links_.end()) return;
  if (close_stream) context.streams.close(stream);
  const bool was_open = found->second.is_open;
  found->second.is_open = false;
  if (Dial* dial = dial_of(stream)) {
    dial->is_up = false;
    dial->next = context.now + dial->back_off;
    dial->back_off = std::min(2 * dial->back_off, options_.retry_most);
  }
  if (was_open) owner_.on_link_closed(context, stream);
  links_.erase(stream);
}

// ---- Questions --------------------------------------------------------------------------------

std::optional<StreamId> Links::to(raft::ServerId server, Lane lane) const {
  for (std::size_t place = 0; place < dials_.size(); ++place) {
    if (dials_[place].peer.id != server || dials_[place].lane != lane) continue;
    return is_open(stream_of(place)) ? std::optional(stream_of(place)) : std::nullopt;
  }
  return std::nullopt;
}

bool Links::is_open(StreamId link) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.is_open;
}

const secure::Identity& Links::peer(StreamId link) const { return links_.at(link).channel.peer(); }
Endpoint Links::endpoint(StreamId link) const { return links_.at(link).endpoint; }

std::size_t Links::undrained(StreamId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? 0 : found->second.undrained;
}

std::optional<Time> Links::last_heard(raft::ServerId server) const {
  const auto found = last_heard_.find(server);
  return found == last_heard_.end() ? std::nullopt : std::optional(found->second);
}

secure::Refusal Links::refused_by(raft::ServerId server) const {
  for (const Dial& dial : dials_) {
    if (dial.peer.id == server && dial.refused != secure::Refusal::kNone) return dial.refused;
  }
  return secure::Refusal::kNone;
}

std::uint64_t Links::refusals(secure::Refusal reason) const {
  const auto found = refusals_.find(reason);
  return found == refusals_.end() ? 0 : found->second;
}

}  // namespace twinbed::imagestore
