#include "sim/network/topology.h"

#include <set>

#include "core/base/check.h"

namespace twinbed::sim {

std::optional<DeviceIndex> find_device(const Topology& topology, std::string_view name) {
  for (std::size_t i = 0; i < topology.devices.size(); ++i) {
    if (topology.devices[i].name == name) return static_cast<DeviceIndex>(i);
  }
  return std::nullopt;
}

void assign_addresses(Topology& topology) {
  std::set<IpAddress> taken;
  for (const Device& device : topology.devices) taken.insert(device.address);
  IpAddress next{0x0a00'0001};
  for (Device& device : topology.devices) {
    const bool needs_one = device.kind == DeviceKind::kHost || device.kind == DeviceKind::kNat;
    if (!needs_one || !device.address.is_any()) continue;
    while (taken.contains(next)) ++next.value;
    TWINBED_CHECK(next.value < 0x0aff'ffff, "a topology has more hosts than 10.0.0.0/8 addresses");
    device.address = next;
    ++next.value;
  }
}

}  // namespace twinbed::sim
