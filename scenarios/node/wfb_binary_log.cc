#include "scenarios/node/wfb_binary_log.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMostWaiting = std::size_t{4} << 20;
constexpr auto kDurableEvery = std::chrono::seconds(10);
constexpr int kMostFilesOfASecond = 1000;
constexpr mode_t kMode = 0644;

std::string local_time(std::int64_t unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &parts);
  return {text.data(), length};
}

Error creation_error(const std::string& path, int error) {
  return {"the binary log " + path + " cannot be created: " +
          std::generic_category().message(error) +
          "; set log_dir to a directory that can be written, or binary_log_file to None"};
}

}  // namespace

/// A file of gzip, whose writes wait for the disk.
class WfbBinaryLog::File {
 public:
  File(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor), stream_(::gzdopen(descriptor, "wb")) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (stream_ != nullptr) ::gzclose(stream_);
  }

  const std::string& path() const { return path_; }
  bool is_open() const { return stream_ != nullptr; }
  bool write(Bytes records) {
    const auto size = static_cast<unsigned>(records.size());
    return records.empty() || ::gzwrite(stream_, records.data(), size) == static_cast<int>(size);
  }
  bool make_durable() {
    return ::gzflush(stream_, Z_SYNC_FLUSH) == Z_OK && ::fdatasync(descriptor_) == 0;
  }
  /// Why a write has failed.
  std::string reason() const {
    int code = Z_OK;
    const char* const text = ::gzerror(stream_, &code);
    return code == Z_ERRNO || code == Z_OK ? std::generic_category().message(errno) : text;
  }

 private:
  std::string path_;
  int descriptor_;
  gzFile stream_;  ///< closes the descriptor
};

Result<std::unique_ptr<WfbBinaryLog>> WfbBinaryLog::create(backends::EventLoop& loop,
                                                           const std::string& path,
                                                           std::int64_t unix_seconds, Say say) {
  const std::string first = path + "." + local_time(unix_seconds);
  std::string name = first;
  int descriptor = -1;
  for (int i = 2; i <= kMostFilesOfASecond; ++i) {
    descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (descriptor >= 0 || errno != EEXIST) break;
    name = first + "-" + std::to_string(i);
  }
  if (descriptor < 0) return creation_error(name, errno);
  auto file = std::make_unique<File>(name, descriptor);
  if (!file->is_open()) {
    ::close(descriptor);
    return creation_error(name, ENOMEM);
  }
  return std::unique_ptr<WfbBinaryLog>(
      new WfbBinaryLog(loop, std::move(file), std::move(say)));
}

WfbBinaryLog::WfbBinaryLog(backends::EventLoop& loop, std::unique_ptr<File> file, Say say)
    : loop_(loop),
      say_(std::move(say)),
      file_(std::move(file)),
      thread_([this] { write_until_end(); }) {}

WfbBinaryLog::~WfbBinaryLog() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  has_changed_.notify_one();
  thread_.join();
}

void WfbBinaryLog::add(Bytes record) {
  {
    const std::lock_guard lock(mutex_);
    if (has_failed_) return;
    if (waiting_.size() + record.size() > kMostWaiting) {
      has_lost_ = true;
      return;
    }
    waiting_.insert(waiting_.end(), record.begin(), record.end());
  }
  has_changed_.notify_one();
}

void WfbBinaryLog::write_until_end() {
  auto durable_at = std::chrono::steady_clock::now() + kDurableEvery;
  bool is_durable = true;
  bool is_well = true;
  std::unique_lock lock(mutex_);
  while (is_well && !(is_over_ && waiting_.empty())) {
    const auto has_work = [this] { return is_over_ || !waiting_.empty(); };
    if (is_durable) {
      has_changed_.wait(lock, has_work);
    } else {
      has_changed_.wait_until(lock, durable_at, has_work);
    }
    const Buffer records = std::exchange(waiting_, {});
    const bool has_lost = std::exchange(has_lost_, false);
    lock.unlock();
    if (has_lost) tell("the disk is too slow for the binary log " + file_->path() +
                       ", and some records are lost");
    if (is_durable) durable_at = std::chrono::steady_clock::now() + kDurableEvery;
    is_durable = is_durable && records.empty();
    is_well = file_->write(records);
    if (is_well && !is_durable && std::chrono::steady_clock::now() >= durable_at) {
      is_well = is_durable = file_->make_durable();
    }
    if (!is_well) {
      tell("the binary log " + file_->path() + " ends here, it cannot be written: " +
           file_->reason());
    }
    lock.lock();
  }
  has_failed_ = !is_well;
}

void WfbBinaryLog::tell(const std::string& sentence) {
  loop_.post([say = say_, sentence] { say(sentence); });
}

std::string binary_log_path(const std::string& directory, std::string name,
                            const std::string& profile) {
  constexpr std::string_view kProfile = "%s";
  if (const std::size_t place = name.find(kProfile); place != name.npos) {
    name.replace(place, kProfile.size(), profile);
  }
  return (std::filesystem::path(directory) / name).string();
}

}  // namespace twinbed::scenarios
