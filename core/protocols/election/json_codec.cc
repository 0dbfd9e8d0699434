#include "core/protocols/election/json_codec.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/protocols/election/json_reader.h"

namespace twinbed::election {
namespace {

/// Writes one variant's object field by field, in the order of the calls.
class ObjectWriter {
 public:
  ObjectWriter(std::string& out, std::string_view variant) : out_(out) {
    out_ += "{\"";
    out_ += variant;
    out_ += "\":{";
  }
  void end() { out_ += "}}"; }

  void field(std::string_view key, std::uint64_t value) { start(key) += std::to_string(value); }
  void field(std::string_view key, bool value) { start(key) += value ? "true" : "false"; }
  void field(std::string_view key, std::monostate) { start(key) += "null"; }
  void field(std::string_view key, const std::string& value);
  void field(std::string_view key, const Buffer& value);
  template <class T>
  void field(std::string_view key, const std::optional<T>& value) {
    value ? field(key, *value) : field(key, std::monostate{});
  }
  void field(std::string_view key, std::optional<PeerId> value) {
    value ? field(key, std::uint64_t{*value}) : field(key, std::monostate{});
  }

 private:
  std::string& start(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
    return out_;
  }

  std::string& out_;
  bool first_ = true;
};

/// As serde_json escapes: the short forms where JSON has one, \u00xx for other control characters,
/// everything else as it is.
void append_escaped(std::string& out, char character) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  switch (character) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code >= 0x20) {
    out += character;
    return;
  }
  out += "\\u00";
  out += kDigits[code >> 4];
  out += kDigits[code & 15];
}

void ObjectWriter::field(std::string_view key, const std::string& value) {
  std::string& out = start(key);
  out += '"';
  for (char character : value) append_escaped(out, character);
  out += '"';
}

void ObjectWriter::field(std::string_view key, const Buffer& value) {
  std::string& out = start(key);
  out.reserve(out.size() + 4 * value.size() + 64);
  out += '[';
  std::array<char, 4> digits{};
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out += ',';
    const auto number = std::to_integer<unsigned>(value[i]);
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), result.ptr);
  }
  out += ']';
}

/// Adds each kind's fields in the order in which the original declares them.
struct FieldsOf {
  ObjectWriter& out;
  Dialect dialect;

  void operator()(const Hello& m) { out.field("from", std::uint64_t{m.from}); }
  void operator()(const Heartbeat& m) {
    out.field("from", std::uint64_t{m.from});
    out.field("term", m.term);
  }
  void operator()(const Election& m) { out.field("from", std::uint64_t{m.from}); }
  void operator()(const Ok& m) { out.field("from", std::uint64_t{m.from}); }
  void operator()(const Coordinator& m) {
    out.field("leader", std::uint64_t{m.leader});
    out.field("term", m.term);
  }
  void operator()(const QueryLeader&) {}
  void operator()(const LeaderInfo& m) {
    out.field("leader_id", m.leader_id);
    out.field("term", m.term);
  }
  void operator()(const EncryptRequest& m) {
    out.field("from", std::uint64_t{m.from});
    out.field("req_id", m.req_id);
    out.field("user", m.user);
    out.field("image_bytes", m.image_bytes);
    if (dialect == Dialect::kHead) out.field("client_addr", m.client_addr);
  }
  void operator()(const EncryptReply& m) {
    out.field("req_id", m.req_id);
    out.field("ok", m.ok);
    if (dialect == Dialect::kHead) {
      out.field("encrypted_image", m.encrypted_image);
      out.field("original_filename", m.original_filename);
    } else {
      std::visit([this](const auto& value) { out.field("payload", value); }, m.payload);
    }
    out.field("error", m.error);
  }
};

EncryptReply build_reply(JsonFields& in) {
  EncryptReply reply;
  reply.req_id = in.text("req_id");
  reply.ok = in.boolean("ok");
  reply.payload = in.text_or_bytes("payload");
  reply.error = in.optional_text("error");
  reply.encrypted_image = in.optional_bytes("encrypted_image");
  reply.original_filename = in.optional_text("original_filename");
  return reply;
}

/// Builds each kind from the values that were read; the values note what was missing or wrong.
Message build(std::string_view name, JsonFields& in) {
  if (name == "Hello") return Hello{in.u32("from")};
  if (name == "Heartbeat") return Heartbeat{in.u32("from"), in.u64("term")};
  if (name == "Election") return Election{in.u32("from")};
  if (name == "Ok") return Ok{in.u32("from")};
  if (name == "Coordinator") return Coordinator{in.u32("leader"), in.u64("term")};
  if (name == "LeaderInfo") return LeaderInfo{in.optional_u32("leader_id"), in.u64("term")};
  if (name == "EncryptReply") return build_reply(in);
  if (name == "EncryptRequest") {
    return EncryptRequest{in.u32("from"), in.text("req_id"), in.text("user"),
                          in.bytes("image_bytes"), in.optional_text("client_addr")};
  }
  return QueryLeader{};
}

DecodeError not_json(std::string sentence) {
  return {DecodeFailure::kNotJson, std::move(sentence)};
}

}  // namespace

std::string encode_json(const Message& message, Dialect dialect) {
  if (std::holds_alternative<QueryLeader>(message)) return "\"QueryLeader\"";
  std::string text;
  ObjectWriter writer(text, name_of(message));
  std::visit(FieldsOf{writer, dialect}, message);
  writer.end();
  return text;
}

std::variant<Message, DecodeError> decode_json(std::string_view text) {
  JsonVariant variant = read_json_variant(text);
  if (!variant.error.empty()) return not_json(std::move(variant.error));
  const auto known = std::find(kMessageNames.begin(), kMessageNames.end(), variant.name);
  if (known == kMessageNames.end()) {
    return DecodeError{DecodeFailure::kUnknownVariant,
                       "'" + variant.name + "' is not a kind of message"};
  }
  const bool wants_fields = variant.name != "QueryLeader";
  if (wants_fields != variant.has_fields) {
    return not_json(variant.name + (wants_fields ? " has no fields" : " must have no fields"));
  }
  Message message = build(variant.name, variant.fields);
  if (!variant.fields.problem().empty()) {
    return not_json(variant.name + ": " + variant.fields.problem());
  }
  return message;
}

}  // namespace twinbed::election
