#include "core/protocols/election/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/crypto/hash.h"
#include "core/protocols/election/config.h"

namespace twinbed::election {
namespace {

constexpr TimerId kDiscoverTimer{1};
constexpr TimerId kConnectTimer{2};
constexpr ListenerId kListener{1};
constexpr std::size_t kRequestIdBytes = 16;
/// Each byte of an image takes two characters of JSON at the least: more can never fit in a frame.
constexpr std::uint64_t kReadLimit = kMaxFrameBytes / 2;

}  // namespace

Client::Client(ClientOptions options, const Aes256Gcm& cipher)
    : options_(std::move(options)),
      cipher_(cipher),
      outgoing_(options_.peers, options_.connect_limit, kConnectTimer),
      inbox_(cipher) {}

void Client::on_start(Context& context) {
  context.streams.listen(kListener, options_.listen);
  discover(context);
}

void Client::on_timer(Context& context, TimerId id) {
  if (id == kDiscoverTimer) {
    end_discover(context);
  } else {
    outgoing_.on_timer(context);
    handle_outcomes(context);
  }
}

void Client::on_stream(Context& context, const StreamEvent& event) {
  if (outgoing_.on_stream(context, event)) {
    handle_outcomes(context);
    return;
  }
  inbox_.on_stream(context, event);
  while (!inbox_.empty()) {
    const Received received = inbox_.pop();
    if (const auto* reply = std::get_if<EncryptReply>(&received.message)) {
      handle_reply(context, *reply);
    }
  }
}

void Client::on_command(Context& context, Bytes command) {
  const std::string_view line = trim(as_text(command));
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view word = line.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view{} : trim(line.substr(space));
  ++commands_;
  if (word == "status") {
    print_status(context);
  } else if (word == "discover") {
    under_way_.insert(commands_);
    discovers_.push_back(commands_);
    context.recorder.event(kDiscoverEvent, {});
    discover(context);
  } else if (word == "send-image") {
    send_image(context, rest);
  } else if (word == "help") {
    log(context, "commands: status | discover | send-image PATH | help");
  } else if (!word.empty()) {
    log(context, "unknown command '" + std::string(word) + "'; type help for the commands");
  }
}

// ---- whom to send to ----

void Client::discover(Context& context) {
  if (discovering_) return;
  discovering_ = true;
  highest_reached_.reset();
  for (const Peer& peer : options_.peers) {
    const std::uint64_t number = next_number_++;
    hellos_.insert(number);
    outgoing_.send(context, peer.id, seal_frame(Hello{kClientId}, cipher_, context.random), number);
  }
  handle_outcomes(context);
}

void Client::note_hello(Context& context, const SendOutcome& outcome) {
  if (hellos_.erase(outcome.number) == 0) return;
  if (outcome.stage == SendStage::kWritten) {
    highest_reached_ = std::max(highest_reached_.value_or(outcome.to), outcome.to);
  }
  if (hellos_.empty()) context.timers.set(kDiscoverTimer, context.now + options_.discover_wait);
}

void Client::end_discover(Context& context) {
  discovering_ = false;
  const std::int64_t leader = highest_reached_ ? std::int64_t{*highest_reached_} : -1;
  if (leader_ != highest_reached_) {
    leader_ = highest_reached_;
    context.recorder.event(kClientLeaderEvent, {{"leader", leader}});
  }
  if (discovers_.empty()) return;
  context.recorder.event(kDiscoveredEvent, {{"leader", leader}});
  for (const std::uint64_t command : std::exchange(discovers_, {})) under_way_.erase(command);
  print_status(context);
}

void Client::print_status(Context& context) {
  if (leader_) {
    log(context, "Current leader: Node " + std::to_string(*leader_));
  } else {
    log(context, "No leader known: no server could be reached; check that they run, then discover");
  }
}

// ---- images ----

void Client::send_image(Context& context, std::string_view path) {
  if (path.empty()) {
    log(context, "send-image needs the path of a file: send-image PATH");
    return;
  }
  const std::uint64_t number = next_number_++;
  under_way_.insert(commands_);
  reading_.emplace(number, Reading{commands_, std::string(path)});
  context.storage.read(StorageToken{number}, path, 0, kReadLimit);
}

void Client::on_storage(Context& context, const StorageResult& result) {
  const auto node = reading_.extract(static_cast<std::uint64_t>(result.token));
  if (node.empty()) return;
  const auto& [command, path] = node.mapped();
  if (result.status == StorageStatus::kOk && leader_) {
    submit(context, command, result.data);
    return;
  }
  under_way_.erase(command);
  if (result.status != StorageStatus::kOk) {
    log(context, "✗ Cannot read " + path + ": " + std::string(to_string(result.status)));
  } else {
    log(context, "✗ No leader known: run discover, then send the image again");
  }
}

void Client::submit(Context& context, std::uint64_t command, Bytes image) {
  std::array<std::byte, kRequestIdBytes> id_bytes{};
  context.random.fill(id_bytes);
  const std::string id = to_hex(id_bytes);
  const EncryptRequest request{kClientId, id, options_.user, to_buffer(image), {}};
  Buffer frame = seal_frame(request, cipher_, context.random, options_.dialect);
  if (frame.size() > kMaxFrameBytes) {
    under_way_.erase(command);
    log(context, "✗ The image is too large: " + std::to_string(image.size()) +
                     " bytes do not fit into one message of 100 MiB");
    return;
  }
  const std::string hash = blake2b_hex(image);
  context.recorder.event(kSubmitEvent, {{"id", std::string_view(id)},
                                        {"bytes", static_cast<std::int64_t>(image.size())},
                                        {"hash", std::string_view(hash)}});
  const std::uint64_t number = next_number_++;
  uploads_.emplace(number, Upload{command, id, *leader_, image.size()});
  unanswered_.emplace(id, *leader_);
  outgoing_.send(context, *leader_, std::move(frame), number);
  handle_outcomes(context);
}

void Client::handle_outcomes(Context& context) {
  for (const SendOutcome& outcome : outgoing_.take_outcomes()) {
    note_hello(context, outcome);
    note_upload(context, outcome);
  }
}

void Client::note_upload(Context& context, const SendOutcome& outcome) {
  if (outcome.stage == SendStage::kWritten) return;
  const auto node = uploads_.extract(outcome.number);
  if (node.empty()) return;
  const Upload& upload = node.mapped();
  under_way_.erase(upload.command);
  const std::string server = "node " + std::to_string(upload.leader);
  if (outcome.stage == SendStage::kDrained) {
    log(context, "✓ Sent image " + upload.id + " to leader (" + server + ") — " +
                     std::to_string(upload.bytes) + " bytes");
    return;
  }
  unanswered_.erase(upload.id);
  const std::string why = outcome.failure == StreamFailure::kNone
                              ? "the connection broke"
                              : std::string(to_string(outcome.failure));
  const Peer* peer = find_peer(options_.peers, upload.leader);
  log(context, "✗ Image " + upload.id + " not sent: " + server + " at " +
                   to_string(peer->endpoint) + ": " + why + "; run discover, then send it again");
}

void Client::handle_reply(Context& context, const EncryptReply& reply) {
  if (unanswered_.erase(reply.req_id) == 0) return;
  if (!reply.ok) {
    log(context, "✗ Image " + reply.req_id + " was refused: " +
                     reply.error.value_or("the server gave no reason"));
    return;
  }
  log(context, "✓ SUCCESS: Image " + reply.req_id + " was accepted by the server");
  context.recorder.event(kAckEvent, {{"id", std::string_view(reply.req_id)}});
}

void Client::log(Context& context, std::string_view text) {
  context.recorder.log("[Client] " + std::string(text));
}

Result<std::unique_ptr<Client>> make_client(ClientOptions options, std::string_view hex_key,
                                            bool allow_zero_key) {
  const Result<std::vector<Peer>> peers = check_peers(options.peers);
  if (!peers) return Error{peers.error()};
  const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(hex_key, allow_zero_key);
  if (!cipher) return Error{cipher.error()};
  return std::make_unique<Client>(std::move(options), *cipher);
}

}  // namespace twinbed::election
