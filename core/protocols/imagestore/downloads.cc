#include "core/protocols/imagestore/downloads.h"

#include <algorithm>
#include <vector>

namespace twinbed::imagestore {
namespace {

/// Unsent bytes of one connection beyond which a download waits.
constexpr std::size_t kWindow = 1024 * 1024;
constexpr std::size_t kMaxDownloads = 256;

// What is opened at once is sent at once.
static_assert(kPieceBytes == kChunkBytes);

}  // namespace

void Downloads::on_get(Context& context, StreamId link, const Get& get) {
  const std::uint64_t number = next_++;
  Download& download = downloads_[number];
  download.link = link;
  download.what = get;
  if (downloads_.size() > kMaxDownloads) {
    refuse(context, number, Outcome::kBusy, "too many downloads at once");
  } else if (!get.is_current) {
    begin(context, number);
  } else if (parts_.raft.leads()) {
    parts_.raft.read(context, raft::ReadId{number});
  } else {
    refuse(context, number, Outcome::kNotLeader, "only the leader knows what is current");
  }
}

void Downloads::on_read(Context& context, raft::ReadId id, bool is_current) {
  const auto number = static_cast<std::uint64_t>(id);
  if (!downloads_.contains(number)) return;
  if (is_current) {
    begin(context, number);
  } else {
    refuse(context, number, Outcome::kNotLeader, "the lead was lost");
  }
}

void Downloads::begin(Context& context, std::uint64_t number) {
  Download& download = downloads_.at(number);
  const Image* image = download.what.id.empty() ? parts_.catalogue.find(download.what.hash)
                                                : parts_.catalogue.find(download.what.id);
  if (image == nullptr) {
    refuse(context, number, Outcome::kNotFound, "no image has this id");
    return;
  }
  if (!parts_.blobs.holds(image->hash)) {
    std::string text = node_name(parts_.options.id) +
                       (parts_.options.shared_storage ? " does not see the image's file"
                                                      : " has no copy; these had one:");
    for (const raft::ServerId holder : image->holders) text += " " + node_name(holder);
    refuse(context, number, Outcome::kStorage, std::move(text));
    return;
  }
  download.hash = image->hash;
  download.path = parts_.blobs.path_of(*image);
  download.size = image->size;
  download.opener = parts_.blobs.opener(image->size);
  parts_.send(context, download.link, GetResult{download.what.transfer, Outcome::kOk, raft::kNobody,
                                                image->size, image->hash, ""});
  read_next(context, number, download);
}

void Downloads::read_next(Context& context, std::uint64_t number, Download& download) {
  download.is_reading = true;
  const std::uint64_t size = download.opener ? download.opener->next_bytes() : kChunkBytes;
  context.storage.read(StorageToken{number}, download.path, download.read, size);
}

/// The image's next piece; nothing where the file does not have it.
std::optional<Bytes> Downloads::take(Download& download, const StorageResult& result,
                                     Buffer& opened) const {
  if (result.status != StorageStatus::kOk) return std::nullopt;
  Bytes data = result.data;
  if (download.opener) {
    if (!download.opener->add(data, opened)) return std::nullopt;
    data = opened;
  }
  const std::uint64_t piece = std::min<std::uint64_t>(download.size - download.sent, kChunkBytes);
  if (data.size() < piece) return std::nullopt;
  download.read += result.data.size();
  return data.first(piece);
}

bool Downloads::on_storage(Context& context, const StorageResult& result) {
  const auto number = static_cast<std::uint64_t>(result.token);
  if (number < first_) return false;
  const auto at = downloads_.find(number);
  if (at == downloads_.end()) return true;  // its connection has ended meanwhile
  Download& download = at->second;
  download.is_reading = false;
  const TransferId transfer = download.what.transfer;
  Buffer opened;
  const std::optional<Bytes> data = take(download, result, opened);
  if (!data) {
    parts_.send(context, download.link, Abort{transfer});
    if (const Image* image = parts_.catalogue.find(download.hash)) {
      parts_.blobs.check(context, *image);
    }
    downloads_.erase(at);
    return true;
  }
  parts_.send(context, download.link, Chunk{transfer, download.sent, to_buffer(*data)});
  download.sent += data->size();
  if (download.sent == download.size) {
    parts_.send(context, download.link, End{transfer, download.hash});
    downloads_.erase(at);
  } else if (parts_.links.undrained(download.link) < kWindow) {
    read_next(context, number, download);
  }
  return true;
}

void Downloads::on_link_drained(Context& context, StreamId link) {
  for (auto& [number, download] : downloads_) {
    const bool has_begun = !download.path.empty();
    if (download.link == link && has_begun && !download.is_reading) {
      read_next(context, number, download);
    }
  }
}

void Downloads::on_link_closed(StreamId link) {
  std::erase_if(downloads_, [link](const auto& entry) { return entry.second.link == link; });
}

void Downloads::refuse(Context& context, std::uint64_t number, Outcome outcome, std::string text) {
  const Download& download = downloads_.at(number);
  parts_.send(context, download.link,
              GetResult{download.what.transfer, outcome, parts_.raft.leader(), 0, Digest{},
                        std::move(text)});
  downloads_.erase(number);
}

}  // namespace twinbed::imagestore
