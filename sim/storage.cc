#include "sim/storage.h"

#include <algorithm>
#include <utility>

#include "core/io/file_name.h"

namespace twinbed::sim {

StorageStatus SimStorage::read(std::string_view file, std::uint64_t offset, std::uint64_t size,
                               Buffer& out) const {
  out.clear();
  const auto found = visible_.find(file);
  if (found == visible_.end()) return StorageStatus::kNotFound;
  const Buffer& content = found->second->content;
  if (offset >= content.size()) return StorageStatus::kOk;
  const std::uint64_t count = std::min<std::uint64_t>(size, content.size() - offset);
  const auto begin = content.begin() + static_cast<std::ptrdiff_t>(offset);
  out.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  return StorageStatus::kOk;
}

SimStorage::File& SimStorage::open_for_write(std::string_view file) {
  const auto found = visible_.find(file);
  if (found != visible_.end()) return *found->second;
  return *visible_.emplace(std::string(file), std::make_shared<File>()).first->second;
}

void SimStorage::write(std::string_view name, std::uint64_t offset, Bytes data) {
  if (!is_plain_file_name(name)) return;
  File& file = open_for_write(name);
  if (fault_.full) {
    file.failure = StorageStatus::kNoSpace;
    ++touched_;
    return;
  }
  const std::uint64_t end = offset + data.size();
  if (file.content.size() < end) file.content.resize(end);
  std::copy(data.begin(), data.end(), file.content.begin() + static_cast<std::ptrdiff_t>(offset));
  if (random_.chance(fault_.lose_write)) {
    ++touched_;
    return;  // visible until the crash, but no sync will ever make it durable
  }
  const bool clean = file.dirty_from == file.dirty_to;
  file.dirty_from = clean ? offset : std::min(file.dirty_from, offset);
  file.dirty_to = std::max(clean ? end : file.dirty_to, end);
}

void SimStorage::make_durable(File& file) {
  if (file.dirty_from == file.dirty_to) return;
  file.durable.resize(std::max<std::size_t>(file.durable.size(), file.dirty_to));
  std::copy(file.content.begin() + static_cast<std::ptrdiff_t>(file.dirty_from),
            file.content.begin() + static_cast<std::ptrdiff_t>(file.dirty_to),
            file.durable.begin() + static_cast<std::ptrdiff_t>(file.dirty_from));
  file.dirty_from = file.dirty_to = 0;
}

StorageStatus SimStorage::sync(std::string_view name) {
  if (fault_.sync_delay > Duration{} || fault_.sync_jitter > Duration{}) ++touched_;
  const auto found = visible_.find(name);
  if (found == visible_.end()) {
    // The removal, or the rename away from this name, becomes durable.
    const auto old = durable_.find(name);
    if (old == durable_.end()) return StorageStatus::kNotFound;
    durable_.erase(old);
    return StorageStatus::kOk;
  }
  File& file = *found->second;
  make_durable(file);
  std::erase_if(durable_, [&](const auto& entry) {
    return entry.second == found->second && !visible_.contains(entry.first);
  });
  durable_[found->first] = found->second;
  return std::exchange(file.failure, StorageStatus::kOk);
}

void SimStorage::rename(std::string_view from, std::string_view to) {
  const auto found = visible_.find(from);
  if (found == visible_.end() || !is_plain_file_name(to) || from == to) return;
  FilePtr file = found->second;
  visible_.erase(found);
  visible_.insert_or_assign(std::string(to), std::move(file));
}

void SimStorage::remove(std::string_view file) {
  const auto found = visible_.find(file);
  if (found != visible_.end()) visible_.erase(found);
}

void SimStorage::preload(std::string_view name, Bytes data) {
  auto file = std::make_shared<File>();
  file->content = file->durable = to_buffer(data);
  visible_.insert_or_assign(std::string(name), file);
  durable_.insert_or_assign(std::string(name), file);
}

void SimStorage::crash() {
  for (auto& [name, file] : durable_) {
    if (file->dirty_from < file->dirty_to && random_.chance(fault_.tear_write)) {
      const std::uint64_t length = file->dirty_to - file->dirty_from;
      file->dirty_to = file->dirty_from + random_.below(length + 1);
      make_durable(*file);
      ++touched_;
    }
    file->content = file->durable;
    file->dirty_from = file->dirty_to = 0;
    file->failure = StorageStatus::kOk;
  }
  visible_ = durable_;
}

void SimStorage::erase() {
  visible_.clear();
  durable_.clear();
}

std::vector<std::string> SimStorage::list() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : visible_) names.push_back(name);
  return names;
}

}  // namespace twinbed::sim
