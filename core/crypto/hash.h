// The content hash by which stored items are compared across nodes and runs.
#pragma once

#include <string>

#include "core/base/bytes.h"

namespace twinbed {

/// BLAKE2b-256 without a key (RFC 7693), as 64 lower-case hexadecimal digits.
std::string blake2b_hex(Bytes bytes);

}  // namespace twinbed
