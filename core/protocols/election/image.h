// The names under which images are stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"

namespace twinbed::election {

/// "png" or "jpg" by the first bytes (PNG signature, RFC 2083 section 3.1; JPEG start of image),
/// else "bin".
std::string_view image_extension(Bytes image);

/// Whether a request id may become part of a file name: 1 to 128 letters, digits, '-' and '_'.
bool is_plain_id(std::string_view id);

/// "ID_CLIENTIP_CLIENTPORT_UNIXSECONDS.EXT", as the original names what it stores.
std::string image_name(std::string_view id, const Endpoint& client, std::int64_t unix_seconds,
                       std::string_view extension);

/// Whole seconds since 1970.
std::int64_t unix_seconds(WallTime at);

}  // namespace twinbed::election
