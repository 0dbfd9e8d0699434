#include "core/protocols/raft/journal.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/protocols/raft/entry_codec.h"

namespace twinbed::raft {
namespace {

constexpr std::uint64_t kReadBytes = 1 << 20;
constexpr std::size_t kRecordOverhead = 4 + 1 + 8;

enum RecordType : std::uint8_t { kBase = 1, kBaseEnd = 2, kState = 3, kEntry = 4 };

// Tokens, counted from the first: one read for each file, the snapshot's read, and syncs.
enum TokenOffset : std::uint64_t { kReadA, kReadB, kReadSnapshot, kSyncJournal, kSyncSnapshot };

std::uint64_t check_of(std::uint8_t type, Bytes body, std::uint64_t before) {
  return hash_bytes(body, hash_combine(before, type));
}

struct Record {
  std::uint8_t type = 0;
  Bytes body;
};

/// The next record, if it is whole and belongs here; `check` is the one before and moves on.
std::optional<Record> read_record(Reader& in, std::uint64_t& check) {
  const std::uint32_t size = in.u32be();
  Record record{in.u8(), in.bytes(size)};
  const std::uint64_t found = in.u64be();
  if (!in.ok()) return std::nullopt;
  const std::uint64_t expected = check_of(record.type, record.body, check);
  if (found != expected) return std::nullopt;
  check = expected;
  return record;
}

bool read_entry_record(Bytes body, Log& log) {
  Reader in(body);
  const Index index = in.u64be();
  Entry entry;
  if (!read_entry(in, entry) || !in.done()) return false;
  if (index <= log.base().index || index > log.last_index() + 1) return false;
  if (index <= log.last_index()) log.truncate(index);
  log.append(std::move(entry));
  return true;
}

bool read_state(Bytes body, Durable& out) {
  Reader in(body);
  out.term = in.u64be();
  out.vote = in.u32be();
  return in.done();
}

}  // namespace

Journal::Journal(std::string directory, StorageToken first)
    : directory_(std::move(directory)), first_token_(static_cast<std::uint64_t>(first)) {}

std::string Journal::journal_name(std::uint64_t generation) const {
  return directory_ + (generation % 2 == 0 ? "journal.a" : "journal.b");
}

std::string Journal::snapshot_name(std::uint64_t generation) const {
  return directory_ + (generation % 2 == 0 ? "snapshot.a" : "snapshot.b");
}

StorageToken Journal::token(std::uint64_t offset) const {
  return StorageToken{first_token_ + offset};
}

bool Journal::owns(StorageToken token) const {
  const auto number = static_cast<std::uint64_t>(token);
  return number >= first_token_ && number < first_token_ + kTokens;
}

Journal::Outcome Journal::fail(std::string sentence) {
  failure_ = std::move(sentence);
  return Outcome::kFailed;
}

/// What was written may or may not be on the disk, and only what is found there is certain.
Journal::Outcome Journal::fail_to_sync(const std::string& name) {
  return fail(name + " could not be synced, and this server takes no further part; put its disk in "
                     "order and start it again, or under a new id if what it had stored is lost");
}

// ---- Opening ---------------------------------------------------------------------------------

void Journal::open(Context& context, const Configuration& initial) {
  initial_ = initial;
  context.storage.read(token(kReadA), journal_name(0), 0, kReadBytes);
  context.storage.read(token(kReadB), journal_name(1), 0, kReadBytes);
}

Journal::Outcome Journal::on_storage(Context& context, const StorageResult& result) {
  switch (static_cast<std::uint64_t>(result.token) - first_token_) {
    case kReadA: return on_read(context, 0, result);
    case kReadB: return on_read(context, 1, result);
    case kReadSnapshot: return on_snapshot_read(result);
    case kSyncJournal: return on_synced(context, result);
    case kSyncSnapshot:
      is_saving_ = false;
      if (result.status == StorageStatus::kOk) return Outcome::kSnapshotSaved;
      if (result.status == StorageStatus::kNoSpace) return Outcome::kNoSpace;
      return fail_to_sync("the snapshot " + snapshot_name(generation_ + 1));
    default: return Outcome::kNothing;
  }
}

Journal::Outcome Journal::on_read(Context& context, std::size_t file, const StorageResult& result) {
  File& target = files_[file];
  if (result.status != StorageStatus::kOk && result.status != StorageStatus::kNotFound) {
    return fail("the journal " + journal_name(file) + " could not be read");
  }
  target.bytes.insert(target.bytes.end(), result.data.begin(), result.data.end());
  if (result.data.size() == kReadBytes) {
    context.storage.read(result.token, journal_name(file), target.bytes.size(), kReadBytes);
    return Outcome::kNothing;
  }
  parse(target, initial_);
  return ++files_read_ == files_.size() ? choose(context) : Outcome::kNothing;
}

void Journal::parse(File& file, const Configuration& initial) {
  Reader in(file.bytes);
  std::uint64_t check = 0;
  const std::optional<Record> base = read_record(in, check);
  if (!base || base->type != kBase) return;
  Reader fields(base->body);
  const std::uint64_t generation = fields.u64be();
  Durable durable{fields.u64be(), fields.u32be(), Log(initial), {}};
  const LogPosition position{fields.u64be(), fields.u64be(), fields.u64be()};
  file.snapshot_size = fields.u64be();
  file.snapshot_hash = fields.u64be();
  Configuration configuration;
  if (!fields.ok() || !decode(fields.rest(), configuration)) return;
  durable.log.reset(position, std::move(configuration));
  for (bool is_whole = false;;) {
    const std::optional<Record> record = read_record(in, check);
    if (!record) break;
    if (record->type == kBaseEnd) is_whole = true;
    else if (record->type == kState && !read_state(record->body, durable)) break;
    else if (record->type == kEntry && !read_entry_record(record->body, durable.log)) break;
    if (!is_whole) continue;
    file.generation = generation;
    file.end = file.bytes.size() - in.remaining();
    file.check = check;
  }
  file.durable = std::move(durable);
}

Journal::Outcome Journal::choose(Context& context) {
  File& best = files_[0].generation >= files_[1].generation ? files_[0] : files_[1];
  if (best.generation == 0) {  // A new server.
    recovered_.log = Log(initial_);
    begin_generation(context, 0, kNobody, recovered_.log);
    return Outcome::kOpened;
  }
  generation_ = best.generation;
  check_ = best.check;
  appended_ = written_ = durable_ = pending_start_ = best.end;
  recovered_ = std::move(best.durable);
  snapshot_size_ = best.snapshot_size;
  snapshot_hash_ = best.snapshot_hash;
  files_ = {};
  if (recovered_.log.base().index == 0) return Outcome::kOpened;
  context.storage.read(token(kReadSnapshot), snapshot_name(generation_), 0, snapshot_size_);
  return Outcome::kNothing;
}

Journal::Outcome Journal::on_snapshot_read(const StorageResult& result) {
  if (result.status != StorageStatus::kOk || result.data.size() != snapshot_size_ ||
      hash_bytes(result.data) != snapshot_hash_) {
    return fail("the snapshot " + snapshot_name(generation_) +
                " is not the one that the journal builds on; this server's disk is damaged, start "
                "another one under a new id, which the others bring up to date");
  }
  recovered_.snapshot = to_buffer(result.data);
  return Outcome::kOpened;
}

// ---- Appending -------------------------------------------------------------------------------

void Journal::append_record(std::uint8_t type, Bytes body) {
  check_ = check_of(type, body, check_);
  Writer out(pending_);
  out.u32be(static_cast<std::uint32_t>(body.size()));
  out.u8(type);
  out.bytes(body);
  out.u64be(check_);
  appended_ += body.size() + kRecordOverhead;
}

void Journal::append_state(Term term, ServerId vote) {
  Buffer body;
  Writer out(body);
  out.u64be(term);
  out.u32be(vote);
  append_record(kState, body);
}

void Journal::append_entry(Index index, const Entry& entry) {
  Buffer body;
  Writer out(body);
  out.u64be(index);
  write_entry(out, entry);
  append_record(kEntry, body);
}

void Journal::flush(Context& context) {
  if (!failure_.empty() || is_stuck_) return;
  if (written_ < appended_) {
    context.storage.write(journal_name(generation_), written_ - file_start_,
                          Bytes(pending_).subspan(static_cast<std::size_t>(
                              written_ - pending_start_)));
    written_ = appended_;
  }
  if (syncing_ || durable_ == written_) return;
  syncing_ = written_;
  context.storage.sync(token(kSyncJournal), journal_name(generation_));
}

void Journal::retry(Context& context) {
  is_stuck_ = false;
  flush(context);
}

Journal::Outcome Journal::on_synced(Context& context, const StorageResult& result) {
  const std::uint64_t target = *std::exchange(syncing_, std::nullopt);
  if (result.status == StorageStatus::kNoSpace) {
    is_stuck_ = true;
    written_ = pending_start_;
    return Outcome::kNoSpace;
  }
  if (result.status != StorageStatus::kOk) {
    return fail_to_sync("the journal " + journal_name(generation_));
  }
  durable_ = target;
  if (durable_ > pending_start_) {
    pending_.erase(pending_.begin(),
                   pending_.begin() + static_cast<std::ptrdiff_t>(durable_ - pending_start_));
    pending_start_ = durable_;
  }
  flush(context);
  return Outcome::kDurable;
}

// ---- Snapshots -------------------------------------------------------------------------------

void Journal::save_snapshot(Context& context, Bytes snapshot) {
  TWINBED_CHECK(!is_saving_, "one snapshot is saved at a time");
  is_saving_ = true;
  snapshot_size_ = snapshot.size();
  snapshot_hash_ = hash_bytes(snapshot);
  const std::string name = snapshot_name(generation_ + 1);
  context.storage.write(name, 0, snapshot);
  context.storage.sync(token(kSyncSnapshot), name);
}

void Journal::begin_generation(Context& context, Term term, ServerId vote, const Log& log) {
  ++generation_;
  // Whatever of the former generation was not yet durable is part of the new one's base.
  pending_.clear();
  file_start_ = pending_start_ = written_ = appended_;
  check_ = 0;
  Buffer body;
  Writer out(body);
  out.u64be(generation_);
  out.u64be(term);
  out.u32be(vote);
  out.u64be(log.base().index);
  out.u64be(log.base().term);
  out.u64be(log.base().prefix_hash);
  out.u64be(snapshot_size_);
  out.u64be(snapshot_hash_);
  out.bytes(encode(log.base_configuration()));
  append_record(kBase, body);
  for (Index index = log.base().index + 1; index <= log.last_index(); ++index) {
    append_entry(index, log.entry(index));
  }
  append_record(kBaseEnd, {});
  flush(context);
}

}  // namespace twinbed::raft
