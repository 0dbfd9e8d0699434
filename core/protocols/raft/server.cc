#include "core/protocols/raft/server.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/text.h"
#include "core/protocols/raft/records.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::raft {
namespace {

constexpr SocketId kSocket{0};
constexpr TimerId kRetry{Node::kTimers};

enum What : std::uint8_t { kRaftMessage = 0, kItem = 1 };

/// The first word and what follows it.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  return {text.substr(0, space), trim(text.substr(space))};
}

/// "1,2,3", or nothing; false for anything else.
bool parse_servers(std::string_view text, std::vector<ServerId>& out) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    ServerId& id = out.emplace_back();
    const auto [end, code] = std::from_chars(text.data(), text.data() + comma, id);
    if (code != std::errc{} || end != text.data() + comma) return false;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return true;
}

/// Datagrams must stay below 65,507 bytes.
Options for_datagrams(Options options) {
  options.max_append_bytes = std::min<std::size_t>(options.max_append_bytes, 32 * 1024);
  options.snapshot_chunk_bytes = std::min<std::size_t>(options.snapshot_chunk_bytes, 32 * 1024);
  return options;
}

}  // namespace

Server::Server(ServerOptions options)
    : options_(std::move(options)), node_(for_datagrams(options_.raft), *this) {
  for (const ServerPeer& peer : options_.peers) endpoints_[peer.id] = peer.endpoint;
}

void Server::on_start(Context& context) {
  context.datagrams.bind(kSocket, options_.local);
  if (options_.initial_entries == 0) {
    node_.start(context);
    return;
  }
  const Options& raft = node_.options();
  const auto after_node = static_cast<std::uint64_t>(raft.first_token) + Journal::kTokens;
  initial_journal_.emplace(raft.directory, StorageToken{after_node});
  initial_journal_->open(context, raft.initial);
}

/// Puts the initial entries on a disk that is empty, then starts the node, which finds them there.
void Server::write_initial_log(Context& context, const StorageResult& result) {
  Journal& journal = *initial_journal_;
  switch (journal.on_storage(context, result)) {
    case Journal::Outcome::kNothing: return;
    case Journal::Outcome::kOpened: {
      Durable found = journal.take_recovered();
      if (found.term != 0 || found.log.last_index() != 0) break;
      add_initial_entries(context, found.log);
      journal.begin_generation(context, 1, kNobody, found.log);
      return;
    }
    case Journal::Outcome::kDurable:
      if (journal.durable_mark() < journal.mark()) return;
      break;
    default: break;  // The node meets the same disk and says what is wrong with it.
  }
  initial_journal_.reset();
  node_.start(context);
}

void Server::add_initial_entries(Context& context, Log& log) const {
  for (std::uint64_t entry = 0; entry < options_.initial_entries; ++entry) {
    log.append({1, EntryKind::kNoop, {}});
    const LogPosition last = log.last();
    context.recorder.event(kAppendEvent,
                           {{"index", static_cast<std::int64_t>(last.index)},
                            {"term", static_cast<std::int64_t>(last.term)},
                            {"prefix", static_cast<std::int64_t>(last.prefix_hash)}});
  }
}

void Server::on_timer(Context& context, TimerId id) {
  if (node_.on_timer(context, id) || id != kRetry) return;
  const std::set<std::string> waiting = waiting_;
  for (const std::string& item : waiting) submit(context, item);
  if (!waiting_.empty()) context.timers.set(kRetry, context.now + options_.retry);
}

void Server::on_datagram(Context& context, const Datagram& datagram) {
  Reader in(datagram.payload);
  const std::uint8_t what = in.u8();
  const ServerId from = in.u32be();
  const Bytes body = in.rest();
  if (!in.ok() || !endpoints_.contains(from)) return;
  if (what == kItem && node_.leads() && !known_.contains(std::string(as_text(body)))) {
    node_.propose(context, body);
  } else if (what == kRaftMessage) {
    if (const std::optional<Message> message = decode(body)) {
      node_.on_message(context, from, *message);
    }
  }
}

void Server::on_storage(Context& context, const StorageResult& result) {
  if (initial_journal_ && initial_journal_->owns(result.token)) {
    write_initial_log(context, result);
  } else {
    node_.on_storage(context, result);
  }
}

void Server::on_command(Context& context, Bytes command) {
  const auto [word, rest] = split(as_text(command));
  if (word == "members") {
    const auto [voters, learners] = split(rest);
    change_members(context, voters, learners);
    return;
  }
  const std::string item(as_text(command));
  context.recorder.event(kSubmitEvent, {{"id", std::string_view(item)}});
  if (waiting_.empty()) context.timers.set(kRetry, context.now + options_.retry);
  waiting_.insert(item);
  submit(context, item);
}

void Server::change_members(Context& context, std::string_view voters,
                            std::string_view learners) {
  Configuration next;
  std::string refusal = "ids of servers are numbers, with commas between them";
  if (parse_servers(voters, next.voters) && parse_servers(learners, next.learners)) {
    const Result<Index> index = node_.change_members(context, next);
    refusal = index ? "" : index.error();
  }
  context.recorder.event(kMembersEvent, {{"voters", voters},
                                         {"learners", learners},
                                         {"why", std::string_view(refusal)}});
}

void Server::submit(Context& context, const std::string& item) {
  if (known_.contains(item)) {
    waiting_.erase(item);
    context.recorder.event(kAckEvent, {{"id", std::string_view(item)}});
  } else if (node_.leads()) {
    node_.propose(context, as_bytes(item));
  } else if (node_.leader() != kNobody) {
    Buffer payload;
    Writer out(payload);
    out.u8(kItem);
    out.u32be(options_.raft.id);
    out.text(item);
    send_datagram(context, node_.leader(), payload);
  }
}

void Server::send(Context& context, ServerId to, const Message& message) {
  Buffer payload;
  Writer out(payload);
  out.u8(kRaftMessage);
  out.u32be(options_.raft.id);
  encode(message, payload);
  send_datagram(context, to, payload);
}

void Server::send_datagram(Context& context, ServerId to, Bytes payload) {
  const auto endpoint = endpoints_.find(to);
  if (endpoint != endpoints_.end()) context.datagrams.send(kSocket, endpoint->second, payload);
}

void Server::record_stored(Context& context, const std::string& item) {
  context.recorder.event(kStoreEvent, {{"id", std::string_view(item)},
                                       {"bytes", static_cast<std::int64_t>(item.size())},
                                       {"hash", std::string_view(item)}});
}

void Server::add(std::string item) {
  if (known_.insert(item).second) items_.push_back(std::move(item));
}

void Server::apply(Context& context, const Applied& applied) {
  const std::string item(as_text(applied.command));
  if (!known_.contains(item)) {
    record_stored(context, item);
    add(item);
  }
  if (waiting_.erase(item) != 0) {
    context.recorder.event(kAckEvent, {{"id", std::string_view(item)}});
  }
}

Buffer Server::take_snapshot() {
  Buffer snapshot;
  Writer out(snapshot);
  for (const std::string& item : items_) {
    out.u32be(static_cast<std::uint32_t>(item.size()));
    out.text(item);
  }
  return snapshot;
}

void Server::restore(Context& context, Bytes snapshot) {
  const std::set<std::string> before = std::exchange(known_, {});
  items_.clear();
  Reader in(snapshot);
  while (in.remaining() > 0 && in.ok()) add(std::string(as_text(in.bytes(in.u32be()))));
  for (const std::string& item : items_) {
    if (!before.contains(item)) record_stored(context, item);
  }
}

}  // namespace twinbed::raft
