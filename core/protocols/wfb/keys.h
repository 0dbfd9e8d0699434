// The two key files of a WFB-NG link: each side holds its own secret key and the other side's
// public one, 64 bytes in all.
#pragma once

#include <string_view>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/crypto/key_exchange.h"

namespace twinbed::wfb {

struct KeyFile {
  static constexpr std::size_t kBytes = 64;

  SecretKey mine;
  PublicKey theirs{};

  /// The error is one sentence.
  static Result<KeyFile> read(Bytes bytes);
  Buffer write() const;
};

/// The files of both sides: `drone.key` and `gs.key`.
struct LinkKeys {
  KeyFile drone;
  KeyFile ground;
};

LinkKeys make_link_keys(Random& random);
/// The same password gives the same keys everywhere: by Argon2i with 4 passes over 32 MiB, and a
/// salt that all share. Who guesses the password has the keys.
Result<LinkKeys> link_keys_from_password(std::string_view password);

}  // namespace twinbed::wfb
