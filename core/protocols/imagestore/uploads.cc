#include "core/protocols/imagestore/uploads.h"

#include <algorithm>
#include <vector>

#include "core/protocols/election/image.h"
#include "core/protocols/imagestore/records.h"

namespace twinbed::imagestore {
namespace {

constexpr std::size_t kMaxUserBytes = 256;
/// A server to which so much is unsent is left to repair its copy later.
constexpr std::size_t kMaxBacklog = 64 * 1024 * 1024;

void record(Context& context, const EventType& type, const std::string& id) {
  context.recorder.event(type, {{"id", std::string_view(id)}});
}

std::string disk_trouble(raft::ServerId id, StorageStatus status) {
  return "the disk of " + node_name(id) +
         (status == StorageStatus::kNoSpace ? " is full" : " does not take it");
}

}  // namespace

Uploads::Iterator Uploads::by_client(const Key& key) {
  return std::find_if(uploads_.begin(), uploads_.end(), [&](const auto& entry) {
    return entry.second.has_client && entry.second.client == key;
  });
}

// ---- The client's side ------------------------------------------------------------------------

PutResult Uploads::refusal(const PutBegin& begin) const {
  const NodeOptions& options = parts_.options;
  const auto refuse = [&](Outcome outcome, std::string text) {
    return PutResult{begin.transfer, outcome, raft::kNobody, std::move(text)};
  };
  if (!election::is_plain_id(begin.id)) {
    return refuse(Outcome::kRefused, "an id is 1 to 128 letters, digits, '-' and '_'");
  }
  if (begin.user.size() > kMaxUserBytes) {
    return refuse(Outcome::kRefused, "the user's name is longer than 256 bytes");
  }
  if (begin.size == 0) return refuse(Outcome::kRefused, "the image is empty");
  if (begin.size > options.max_image_bytes) {
    return refuse(Outcome::kRefused, "the image is too large: " + std::to_string(begin.size) +
                                         " bytes, the limit is " +
                                         std::to_string(options.max_image_bytes));
  }
  if (!parts_.raft.leads()) {
    PutResult result = refuse(Outcome::kNotLeader, "");
    result.leader = parts_.raft.leader();
    if (result.leader != raft::kNobody) {
      result.text = node_name(result.leader) + " leads";
    } else {
      result.outcome = Outcome::kNoMajority;
      result.text = "no leader: " + node_name(options.id) + " hears no majority of the servers";
    }
    return result;
  }
  if (parts_.raft.is_stuck()) {
    return refuse(Outcome::kStorage, disk_trouble(options.id, StorageStatus::kNoSpace));
  }
  if (uploads_.size() >= options.max_uploads && !uploads_.contains(begin.id)) {
    return refuse(Outcome::kBusy, "too many uploads at once");
  }
  return refuse(Outcome::kOk, "");
}

bool Uploads::is_in_place(const Digest& hash) const {
  return !parts_.options.shared_storage || parts_.blobs.holds(hash);
}

void Uploads::on_put(Context& context, StreamId client, const PutBegin& begin) {
  const Image* known = parts_.catalogue.find(begin.id);
  const bool is_same = known != nullptr && known->hash == begin.hash;
  // A known image that is not in place is taken again, in case what was staged is lost.
  if (known != nullptr && (!is_same || is_in_place(begin.hash))) {
    parts_.send(context, client,
                PutResult{begin.transfer, is_same ? Outcome::kOk : Outcome::kRefused,
                          raft::kNobody, is_same ? "" : "another image has this id"});
    return;
  }
  const PutResult refused = refusal(begin);
  if (refused.outcome != Outcome::kOk) {
    parts_.send(context, client, refused);
    return;
  }
  const auto former = uploads_.find(begin.id);
  if (former != uploads_.end()) {
    Upload& upload = former->second;
    if (upload.is_in_log() && upload.what.hash == begin.hash) {
      answer(context, upload, Outcome::kUnconfirmed, "another connection asks for the same id");
      upload.client = {client, begin.transfer};
      upload.has_client = true;
      return;
    }
    fail(context, former, Outcome::kUnconfirmed, "another connection asks for the same id");
  }
  const std::optional<Slot> slot =
      parts_.blobs.begin(context, begin.hash, begin.size, parts_.raft.term());
  if (!slot) {
    parts_.send(context, client, PutResult{begin.transfer, Outcome::kBusy, raft::kNobody,
                                           "too many images wait to be stored"});
    return;
  }
  Upload& upload = uploads_[begin.id];
  upload.what = begin;
  upload.from = parts_.links.endpoint(client);
  upload.client = {client, begin.transfer};
  upload.term = parts_.raft.term();
  upload.slot = *slot;
  upload.staged = parts_.blobs.number(*slot);
  upload.progress = context.now;
  record(context, kUploadBeginEvent, begin.id);
  if (parts_.makes_copies()) start_copies(context, upload);
}

void Uploads::on_chunk(Context& context, StreamId client, const Chunk& chunk) {
  const Iterator at = by_client({client, chunk.transfer});
  if (at == uploads_.end() || at->second.stage != Stage::kReceiving) return;
  Upload& upload = at->second;
  if (!parts_.blobs.append(context, upload.slot, chunk.offset, chunk.data)) {
    fail(context, at, Outcome::kRefused, "the pieces of the image do not fit together");
    return;
  }
  if (chunk.offset == 0) upload.extension = election::image_extension(chunk.data);
  upload.received += chunk.data.size();
  upload.progress = context.now;
  record(context, kUploadChunkEvent, upload.what.id);
  forward(context, upload, chunk);
}

void Uploads::on_end(Context& context, StreamId client, const End& end) {
  const Iterator at = by_client({client, end.transfer});
  if (at == uploads_.end() || at->second.stage != Stage::kReceiving) return;
  Upload& upload = at->second;
  if (end.hash != upload.what.hash || !parts_.blobs.finish(context, upload.slot)) {
    fail(context, at, Outcome::kRefused, "the bytes of the image have another hash than was said");
    return;
  }
  upload.stage = Stage::kSpreading;
  upload.progress = context.now;
  for (const auto& [server, key] : upload.copies) {
    parts_.send(context, key.first, End{key.second, upload.what.hash});
  }
}

void Uploads::on_abort(Context& context, StreamId client, const Abort& abort) {
  const Iterator at = by_client({client, abort.transfer});
  if (at == uploads_.end() || at->second.is_in_log()) return;
  at->second.has_client = false;
  fail(context, at, Outcome::kUnconfirmed, "the client gave up");
}

// ---- The other servers' side ------------------------------------------------------------------

void Uploads::start_copies(Context& context, Upload& upload) {
  for (const election::Peer& peer : parts_.options.peers) {
    const std::optional<StreamId> link = parts_.links.to(peer.id, Lane::kBytes);
    if (!link) continue;
    const TransferId transfer = next_transfer_++;
    upload.copies[peer.id] = {*link, transfer};
    parts_.send(context, *link, CopyBegin{transfer, upload.what.size, upload.what.hash});
  }
}

void Uploads::forward(Context& context, Upload& upload, const Chunk& chunk) {
  for (auto at = upload.copies.begin(); at != upload.copies.end();) {
    const auto [link, transfer] = at->second;
    if (parts_.links.undrained(link) > kMaxBacklog) {
      parts_.send(context, link, Abort{transfer});
      upload.trouble = node_name(at->first) + " is too slow";
      at = upload.copies.erase(at);
    } else {
      parts_.send(context, link, Chunk{transfer, chunk.offset, chunk.data});
      ++at;
    }
  }
}

void Uploads::on_copy_result(Context& context, StreamId link, const CopyResult& result) {
  const Key key{link, result.transfer};
  for (auto at = uploads_.begin(); at != uploads_.end(); ++at) {
    Upload& upload = at->second;
    const auto copy = std::find_if(upload.copies.begin(), upload.copies.end(),
                                   [&](const auto& entry) { return entry.second == key; });
    if (copy == upload.copies.end()) continue;
    if (result.outcome == Outcome::kOk) {
      upload.holders.insert(copy->first);
    } else {
      upload.trouble = node_name(copy->first) + ": " + result.text;
      upload.copies.erase(copy);
    }
    upload.progress = context.now;
    consider(context, at);
    return;
  }
}

bool Uploads::on_staged(Context& context, Slot slot, StorageStatus status) {
  const auto at = std::find_if(uploads_.begin(), uploads_.end(), [this, slot](const auto& entry) {
    return entry.second.stage == Stage::kSpreading && entry.second.slot == slot &&
           !entry.second.holders.contains(parts_.options.id);
  });
  if (at == uploads_.end()) return false;
  if (status != StorageStatus::kOk) {
    fail(context, at, Outcome::kStorage, disk_trouble(parts_.options.id, status));
    return true;
  }
  at->second.holders.insert(parts_.options.id);
  record(context, kUploadStagedEvent, at->first);
  consider(context, at);
  return true;
}

/// Goes on if enough servers hold the image, gives up if they never will.
void Uploads::consider(Context& context, Iterator at) {
  Upload& upload = at->second;
  if (upload.is_in_log()) return;
  const bool is_staged = upload.holders.contains(parts_.options.id);
  if (is_staged && upload.holders.size() >= parts_.needed()) {
    propose(context, at);
    return;
  }
  std::set<raft::ServerId> hopes = upload.holders;
  hopes.insert(parts_.options.id);
  for (const auto& [server, key] : upload.copies) hopes.insert(server);
  const std::size_t possible = hopes.size();
  if (possible >= parts_.needed()) return;
  std::string text = "only " + std::to_string(possible) + " of " +
                     std::to_string(parts_.options.peers.size()) + " servers could store it, " +
                     std::to_string(parts_.needed()) + " must";
  if (!upload.trouble.empty()) text += " (" + upload.trouble + ")";
  fail(context, at, Outcome::kNoMajority, text);
}

void Uploads::propose(Context& context, Iterator at) {
  Upload& upload = at->second;
  Image image;
  image.id = upload.what.id;
  image.hash = upload.what.hash;
  image.size = upload.what.size;
  image.extension = upload.extension;
  image.user = upload.what.user;
  image.client = upload.from;
  image.unix_seconds = election::unix_seconds(context.wall);
  if (parts_.options.shared_storage) {
    image.staged = upload.staged;
  } else {
    image.holders.assign(upload.holders.begin(), upload.holders.end());
  }
  upload.stage = Stage::kProposed;
  record(context, kUploadProposedEvent, upload.what.id);
  if (parts_.raft.propose(context, Catalogue::command(image)) == 0) {
    fail(context, at, Outcome::kNotLeader, "the lead is being handed over");
  }
}

// ---- Ends -------------------------------------------------------------------------------------

void Uploads::on_applied(Context& context, const Image& image, Catalogue::Verdict verdict) {
  const auto at = uploads_.find(image.id);
  if (at == uploads_.end()) return;
  if (verdict == Catalogue::Verdict::kTaken || image.hash != at->second.what.hash) {
    fail(context, at, Outcome::kRefused, "another image has this id");
    return;
  }
  record(context, kUploadCommittedEvent, image.id);
  if (at->second.stage == Stage::kReceiving) withdraw(context, at->second);
  at->second.stage = Stage::kNaming;
  at->second.progress = context.now;
  if (is_in_place(image.hash)) succeed(context, at);
}

void Uploads::on_held(Context& context, const Digest& hash) {
  for (auto at = uploads_.begin(); at != uploads_.end();) {
    const auto next = std::next(at);
    if (at->second.stage == Stage::kNaming && at->second.what.hash == hash) succeed(context, at);
    at = next;
  }
}

void Uploads::succeed(Context& context, Iterator at) {
  answer(context, at->second, Outcome::kOk, "");
  uploads_.erase(at);
}

void Uploads::on_change(Context& context) {
  for (auto at = uploads_.begin(); at != uploads_.end();) {
    const auto next = std::next(at);
    if (!parts_.raft.leads() || parts_.raft.term() != at->second.term) {
      fail(context, at, Outcome::kUnconfirmed,
           node_name(parts_.options.id) + " lost the lead; ask again under the same id");
    }
    at = next;
  }
}

void Uploads::on_link_closed(Context& context, StreamId link) {
  for (auto at = uploads_.begin(); at != uploads_.end();) {
    const auto next = std::next(at);
    Upload& upload = at->second;
    if (upload.has_client && upload.client.first == link) {
      upload.has_client = false;
      // What is whole goes on without its client, who will ask again under the same id.
      if (upload.stage == Stage::kReceiving) fail(context, at, Outcome::kUnconfirmed, "");
    } else if (std::erase_if(upload.copies,
                             [link](const auto& entry) { return entry.second.first == link; })) {
      upload.trouble = "the connection to a server broke";
      consider(context, at);
    }
    at = next;
  }
}

void Uploads::tick(Context& context) {
  for (auto at = uploads_.begin(); at != uploads_.end();) {
    const auto next = std::next(at);
    if (context.now - at->second.progress > parts_.options.upload_limit) {
      const bool waits_for_client = at->second.stage == Stage::kReceiving;
      fail(context, at, Outcome::kUnconfirmed,
           waits_for_client ? "the client sent nothing for too long"
                            : "the servers did not answer in time; ask again under the same id");
    }
    at = next;
  }
}

std::vector<Digest> Uploads::hashes() const {
  std::vector<Digest> hashes;
  for (const auto& [id, upload] : uploads_) hashes.push_back(upload.what.hash);
  return hashes;
}

void Uploads::answer(Context& context, Upload& upload, Outcome outcome, const std::string& text) {
  if (!upload.has_client) return;
  const auto [client, transfer] = upload.client;
  parts_.send(context, client, PutResult{transfer, outcome, parts_.raft.leader(), text});
}

void Uploads::fail(Context& context, Iterator at, Outcome outcome, const std::string& text) {
  Upload& upload = at->second;
  context.recorder.event(kUploadEndedEvent, {{"id", std::string_view(upload.what.id)},
                                             {"outcome", to_string(outcome)},
                                             {"text", std::string_view(text)}});
  // What is in the log may yet be committed, so its copies stay.
  if (!upload.is_in_log()) withdraw(context, upload);
  answer(context, upload, outcome, text);
  uploads_.erase(at);
}

void Uploads::withdraw(Context& context, Upload& upload) {
  if (upload.holders.contains(parts_.options.id)) {
    parts_.blobs.abandon(context, upload.what.hash);  // the slot is the store's since it is staged
  } else {
    parts_.blobs.drop(context, upload.slot);
  }
  for (const auto& [server, key] : upload.copies) {
    parts_.send(context, key.first, Abort{key.second});
  }
}

}  // namespace twinbed::imagestore
