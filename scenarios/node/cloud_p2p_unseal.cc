#include "scenarios/node/cloud_p2p_unseal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "core/protocols/imagestore/sealed_file.h"
#include "core/protocols/secure/credentials.h"
#include "scenarios/node/cloud_p2p_setup.h"

namespace twinbed::scenarios {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

Result<Buffer> read_whole(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    return Error{path + " is a directory; name a file"};
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Error{"cannot read " + path + ": " + reason_of(errno)};
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return to_buffer(as_bytes(text));
}

/// Everything, into a new file that only its owner can read.
Result<std::monostate> write_new(const std::string& path, Bytes bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int error = file < 0 ? errno : 0;
  while (error == 0 && !bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (file >= 0 && ::close(file) != 0 && error == 0) error = errno;
  if (error == 0) return std::monostate{};
  if (file >= 0) ::unlink(path.c_str());  // what is left is not the image
  return Error{"cannot write " + path + ": " + reason_of(error) +
               (error == EEXIST ? "; nothing is overwritten, so name another file" : "")};
}

}  // namespace

Result<std::monostate> unseal_image(const std::string& file, const std::string& out,
                                    const election::Environment& environment) {
  const Result<std::string> hex = read_cluster_key(environment);
  if (!hex) return Error{hex.error()};
  const Result<secure::ClusterKey> key = secure::ClusterKey::from_hex(*hex);
  if (!key) return Error{key.error()};
  const Result<Buffer> content = read_whole(file);
  if (!content) return Error{content.error()};
  if (!imagestore::is_sealed(*content)) {
    return Error{file + " is not a sealed image; it may be the image itself"};
  }
  const std::optional<std::uint64_t> size = imagestore::unsealed_bytes(content->size());
  Buffer image;
  imagestore::FileOpener opener(imagestore::at_rest_key(key->bytes()), size.value_or(0));
  if (!size || !opener.add(*content, image) || !opener.is_whole()) {
    return Error{file + " does not open: it is damaged, or ENCRYPTION_KEY is not that of the "
                        "servers that sealed it; try another server's copy"};
  }
  return write_new(out, image);
}

}  // namespace twinbed::scenarios
