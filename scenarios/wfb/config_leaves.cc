#include "scenarios/wfb/config_leaves.h"

#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "core/io/endpoint.h"
#include "scenarios/units.h"
#include "scenarios/wfb/config_kinds.h"

namespace twinbed::scenarios {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Whether all characters are letters, digits or among `more`.
bool is_made_of(std::string_view text, std::string_view more) {
  for (const char c : text) {
    if (!is_alphanumeric(c) && more.find(c) == more.npos) return false;
  }
  return !text.empty();
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

Result<std::uint32_t> parse_whole(const YamlNode& node, std::uint32_t least, std::uint32_t most) {
  const std::string limits =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (auto wrong = check_form(node, false, limits)) return *wrong;
  std::uint32_t value = 0;
  if (read_number(node.text, value) && value >= least && value <= most) return value;
  return Error{in_quotes(node.text) + " does not fit, write " + limits};
}

Result<std::string> parse_text(const std::string& text) {
  if (text.empty()) return Error{"'' is empty, write some text, or None where none is meant"};
  return text;
}

Result<bool> parse_truth(const YamlNode& node) {
  if (node.style == ScalarStyle::kPlain && (node.text == "true" || node.text == "false")) {
    return node.text == "true";
  }
  return Error{in_quotes(node.text) + " is not a truth value, write True or False (in YAML true or "
               "false) without quotes"};
}

Result<double> parse_real(const YamlNode& node) {
  if (auto wrong = check_form(node, false, "a number")) return *wrong;
  double value = 0;
  if (read_number(node.text, value) && value >= 0 && value <= 1e9) return value;
  return Error{in_quotes(node.text) + " does not fit, write a number from 0 to 1000000000"};
}

Result<IpAddress> parse_ip(const std::string& text) {
  Result<IpAddress> address = parse_address(text);
  if (address && to_string(*address) == text) return address;
  return Error{in_quotes(text) + " is not an IPv4 address, write one such as 10.77.0.1: names are "
               "not resolved, since the programs send to addresses alone and tell antennas apart "
               "by them"};
}

Result<std::string> parse_card(const std::string& text) {
  // IFNAMSIZ less the closing zero; what the shell or a path could misread is no such name either.
  if (text.size() <= 15 && is_made_of(text, "._-") && is_alphanumeric(text[0])) return text;
  return Error{in_quotes(text) + " is not the name of a network interface, write one such as "
               "wlan0: letters, digits and . _ -, 15 at most"};
}

Result<std::uint32_t> parse_digits(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  if (read_number(text, value) && value > 0 && value <= most) return value;
  return Error{""};
}

class PowerKind final : public Kind<TxPower> {
 public:
  bool read(Reader& reader, const YamlNode& node, TxPower& out) const override {
    out = {};
    if (node.type == NodeType::kNull) return true;
    if (node.type != NodeType::kScalar) return fail_type(reader, node, what());
    if (is_text(node) && node.text == "off") {
      out.mode = TxPower::Mode::kOff;
      return true;
    }
    out.mode = TxPower::Mode::kFixed;
    if (!is_text(node) && read_number(node.text, out.value)) return true;
    return reader.fail(node.place, reader.subject() + " " + in_quotes(node.text) +
                                       " is not a power, write " + what());
  }
  YamlNode write(const TxPower& value) const override {
    if (value.mode == TxPower::Mode::kDriver) return {};
    if (value.mode == TxPower::Mode::kOff) return text_node("off");
    return scalar_node(std::to_string(value.value));
  }
  Json schema(Json& /*definitions*/) const override {
    return {{"anyOf", Json::array({Json{{"type", {"integer", "null"}}}, Json{{"const", "off"}}})}};
  }
  std::string what() const override {
    return "None (the driver's own), 'off' (the card only receives) or a whole number";
  }
};

struct PeerForm {
  std::string_view prefix;
  Peer::Kind kind;
};
constexpr PeerForm kPeerForms[] = {{"listen://", Peer::Kind::kListen},
                                   {"connect://", Peer::Kind::kConnect},
                                   {"listen_unix://@", Peer::Kind::kListenUnix},
                                   {"connect_unix://@", Peer::Kind::kConnectUnix},
                                   {"serial:", Peer::Kind::kSerial}};

}  // namespace

bool is_text(const YamlNode& node) {
  if (node.style != ScalarStyle::kPlain) return true;
  double number = 0;
  const auto [end, code] =
      std::from_chars(node.text.data(), node.text.data() + node.text.size(), number);
  const bool is_number = !node.text.empty() && end == node.text.data() + node.text.size();
  return !is_number && node.text != "true" && node.text != "false";
}

YamlNode text_node(std::string text) {
  YamlNode node = scalar_node(std::move(text));
  if (!is_text(node)) node.style = ScalarStyle::kQuoted;
  return node;
}

std::optional<Error> check_form(const YamlNode& node, bool wants_text, const std::string& what) {
  if (is_text(node) == wants_text) return std::nullopt;
  if (wants_text) {
    return Error{in_quotes(node.text) + " is not a text, write " + what + " in quotes"};
  }
  return Error{in_quotes(node.text) + " is a text, write " + what + " without quotes"};
}

Result<Peer> parse_peer(std::string_view text) {
  Peer peer;
  for (const PeerForm& form : kPeerForms) {
    if (!text.starts_with(form.prefix)) continue;
    peer.kind = form.kind;
    const std::string_view rest = text.substr(form.prefix.size());
    if (form.kind == Peer::Kind::kSerial) {
      const std::size_t colon = rest.rfind(':');
      const auto baud = parse_digits(colon == rest.npos ? "" : rest.substr(colon + 1), 100'000'000);
      if (!baud || !is_made_of(rest.substr(0, colon), "-_.:+/")) break;
      peer.name = rest.substr(0, colon);
      peer.baud = *baud;
    } else if (form.prefix.ends_with('@')) {
      if (!is_made_of(rest, "._-/") || rest.size() > 100) break;
      peer.name = rest;
    } else {
      const Result<Endpoint> endpoint = parse_endpoint(rest);
      if (!endpoint || endpoint->port == 0 || to_string(*endpoint) != rest) break;
      peer.endpoint = *endpoint;
    }
    return peer;
  }
  return Error{in_quotes(text) + " is no peer, write listen://ADDRESS:PORT, "
               "connect://ADDRESS:PORT, listen_unix://@NAME, connect_unix://@NAME or "
               "serial:DEVICE:BAUD, with an IPv4 address"};
}

std::string to_string(const Peer& peer) {
  std::string text;
  for (const PeerForm& form : kPeerForms) {
    if (form.kind == peer.kind) text = form.prefix;
  }
  if (peer.kind == Peer::Kind::kSerial) return text + peer.name + ":" + std::to_string(peer.baud);
  return text + (peer.name.empty() ? to_string(peer.endpoint) : peer.name);
}

const Kind<std::string>& wfb_text_kind() {
  static const auto kind = wfb_text_leaf<std::string>(
      "a text", parse_text, [](const std::string& text) { return text; });
  return kind;
}

const Kind<bool>& wfb_bool_kind() {
  static const LeafKind<bool> kind(
      "True or False", parse_truth,
      [](bool value) { return scalar_node(value ? "true" : "false"); }, Json{{"type", "boolean"}});
  return kind;
}

const Kind<double>& wfb_real_kind() {
  static const LeafKind<double> kind(
      "a number", parse_real, [](double value) { return scalar_node(format_number(value)); },
      Json{{"type", "number"}, {"minimum", 0}, {"maximum", 1e9}});
  return kind;
}

LeafKind<std::uint32_t> wfb_whole_kind(std::uint32_t least, std::uint32_t most) {
  return {"a whole number from " + std::to_string(least) + " to " + std::to_string(most),
          [=](const YamlNode& node) { return parse_whole(node, least, most); },
          [](std::uint32_t value) { return scalar_node(std::to_string(value)); },
          Json{{"type", "integer"}, {"minimum", least}, {"maximum", most}}};
}

LeafKind<std::uint32_t> wfb_choice_kind(std::vector<std::uint32_t> values) {
  std::vector<std::string> words;
  for (const std::uint32_t value : values) words.push_back(std::to_string(value));
  const std::string what = "one of " + join_words(words, "or");
  auto read = [values, what](const YamlNode& node) -> Result<std::uint32_t> {
    const Result<std::uint32_t> number = parse_whole(node, 0, UINT32_MAX);
    if (!number) return number;
    for (const std::uint32_t value : values) {
      if (value == *number) return value;
    }
    return Error{in_quotes(node.text) + " is not possible, write " + what};
  };
  return {what, read, [](std::uint32_t value) { return scalar_node(std::to_string(value)); },
          Json{{"enum", values}}};
}

const Kind<std::uint32_t>& wfb_byte_kind() {
  static const auto kind = wfb_whole_kind(0, 255);
  return kind;
}

const Kind<std::uint32_t>& wfb_port_kind() {
  static const auto kind = wfb_whole_kind(1, 65535);
  return kind;
}

const Kind<std::uint32_t>& wfb_count_kind() {
  static const auto kind = wfb_whole_kind(0, INT32_MAX);
  return kind;
}

const Kind<std::uint32_t>& wfb_positive_kind() {
  static const auto kind = wfb_whole_kind(1, INT32_MAX);
  return kind;
}

const Kind<IpAddress>& wfb_address_kind() {
  static const auto kind = wfb_text_leaf<IpAddress>(
      "an IPv4 address such as 10.77.0.1", parse_ip,
      [](IpAddress address) { return to_string(address); });
  return kind;
}

const Kind<std::string>& wfb_card_kind() {
  static const auto kind = wfb_text_leaf<std::string>(
      "the name of a network interface such as wlan0", parse_card,
      [](const std::string& card) { return card; });
  return kind;
}

const Kind<TxPower>& wfb_power_kind() {
  static const PowerKind kind;
  return kind;
}

const Kind<Peer>& wfb_peer_kind() {
  static const auto kind = wfb_text_leaf<Peer>(
      "a peer such as listen://0.0.0.0:5602",
      [](const std::string& text) { return parse_peer(text); },
      [](const Peer& peer) { return to_string(peer); });
  return kind;
}

}  // namespace twinbed::scenarios
