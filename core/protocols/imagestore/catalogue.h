// The catalogue of images: the state machine that Raft replicates. It knows which images the
// cluster has promised to keep; the bytes are in files beside it (blob_store.h).
//
// A request is named by its id, and the first one committed under an id wins. Images of one content
// share one file, that of the first of them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/hash.h"
#include "core/io/endpoint.h"
#include "core/protocols/raft/types.h"

namespace twinbed::imagestore {

/// A committed image.
struct Image {
  std::string id;    ///< of the request
  Digest hash{};     ///< of its bytes, BLAKE2b-256
  std::uint64_t size = 0;
  std::string extension;  ///< "png", "jpg" or "bin"
  std::string user;
  Endpoint client;
  std::int64_t unix_seconds = 0;  ///< on the leader's wall clock
  /// Who had it durably when it was accepted; nobody by himself where the storage is shared.
  std::vector<raft::ServerId> holders;
  /// Where it is shared: the number, among those of its term, under which the image was staged
  /// (blob_store.h). Part of the record where there are no holders.
  std::uint64_t staged = 0;
  raft::Term term = 0;            ///< of the leader that accepted it
  std::string file;               ///< named as the original names its files; set by the catalogue

  bool operator==(const Image&) const = default;
};

/// {"id": ..., "hash": ..., "bytes": ..., "extension": ..., "user": ..., "client": "IP:PORT",
/// "unix_seconds": ..., "holders": [...], "term": ..., "file": ...}
std::string to_json(const Image& image);

class Catalogue {
 public:
  Catalogue() = default;
  Catalogue(const Catalogue&) = delete;  // it points into itself
  Catalogue(Catalogue&&) = default;
  Catalogue& operator=(Catalogue&&) = default;

  /// The command that adds the image; `term` and `file` are not part of it.
  static Buffer command(const Image& image);

  enum class Verdict : std::uint8_t {
    kAdded,
    kKnown,    ///< the same image under the same id
    kTaken,    ///< another image has this id
    kInvalid,  ///< no command
  };
  struct Applied {
    Verdict verdict = Verdict::kInvalid;
    const Image* image = nullptr;  ///< what has the id now; null if invalid
  };
  Applied apply(raft::Term term, Bytes command);

  /// Null where there is none.
  const Image* find(std::string_view id) const;
  /// The first one of this content.
  const Image* find(const Digest& hash) const;
  /// All of this content, in the order in which they were committed.
  std::span<const Image* const> all_of(const Digest& hash) const;
  std::size_t size() const { return order_.size(); }
  /// In the order in which they were committed, from 0.
  const Image& at(std::size_t place) const { return *order_[place]; }

  Buffer snapshot() const;
  /// False, and empty, for bytes that are no snapshot.
  bool restore(Bytes snapshot);

 private:
  Applied add(Image image);

  std::map<std::string, Image, std::less<>> images_;
  std::map<Digest, std::vector<const Image*>> by_hash_;
  std::vector<const Image*> order_;
};

}  // namespace twinbed::imagestore
