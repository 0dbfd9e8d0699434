// Measures: figures of a run, computed from its rows like the verdicts of checkers, and stored as
// metric samples at the run's end.
//
// A failover begins when a node that holds the leader's role crashes, is stopped, restarted, paused
// or hung, or is cut off from the majority of the servers. Each yields its own rows:
//
//     fault ──► a live server suspects it ──► another server leads ──► every other server knows it
//       │             failover.detect            failover.elect               failover.view
//       └────────────────── all three in seconds from the fault
//
// How a system of servers gets its first leader is measured where they record what they execute of
// a common log (raft.apply): a leader that is deposed before it has executed anything did not last,
// and the time counts for the one that did.
//
//     start of the run ──► a server takes the lead ──► and executes an entry in that lead
//       └─────── leaders.first ─────────┘
//
// Where sources send datagrams, what became of them over the whole run, but for what may still be
// under way at its end (see traffic_ledger.h).
//
// A figure that the rows do not give is left out, never reported as zero. A leader that comes back
// from a pause, hang or cut before anybody suspected it was not failed over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/io/run_sink.h"
#include "sim/checkers/checker.h"

namespace twinbed::sim {

inline constexpr Metric kFailoverDetect{
    "failover.detect", "s",
    "from the fault of a leader until a live server first suspects it; the node is that server"};
inline constexpr Metric kFailoverElect{
    "failover.elect", "s",
    "from the fault of a leader until another live server leads; the node is the new leader"};
inline constexpr Metric kFailoverView{
    "failover.view", "s",
    "from the fault of a leader until this server has a new one in view; no node: the last server"};
inline constexpr Metric kImagesSubmitted{"images.submitted", "1",
                                         "different items that clients handed over"};
inline constexpr Metric kImagesAcknowledged{"images.acknowledged", "1",
                                            "different items that clients were promised"};
inline constexpr Metric kImagesStored{"images.stored", "1",
                                      "different items that lie on some node at the end"};
inline constexpr Metric kImagesLost{"images.lost", "1",
                                    "items that were handed over and lie on no node at the end"};
inline constexpr Metric kLeadersDual{"leaders.dual", "s",
                                     "total time during which two or more live nodes led"};
inline constexpr Metric kLeadersChanges{
    "leaders.changes", "1", "how often a node took the lead after another one"};
inline constexpr Metric kLeadersFirst{
    "leaders.first", "s",
    "from the start of the run until the first leader that lasted took the lead; the node is it"};
inline constexpr Metric kLeadersFirstTerm{"leaders.first_term", "1",
                                          "the term in which it took the lead"};

inline constexpr Metric kTrafficLost{"traffic.lost", "1",
                                     "share of the datagrams of all sources that never arrived"};
inline constexpr Metric kTrafficPause{"traffic.pause", "s",
                                      "the longest time in which nothing new arrived"};
inline constexpr Metric kTrafficDelay{"traffic.delay", "s",
                                      "mean time under way of the datagrams that arrived"};

/// One figure of a run.
struct Measurement {
  Metric metric;
  double value = 0;
  std::optional<NodeId> node{};
};

/// The figures above. The rows must come in time order.
class RunMeasures final : public RunSink {
 public:
  /// `leader_role` is the role, as recorded, that leads; `server_role` the scenario's word for the
  /// nodes among which the lead passes. Nodes without a role count as servers.
  explicit RunMeasures(const RunNodes& nodes, std::string leader_role = "leader",
                           std::string server_role = "server");
  ~RunMeasures() override;

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override;
  void fault(Time at, const FaultRow& fault) override;

  /// The figures: of each failover in the order of time, then of images, of leaders and of
  /// traffic. `end` as for checkers. Called once.
  std::vector<Measurement> finish(Time end);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinbed::sim
