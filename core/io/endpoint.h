// IPv4 addresses and endpoints as plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace twinbed {

/// An IPv4 address, kept in host byte order so that ordering is numeric.
struct IpAddress {
  std::uint32_t value = 0;

  constexpr auto operator<=>(const IpAddress&) const = default;
  constexpr bool is_any() const { return value == 0; }
};

inline constexpr IpAddress kAnyAddress{0};
inline constexpr IpAddress kLoopback{0x7f00'0001};

/// Address and port of a UDP socket or TCP stream. Port 0 asks the host for a free one.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  constexpr auto operator<=>(const Endpoint&) const = default;
};

/// Dotted decimal.
std::string to_string(IpAddress address);
/// "10.0.0.1:7001".
std::string to_string(Endpoint endpoint);

/// Dotted decimal with four parts; names are refused, as nothing here resolves them.
Result<IpAddress> parse_address(std::string_view text);
/// "ADDRESS:PORT", the port from 0 to 65535.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace twinbed
