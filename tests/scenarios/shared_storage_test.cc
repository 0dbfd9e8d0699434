// Directories that several nodes of a scenario see, simulated and for real.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

/// Three servers of which the first two, or all, see one directory.
std::string scenario_text(const std::string& options, const std::string& shared) {
  return "version: 1\nname: shared\nduration: 20 s\n"
         "protocol: {name: election, policy: robust, options: {" + options + "}}\n"
         "nodes:\n"
         "  - {name: node1, role: server, port: 7001, files: {images/a: small.txt}}\n"
         "  - {name: node2, role: server, port: 7002}\n"
         "  - {name: node3, role: server, port: 7003}\n" + shared;
}

/// The sentence with which the scenario is refused; empty if it is not.
std::string refusal(const std::string& text) {
  const Result<Scenario> scenario = load_scenario_text(text, "shared.yaml", ".");
  if (!scenario) return scenario.error();
  Scenario changed = *scenario;
  changed.nodes[0].files = {{"images/a", RandomFile{100}}};
  testing::TextSink rows;
  const auto simulator = build_simulation(changed, 1, rows);
  if (!simulator) return simulator.error();
  // What is put into the directory of one node is there for all that share it.
  for (std::uint32_t node = 0; node < 3; ++node) {
    Buffer bytes;
    (*simulator)->node(NodeId{node}).storage().read("images/a", 0, 1000, bytes);
    EXPECT_EQ(bytes.size(), node == 0 || !changed.shared_storage.empty() ? 100U : 0U);
  }
  return "";
}

constexpr const char* kAll = "shared_storage: [{path: images/, nodes: [node1, node2, node3]}]\n";

TEST(SharedStorageScenario, ServersAreToldThatTheyShareWhatTheyShare) {
  EXPECT_EQ(refusal(scenario_text("", "")), "");
  EXPECT_EQ(refusal(scenario_text("shared_storage: true", kAll)), "");
}

TEST(SharedStorageScenario, WhatCannotWorkIsRefusedInASentence) {
  EXPECT_EQ(refusal(scenario_text("shared_storage: true", "")),
            "protocol election: shared_storage needs one directory that all servers see; add "
            "'shared_storage: [{path: images/, nodes: [...]}]' with the names of all servers to "
            "the scenario");
  EXPECT_NE(refusal(scenario_text("shared_storage: true",
                                  "shared_storage: [{path: images/, nodes: [node1, node2]}]\n"))
                .find("needs one directory that all servers see"),
            std::string::npos);
  EXPECT_EQ(refusal(scenario_text("", kAll)),
            "protocol election: node 'node1' shares images/ with others; add the option "
            "'shared_storage: true', so that the servers of the policy robust know it");
  EXPECT_EQ(refusal(scenario_text("shared_storage: true, replicate: false", kAll)),
            "protocol election: shared_storage keeps one file of each image for all servers, and "
            "'replicate: false' one at its leader; leave one of them out");
}

}  // namespace
}  // namespace twinbed::scenarios
