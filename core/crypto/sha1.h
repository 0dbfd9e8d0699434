// SHA-1 (FIPS 180-4), for numbers that others derive from names with it. It secures nothing.
#pragma once

#include <array>

#include "core/base/bytes.h"

namespace twinbed {

std::array<std::byte, 20> sha1(Bytes bytes);

}  // namespace twinbed
