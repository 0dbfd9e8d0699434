#include "backends/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <utility>

#include "core/io/file_name.h"

namespace twinbed::backends {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::numeric_limits<std::int64_t>::max();

/// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

StorageStatus status_of(int error) {
  switch (error) {
    case 0: return StorageStatus::kOk;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return StorageStatus::kNoSpace;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG: return StorageStatus::kNotFound;
    default: return StorageStatus::kFailed;
  }
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int sync_directory(const std::string& directory) {
  const File file(directory, O_RDONLY | O_DIRECTORY);
  if (!file.is_open()) return errno;
  return ::fsync(file.number()) == 0 ? 0 : errno;
}

/// Writes everything; a number from errno where that fails.
int write_all(int number, std::uint64_t offset, Bytes data) {
  while (!data.empty()) {
    const ssize_t done = ::pwrite(number, data.data(), data.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    data = data.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return 0;
}

/// Reads up to `size` bytes; works for files that do not tell their size, too.
int read_all(int number, std::uint64_t offset, std::uint64_t size, Buffer& out) {
  constexpr std::uint64_t kStep = 256 * 1024;
  struct stat about {};
  if (::fstat(number, &about) == 0 && static_cast<std::uint64_t>(about.st_size) > offset) {
    const std::uint64_t rest = static_cast<std::uint64_t>(about.st_size) - offset;
    out.reserve(std::min(size, rest) + kStep);  // with the step that finds the end
  }
  while (out.size() < size && offset <= kMaxFileBytes) {
    const std::size_t have = out.size();
    const auto want = static_cast<std::size_t>(std::min(size - have, kStep));
    out.resize(have + want);
    const ssize_t got = ::pread(number, out.data() + have, want, static_cast<off_t>(offset));
    const int error = errno;
    out.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return error;
    if (got == 0) return 0;
    offset += static_cast<std::uint64_t>(got);
  }
  return 0;
}

}  // namespace

FileStorage::FileStorage(FileStorageOptions options, Random& random)
    : options_(std::move(options)), random_(random) {}

bool FileStorage::path_of(std::string_view file, std::string& path) const {
  if (file.empty() || file.find('\0') != std::string_view::npos) return false;
  const bool is_rooted = !options_.root.empty() && file.front() != '/';
  path = is_rooted ? options_.root + "/" + std::string(file) : std::string(file);
  return options_.whole_file_system || (is_rooted && is_plain_file_name(file));
}

FileStorage::ReadAnswer FileStorage::read(std::string_view file, std::uint64_t offset,
                                          std::uint64_t size) {
  ++counters_.reads;
  ReadAnswer answer{StorageStatus::kNotFound, {}};
  std::string path;
  if (path_of(file, path)) {
    const auto held = held_.find(path);
    const File opened(path, O_RDONLY);
    int error = errno;
    if (opened.is_open()) error = read_all(opened.number(), offset, size, answer.data);
    if (!opened.is_open() && held != held_.end()) error = 0;
    answer.status = status_of(error);
    if (held != held_.end()) overlay(held->second, offset, size, answer.data);
  }
  if (answer.status != StorageStatus::kOk) {
    answer.data.clear();
    ++counters_.errors;
  }
  return answer;
}

/// Lays the held writes over what was read from the disk.
void FileStorage::overlay(const HeldWrites& writes, std::uint64_t offset, std::uint64_t size,
                          Buffer& data) const {
  for (const HeldWrite& held : writes) {
    const std::uint64_t held_end = held.offset + held.data.size();
    if (held.data.empty() || held_end <= offset) continue;
    // The file reaches at least this far; what lies between its old end and the write is zero.
    const std::uint64_t reach = std::min(size, held_end - offset);
    if (data.size() < reach) data.resize(reach);
    const std::uint64_t begin = std::max(offset, held.offset);
    const std::uint64_t end = offset + reach;
    if (begin >= end) continue;
    const auto from = held.data.begin() + static_cast<std::ptrdiff_t>(begin - held.offset);
    std::copy(from, from + static_cast<std::ptrdiff_t>(end - begin),
              data.begin() + static_cast<std::ptrdiff_t>(begin - offset));
  }
}

void FileStorage::write(std::string_view file, std::uint64_t offset, Bytes data) {
  ++counters_.writes;
  std::string path;
  if (!path_of(file, path)) return;
  if (fault_.full || offset > kMaxFileBytes - data.size()) {
    remember(path, StorageStatus::kNoSpace);
    return;
  }
  const bool is_lost = random_.chance(fault_.lose_write);
  if (is_lost) ++counters_.writes_lost;
  if (is_lost || options_.hold_unsynced || held_.contains(path)) {
    held_[path].push_back({offset, to_buffer(data), is_lost, false});
    return;
  }
  remember(path, write_out(path, offset, data));
}

StorageStatus FileStorage::write_out(const std::string& path, std::uint64_t offset, Bytes data) {
  // A file that was durable here and that somebody has taken away is not begun anew: whoever goes
  // on writing at its end would believe that the beginning is still there.
  const bool is_expected = durable_names_.contains(path);
  std::error_code ignored;  // if a directory cannot be made, opening the file says why
  if (!is_expected) std::filesystem::create_directories(directory_of(path), ignored);
  const File file(path, is_expected ? O_WRONLY : O_WRONLY | O_CREAT);
  if (!file.is_open()) return status_of(errno);
  struct stat before{};
  const bool has_size = ::fstat(file.number(), &before) == 0 && S_ISREG(before.st_mode);
  const int error = write_all(file.number(), offset, data);
  struct stat after{};
  if (error != 0 && has_size && ::fstat(file.number(), &after) == 0 &&
      after.st_size > before.st_size) {
    // A write that found no space leaves nothing behind. If even this fails, the status is the
    // same.
    [[maybe_unused]] const int result = ::ftruncate(file.number(), before.st_size);
  }
  return status_of(error);
}

void FileStorage::write_out_held(const std::string& path) {
  const auto held = held_.find(path);
  if (held == held_.end()) return;
  bool has_lost = false;
  for (HeldWrite& write : held->second) {
    has_lost = has_lost || write.is_lost;
    if (write.is_lost || write.is_written) continue;
    remember(path, write_out(path, write.offset, write.data));
    write.is_written = true;
  }
  if (!has_lost) held_.erase(held);
}

void FileStorage::remember(const std::string& path, StorageStatus status) {
  if (status != StorageStatus::kOk) failed_writes_.try_emplace(path, status);
}

StorageStatus FileStorage::sync(std::string_view file) {
  ++counters_.syncs;
  std::string path;
  const StorageStatus status =
      path_of(file, path) ? sync_path(path) : StorageStatus::kNotFound;
  if (status != StorageStatus::kOk) ++counters_.errors;
  return status;
}

StorageStatus FileStorage::sync_path(const std::string& path) {
  write_out_held(path);
  const auto failed = failed_writes_.find(path);
  StorageStatus status = StorageStatus::kOk;
  if (failed != failed_writes_.end()) {
    status = failed->second;
    failed_writes_.erase(failed);
  }
  const File opened(path, O_RDONLY);
  if (!opened.is_open()) {
    const int error = errno;
    if (status != StorageStatus::kOk) return status;
    if (held_.contains(path)) return StorageStatus::kOk;  // its only writes were lost by a fault
    if (error == ENOENT && gone_names_.erase(path) > 0) return sync_directories(path);
    return status_of(error);
  }
  if (::fdatasync(opened.number()) != 0 && status == StorageStatus::kOk) status = status_of(errno);
  if (durable_names_.contains(path)) return status;
  const StorageStatus directories = sync_directories(path);
  if (directories == StorageStatus::kOk) durable_names_.insert(path);
  return status == StorageStatus::kOk ? directories : status;
}

/// Syncs the file's directory, those above it up to the root, and those that a rename took it from.
StorageStatus FileStorage::sync_directories(const std::string& path) {
  std::string directory = directory_of(path);
  int error = sync_directory(directory);
  while (!options_.whole_file_system && directory.size() > options_.root.size() && error == 0) {
    directory = directory_of(directory);
    error = sync_directory(directory);
  }
  const auto places = old_places_.find(path);
  if (places != old_places_.end()) {
    for (const std::string& place : places->second) {
      if (error == 0) error = sync_directory(place);
    }
    if (error == 0) old_places_.erase(places);
  }
  return status_of(error);
}

void FileStorage::forget(const std::string& path) {
  failed_writes_.erase(path);
  durable_names_.erase(path);
  old_places_.erase(path);
  held_.erase(path);
}

void FileStorage::rename(std::string_view from, std::string_view to) {
  std::string source;
  std::string target;
  if (!path_of(from, source) || !path_of(to, target) || source == target) return;
  write_out_held(source);
  std::error_code ignored;  // rename(2) says whether it worked
  std::filesystem::create_directories(directory_of(target), ignored);
  const auto held = held_.extract(source);
  if (std::rename(source.c_str(), target.c_str()) != 0 && held.empty()) {
    if (errno != ENOENT) remember(target, status_of(errno));
    return;
  }
  const auto failed = failed_writes_.extract(source);
  forget(source);
  forget(target);
  if (!held.empty()) held_[target] = std::move(held.mapped());
  if (!failed.empty()) failed_writes_[target] = failed.mapped();
  gone_names_.erase(target);
  gone_names_.insert(source);
  old_places_[target].insert(directory_of(source));
}

void FileStorage::remove(std::string_view file) {
  std::string path;
  if (!path_of(file, path)) return;
  forget(path);
  if (::unlink(path.c_str()) == 0) gone_names_.insert(path);
}

void FileStorage::flush() {
  std::vector<std::string> paths;
  for (const auto& [path, writes] : held_) paths.push_back(path);
  for (const std::string& path : paths) write_out_held(path);
}

}  // namespace twinbed::backends
