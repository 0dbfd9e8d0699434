#include "scenarios/node/wfb_keygen.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "backends/system_random.h"
#include "core/protocols/wfb/keys.h"

namespace twinbed::scenarios {
namespace {

namespace fs = std::filesystem;

bool holds_other_bytes(const fs::path& path, const Buffer& bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fs::exists(path);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  return content != as_text(bytes);
}

/// Writes beside the file and renames: a key is there whole or not at all.
Result<std::monostate> write_key(const fs::path& path, const Buffer& bytes) {
  const fs::path beside = path.string() + ".new";
  ::unlink(beside.c_str());
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool is_written = file >= 0 && ::write(file, bytes.data(), bytes.size()) ==
                                           static_cast<ssize_t>(bytes.size());
  int error = is_written ? 0 : errno;
  if (file >= 0) ::close(file);
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return std::monostate{};
  ::unlink(beside.c_str());
  return Error{"cannot write the key to " + path.string() + ": " +
               std::generic_category().message(error)};
}

}  // namespace

Result<std::monostate> write_wfb_keys(const std::string& directory,
                                      const std::optional<std::string>& password, bool replaces) {
  backends::SystemRandom random;
  const auto keys = password ? wfb::link_keys_from_password(*password)
                             : Result<wfb::LinkKeys>(wfb::make_link_keys(random));
  if (!keys) return Error{keys.error()};
  const fs::path folder = directory;
  const std::pair<fs::path, Buffer> files[] = {{folder / "gs.key", keys->ground.write()},
                                               {folder / "drone.key", keys->drone.write()}};
  for (const auto& [path, bytes] : files) {
    if (replaces || !holds_other_bytes(path, bytes)) continue;
    return Error{path.string() + " holds another key, whose link would be lost; move it away, or "
                                 "replace it with --force"};
  }
  for (const auto& [path, bytes] : files) {
    if (const auto written = write_key(path, bytes); !written) return Error{written.error()};
  }
  return std::monostate{};
}

}  // namespace twinbed::scenarios
