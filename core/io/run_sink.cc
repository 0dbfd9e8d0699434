#include "core/io/run_sink.h"

namespace twinbed {

const Field* find_field(std::span<const Field> fields, std::string_view key) {
  for (const Field& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

std::int64_t int_field(std::span<const Field> fields, std::string_view key, std::int64_t missing) {
  const Field* field = find_field(fields, key);
  const auto* value = field != nullptr ? std::get_if<std::int64_t>(&field->value) : nullptr;
  return value != nullptr ? *value : missing;
}

std::string_view text_field(std::span<const Field> fields, std::string_view key) {
  const Field* field = find_field(fields, key);
  const auto* value = field != nullptr ? std::get_if<std::string_view>(&field->value) : nullptr;
  return value != nullptr ? *value : std::string_view{};
}

}  // namespace twinbed
