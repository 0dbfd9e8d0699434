// The commands of the client that take time: handing an image over, getting one back.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/records.h"

namespace twinbed::imagestore {
namespace {

constexpr StorageToken kRead{1};
constexpr StorageToken kSave{2};
constexpr std::size_t kRequestIdBytes = 16;
/// So much may wait in the connection before the next piece is written.
constexpr std::size_t kWindow = 1024 * 1024;

}  // namespace

bool Client::is_of_job(StreamId link) const {
  return !jobs_.empty() && jobs_.front().step == Step::kMoving &&
         links_.to(jobs_.front().server) == link;
}

// ---- The course of a command ------------------------------------------------------------------

void Client::next_job(Context& context) {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  job.began = context.now;
  tried_.clear();
  if (job.kind == Kind::kSend) {
    job.step = Step::kReading;
    context.storage.read(kRead, job.path, 0, options_.max_image_bytes + 1);
  } else if (resolve_place(job)) {
    context.recorder.event(kFetchEvent, {{"id", std::string_view(job.id)}});
    attempt(context);
  } else {
    log(context, "✗ There is no image " + job.id + ": this client has handed over " +
                     std::to_string(sent_ids_.size()));
    end_job(context);
  }
}

/// Puts the id in place of "#2"; false where there is no such image.
bool Client::resolve_place(Job& job) const {
  if (!job.id.starts_with('#')) return true;
  std::size_t place = 0;
  const char* const end = job.id.data() + job.id.size();
  const auto [stop, error] = std::from_chars(job.id.data() + 1, end, place);
  if (error != std::errc{} || stop != end || place == 0 || place > sent_ids_.size()) return false;
  const std::string& id = sent_ids_[place - 1];
  if (job.path == job.id) job.path = id;
  job.id = id;
  return true;
}

void Client::on_storage(Context& context, const StorageResult& result) {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  if (result.token == kSave && job.step == Step::kSaving) {
    if (result.status == StorageStatus::kOk) {
      succeed(context);
    } else {
      refuse(context, "cannot save it as " + job.path + ": " +
                          std::string(twinbed::to_string(result.status)));
    }
    return;
  }
  if (result.token != kRead || job.step != Step::kReading) return;
  if (result.status != StorageStatus::kOk || result.data.empty() ||
      result.data.size() > options_.max_image_bytes) {
    const std::string why =
        result.status != StorageStatus::kOk ? std::string(twinbed::to_string(result.status))
        : result.data.empty()               ? "it is empty"
                              : "it is larger than " + std::to_string(options_.max_image_bytes) +
                                    " bytes";
    log(context, "✗ Cannot send " + job.path + ": " + why);
    end_job(context);
    return;
  }
  job.bytes = to_buffer(result.data);
  job.hash = blake2b(job.bytes);
  if (job.id.empty()) {
    std::array<std::byte, kRequestIdBytes> id{};
    context.random.fill(id);
    job.id = to_hex(id);
  }
  sent_ids_.push_back(job.id);
  const std::string hash = to_hex(job.hash);
  context.recorder.event(kSubmitEvent, {{"id", std::string_view(job.id)},
                                        {"bytes", static_cast<std::int64_t>(job.bytes.size())},
                                        {"hash", std::string_view(hash)}});
  attempt(context);
}

/// Tries with the server that is taken for the leader, or asks who leads.
void Client::attempt(Context& context) {
  Job& job = jobs_.front();
  job.server = leader_;
  const std::optional<StreamId> link = links_.to(job.server);
  if (!link) {
    if (job.kind == Kind::kGet && job.step == Step::kAsking) {
      ask_others(context, "nobody leads");
    } else if (job.step == Step::kAsking) {
      try_again(context, job.server == raft::kNobody
                             ? "no leader" + why_no_leader()
                             : node_name(job.server) + " leads and cannot be reached");
    } else {
      job.step = Step::kAsking;
      discover(context);
    }
    return;
  }
  job.step = Step::kMoving;
  job.progress = context.now;
  job.transfer = next_transfer_++;
  job.sent = 0;
  if (job.kind == Kind::kSend) {
    links_.send(context, *link, 0,
                PutBegin{job.transfer, job.id, job.bytes.size(), job.hash, options_.user});
    send_more(context);
  } else {
    job.is_stale = false;
    tried_.clear();
    links_.send(context, *link, 0, Get{job.transfer, job.id, Digest{}, true});
  }
}

/// The next attempt, with whoever leads then.
void Client::try_again(Context& context, const std::string& why) {
  if (pause(context, why)) take_leader(context, raft::kNobody);
}

/// Waits before the next attempt; false: this is the end, as time is up or nothing is tried twice.
bool Client::pause(Context& context, const std::string& why) {
  Job& job = jobs_.front();
  if (!options_.retry || context.now - job.began >= options_.give_up) {
    refuse(context, why);
    return false;
  }
  if (job.trouble != why) log(context, "Image " + job.id + ": " + why + "; trying again");
  job.trouble = why;
  job.step = Step::kPausing;
  job.progress = context.now;
  return true;
}

void Client::redirect(Context& context, raft::ServerId leader, const std::string& why) {
  if (!options_.retry || leader == raft::kNobody || leader == jobs_.front().server) {
    try_again(context, why);
    return;
  }
  take_leader(context, leader);
  jobs_.front().step = Step::kWaiting;
  attempt(context);
}

void Client::tick_job(Context& context) {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  const Duration waited = context.now - job.progress;
  if (job.step == Step::kPausing && waited >= options_.pause) {
    job.step = Step::kWaiting;
    attempt(context);
  } else if (job.step == Step::kMoving && waited >= options_.patience) {
    job.may_be_kept = job.may_be_kept || job.kind == Kind::kSend;
    if (const auto link = links_.to(job.server)) {
      links_.send(context, *link, 0, Abort{job.transfer});
    }
    try_again(context, node_name(job.server) + " does not answer");
  }
}

// ---- Handing over -----------------------------------------------------------------------------

void Client::send_more(Context& context) {
  Job& job = jobs_.front();
  const std::optional<StreamId> link = links_.to(job.server);
  if (job.kind != Kind::kSend || !link) return;
  if (job.sent == job.bytes.size()) {
    if (std::exchange(job.is_sent, true)) return;
    log(context, "✓ Sent image " + job.id + " to leader (" + node_name(job.server) + ") — " +
                     std::to_string(job.bytes.size()) + " bytes");
    return;
  }
  job.progress = context.now;
  while (job.sent < job.bytes.size() && links_.undrained(*link) < kWindow) {
    const std::size_t size = std::min<std::size_t>(kChunkBytes, job.bytes.size() - job.sent);
    const Bytes piece = Bytes(job.bytes).subspan(job.sent, size);
    links_.send(context, *link, 0, Chunk{job.transfer, job.sent, to_buffer(piece)});
    job.sent += size;
  }
  if (job.sent == job.bytes.size()) {
    links_.send(context, *link, 0, End{job.transfer, job.hash});
  }
}

void Client::on_put_result(Context& context, const PutResult& result) {
  Job& job = jobs_.front();
  const std::string why = node_name(job.server) + ": " + result.text;
  switch (result.outcome) {
    case Outcome::kOk: succeed(context); break;
    case Outcome::kNotLeader: redirect(context, result.leader, why); break;
    case Outcome::kUnconfirmed:
      job.may_be_kept = true;
      try_again(context, why);
      break;
    case Outcome::kNoMajority:
    case Outcome::kStaleTerm: try_again(context, why); break;
    case Outcome::kBusy: pause(context, why); break;  // who says so leads
    case Outcome::kStorage:
      // What an earlier attempt has left open is not answered by the failure of this one.
      if (job.may_be_kept) {
        try_again(context, why);
      } else {
        refuse(context, why);
      }
      break;
    case Outcome::kRefused:
      // It can be said for certain: the id is another image's, or no server would ever take this.
      job.may_be_kept = false;
      refuse(context, why);
      break;
    case Outcome::kNotFound: refuse(context, why); break;
  }
}

// ---- Getting back -----------------------------------------------------------------------------

void Client::on_get_result(Context& context, const GetResult& result) {
  Job& job = jobs_.front();
  const std::string why = node_name(job.server) + ": " + result.text;
  switch (result.outcome) {
    case Outcome::kOk:
      job.bytes.clear();
      job.size = result.size;
      job.hash = result.hash;
      job.progress = context.now;
      if (result.size > options_.max_image_bytes) refuse(context, "the image is too large");
      break;
    case Outcome::kNotLeader: redirect(context, result.leader, why); break;
    case Outcome::kStorage: ask_others(context, why); break;
    case Outcome::kNotFound:
      if (job.is_stale) {
        ask_others(context, why);
      } else {
        refuse(context, why, true);
      }
      break;
    default: try_again(context, why); break;
  }
}

/// Asks the next server that can be reached for what it has, whether it leads or not.
void Client::ask_others(Context& context, const std::string& why) {
  Job& job = jobs_.front();
  tried_.insert(job.server);
  job.is_stale = true;
  for (const election::Peer& peer : options_.peers) {
    const std::optional<StreamId> link = links_.to(peer.id);
    if (!link || tried_.contains(peer.id)) continue;
    job.server = peer.id;
    job.step = Step::kMoving;
    job.progress = context.now;
    job.transfer = next_transfer_++;
    links_.send(context, *link, 0, Get{job.transfer, job.id, Digest{}, false});
    return;
  }
  tried_.clear();
  try_again(context, why);
}

void Client::on_chunk(Context& context, const Chunk& chunk) {
  Job& job = jobs_.front();
  if (job.kind != Kind::kGet) return;
  job.progress = context.now;
  if (chunk.offset != job.bytes.size() || chunk.data.size() > job.size - job.bytes.size()) {
    try_again(context, "the pieces of the image do not fit together");
    return;
  }
  job.bytes.insert(job.bytes.end(), chunk.data.begin(), chunk.data.end());
}

void Client::on_end(Context& context, const End&) {
  Job& job = jobs_.front();
  if (job.kind != Kind::kGet) return;
  if (job.bytes.size() != job.size || blake2b(job.bytes) != job.hash) {
    try_again(context, "the image came with another hash than was said");
    return;
  }
  job.step = Step::kSaving;
  context.storage.remove(job.path);  // a longer file of that name would keep its end
  context.storage.write(job.path, 0, job.bytes);
  context.storage.sync(kSave, job.path);
}

// ---- Ends -------------------------------------------------------------------------------------

void Client::record_fetched(Context& context, const Job& job, std::string_view outcome,
                            std::string_view hash, std::string_view why) {
  context.recorder.event(kFetchedEvent, {{"id", std::string_view(job.id)},
                                         {"hash", hash},
                                         {"outcome", outcome},
                                         {"is_stale", std::int64_t{job.is_stale}},
                                         {"why", why}});
}

void Client::succeed(Context& context) {
  const Job& job = jobs_.front();
  if (job.kind == Kind::kSend) {
    log(context, "✓ SUCCESS: Image " + job.id + " was accepted by the server");
    context.recorder.event(kAckEvent, {{"id", std::string_view(job.id)}});
  } else {
    log(context, "✓ Got image " + job.id + " from " + node_name(job.server) +
                     (job.is_stale ? ", which does not lead," : "") + " — " +
                     std::to_string(job.bytes.size()) + " bytes, saved as " + job.path);
    record_fetched(context, job, "ok", to_hex(job.hash), "");
  }
  end_job(context);
}

/// `is_absent`: the leader says for certain that there is no such image.
void Client::refuse(Context& context, const std::string& why, bool is_absent) {
  const Job& job = jobs_.front();
  if (job.kind == Kind::kGet) {
    log(context, "✗ Image " + job.id + " could not be got: " + why);
    record_fetched(context, job, is_absent ? "not_found" : "failed", "", why);
  } else if (job.may_be_kept) {
    log(context, "✗ Image " + job.id + " is not confirmed: " + why +
                     "; send it again under this id to learn what became of it");
  } else {
    log(context, "✗ Image " + job.id + " was refused: " + why);
    context.recorder.event(kRefuseEvent,
                           {{"id", std::string_view(job.id)}, {"why", std::string_view(why)}});
  }
  end_job(context);
}

void Client::end_job(Context& context) {
  jobs_.pop_front();
  next_job(context);
}

}  // namespace twinbed::imagestore
