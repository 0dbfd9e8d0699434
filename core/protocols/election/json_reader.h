// Reads the JSON of one externally tagged variant, {"Name":{"field":value,...}} or "Name", without
// building a tree: an array of integers goes straight into bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/bytes.h"

namespace twinbed::election {

/// The fields of a variant and their values. Taking one that is missing, there twice or of another
/// type notes the first such problem and returns an empty value; the caller asks for the problem at
/// the end.
class JsonFields {
 public:
  /// A value of a type that no field has: a fraction, an object, an array of other things, ...
  struct Other {};
  using Value = std::variant<std::monostate, bool, std::uint64_t, std::string, Buffer, Other>;

  /// Adds a field with a value of one of Value's types.
  template <class T>
  void add(std::string name, T value) {
    values_.emplace_back(std::move(name), std::move(value));
  }

  std::uint32_t u32(std::string_view name);
  std::uint64_t u64(std::string_view name);
  bool boolean(std::string_view name);
  std::string text(std::string_view name);
  Buffer bytes(std::string_view name);
  // These may be null or missing.
  std::optional<std::uint32_t> optional_u32(std::string_view name);
  std::optional<std::string> optional_text(std::string_view name);
  std::optional<Buffer> optional_bytes(std::string_view name);
  std::variant<std::monostate, std::string, Buffer> text_or_bytes(std::string_view name);

  /// What was wrong first, empty if nothing was.
  const std::string& problem() const { return problem_; }

 private:
  Value* find(std::string_view name);
  bool is_null(std::string_view name);
  void note(std::string_view name, std::string_view what);
  template <class T>
  T take(std::string_view name, std::string_view type);

  std::vector<std::pair<std::string, Value>> values_;
  std::string problem_;
};

struct JsonVariant {
  std::string error;  ///< one sentence where the text is not such a variant, else empty
  std::string name;
  bool has_fields = false;
  JsonFields fields;
};

JsonVariant read_json_variant(std::string_view text);

}  // namespace twinbed::election
