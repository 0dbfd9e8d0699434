#include "sim/network/nat.h"

namespace twinbed::sim {
namespace {

constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint16_t kLastPort = 65535;

}  // namespace

void Nat::translate_out(DeviceIndex nat, IpAddress outside, Packet& packet) {
  const Key key{nat, packet.transport};
  const auto [entry, added] = ports_.try_emplace({key, packet.from}, std::uint16_t{0});
  if (added) {
    std::uint16_t& next = next_port_.try_emplace(key, kFirstPort).first->second;
    entry->second = next;
    next = next == kLastPort ? kFirstPort : static_cast<std::uint16_t>(next + 1);
    const auto oldest = mappings_.find({key, entry->second});
    if (oldest != mappings_.end()) ports_.erase({key, oldest->second.endpoint});
    mappings_[{key, entry->second}] = {packet.from, packet.source, {}};
  }
  mappings_[{key, entry->second}].contacted.insert(packet.to);
  packet.from = {outside, entry->second};
}

bool Nat::translate_in(DeviceIndex nat, Packet& packet, DeviceIndex& inside_host) const {
  const auto found = mappings_.find({{nat, packet.transport}, packet.to.port});
  if (found == mappings_.end() || !found->second.contacted.contains(packet.from)) return false;
  packet.to = found->second.endpoint;
  inside_host = found->second.host;
  return true;
}

}  // namespace twinbed::sim
