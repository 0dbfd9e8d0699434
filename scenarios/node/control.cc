#include "scenarios/node/control.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

namespace twinbed::scenarios {
namespace {

using Kind = ControlMessage::Kind;
using Json = nlohmann::json;

constexpr std::array<std::string_view, 13> kWords{"start", "command", "blocked", "fault",
                                                  "report", "watch", "go_on", "ready", "role",
                                                  "recorded", "touched", "failed", "cards"};

}  // namespace

std::string encode_control(const ControlMessage& message) {
  Json json{{"say", kWords[static_cast<std::size_t>(message.kind)]}};
  switch (message.kind) {
    case Kind::kStart: json["at"] = message.number; break;
    case Kind::kCommand: json["text"] = message.text; break;
    case Kind::kBlocked:
      json["pairs"] = message.pairs;
      json["off"] = message.off;
      break;
    case Kind::kFault:
      json["index"] = message.number;
      json["phase"] = message.begins ? "begin" : "end";
      if (!message.nodes.empty()) json["nodes"] = message.nodes;
      break;
    case Kind::kWatch:
    case Kind::kRecorded: json["faults"] = message.faults; break;
    case Kind::kRole: json["role"] = message.text; break;
    case Kind::kTouched: json["count"] = message.number; break;
    case Kind::kFailed: json["why"] = message.text; break;
    case Kind::kCards: json["cards"] = message.cards; break;
    case Kind::kReport:
    case Kind::kGoOn:
    case Kind::kReady: break;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ControlMessage> decode_control(const std::string& line) {
  try {
    const Json json = Json::parse(line);
    const auto word = json.at("say").get<std::string>();
    ControlMessage message;
    std::size_t kind = 0;
    while (kind < kWords.size() && kWords[kind] != word) ++kind;
    if (kind == kWords.size()) return Error{"unknown control message '" + word + "'"};
    message.kind = static_cast<Kind>(kind);
    switch (message.kind) {
      case Kind::kStart: message.number = json.at("at"); break;
      case Kind::kCommand: message.text = json.at("text"); break;
      case Kind::kBlocked:
        json.at("pairs").get_to(message.pairs);
        json.at("off").get_to(message.off);
        break;
      case Kind::kFault:
        message.number = json.at("index");
        message.begins = json.at("phase") == "begin";
        message.nodes = json.value("nodes", message.nodes);
        break;
      case Kind::kWatch:
      case Kind::kRecorded: json.at("faults").get_to(message.faults); break;
      case Kind::kRole: message.text = json.at("role"); break;
      case Kind::kTouched: message.number = json.at("count"); break;
      case Kind::kFailed: message.text = json.at("why"); break;
      case Kind::kCards: json.at("cards").get_to(message.cards); break;
      case Kind::kReport:
      case Kind::kGoOn:
      case Kind::kReady: break;
    }
    return message;
  } catch (const Json::exception& problem) {
    return Error{std::string("malformed control message: ") + problem.what()};
  }
}

void ControlChannel::say(const ControlMessage& message) const {
  if (descriptor_ < 0) return;
  const std::string line = encode_control(message) + "\n";
  // A full channel means a runner that no longer reads; the line is then lost.
  (void)!write(descriptor_, line.data(), line.size());
}

bool ControlChannel::receive(std::deque<ControlMessage>& heard) {
  std::array<char, 4096> chunk{};
  pollfd channel{descriptor_, POLLIN, 0};
  if (poll(&channel, 1, -1) < 0) return errno == EINTR;
  const ssize_t count = read(descriptor_, chunk.data(), chunk.size());
  if (count <= 0) return false;
  pending_.append(chunk.data(), static_cast<std::size_t>(count));
  for (std::size_t end = pending_.find('\n'); end != std::string::npos;
       end = pending_.find('\n')) {
    auto message = decode_control(pending_.substr(0, end));
    pending_.erase(0, end + 1);
    if (message) heard.push_back(std::move(*message));
  }
  return true;
}

}  // namespace twinbed::scenarios
