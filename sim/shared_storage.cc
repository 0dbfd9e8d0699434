#include "sim/shared_storage.h"

#include <algorithm>
#include <utility>

#include "core/base/random.h"
#include "sim/file_content.h"

namespace twinbed::sim {
StorageStatus SharedStorage::read(std::string_view file, std::uint64_t offset, std::uint64_t size,
                                  Buffer& out) const {
  out.clear();
  const auto found = files_.find(file);
  if (found == files_.end()) return StorageStatus::kNotFound;
  read_part(found->second->content, offset, size, out);
  return StorageStatus::kOk;
}

void SharedStorage::write(Member member, std::string_view name, std::uint64_t offset, Bytes data,
                          WriteFate fate) {
  auto found = files_.find(name);
  if (found == files_.end()) {
    found = files_.emplace(std::string(name), std::make_unique<File>()).first;
  }
  File& file = *found->second;
  Unsynced& part = file.unsynced[member];
  if (fate == WriteFate::kNoSpace) {
    part.failure = StorageStatus::kNoSpace;
    return;
  }
  write_part(file.content, offset, data);
  if (fate == WriteFate::kLost) {
    part.has_lost = true;
    return;
  }
  const std::uint64_t end = offset + data.size();
  const bool is_first = part.from == part.to;
  part.from = is_first ? offset : std::min(part.from, offset);
  part.to = is_first ? end : std::max(part.to, end);
}

StorageStatus SharedStorage::sync(Member member, std::string_view name) {
  const auto found = files_.find(name);
  if (found == files_.end()) return StorageStatus::kNotFound;
  File& file = *found->second;
  const auto found_part = file.unsynced.find(member);
  if (found_part == file.unsynced.end()) return StorageStatus::kOk;
  const Unsynced part = found_part->second;
  copy_part(file.content, part.from, part.to, file.durable);
  file.unsynced.erase(found_part);
  if (part.has_lost) file.unsynced[member].has_lost = true;
  return part.failure;
}

void SharedStorage::rename(std::string_view from, std::string_view to) {
  const auto found = files_.find(from);
  if (found == files_.end() || from == to) return;
  std::unique_ptr<File> file = std::move(found->second);
  files_.erase(found);
  files_.insert_or_assign(std::string(to), std::move(file));
}

void SharedStorage::remove(std::string_view name) {
  const auto found = files_.find(name);
  if (found != files_.end()) files_.erase(found);
}

void SharedStorage::preload(std::string_view name, Bytes data) {
  auto file = std::make_unique<File>();
  file->content = file->durable = to_buffer(data);
  files_.insert_or_assign(std::string(name), std::move(file));
}

std::uint64_t SharedStorage::crash(Member member, double tear, Random& random) {
  std::uint64_t torn = 0;
  for (auto& [name, file] : files_) {
    const auto found = file->unsynced.find(member);
    if (found == file->unsynced.end()) continue;
    Unsynced part = found->second;
    file->unsynced.erase(found);
    if (part.from < part.to && random.chance(tear)) {
      part.to = part.from + random.below(part.to - part.from + 1);
      copy_part(file->content, part.from, part.to, file->durable);
      ++torn;
    }
    Buffer left = file->durable;
    for (const auto& [other, theirs] : file->unsynced) {
      copy_part(file->content, theirs.from, theirs.to, left);
    }
    file->content = std::move(left);
  }
  return torn;
}

std::vector<std::string> SharedStorage::list() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

}  // namespace twinbed::sim
