#include "core/protocols/imagestore/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/protocols/election/client.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/image.h"

namespace twinbed::imagestore {
namespace {

constexpr TimerId kTick{0};
constexpr Duration kTickEvery = std::chrono::milliseconds(50);

/// As rows name a server.
std::int64_t number_of(raft::ServerId server) {
  return server == raft::kNobody ? -1 : std::int64_t{server};
}

/// The first word and what follows it.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const std::size_t space = text.find_first_of(" \t");
  if (space == std::string_view::npos) return {text, {}};
  return {text.substr(0, space), trim(text.substr(space))};
}

}  // namespace

Client::Client(ClientOptions options, const secure::ClusterKey& key)
    : options_(std::move(options)), links_(options_.links, key, *this) {}

Result<std::unique_ptr<Client>> make_client(ClientOptions options, std::string_view hex_key) {
  const Result<std::vector<election::Peer>> peers = election::check_peers(options.peers);
  if (!peers) return Error{peers.error()};
  const Result<secure::ClusterKey> key = secure::ClusterKey::from_hex(hex_key);
  if (!key) return Error{key.error()};
  options.links.peers = options.peers;
  options.links.listen.reset();
  options.links.self.role = secure::PeerRole::kClient;
  return std::make_unique<Client>(std::move(options), *key);
}

// ---- Handlers ---------------------------------------------------------------------------------

void Client::on_start(Context& context) {
  links_.start(context);
  discover(context);
  context.timers.set(kTick, context.now + kTickEvery);
}

void Client::on_timer(Context& context, TimerId id) {
  if (id != kTick) return;
  links_.tick(context);
  consider_discovers(context);
  tick_job(context);
  context.timers.set(kTick, context.now + kTickEvery);
}

void Client::on_stream(Context& context, const StreamEvent& event) {
  links_.on_stream(context, event);
}

void Client::on_stop(Context& context) { links_.stop(context); }

bool Client::busy() const {
  return !jobs_.empty() ||
         std::any_of(questions_.begin(), questions_.end(),
                     [](const Question& question) { return question.command != 0; });
}

bool Client::busy_with(std::uint64_t command) const {
  return command > commands_ ||
         std::any_of(questions_.begin(), questions_.end(),
                     [command](const Question& question) { return question.command == command; }) ||
         std::any_of(jobs_.begin(), jobs_.end(),
                     [command](const Job& job) { return job.command == command; });
}

void Client::on_command(Context& context, Bytes command) {
  const auto [word, rest] = split(trim(as_text(command)));
  ++commands_;
  if (word == "status") {
    print_status(context);
  } else if (word == "discover") {
    context.recorder.event(kDiscoverEvent, {});
    discover(context, commands_);
  } else if (word == "send-image") {
    start_job(context, Kind::kSend, rest);
  } else if (word == "get-image") {
    start_job(context, Kind::kGet, rest);
  } else if (word == "help") {
    log(context,
        "commands: status | discover | send-image PATH [ID] | get-image ID [PATH] | help");
  } else if (!word.empty()) {
    log(context, "unknown command '" + std::string(word) + "'; type help for the commands");
  }
}

void Client::start_job(Context& context, Kind kind, std::string_view arguments) {
  const auto [first, second] = split(arguments);
  if (first.empty()) {
    log(context, kind == Kind::kSend
                     ? "✗ send-image needs the path of a file: send-image PATH [ID]"
                     : "✗ get-image needs the id of an image: get-image ID [PATH]");
    return;
  }
  Job job;
  job.kind = kind;
  job.command = commands_;
  job.path = kind == Kind::kSend ? first : second.empty() ? first : second;
  job.id = kind == Kind::kSend ? second : first;
  const bool is_place = kind == Kind::kGet && job.id.starts_with('#');
  if (!is_place && !job.id.empty() && !election::is_plain_id(job.id)) {
    log(context, "✗ '" + job.id + "' is no id: use 1 to 128 letters, digits, '-' and '_'");
    return;
  }
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) next_job(context);
}

// ---- Who leads --------------------------------------------------------------------------------

/// Asks every server who leads. An answer to an earlier question does not answer this one.
void Client::discover(Context& context, std::uint64_t command) {
  // For the client's own use a question that was asked for it is enough.
  if (command == 0 && !questions_.empty() && questions_.back().command == 0) return;
  questions_.push_back({++asked_, command, context.now + options_.discover_limit});
  for (const election::Peer& peer : options_.peers) {
    if (const auto link = links_.to(peer.id)) links_.send(context, *link, 0, QueryLeader{asked_});
  }
}

void Client::on_link_open(Context& context, StreamId link) {
  if (!questions_.empty()) links_.send(context, link, 0, QueryLeader{asked_});
}

/// Ends the questions that every server has answered, and those whose time is over.
void Client::consider_discovers(Context& context) {
  while (!questions_.empty()) {
    const Question& question = questions_.front();
    const auto known = std::count_if(answers_.begin(), answers_.end(), [&](const auto& entry) {
      return entry.second.number >= question.number;
    });
    const bool is_complete = static_cast<std::size_t>(known) == options_.peers.size();
    if (!is_complete && context.now < question.until) return;
    end_discover(context);
  }
}

void Client::end_discover(Context& context) {
  const Question question = questions_.front();
  questions_.pop_front();
  std::erase_if(answers_, [&](const auto& entry) {
    return entry.second.number < question.number;
  });
  raft::Term term = 0;
  raft::ServerId leader = raft::kNobody;
  for (const auto& [server, answer] : answers_) {
    if (answer.leader == raft::kNobody || answer.term <= term) continue;
    term = answer.term;
    leader = answer.leader;
  }
  take_leader(context, leader);
  if (question.command != 0) {
    context.recorder.event(kDiscoveredEvent,
                           {{"leader", number_of(leader)}, {"questions", std::int64_t{1}}});
    print_status(context);
  }
  if (!jobs_.empty() && jobs_.front().step == Step::kAsking) attempt(context);
}

void Client::take_leader(Context& context, raft::ServerId leader) {
  if (leader_ == leader) return;
  leader_ = leader;
  context.recorder.event(election::kClientLeaderEvent, {{"leader", number_of(leader)}});
}

void Client::print_status(Context& context) {
  log(context, leader_ != raft::kNobody ? "Current leader: Node " + std::to_string(leader_)
                                        : "No leader" + why_no_leader());
}

/// " (no majority): ..." or " known: ...", as far as the last discover has shown.
std::string Client::why_no_leader() const {
  if (!answers_.empty()) {
    return " (no majority): " + std::to_string(answers_.size()) + " of " +
           std::to_string(options_.peers.size()) + " servers answer and none of them knows one";
  }
  std::string text = " known: no server could be reached";
  for (const election::Peer& peer : options_.peers) {
    const secure::Refusal why = links_.refused_by(peer.id);
    if (why == secure::Refusal::kNone) continue;
    text += "; node " + std::to_string(peer.id) + ": " + std::string(secure::to_string(why));
    if (why == secure::Refusal::kNotAuthentic) text += " (is ENCRYPTION_KEY the same there?)";
  }
  return text;
}

// ---- Messages ---------------------------------------------------------------------------------

void Client::on_message(Context& context, StreamId link, const Frame& frame) {
  if (const auto* info = std::get_if<LeaderInfo>(&frame.message)) {
    if (questions_.empty()) return;  // too late
    answers_[frame.from] = *info;
    consider_discovers(context);
    return;
  }
  if (!is_of_job(link)) return;
  const TransferId transfer = jobs_.front().transfer;
  if (const auto* put = std::get_if<PutResult>(&frame.message)) {
    if (put->transfer == transfer) on_put_result(context, *put);
  } else if (const auto* got = std::get_if<GetResult>(&frame.message)) {
    if (got->transfer == transfer) on_get_result(context, *got);
  } else if (const auto* chunk = std::get_if<Chunk>(&frame.message)) {
    if (chunk->transfer == transfer) on_chunk(context, *chunk);
  } else if (const auto* end = std::get_if<End>(&frame.message)) {
    if (end->transfer == transfer) on_end(context, *end);
  } else if (const auto* abort = std::get_if<Abort>(&frame.message)) {
    if (abort->transfer == transfer) try_again(context, "the server could not read its copy");
  }
}

void Client::on_link_drained(Context& context, StreamId link) {
  if (is_of_job(link)) send_more(context);
}

void Client::on_link_closed(Context& context, StreamId link) {
  if (!is_of_job(link)) return;
  Job& job = jobs_.front();
  job.may_be_kept = job.may_be_kept || job.kind == Kind::kSend;
  try_again(context, "the connection to node " + std::to_string(job.server) + " broke");
}

void Client::log(Context& context, std::string_view text) {
  context.recorder.log("[Client] " + std::string(text));
}

}  // namespace twinbed::imagestore
