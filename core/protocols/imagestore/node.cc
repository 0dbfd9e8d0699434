#include "core/protocols/imagestore/node.h"

#include <algorithm>
#include <utility>

#include "core/protocols/election/config.h"
#include "core/protocols/imagestore/records.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

constexpr TimerId kTick{raft::Node::kTimers};
constexpr Duration kTickEvery = std::chrono::milliseconds(100);
constexpr std::uint64_t kRaftTokens = 1;
constexpr std::uint64_t kBlobTokens = 1000;
constexpr std::uint64_t kDownloadTokens = std::uint64_t{1} << 32;
/// To a server that takes nothing Raft's messages are dropped; it will ask for what it missed.
constexpr std::size_t kMaxRaftBacklog = 1024 * 1024;

/// What must be the same at all servers.
Digest config_hash(const NodeOptions& options) {
  Buffer text = to_buffer("cloud-p2p robust 1");
  Writer out(text);
  const int shared_mode = options.at_rest ? 3 : 2;
  out.u8(static_cast<std::uint8_t>(options.shared_storage ? shared_mode : options.replicate));
  std::vector<election::Peer> peers = options.peers;
  std::sort(peers.begin(), peers.end(),
            [](const election::Peer& a, const election::Peer& b) { return a.id < b.id; });
  for (const election::Peer& peer : peers) {
    out.u32be(peer.id);
    out.u32be(peer.endpoint.address.value);
    out.u16be(peer.endpoint.port);
  }
  return blake2b(text);
}

BlobOptions blob_options(const NodeOptions& options, const secure::ClusterKey& key) {
  BlobOptions blobs = options.blobs;
  if (options.at_rest) blobs.key = at_rest_key(key.bytes());
  return blobs;
}

}  // namespace

void set_timeout(NodeOptions& options, Duration timeout) {
  options.raft.election_timeout_min = timeout;
  options.raft.election_timeout_max = 2 * timeout;
  options.raft.heartbeat = timeout / 4;
  options.raft.priority_slot = timeout / 4;
  options.raft.hand_over_after = std::chrono::seconds(5);
}

NodeOptions complete(NodeOptions options) {
  options.raft.id = options.id;
  options.raft.initial = {};
  for (const election::Peer& peer : options.peers) {
    options.raft.initial.voters.push_back(peer.id);
  }
  std::sort(options.raft.initial.voters.begin(), options.raft.initial.voters.end());
  options.raft.directory = options.blobs.state_prefix + "raft/";
  options.raft.first_timer = TimerId{0};
  options.raft.first_token = StorageToken{kRaftTokens};
  options.blobs.first_token = StorageToken{kBlobTokens};
  options.blobs.is_shared = options.shared_storage;
  options.links.peers = options.peers;
  if (const election::Peer* self = election::find_peer(options.peers, options.id)) {
    options.links.listen = Endpoint{kAnyAddress, self->endpoint.port};
  }
  options.links.self.role = secure::PeerRole::kServer;
  options.links.self.id = options.id;
  options.links.self.config_hash = config_hash(options);
  return options;
}

Result<std::unique_ptr<Node>> make_node(NodeOptions options, std::string_view hex_key) {
  const Result<std::vector<election::Peer>> peers = election::check_peers(options.peers);
  if (!peers) return Error{peers.error()};
  if (election::find_peer(options.peers, options.id) == nullptr) {
    return Error{"node " + std::to_string(options.id) + " is not among the peers"};
  }
  const Result<secure::ClusterKey> key = secure::ClusterKey::from_hex(hex_key);
  if (!key) return Error{key.error()};
  if (options.raft.heartbeat * 2 > options.raft.election_timeout_min ||
      options.raft.heartbeat <= Duration{}) {
    return Error{"the heartbeat must be positive and at most half of the least election timeout"};
  }
  if (options.raft.election_timeout_max < options.raft.election_timeout_min) {
    return Error{"the greatest election timeout is smaller than the least"};
  }
  return std::make_unique<Node>(complete(std::move(options)), *key);
}

Node::Node(NodeOptions options, const secure::ClusterKey& key)
    : options_(std::move(options)),
      links_(options_.links, key, *this),
      blobs_(blob_options(options_, key), *this),
      raft_(options_.raft, *this),
      parts_{options_, links_, blobs_, catalogue_, raft_},
      uploads_(parts_),
      copies_(parts_),
      repair_(parts_),
      downloads_(parts_, kDownloadTokens) {}

// ---- Handlers ---------------------------------------------------------------------------------

void Node::on_start(Context& context) {
  blobs_.open(context);
  links_.start(context);
  log(context, "listening on port " + std::to_string(options_.links.listen->port));
  scrub_at_ = context.now + options_.scrub_every;
  context.timers.set(kTick, context.now + kTickEvery);
}

/// What was staged before the start is known now, so that Raft may bring the committed images.
void Node::on_opened(Context& context) { raft_.start(context); }

void Node::on_timer(Context& context, TimerId id) {
  if (raft_.on_timer(context, id) || id != kTick) return;
  links_.tick(context);
  uploads_.tick(context);
  if (options_.repair) repair_.tick(context);
  if (options_.shared_storage) drop_uncommitted(context);
  scrub(context);
  if (!raft_.failure().empty() && !std::exchange(has_logged_failure_, true)) {
    log(context, raft_.failure());
  }
  context.timers.set(kTick, context.now + kTickEvery);
}

void Node::on_stream(Context& context, const StreamEvent& event) {
  links_.on_stream(context, event);
}

void Node::on_storage(Context& context, const StorageResult& result) {
  if (raft_.on_storage(context, result) || blobs_.on_storage(context, result)) return;
  downloads_.on_storage(context, result);
}

void Node::on_stop(Context& context) { links_.stop(context); }

// ---- Raft -------------------------------------------------------------------------------------

void Node::send(Context& context, raft::ServerId to, const raft::Message& message) {
  const std::optional<StreamId> link = links_.to(to);
  if (!link || links_.undrained(*link) > kMaxRaftBacklog) return;
  links_.send(context, *link, raft_.term(), RaftPart{message});
}

void Node::apply(Context& context, const raft::Applied& applied) {
  const Catalogue::Applied outcome = catalogue_.apply(applied.term, applied.command);
  if (outcome.image == nullptr) return;
  if (outcome.verdict == Catalogue::Verdict::kAdded) {
    keep(context, *outcome.image);
    context.application.deliver(as_bytes(to_json(*outcome.image)));
  }
  copies_.on_applied(context, outcome.image->hash);
  uploads_.on_applied(context, *outcome.image, outcome.verdict);
  // Nothing that was staged in an earlier term can be committed any more.
  blobs_.drop_before(context, applied.term);
}

/// Sees to it that this server has the image's file, if it should.
void Node::keep(Context& context, const Image& image) {
  stored_bytes_ += image.size;
  const bool is_holder = std::find(image.holders.begin(), image.holders.end(), options_.id) !=
                         image.holders.end();
  if (!options_.replicate && !options_.shared_storage && !is_holder) return;
  blobs_.keep(context, image);
  if (blobs_.holds(image.hash)) record_stored(context, image);
}

Buffer Node::take_snapshot() { return catalogue_.snapshot(); }

void Node::restore(Context& context, Bytes snapshot) {
  catalogue_.restore(snapshot);
  stored_bytes_ = 0;
  for (std::size_t place = 0; place < catalogue_.size(); ++place) {
    keep(context, catalogue_.at(place));
    context.application.deliver(as_bytes(to_json(catalogue_.at(place))));
  }
}

void Node::on_change(Context& context) {
  uploads_.on_change(context);
  const raft::Role role = raft_.role();
  const raft::ServerId leader = raft_.leader();
  if (role == raft::Role::kLeader && logged_role_ != role) {
    const bool is_highest = raft_.log().configuration().voters.back() == options_.id;
    log(context, is_highest ? "no higher nodes -> becoming coordinator"
                            : "elected by a majority -> becoming coordinator");
    log(context, "starting heartbeat task");
  } else if (leader != logged_leader_) {
    log(context, leader == raft::kNobody
                     ? "no leader (no majority)"
                     : "Coordinator announced: " + std::to_string(leader));
  }
  logged_role_ = role;
  logged_leader_ = leader;
}

void Node::on_read(Context& context, raft::ReadId id, bool is_current) {
  downloads_.on_read(context, id, is_current);
}

// ---- Messages ---------------------------------------------------------------------------------

void Node::on_link_open(Context& context, StreamId link) {
  if (!raft_.leads() || links_.to(links_.peer(link).id, Lane::kBytes) != link) return;
  parts_.send(context, link, Pending{raft_.commit_index(), uploads_.hashes()});
}

void Node::on_message(Context& context, StreamId link, const Frame& frame) {
  if (const auto* query = std::get_if<QueryLeader>(&frame.message)) {
    parts_.send(context, link,
                LeaderInfo{query->number, raft_.leader(), raft_.term(), raft_.commit_index()});
  } else if (const auto* get = std::get_if<Get>(&frame.message)) {
    downloads_.on_get(context, link, *get);
  } else if (links_.peer(link).role == secure::PeerRole::kClient) {
    on_client_message(context, link, frame.message);
  } else if (static_cast<std::uint32_t>(link) < kFirstAcceptedStream) {
    on_answer(context, link, frame.message);
  } else {
    on_server_message(context, link, frame);
  }
}

void Node::on_client_message(Context& context, StreamId link, const Message& message) {
  if (const auto* begin = std::get_if<PutBegin>(&message)) uploads_.on_put(context, link, *begin);
  if (const auto* chunk = std::get_if<Chunk>(&message)) uploads_.on_chunk(context, link, *chunk);
  if (const auto* end = std::get_if<End>(&message)) uploads_.on_end(context, link, *end);
  if (const auto* abort = std::get_if<Abort>(&message)) uploads_.on_abort(context, link, *abort);
}

/// A server has dialled this one to say something.
void Node::on_server_message(Context& context, StreamId link, const Frame& frame) {
  const Message& message = frame.message;
  if (const auto* part = std::get_if<RaftPart>(&message)) {
    raft_.on_message(context, frame.from, part->message);
  }
  if (const auto* begin = std::get_if<CopyBegin>(&message)) {
    copies_.on_begin(context, link, frame.from, frame.term, *begin);
  }
  if (const auto* pending = std::get_if<Pending>(&message)) {
    copies_.on_pending(context, frame.term, *pending);
  }
  if (const auto* chunk = std::get_if<Chunk>(&message)) copies_.on_chunk(context, link, *chunk);
  if (const auto* end = std::get_if<End>(&message)) copies_.on_end(context, link, *end);
  if (const auto* abort = std::get_if<Abort>(&message)) copies_.on_abort(context, link, *abort);
}

/// A server that this one has dialled answers.
void Node::on_answer(Context& context, StreamId link, const Message& message) {
  if (const auto* result = std::get_if<CopyResult>(&message)) {
    uploads_.on_copy_result(context, link, *result);
  }
  if (const auto* result = std::get_if<GetResult>(&message)) {
    repair_.on_get_result(context, link, *result);
  }
  if (const auto* chunk = std::get_if<Chunk>(&message)) repair_.on_chunk(context, link, *chunk);
  if (const auto* end = std::get_if<End>(&message)) repair_.on_end(context, link, *end);
  if (const auto* abort = std::get_if<Abort>(&message)) repair_.on_abort(context, link, *abort);
}

void Node::on_link_drained(Context& context, StreamId link) {
  downloads_.on_link_drained(context, link);
}

void Node::on_link_closed(Context& context, StreamId link) {
  uploads_.on_link_closed(context, link);
  copies_.on_link_closed(context, link);
  repair_.on_link_closed(context, link);
  downloads_.on_link_closed(link);
}

// ---- Files ------------------------------------------------------------------------------------

void Node::on_staged(Context& context, Slot slot, StorageStatus status) {
  if (uploads_.on_staged(context, slot, status)) return;
  if (copies_.on_staged(context, slot, status)) return;
  repair_.on_staged(context, slot, status);
}

void Node::on_held(Context& context, const Digest& hash) {
  for (const Image* image : catalogue_.all_of(hash)) record_stored(context, *image);
  uploads_.on_held(context, hash);
}

void Node::record_stored(Context& context, const Image& image) {
  if (!stored_.insert(image.id).second) return;
  const std::string hash = to_hex(image.hash);
  context.recorder.event(kStoreEvent, {{"id", std::string_view(image.id)},
                                       {"bytes", static_cast<std::int64_t>(image.size)},
                                       {"hash", std::string_view(hash)}});
  log(context, "stored image " + image.id + " as " + blobs_.path_of(image));
}

void Node::on_missing(Context& context, const Digest& hash, StorageStatus status) {
  // The shared directory is looked at again and again, and the same is found.
  if (options_.shared_storage && !repair_.on_missing(hash)) return;
  const std::string text = to_hex(hash);
  context.recorder.event(kMissingEvent, {{"hash", std::string_view(text)},
                                         {"why", twinbed::to_string(status)}});
  if (parts_.makes_copies()) repair_.on_missing(hash);
}

/// In the shared directory: what a crash has left of uploads of an earlier term, even if no image
/// is ever accepted again.
void Node::drop_uncommitted(Context& context) {
  const std::optional<raft::Term> term = raft_.log().term_at(raft_.applied_index());
  if (term) blobs_.drop_before(context, *term);
}

void Node::on_other_kind(Context& context, const std::string& path, bool is_sealed) {
  if (!other_kinds_.insert(path).second) return;
  log(context, path + (is_sealed ? " is sealed, and this server does not seal images"
                                 : " is not sealed, and this server seals images") +
                   ": it counts as missing");
}

/// Reads the images again, one at each turn, round after round.
void Node::scrub(Context& context) {
  if (options_.scrub_every <= Duration{} || context.now < scrub_at_) return;
  if (scrub_place_ >= catalogue_.size()) {
    scrub_place_ = 0;
    scrub_at_ = context.now + options_.scrub_every;
    return;
  }
  const Image& image = catalogue_.at(scrub_place_++);
  if (blobs_.holds(image.hash)) blobs_.check(context, image);
}

void Node::log(Context& context, std::string_view text) {
  context.recorder.log("[Node " + std::to_string(options_.id) + "] " + std::string(text));
}

Status Node::status() const {
  Status status;
  status.role = raft_.role();
  status.term = raft_.term();
  status.leader = raft_.leader();
  status.commit = raft_.commit_index();
  status.applied = raft_.applied_index();
  status.images = catalogue_.size();
  status.held = blobs_.held();
  status.missing = blobs_.missing();
  status.uploads = uploads_.size();
  status.stored_bytes = stored_bytes_;
  for (const election::Peer& peer : options_.peers) {
    if (peer.id == options_.id) continue;
    status.last_heard[peer.id] = links_.last_heard(peer.id);
    status.refused_by[peer.id] = links_.refused_by(peer.id);
  }
  for (std::uint8_t number = 1; number <= static_cast<std::uint8_t>(secure::kLastRefusal);
       ++number) {
    const auto reason = static_cast<secure::Refusal>(number);
    status.refusals[reason] = links_.refusals(reason);
  }
  status.failure = raft_.failure();
  return status;
}

}  // namespace twinbed::imagestore
