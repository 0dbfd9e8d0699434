#include "sim/storage.h"

#include <algorithm>
#include <utility>

#include "core/io/file_name.h"
#include "sim/file_content.h"

namespace twinbed::sim {

void SimStorage::mount(std::string prefix, std::shared_ptr<SharedStorage> shared) {
  const SharedStorage::Member self = shared->join();
  mounts_.push_back({std::move(prefix), std::move(shared), self});
}

const SimStorage::Mount* SimStorage::mount_of(std::string_view file) const {
  const auto found = std::find_if(mounts_.begin(), mounts_.end(), [file](const Mount& mount) {
    return file.starts_with(mount.prefix);
  });
  return found == mounts_.end() ? nullptr : &*found;
}

WriteFate SimStorage::draw_fate() {
  const bool is_lost = !fault_.full && random_.chance(fault_.lose_write);
  if (fault_.full || is_lost) ++touched_;
  return fault_.full ? WriteFate::kNoSpace : is_lost ? WriteFate::kLost : WriteFate::kTaken;
}

StorageStatus SimStorage::read(std::string_view file, std::uint64_t offset, std::uint64_t size,
                               Buffer& out) const {
  if (const Mount* mount = mount_of(file)) return mount->shared->read(file, offset, size, out);
  out.clear();
  const auto found = visible_.find(file);
  if (found == visible_.end()) return StorageStatus::kNotFound;
  read_part(found->second->content, offset, size, out);
  return StorageStatus::kOk;
}

SimStorage::File& SimStorage::open_for_write(std::string_view file) {
  const auto found = visible_.find(file);
  if (found != visible_.end()) return *found->second;
  return *visible_.emplace(std::string(file), std::make_shared<File>()).first->second;
}

void SimStorage::write(std::string_view name, std::uint64_t offset, Bytes data) {
  if (!is_plain_file_name(name)) return;
  const WriteFate fate = draw_fate();
  if (const Mount* mount = mount_of(name)) {
    mount->shared->write(mount->self, name, offset, data, fate);
    return;
  }
  File& file = open_for_write(name);
  if (fate == WriteFate::kNoSpace) {
    file.failure = StorageStatus::kNoSpace;
    return;
  }
  write_part(file.content, offset, data);
  if (fate == WriteFate::kLost) return;
  const std::uint64_t end = offset + data.size();
  const bool clean = file.dirty_from == file.dirty_to;
  file.dirty_from = clean ? offset : std::min(file.dirty_from, offset);
  file.dirty_to = std::max(clean ? end : file.dirty_to, end);
}

void SimStorage::make_durable(File& file) {
  copy_part(file.content, file.dirty_from, file.dirty_to, file.durable);
  file.dirty_from = file.dirty_to = 0;
}

StorageStatus SimStorage::sync(std::string_view name) {
  if (fault_.sync_delay > Duration{} || fault_.sync_jitter > Duration{}) ++touched_;
  if (const Mount* mount = mount_of(name)) return mount->shared->sync(mount->self, name);
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
  const Mount* const mount = mount_of(from);
  if (mount != mount_of(to)) return;
  if (mount != nullptr) {
    if (is_plain_file_name(to)) mount->shared->rename(from, to);
    return;
  }
  const auto found = visible_.find(from);
  if (found == visible_.end() || !is_plain_file_name(to) || from == to) return;
  FilePtr file = found->second;
  visible_.erase(found);
  visible_.insert_or_assign(std::string(to), std::move(file));
}

void SimStorage::remove(std::string_view file) {
  if (const Mount* mount = mount_of(file)) {
    mount->shared->remove(file);
    return;
  }
  const auto found = visible_.find(file);
  if (found != visible_.end()) visible_.erase(found);
}

void SimStorage::preload(std::string_view name, Bytes data) {
  if (const Mount* mount = mount_of(name)) {
    mount->shared->preload(name, data);
    return;
  }
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
  for (const Mount& mount : mounts_) {
    touched_ += mount.shared->crash(mount.self, fault_.tear_write, random_);
  }
}

void SimStorage::erase() {
  visible_.clear();
  durable_.clear();
}

std::vector<std::string> SimStorage::list() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : visible_) names.push_back(name);
  for (const Mount& mount : mounts_) {
    for (std::string& name : mount.shared->list()) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace twinbed::sim
