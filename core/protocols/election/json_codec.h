// Messages as JSON, as Rust's serde writes an enum: {"Heartbeat":{"from":3,"term":1}}, and a
// variant without fields as its name alone, "QueryLeader". An absent value is null, bytes are an
// array of integers (which makes an image about 3.57 times as long).
//
// Reading follows serde's defaults: unknown fields are passed over, a field of a variant must not
// come twice, must be there unless it may be null, and must have its type exactly (1.0 is no
// integer). Images are read without building a tree of their array.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "core/protocols/election/message.h"

namespace twinbed::election {

/// Why a text is no message.
enum class DecodeFailure : std::uint8_t {
  kNotJson,         ///< no JSON, or not of the shape and types that its variant asks for
  kUnknownVariant,  ///< well-formed, and of a kind that this program does not know
};

struct DecodeError {
  DecodeFailure failure = DecodeFailure::kNotJson;
  std::string message;  ///< one sentence
};

std::string encode_json(const Message& message, Dialect dialect = Dialect::kSeed);

std::variant<Message, DecodeError> decode_json(std::string_view text);

}  // namespace twinbed::election
