#include "core/protocols/election/image.h"

#include <algorithm>
#include <chrono>

namespace twinbed::election {

std::string_view image_extension(Bytes image) {
  const std::string_view text = as_text(image);
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return "png";
  if (text.starts_with("\xff\xd8\xff")) return "jpg";
  return "bin";
}

bool is_plain_id(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_';
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), plain);
}

std::string image_name(std::string_view id, const Endpoint& client, std::int64_t unix_seconds,
                       std::string_view extension) {
  std::string name(id);
  name += "_" + to_string(client.address) + "_" + std::to_string(client.port) + "_" +
          std::to_string(unix_seconds) + ".";
  name += extension;
  return name;
}

std::int64_t unix_seconds(WallTime at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

}  // namespace twinbed::election
