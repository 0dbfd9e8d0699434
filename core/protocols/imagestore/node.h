// The election policy `robust`: a server of cloud-p2p that keeps its promises.
//
//   client ── PutBegin, Chunk ..., End ──► leader ── CopyBegin, Chunk ..., End ──► all others
//                                            │  ◄──────── CopyResult ok: durable ───────┘
//                                            │  a majority has it
//                                            ▼
//                                 Raft: { id, hash, size, ..., holders } committed by a majority
//                                            │
//   client ◄── PutResult ok ─────────────────┴──► at every server: the file gets its name
//
// Where all servers see one directory of images (NodeOptions::shared_storage) no copies are sent:
// the leader writes the image there under a name of its own, and what Raft commits gives it its
// name (blob_store.h). SUCCESS then means that the file is there under its name.
//
// What the original lacks, and what takes its place:
//   - two leaders, a lower id that deposes a higher one: Raft elects; the highest id leads in the
//     steady state, by time-out slots and by a hand-over to it once it has caught up
//   - an image lost with its leader: SUCCESS means that a majority has it on its disks
//   - a reply that never comes: every upload is answered, if only with the reason why not
//   - a retry that stores twice: the request's id names the image
//   - a client that guesses: every server tells who leads, and refuses what it cannot do
//   - one dead peer that holds up all others: a connection for each, and signs of life on it
//   - a key that is zero, frames that can be replayed: secure channels (core/protocols/secure)
//
// Delivered to the application: each committed image, once in a lifetime of the process, as JSON
// (catalogue.h), in the order in which they were committed.
//
// Each repair has a switch (raft::Options, NodeOptions), so that its worth can be seen.
//
// Source: the election and replication are D. Ongaro's Raft (core/protocols/raft); the fence is
// that of M. Kleppmann, "How to do distributed locking", 2016.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/protocol.h"
#include "core/protocols/imagestore/copies.h"
#include "core/protocols/imagestore/downloads.h"
#include "core/protocols/imagestore/parts.h"
#include "core/protocols/imagestore/repair.h"
#include "core/protocols/imagestore/uploads.h"

namespace twinbed::imagestore {

/// What a server can say of itself, for health checks and metrics.
struct Status {
  raft::Role role = raft::Role::kFollower;
  raft::Term term = 0;
  raft::ServerId leader = raft::kNobody;
  raft::Index commit = 0;
  raft::Index applied = 0;
  std::size_t images = 0;   ///< in the catalogue
  std::size_t held = 0;     ///< files that are here, one for each content
  std::size_t missing = 0;  ///< and those that should be
  std::size_t uploads = 0;  ///< under way
  std::uint64_t stored_bytes = 0;  ///< of images in the catalogue
  std::map<raft::ServerId, std::optional<Time>> last_heard;  ///< of the other servers
  std::map<raft::ServerId, secure::Refusal> refused_by;
  std::map<secure::Refusal, std::uint64_t> refusals;
  std::string failure;  ///< one sentence: why this server can do nothing more

  /// Knows a leader and has executed all that it knows to be committed.
  bool is_ready() const { return failure.empty() && leader != raft::kNobody && applied == commit; }
};

class Node final : public Protocol,
                   private raft::Surroundings,
                   private LinkOwner,
                   private BlobOwner {
 public:
  /// The options must be sound, as make_node checks.
  Node(NodeOptions options, const secure::ClusterKey& key);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_stream(Context& context, const StreamEvent& event) override;
  void on_storage(Context& context, const StorageResult& result) override;
  void on_stop(Context& context) override;

  Status status() const;
  const raft::Node& raft() const { return raft_; }
  const Catalogue& catalogue() const { return catalogue_; }
  const BlobStore& blobs() const { return blobs_; }

 private:
  // raft::Surroundings
  void send(Context& context, raft::ServerId to, const raft::Message& message) override;
  void apply(Context& context, const raft::Applied& applied) override;
  Buffer take_snapshot() override;
  void restore(Context& context, Bytes snapshot) override;
  void on_change(Context& context) override;
  void on_read(Context& context, raft::ReadId id, bool is_current) override;
  // LinkOwner
  void on_link_open(Context& context, StreamId link) override;
  void on_message(Context& context, StreamId link, const Frame& frame) override;
  void on_link_drained(Context& context, StreamId link) override;
  void on_link_closed(Context& context, StreamId link) override;
  // BlobOwner
  void on_opened(Context& context) override;
  void on_staged(Context& context, Slot slot, StorageStatus status) override;
  void on_held(Context& context, const Digest& hash) override;
  void on_missing(Context& context, const Digest& hash, StorageStatus status) override;
  void on_other_kind(Context& context, const std::string& path, bool is_sealed) override;

  void on_server_message(Context& context, StreamId link, const Frame& frame);
  void on_client_message(Context& context, StreamId link, const Message& message);
  void on_answer(Context& context, StreamId link, const Message& message);
  void keep(Context& context, const Image& image);
  void record_stored(Context& context, const Image& image);
  void drop_uncommitted(Context& context);
  void scrub(Context& context);
  void log(Context& context, std::string_view text);

  NodeOptions options_;
  Links links_;
  BlobStore blobs_;
  Catalogue catalogue_;
  raft::Node raft_;
  Parts parts_;
  Uploads uploads_;
  Copies copies_;
  Repair repair_;
  Downloads downloads_;

  raft::Role logged_role_ = raft::Role::kFollower;
  raft::ServerId logged_leader_ = raft::kNobody;
  bool has_logged_failure_ = false;
  std::set<std::string, std::less<>> stored_;  // ids recorded as stored since the start
  std::set<std::string, std::less<>> other_kinds_;  // files of which the log has told
  std::uint64_t stored_bytes_ = 0;
  std::size_t scrub_place_ = 0;  // the image to be read next
  Time scrub_at_{};
};

/// Sets all times of an election by the shortest that a server waits for its leader: it waits up to
/// twice that; heartbeats come four times as often, and slots of the preference are a quarter.
void set_timeout(NodeOptions& options, Duration timeout);

/// Fills in what follows from the peers: members, tokens, endpoint, identity, configuration hash.
NodeOptions complete(NodeOptions options);

/// A server, or a sentence that says what is wrong with the options or the key (64 hex digits).
Result<std::unique_ptr<Node>> make_node(NodeOptions options, std::string_view hex_key);

}  // namespace twinbed::imagestore
