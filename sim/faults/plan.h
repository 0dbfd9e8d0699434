// A fault plan is data: what happens when, to whom, and for how long.
//
// The scenario holds a plan with ranges ("at 20 to 21 s") and selectors ("the leader"). The ranges
// are drawn from the run's seed before it starts (draw_plan); selectors are resolved when the fault
// takes effect. What was drawn and whom it hit is recorded.
//
// A fault begins at its time, or waits from then on for an event that a node records:
//
//     at ──────────────────────────► begins ──── lasts ────► ends
//     at, on ──► nth event of any node ──► begins ──── lasts ────► ends
//
// A crash that hits the node that recorded the event kills it at that very step: the handler's
// further records and all its requests are lost. Any other fault begins when the handler's requests
// have been carried out. A fault whose event never comes leaves no row.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/io/radio.h"
#include "sim/medium/position.h"
#include "sim/network/link_params.h"

namespace twinbed::sim {

enum class FaultAction : std::uint8_t {
  kCrash,      ///< the process dies: memory, unsynced writes and connections are gone
  kRestart,    ///< a crashed (or running) process is started anew, by default with its disk
  kStop,       ///< the process is asked to end in good order (SIGTERM)
  kPause,      ///< nothing of the process runs (SIGSTOP); its kernel still answers
  kHang,       ///< the process takes its input and loses it; what its timers and its disk have to
               ///< say it learns when the hang is over
  kPartition,  ///< packets between groups of nodes are dropped
  kLink,       ///< links get other parameters
  kClock,      ///< a node's clock is stepped or drifts
  kDisk,       ///< a node's disk is slow, full, or tears or loses writes
  kJam,        ///< a transmitter of noise
  kFade,       ///< all radio signals from and to a node lose strength
  kAntennaOff,  ///< an antenna of a radio card hears nothing
  kUnplug,     ///< a radio card is gone; when the fault ends it is back
  kChannel,    ///< a radio card is tuned to another channel, and back when the fault ends
  kDutyCycle,  ///< a radio card is awake for a part of the time only
};

/// What a crash is, as far as the peers can tell.
enum class CrashCause : std::uint8_t {
  kKill,          ///< the process alone dies (kill -9): its kernel ends the connections
  kPowerFailure,  ///< its host falls silent, with all nodes on it, until one of them starts again
};

enum class PartitionKind : std::uint8_t {
  kGroups,          ///< nodes of different groups cannot reach each other
  kOneWay,          ///< packets from group 0 to group 1 are dropped, the others pass
  kIsolate,         ///< the selected nodes can reach nobody, each other included
  kBridge,          ///< two halves that only the selected (or middle) node can reach
  kMajoritiesRing,  ///< every node sees a majority, no two see the same one
  kMinCut,          ///< the fewest links between the two selected nodes are cut
};

/// The role of the node that recorded the event on which a fault begins.
inline constexpr std::string_view kRecorderRole = "recorder";

/// Which nodes: by name, by role as last recorded (kRoleEvent) or kRecorderRole, or a number of
/// random ones. Names and roles add up; `count` then draws that many of them from the seed, 0 takes
/// all.
struct Selector {
  std::vector<std::string> nodes;
  std::string role;
  std::uint32_t count = 0;

  bool empty() const { return nodes.empty() && role.empty() && count == 0; }
  bool operator==(const Selector&) const = default;
};

struct DurationRange {
  Duration low{};
  Duration high{};

  bool operator==(const DurationRange&) const = default;
};

struct ClockFault {
  Duration step{};       ///< added to the wall clock at once
  double drift_ppm = 0;  ///< both clocks run fast by this many parts per million

  bool operator==(const ClockFault&) const = default;
};

struct DiskFault {
  Duration sync_delay{};      ///< every sync takes this much longer
  Duration sync_jitter{};     ///< and a time drawn from an exponential distribution of this mean
  bool full = false;          ///< writes find no space
  double lose_write = 0;      ///< probability that an acknowledged write never reaches the disk
  double tear_write = 0;      ///< probability that a crash leaves a prefix of an unsynced write

  bool operator==(const DiskFault&) const = default;
};

/// What goes wrong with radios; which members mean something depends on the action.
struct RadioFault {
  std::optional<std::uint32_t> interface;  ///< of each selected node; absent: all its cards
  std::uint32_t antenna = 0;        ///< kAntennaOff
  ChannelMhz channel{};             ///< kChannel
  double loss_db = 0;               ///< kFade
  Position position;                ///< kJam
  double power_dbm = 0;             ///< kJam: within the band
  std::array<std::uint32_t, 2> band_mhz{};  ///< kJam: lowest and highest frequency
  Duration period{};                ///< kJam, kDutyCycle: of on and off; 0: always on
  double duty = 1;                  ///< kJam, kDutyCycle: the part of the period that is on

  bool operator==(const RadioFault&) const = default;
};

struct FaultSpec {
  FaultAction action{};
  DurationRange at;                 ///< from the start of the run; with `on`, not before
  std::string on;                   ///< name of an event type to wait for; empty: none
  std::uint32_t nth = 1;            ///< which of these events since `at`, of any node
  std::optional<DurationRange> lasts;  ///< undone after this long; absent: until the end
  Selector select;                  ///< whom; for kPartition see the kind
  CrashCause cause = CrashCause::kKill;  ///< kCrash
  PartitionKind partition = PartitionKind::kGroups;
  std::vector<Selector> groups;     ///< kGroups, kOneWay (two), kMinCut (two nodes)
  bool with_disk = true;            ///< kRestart: keep what was synced
  LinkParams link;                  ///< kLink: combined with the link's own while it lasts
  std::optional<std::vector<std::string>> link_between;  ///< kLink: two node or device names
  ClockFault clock;
  DiskFault disk;
  RadioFault radio;

  bool operator==(const FaultSpec&) const = default;
};

using FaultPlan = std::vector<FaultSpec>;

/// A disk that suffers from both faults; delays and means of jitters add up.
DiskFault combine(const DiskFault& a, const DiskFault& b);
/// How much longer one sync takes; draws only where there is jitter.
Duration draw_sync_delay(const DiskFault& fault, Random& random);

/// Whether the fault concerns radios.
bool is_radio_fault(FaultAction action);

/// "crash", "restart", ... as in scenario files.
std::string_view to_string(FaultAction action);
/// "kill", "power-failure".
std::string_view to_string(CrashCause cause);
/// "groups", "one-way", "isolate", "bridge", "majorities-ring", "min-cut".
std::string_view to_string(PartitionKind kind);

}  // namespace twinbed::sim
