// The checkers that the robust cloud-p2p satisfies (imagestore_random_test.cc), on the original: in
// the runs that show its defects they must say so.
#include <gtest/gtest.h>

#include "core/protocols/election/client.h"
#include "core/protocols/election/original_node.h"
#include "sim/checkers/checker.h"
#include "sim/simulator.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;

const std::string kKey(64, '1');

/// Three original servers, node1 to node3, and their client, node4, in the simulator.
class OriginalWorld {
 public:
  OriginalWorld(std::string_view checker, const sim::CheckerOptions& options)
      : topology_(star_topology(4)), checker_(make(checker, options)),
        simulator_(1, topology_, *checker_) {
    for (std::uint32_t id = 1; id <= 3; ++id) {
      peers_.push_back({id, {topology_.devices[id].address, 7001}});
    }
    for (std::uint32_t number = 1; number <= 4; ++number) {
      simulator_.add_node({"node" + std::to_string(number), number < 4 ? "server" : "client",
                           number, {}, 0},
                          [this, number]() -> std::unique_ptr<Protocol> {
                            return number < 4 ? make_server(number) : make_client();
                          });
    }
    simulator_.put_file(NodeId{3}, "image", Buffer(1000));
  }

  void command(Duration at, std::string_view text) {
    simulator_.schedule_command(Time{at}, NodeId{3}, as_bytes(text));
  }
  sim::Verdict run(const sim::FaultSpec& fault) {
    simulator_.set_faults({fault});
    simulator_.run_until(Time{120s});
    simulator_.finish();
    return checker_->finish(simulator_.now());
  }

 private:
  static std::unique_ptr<sim::Checker> make(std::string_view name,
                                            const sim::CheckerOptions& options) {
    return std::move(*sim::make_checker(name, options,
                                        {{NodeId{0}, "node1", "server", 1},
                                         {NodeId{1}, "node2", "server", 2},
                                         {NodeId{2}, "node3", "server", 3},
                                         {NodeId{3}, "node4", "client"}}));
  }
  std::unique_ptr<Protocol> make_server(std::uint32_t id) const {
    election::NodeOptions options;
    options.id = id;
    options.peers = peers_;
    return std::make_unique<election::OriginalNode>(options,
                                                    *Aes256Gcm::from_hex_key(kKey, false));
  }
  std::unique_ptr<Protocol> make_client() const {
    election::ClientOptions options;
    options.peers = peers_;
    return std::move(*election::make_client(options, kKey, false));
  }

  sim::Topology topology_;
  std::unique_ptr<sim::Checker> checker_;
  sim::Simulator simulator_;
  std::vector<election::Peer> peers_;
};

/// The leader, node 3, is hit from 40 s to 110 s.
sim::FaultSpec fault_of_leader(sim::FaultAction action) {
  sim::FaultSpec fault;
  fault.action = action;
  fault.at = {40s, 40s};
  fault.lasts = {70s, 70s};
  fault.select.nodes = {"node3"};
  return fault;
}

/// Node 3 and the client are parted from the other two.
sim::FaultSpec cut_with_client() {
  sim::FaultSpec fault = fault_of_leader(sim::FaultAction::kPartition);
  fault.select = {};
  fault.groups.resize(2);
  fault.groups[0].nodes = {"node1", "node2"};
  fault.groups[1].nodes = {"node3", "node4"};
  return fault;
}

TEST(OriginalVerdicts, AMinorityStoresImages) {
  OriginalWorld world("minority_refuses", {});
  world.command(60s, "send-image image");
  const sim::Verdict verdict = world.run(cut_with_client());
  EXPECT_EQ(verdict.kind, sim::VerdictKind::kInvalid) << verdict.explanation;
  EXPECT_EQ(verdict.node, NodeId{2});
}

TEST(OriginalVerdicts, AMinorityKeepsItsLeader) {
  OriginalWorld world("minority_refuses", {{"role", true}});
  const sim::Verdict verdict = world.run(cut_with_client());
  EXPECT_EQ(verdict.kind, sim::VerdictKind::kInvalid) << verdict.explanation;
  EXPECT_EQ(verdict.at, Time{41s});
}

// Who is asked is not asked who leads, and a connection that has ended counts as one that works.
TEST(OriginalVerdicts, DiscoverNamesADeadLeader) {
  OriginalWorld world("discovery", {});
  world.command(80s, "discover");
  const sim::Verdict verdict = world.run(fault_of_leader(sim::FaultAction::kCrash));
  EXPECT_EQ(verdict.kind, sim::VerdictKind::kInvalid) << verdict.explanation;
  EXPECT_EQ(verdict.node, NodeId{3});
}

TEST(OriginalVerdicts, AnotherServerLeadsAtTheStart) {
  OriginalWorld world("preference", {{"settle", Duration{10s}}});
  const sim::Verdict verdict = world.run(fault_of_leader(sim::FaultAction::kCrash));
  EXPECT_EQ(verdict.kind, sim::VerdictKind::kInvalid) << verdict.explanation;
}

}  // namespace
}  // namespace twinbed::testing
