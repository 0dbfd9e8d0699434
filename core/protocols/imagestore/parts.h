// What the parts of a server share: its options, its connections, its files, its catalogue, Raft.
#pragma once

#include <cstdint>
#include <vector>

#include "core/protocols/election/peer.h"
#include "core/protocols/imagestore/blob_store.h"
#include "core/protocols/imagestore/catalogue.h"
#include "core/protocols/imagestore/links.h"
#include "core/protocols/raft/node.h"

namespace twinbed::imagestore {

struct NodeOptions {
  raft::ServerId id = 1;
  std::vector<election::Peer> peers;  ///< all servers, this one included
  raft::Options raft;                 ///< timeouts and switches; the rest is filled in
  BlobOptions blobs;
  LinkOptions links;                  ///< peers, endpoint and what this server says of itself are
                                      ///< filled in
  std::uint64_t max_image_bytes = 64 * 1024 * 1024;
  std::size_t max_uploads = 16;       ///< at once
  Duration upload_limit = std::chrono::seconds(10);  ///< without any progress
  // Repairs of the original that can be switched off, beside those of raft::Options.
  bool replicate = true;  ///< false: only the leader keeps an image, the original's basic mode
  /// All servers see the directory blobs.image_prefix, as on NFS: an image is written there once,
  /// and no copies are made, whatever `replicate` says (blob_store.h).
  bool shared_storage = false;
  /// Images are sealed in their files, with a key that follows from the cluster's (sealed_file.h).
  /// On storage of their own servers may differ, and one that changes fetches its images anew; on
  /// shared storage all must be alike, and images that are there already are not converted.
  bool at_rest = false;
  bool fence = true;      ///< copies of an earlier term are refused
  bool repair = true;     ///< missing and damaged copies are fetched again
  Duration scrub_every = std::chrono::hours(1);  ///< each image is read again; 0: never
};

struct Parts {
  const NodeOptions& options;
  Links& links;
  BlobStore& blobs;
  Catalogue& catalogue;
  raft::Node& raft;

  void send(Context& context, StreamId link, const Message& message) const {
    links.send(context, link, raft.term(), message);
  }
  /// How many servers must hold an image before it is accepted.
  std::size_t needed() const {
    return makes_copies() ? options.peers.size() / 2 + 1 : 1;
  }
  /// Whether each server keeps its own copy of every image.
  bool makes_copies() const { return options.replicate && !options.shared_storage; }
};

}  // namespace twinbed::imagestore
