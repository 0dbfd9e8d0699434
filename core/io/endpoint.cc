#include "core/io/endpoint.h"

#include <charconv>

namespace twinbed {
namespace {

/// A decimal number without sign, leading zeros or spaces, at most `limit`.
bool parse_number(std::string_view text, std::uint32_t limit, std::uint32_t& out) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size() && out <= limit;
}

}  // namespace

std::string to_string(IpAddress address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string((address.value >> shift) & 255);
    if (shift > 0) text += '.';
  }
  return text;
}

std::string to_string(Endpoint endpoint) {
  return to_string(endpoint.address) + ":" + std::to_string(endpoint.port);
}

Result<IpAddress> parse_address(std::string_view text) {
  const std::string whole(text);
  IpAddress address;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    std::uint32_t number = 0;
    if (dot == std::string_view::npos || !parse_number(text.substr(0, dot), 255, number)) {
      return Error{"'" + whole + "' is not an IPv4 address such as 10.0.0.1"};
    }
    address.value = address.value << 8 | number;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return address;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint32_t port = 0;
  if (colon == std::string_view::npos || !parse_number(text.substr(colon + 1), 65535, port)) {
    return Error{"'" + std::string(text) + "' is not an endpoint such as 10.0.0.1:7001"};
  }
  Result<IpAddress> address = parse_address(text.substr(0, colon));
  if (!address) return Error{address.error()};
  return Endpoint{*address, static_cast<std::uint16_t>(port)};
}

}  // namespace twinbed
