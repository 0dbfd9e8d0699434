#include "core/protocols/imagestore/sealed_file.h"

#include <algorithm>
#include <string_view>

#include "core/crypto/hash.h"

namespace twinbed::imagestore {
namespace {

constexpr std::string_view kMagic = "twseal1\n";
constexpr std::uint64_t kHeadBytes = kMagic.size() + sizeof(StreamHeader);

}  // namespace

SecretKey at_rest_key(Bytes cluster_key) {
  Blake2b256 hash = Blake2b256::keyed(cluster_key);
  hash.update(as_bytes("cloud-p2p images at rest 1"));
  SecretKey key;
  hash.finish(key.writable());
  return key;
}

bool is_sealed(Bytes beginning) {
  return beginning.size() >= kMagic.size() && as_text(beginning.first(kMagic.size())) == kMagic;
}

std::uint64_t sealed_bytes(std::uint64_t image_bytes) {
  const std::uint64_t pieces = (image_bytes + kPieceBytes - 1) / kPieceBytes;
  return kHeadBytes + image_bytes + pieces * kSealOverheadBytes;
}

std::optional<std::uint64_t> unsealed_bytes(std::uint64_t file_bytes) {
  if (file_bytes <= kHeadBytes) return std::nullopt;
  const std::uint64_t body = file_bytes - kHeadBytes;
  const std::uint64_t pieces = (body + kSealedPieceBytes - 1) / kSealedPieceBytes;
  const std::uint64_t last = body - (pieces - 1) * kSealedPieceBytes;
  if (last <= kSealOverheadBytes) return std::nullopt;
  return body - pieces * kSealOverheadBytes;
}

// ---- FileSealer -------------------------------------------------------------------------------

FileSealer::FileSealer(const SecretKey& key, std::uint64_t size, Random& random)
    : stream_(key, random), left_(size) {}

void FileSealer::add(Bytes image, Buffer& file) {
  if (!has_begun_) {
    const Bytes magic = as_bytes(kMagic);
    file.insert(file.end(), magic.begin(), magic.end());
    file.insert(file.end(), stream_.header().begin(), stream_.header().end());
    has_begun_ = true;
  }
  while (!image.empty()) {
    const Bytes part = image.first(std::min<std::size_t>(image.size(),
                                                         kPieceBytes - piece_.size()));
    piece_.insert(piece_.end(), part.begin(), part.end());
    image = image.subspan(part.size());
    left_ -= part.size();
    if (piece_.size() < kPieceBytes && left_ > 0) return;
    stream_.seal(piece_, left_ == 0 ? StreamTag::kFinal : StreamTag::kMessage, file);
    piece_.clear();
  }
}

// ---- FileOpener -------------------------------------------------------------------------------

std::uint64_t FileOpener::next_bytes() const {
  const std::uint64_t piece = std::min(left_, kPieceBytes) + kSealOverheadBytes;
  return (stream_ ? piece : kHeadBytes + piece) - waiting_.size();
}

bool FileOpener::add(Bytes file, Buffer& image) {
  waiting_.insert(waiting_.end(), file.begin(), file.end());
  Bytes rest = waiting_;
  if (!stream_ && rest.size() >= kHeadBytes) {
    if (!is_sealed(rest)) return false;
    StreamHeader header{};
    const Bytes bytes = rest.subspan(kMagic.size(), header.size());
    std::copy(bytes.begin(), bytes.end(), header.begin());
    stream_.emplace(key_, header);
    rest = rest.subspan(kHeadBytes);
  }
  while (stream_ && left_ > 0) {
    const std::uint64_t size = std::min(left_, kPieceBytes) + kSealOverheadBytes;
    if (rest.size() < size) break;
    if (!open_next(rest.first(size), image)) return false;
    rest = rest.subspan(size);
  }
  if (left_ == 0 && !rest.empty()) return false;  // something follows the image
  waiting_.erase(waiting_.begin(), waiting_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return true;
}

bool FileOpener::open_next(Bytes sealed, Buffer& image) {
  const std::optional<StreamOpener::Opened> opened = stream_->open(sealed);
  if (!opened) return false;
  left_ -= opened->plain.size();
  const StreamTag expected = left_ == 0 ? StreamTag::kFinal : StreamTag::kMessage;
  if (opened->tag != expected) return false;
  image.insert(image.end(), opened->plain.begin(), opened->plain.end());
  return true;
}

}  // namespace twinbed::imagestore
