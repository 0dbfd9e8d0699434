// The network as a graph of devices and links, before anything runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/endpoint.h"
#include "sim/network/link_params.h"

namespace twinbed::sim {

enum class DeviceKind : std::uint8_t {
  kHost,    ///< runs nodes; does not forward
  kSwitch,  ///< joins the hosts of a subnet
  kRouter,  ///< forwards between subnets
  kNat,     ///< forwards; hosts on its inside can dial out, nobody outside can dial in
};

using DeviceIndex = std::uint32_t;

struct Device {
  std::string name;
  DeviceKind kind = DeviceKind::kHost;
  IpAddress address;  ///< hosts; for a NAT its outside address

  bool operator==(const Device&) const = default;
};

/// An undirected link; each direction has parameters of its own. Parallel links are allowed.
struct Link {
  DeviceIndex a = 0;
  DeviceIndex b = 0;
  LinkParams forward;   ///< from a to b
  LinkParams backward;  ///< from b to a
  bool nat_inside = false;  ///< this link leads to the inside of the NAT at one of its ends

  bool operator==(const Link&) const = default;
};

struct Topology {
  std::vector<Device> devices;
  std::vector<Link> links;

  bool operator==(const Topology&) const = default;
};

/// Whether a device passes on packets that are not its own: everything but a host does.
constexpr bool forwards(DeviceKind kind) { return kind != DeviceKind::kHost; }

/// The device of this name; names are unique within a topology.
std::optional<DeviceIndex> find_device(const Topology& topology, std::string_view name);

/// Gives each host and NAT that has no address the next one of 10.0.0.0/8 that nobody has, in the
/// order of the devices: without addresses of their own, node1 is 10.0.0.1, node2 10.0.0.2 and so
/// on.
void assign_addresses(Topology& topology);

}  // namespace twinbed::sim
