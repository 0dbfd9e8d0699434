// What can be checked only when the network is there: names of devices that nobody wrote down.
#include "scenarios/build_network.h"

#include <gtest/gtest.h>

#include <fstream>

#include "scenarios/load.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::scenarios {
namespace {

constexpr const char* kGraph =
    "graph [ node [ id 0 label \"Oslo\" ] node [ id 1 label \"Bergen\" ] "
    "edge [ source 0 target 1 ] ]";

/// What is wrong with a link fault between these two, in a network of two nodes.
std::string problem_of(const std::string& network, const std::string& between) {
  const testing::TemporaryDirectory scratch;
  std::ofstream(scratch.path() + "/net.gml") << kGraph;
  const auto scenario = load_scenario_text(
      "version: 1\nname: net\nduration: 10 s\nprotocol: {name: pingpong}\n"
      "nodes: [{name: node1, role: pinger}, {name: node2, role: ponger}]\n"
      "network: " + network + "\nfaults:\n"
      "  - {at: 1 s, action: link, link: {loss: 10 %}}\n"
      "  - {at: 1 s, action: link, between: " + between + ", link: {loss: 10 %}}\n",
      "net.yaml", scratch.path());
  EXPECT_TRUE(scenario) << scenario.error();
  const auto files = ScenarioFiles::read(*scenario);
  EXPECT_TRUE(files) << files.error();
  const auto built = build_network(*scenario, *files, 1);
  return built ? "none" : built.error();
}

TEST(BuildNetwork, LinkFaultsNameWhatIsThere) {
  EXPECT_EQ(problem_of("{file: net.gml}", "[Oslo, Bergen]"), "none");
  EXPECT_EQ(problem_of("{file: net.gml}", "[Oslo, node2]"), "none");
  EXPECT_EQ(problem_of("{}", "[node1, switch]"), "none");
  EXPECT_EQ(problem_of("{generator: line}", "[router1, router2]"), "none");
}

TEST(BuildNetwork, ALinkFaultOnADeviceThatIsNotThereIsNamed) {
  EXPECT_EQ(problem_of("{file: net.gml}", "[Bergne, Oslo]"),
            "faults.1.between.0: the network has no node or device 'Bergne', did you mean "
            "'Bergen'?");
  EXPECT_EQ(problem_of("{file: net.gml}", "[Oslo, elsewhere]"),
            "faults.1.between.1: the network has no node or device 'elsewhere'; the names are "
            "Bergen, Oslo, node1 and node2");
  EXPECT_EQ(problem_of("{generator: line}", "[node1, router9]"),
            "faults.1.between.1: the network has no node or device 'router9', did you mean "
            "'router1'?");
}

}  // namespace
}  // namespace twinbed::scenarios
