// A scenario: everything that a run needs but its seed and its mode. One struct, whether it comes
// from YAML, from Python or from C++.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/io/endpoint.h"
#include "scenarios/radio_spec.h"
#include "sim/faults/plan.h"
#include "sim/network/link_params.h"
#include "sim/network/topology.h"

namespace twinbed::scenarios {

/// A protocol's option as written: the protocol's factory gives it meaning and checks it.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, Duration>;
using Options = std::map<std::string, OptionValue>;

/// Which protocol the nodes run, and how.
struct ProtocolSpec {
  std::string name;               ///< "election", "pingpong", ...
  std::string policy = "robust";  ///< "original" or "robust"
  Options options;                ///< of the protocol, the same for every node

  bool operator==(const ProtocolSpec&) const = default;
};

struct ClockSpec {
  Duration offset{};     ///< of the wall clock at the start
  double drift_ppm = 0;

  bool operator==(const ClockSpec&) const = default;
};

/// Bytes drawn for one file of one node: the same in every run, simulated or real, and of no other
/// file (ScenarioFiles::of_node).
struct RandomFile {
  std::uint64_t size_bytes = 0;

  bool operator==(const RandomFile&) const = default;
};
/// Where a file in a node's storage comes from: a file of this name, or the random stream.
using FileSource = std::variant<std::string, RandomFile>;

struct NodeSpec {
  std::string name;
  std::string role;              ///< the protocol's word: "server", "client"
  std::string host;              ///< device it runs on; empty: a host of its own name
  std::uint16_t port = 0;        ///< where it listens, 0 if it need not
  Options options;               ///< on top of the protocol's
  ClockSpec clock;
  std::map<std::string, FileSource> files;  ///< name in the node's storage -> what is put there
  sim::Position position;                   ///< in metres; counts where there are cards
  std::optional<MobilitySpec> mobility;     ///< absent: it stays where it is
  std::vector<sim::CardOptions> cards;      ///< interface 0, 1, ...

  bool operator==(const NodeSpec&) const = default;
};

/// A directory that several nodes see, as on a network file system (sim/shared_storage.h).
struct SharedStorageSpec {
  std::string path;                ///< in the storage of each of the nodes, "images/"
  std::vector<std::string> nodes;

  bool operator==(const SharedStorageSpec&) const = default;
};

/// The shapes of network that can be made for the nodes (sim/network/generators.h).
inline constexpr std::array<std::string_view, 6> kGenerators{
    "star", "line", "ring", "grid", "tree", "random-geometric"};

/// The network. Hosts that are not named by devices are added and joined to the first switch.
struct NetworkSpec {
  std::string generator;   ///< one of kGenerators, or empty
  Options generator_options;
  std::string file;        ///< a GraphML or GML file, relative to the scenario file; or empty
  sim::LinkParams link;    ///< of every link that does not say otherwise
  std::vector<sim::Device> devices;
  struct NamedLink {
    std::string a;
    std::string b;
    std::optional<sim::LinkParams> params;  ///< absent: the default link's
    bool nat_inside = false;

    bool operator==(const NamedLink&) const = default;
  };
  std::vector<NamedLink> links;

  bool operator==(const NetworkSpec&) const = default;
};

/// A command given to nodes at a time: what a user would type.
struct WorkloadItem {
  sim::DurationRange at;
  std::optional<Duration> every;  ///< repeat with this period
  std::uint32_t count = 1;        ///< so many times
  std::string node;
  std::string command;            ///< "{n}" becomes the number of the repetition, from 1

  bool operator==(const WorkloadItem&) const = default;
};

struct CheckerSpec {
  std::string name;
  Options options;
  /// Verdict expected under each policy: "valid", "invalid" or "unknown"; absent: "valid".
  std::map<std::string, std::string> expect;

  bool operator==(const CheckerSpec&) const = default;
};

struct Scenario {
  int version = 1;
  std::string name;
  std::string question;  ///< one sentence: what the scenario is there to find out
  Duration duration{};
  ProtocolSpec protocol;
  std::vector<NodeSpec> nodes;
  std::vector<SharedStorageSpec> shared_storage;
  NetworkSpec network;
  std::optional<RadioSpec> radio;
  std::vector<WorkloadItem> workload;
  sim::FaultPlan faults;
  std::vector<CheckerSpec> checkers;
  std::string directory;  ///< of the scenario file; relative file names start here

  bool operator==(const Scenario&) const = default;
};

}  // namespace twinbed::scenarios
