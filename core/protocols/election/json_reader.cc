#include "core/protocols/election/json_reader.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace twinbed::election {

JsonFields::Value* JsonFields::find(std::string_view name) {
  Value* found = nullptr;
  for (auto& [key, value] : values_) {
    if (key != name) continue;
    if (found != nullptr) note(name, "is there twice");
    found = &value;
  }
  return found;
}

void JsonFields::note(std::string_view name, std::string_view what) {
  if (problem_.empty()) problem_ = "field '" + std::string(name) + "' " + std::string(what);
}

template <class T>
T JsonFields::take(std::string_view name, std::string_view type) {
  Value* value = find(name);
  if (value == nullptr) {
    note(name, "is missing");
    return T{};
  }
  if (T* typed = std::get_if<T>(value)) return std::move(*typed);
  note(name, type);
  return T{};
}

std::uint64_t JsonFields::u64(std::string_view name) {
  return take<std::uint64_t>(name, "is not an integer from 0 to 2^64 - 1");
}

std::uint32_t JsonFields::u32(std::string_view name) {
  const std::uint64_t value = u64(name);
  if (value > std::numeric_limits<std::uint32_t>::max()) note(name, "is above 2^32 - 1");
  return static_cast<std::uint32_t>(value);
}

bool JsonFields::boolean(std::string_view name) { return take<bool>(name, "is not a boolean"); }

std::string JsonFields::text(std::string_view name) {
  return take<std::string>(name, "is not a string");
}

Buffer JsonFields::bytes(std::string_view name) {
  return take<Buffer>(name, "is not an array of integers from 0 to 255");
}

bool JsonFields::is_null(std::string_view name) {
  const Value* value = find(name);
  return value == nullptr || std::holds_alternative<std::monostate>(*value);
}

std::optional<std::uint32_t> JsonFields::optional_u32(std::string_view name) {
  if (is_null(name)) return std::nullopt;
  return u32(name);
}

std::optional<std::string> JsonFields::optional_text(std::string_view name) {
  if (is_null(name)) return std::nullopt;
  return text(name);
}

std::optional<Buffer> JsonFields::optional_bytes(std::string_view name) {
  if (is_null(name)) return std::nullopt;
  return bytes(name);
}

std::variant<std::monostate, std::string, Buffer> JsonFields::text_or_bytes(
    std::string_view name) {
  if (is_null(name)) return {};
  if (std::holds_alternative<std::string>(*find(name))) return text(name);
  return bytes(name);
}

namespace {

/// The parser's events turned into a variant. Levels: 0 the whole text, 1 the tagging object, 2 the
/// fields, 3 and deeper the inside of one field.
class VariantHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit VariantHandler(JsonVariant& out) : out_(out) {}

  bool null() override { return value(std::monostate{}); }
  bool boolean(bool value_read) override { return value(value_read); }
  bool number_integer(number_integer_t) override { return value(JsonFields::Other{}); }
  bool number_unsigned(number_unsigned_t number) override {
    if (in_bytes_ && level_ == 3 && number <= 255) {
      bytes_.push_back(static_cast<std::byte>(number));
      return true;
    }
    return value(std::uint64_t{number});
  }
  bool number_float(number_float_t, const string_t&) override {
    return value(JsonFields::Other{});
  }
  bool string(string_t& text) override { return value(std::move(text)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (level_ == 1) {
      if (tagged_) return refuse("the variant has more than one name");
      out_.has_fields = true;
      tagged_ = true;
    } else if (level_ >= 2) {
      in_bytes_ = false;
    }
    ++level_;
    return true;
  }
  bool end_object() override {
    --level_;
    if (level_ == 0 && !tagged_) return refuse("the object has no variant's name");
    if (level_ == 2) out_.fields.add(std::move(field_), JsonFields::Other{});
    return true;
  }
  bool key(string_t& text) override {
    if (level_ == 1) {
      if (!out_.name.empty()) return refuse("the variant has more than one name");
      out_.name = std::move(text);
    } else if (level_ == 2) {
      field_ = std::move(text);
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (level_ < 2) return refuse("a variant is a string or an object, not an array");
    in_bytes_ = level_ == 2;
    if (in_bytes_) bytes_.clear();
    ++level_;
    return true;
  }
  bool end_array() override {
    --level_;
    if (level_ != 2) return true;
    if (in_bytes_) {
      out_.fields.add(std::move(field_), std::move(bytes_));
    } else {
      out_.fields.add(std::move(field_), JsonFields::Other{});
    }
    in_bytes_ = false;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("not JSON at byte " + std::to_string(position));
  }

 private:
  /// Any value that is neither an object nor an array nor a byte of an array of bytes.
  template <class T>
  bool value(T read) {
    if (level_ == 2) {
      out_.fields.add(std::move(field_), std::move(read));
      return true;
    }
    if (level_ > 2) {
      in_bytes_ = false;  // Not an array of bytes after all, or the inside of an unknown field.
      return true;
    }
    if (level_ == 0) {
      if constexpr (std::is_same_v<T, std::string>) {
        out_.name = std::move(read);
        return true;
      }
      return refuse("a variant is a string or an object");
    }
    tagged_ = true;  // {"QueryLeader":null} means the same as "QueryLeader".
    return std::is_same_v<T, std::monostate> || refuse("a variant's fields are an object");
  }
  bool refuse(std::string sentence) {
    if (out_.error.empty()) out_.error = std::move(sentence);
    return false;
  }

  JsonVariant& out_;
  int level_ = 0;
  bool tagged_ = false;
  bool in_bytes_ = false;
  std::string field_;
  Buffer bytes_;
};

}  // namespace

JsonVariant read_json_variant(std::string_view text) {
  JsonVariant variant;
  VariantHandler handler(variant);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler) && variant.error.empty()) {
    variant.error = "not JSON";
  }
  return variant;
}

}  // namespace twinbed::election
