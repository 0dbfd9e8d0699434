#include "core/protocols/wfb/state_file.h"

#include <algorithm>
#include <utility>

#include "core/crypto/hash.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint64_t kRead = 0;
constexpr std::uint64_t kWritten = 1;
constexpr std::uint64_t kRenamed = 2;
constexpr std::size_t kMaxBytes = 1024;
constexpr std::size_t kCheckBytes = sizeof(Digest);

}  // namespace

void StateFile::load(Context& context) { context.storage.read(token(kRead), name_, 0, kMaxBytes); }

void StateFile::save(Context& context, Bytes record) {
  waiting_ = to_buffer(record);
  if (under_way_.empty()) begin(context);
}

void StateFile::begin(Context& context) {
  under_way_ = std::exchange(waiting_, {});
  Buffer bytes = under_way_;
  const Digest check = blake2b(under_way_);
  bytes.insert(bytes.end(), check.begin(), check.end());
  context.storage.write(new_name(), 0, bytes);
  context.storage.sync(token(kWritten), new_name());
}

StateFile::Outcome StateFile::on_storage(Context& context, const StorageResult& result) {
  const auto step = static_cast<std::uint64_t>(result.token) - first_token_;
  if (step == kRead) {
    record_.clear();
    if (result.status == StorageStatus::kNotFound) return Outcome::kLoaded;
    if (result.data.size() <= kCheckBytes) return Outcome::kDamaged;
    const Bytes record = result.data.first(result.data.size() - kCheckBytes);
    if (!std::ranges::equal(blake2b(record), result.data.last(kCheckBytes))) {
      return Outcome::kDamaged;
    }
    record_ = to_buffer(record);
    return Outcome::kLoaded;
  }
  if (step != kWritten && step != kRenamed) return Outcome::kNotMine;
  if (result.status != StorageStatus::kOk) {
    under_way_.clear();
    return Outcome::kFailed;
  }
  if (step == kWritten) {
    context.storage.rename(new_name(), name_);
    context.storage.sync(token(kRenamed), name_);
    return Outcome::kPending;
  }
  record_ = std::exchange(under_way_, {});
  if (!waiting_.empty()) begin(context);
  return Outcome::kSaved;
}

}  // namespace twinbed::wfb
