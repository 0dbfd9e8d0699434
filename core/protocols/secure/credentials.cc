#include "core/protocols/secure/credentials.h"

#include <string>

namespace twinbed::secure {

Result<ClusterKey> ClusterKey::from_hex(std::string_view hex) {
  const Result<SecretKey> key =
      key_from_hex(hex, "the encryption key", "make one with `openssl rand -hex 32`");
  if (!key) return Error{key.error()};
  return ClusterKey(*key);
}

Result<AllowList> AllowList::parse(std::string_view text) {
  AllowList list;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    const Result<PublicKey> key = public_key_from_hex(line);
    if (!key) {
      return Error{"line " + std::to_string(number) + " of the list of clients: " + key.error()};
    }
    list.keys.insert(*key);
  }
  return list;
}

}  // namespace twinbed::secure
