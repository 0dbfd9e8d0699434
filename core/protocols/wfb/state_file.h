// A small record that outlives its program: one file that is replaced as a whole, or not at all.
//
//   save ──► NAME.new written ──► synced ──► renamed to NAME ──► synced ──► kSaved
//
// A record that is saved while another one is under way waits; of several that wait the last
// counts.
#pragma once

#include <string>

#include "core/io/protocol.h"

namespace twinbed::wfb {

class StateFile {
 public:
  enum class Outcome : std::uint8_t {
    kNotMine,  ///< the answer belongs to somebody else
    kPending,  ///< there is more to come
    kLoaded,   ///< record() is what was found: empty where there is none
    kDamaged,  ///< the same, but there was something that cannot be read
    kSaved,    ///< record() is what is durable
    kFailed,   ///< the disk did not take it; nothing is under way
  };

  /// Uses three tokens from the first one on. Records are of one size.
  StateFile(std::string name, std::uint64_t first_token)
      : name_(std::move(name)), first_token_(first_token) {}

  void load(Context& context);
  void save(Context& context, Bytes record);
  Outcome on_storage(Context& context, const StorageResult& result);

  const Buffer& record() const { return record_; }
  const std::string& name() const { return name_; }

 private:
  StorageToken token(std::uint64_t step) const { return StorageToken{first_token_ + step}; }
  std::string new_name() const { return name_ + ".new"; }
  void begin(Context& context);

  std::string name_;
  std::uint64_t first_token_;
  Buffer record_;
  Buffer under_way_;
  Buffer waiting_;
};

}  // namespace twinbed::wfb
