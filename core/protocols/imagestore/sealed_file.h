// Images at rest, sealed: how the file of one image is laid out where NodeOptions::at_rest says so.
//
//      0   8   "twseal1\n"
//      8  24   header of a secret stream (core/crypto/secret_stream.h), drawn for each file
//     32   .   pieces of the image, 65,536 bytes each, sealed to 65,553; the last one, of 1 to
//              65,536 bytes, is sealed to 17 more and tagged final
//
// A file that was cut, lengthened, put together anew or changed in any bit does not open. The key
// follows from that of the cluster, so that any of its servers can open what another has sealed,
// and a person with the key can: `twinbed-node cloud-p2p unseal FILE OUT`. Names and sizes of
// images can still be seen, and so can the catalogue in Raft's log. Hashes in it are those of the
// image itself.
#pragma once

#include <cstdint>
#include <optional>

#include "core/crypto/secret_key.h"
#include "core/crypto/secret_stream.h"

namespace twinbed::imagestore {

/// How much of an image is sealed at once.
inline constexpr std::uint64_t kPieceBytes = 64 * 1024;
inline constexpr std::uint64_t kSealedPieceBytes = kPieceBytes + kSealOverheadBytes;

/// The key of images at rest: keyed BLAKE2b-256 of a label, under the key of the cluster.
SecretKey at_rest_key(Bytes cluster_key);

/// Whether the beginning of a file is that of a sealed one.
bool is_sealed(Bytes beginning);
/// How long the file is of an image of this size, which is not 0.
std::uint64_t sealed_bytes(std::uint64_t image_bytes);
/// How long the image is in a file of this length; nothing where no sealed file is so long.
std::optional<std::uint64_t> unsealed_bytes(std::uint64_t file_bytes);

/// Seals an image as it comes.
class FileSealer {
 public:
  /// Draws the header. An image of `size` bytes follows.
  FileSealer(const SecretKey& key, std::uint64_t size, Random& random);

  /// The image's next bytes, not more than are left. Appends what can be written of the file now;
  /// with the image's last byte that is all.
  void add(Bytes image, Buffer& file);

 private:
  StreamSealer stream_;
  std::uint64_t left_;    // of the image
  bool has_begun_ = false;
  Buffer piece_;          // that is not full yet
};

/// Opens a file as it is read, from its beginning.
class FileOpener {
 public:
  /// The file is that of an image of `size` bytes.
  FileOpener(const SecretKey& key, std::uint64_t size) : key_(key), left_(size) {}

  /// How many bytes of the file make the image's next piece, the file's beginning included.
  std::uint64_t next_bytes() const;
  /// The file's next bytes. Appends what they show of the image; false where this is no such file.
  /// Nothing may be added after that.
  bool add(Bytes file, Buffer& image);
  /// The image has been shown to its end.
  bool is_whole() const { return left_ == 0; }

 private:
  bool open_next(Bytes sealed, Buffer& image);

  SecretKey key_;
  std::optional<StreamOpener> stream_;  // once its header has been read
  std::uint64_t left_;                  // of the image
  Buffer waiting_;                      // read, and not yet a whole piece
};

}  // namespace twinbed::imagestore
