#include "scenarios/node/control.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace twinbed::scenarios {
namespace {

using Kind = ControlMessage::Kind;
using Json = nlohmann::json;

constexpr std::array<std::string_view, 12> kWords{"start", "command", "blocked", "fault",
                                                  "report", "watch", "go_on", "ready", "role",
                                                  "recorded", "touched", "failed"};

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
      break;
    case Kind::kWatch:
    case Kind::kRecorded: json["faults"] = message.faults; break;
    case Kind::kRole: json["role"] = message.text; break;
    case Kind::kTouched: json["count"] = message.number; break;
    case Kind::kFailed: json["why"] = message.text; break;
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
        break;
      case Kind::kWatch:
      case Kind::kRecorded: json.at("faults").get_to(message.faults); break;
      case Kind::kRole: message.text = json.at("role"); break;
      case Kind::kTouched: message.number = json.at("count"); break;
      case Kind::kFailed: message.text = json.at("why"); break;
      case Kind::kReport:
      case Kind::kGoOn:
      case Kind::kReady: break;
    }
    return message;
  } catch (const Json::exception& problem) {
    return Error{std::string("malformed control message: ") + problem.what()};
  }
}

}  // namespace twinbed::scenarios
