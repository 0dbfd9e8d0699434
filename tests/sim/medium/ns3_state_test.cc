// What our calls of ns-3's models leave behind in the process.
#include <gmock/gmock.h>
#include <ns3/global-value.h>
#include <ns3/simulator-impl.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include "sim/medium/per_table.h"
#include "sim/medium/propagation.h"

namespace twinbed::testing {
namespace {

// ns-3's simulator is chosen before its first use; our models must not use it.
TEST(Ns3State, TheModelsDoNotMakeNs3sSimulator) {
  const sim::PerTable table(sim::ErrorRateModel::kTable, {.mcs = 1});
  EXPECT_EQ(table.header_success(40'000), sim::kCertain);
  for (int model = 0; model <= static_cast<int>(sim::PathLossModel::kFixed); ++model) {
    const sim::PathLoss loss({.model = static_cast<sim::PathLossModel>(model)}, ChannelMhz{5180});
    EXPECT_GE(loss.loss_mdb({0, 0, 2}, {10, 0, 2}), 0);
  }
  ns3::GlobalValue::Bind("SimulatorImplementationType",
                         ns3::StringValue("ns3::RealtimeSimulatorImpl"));
  EXPECT_EQ(ns3::Simulator::GetImplementation()->GetInstanceTypeId().GetName(),
            "ns3::RealtimeSimulatorImpl");
  ns3::Simulator::Destroy();
  ns3::GlobalValue::Bind("SimulatorImplementationType",
                         ns3::StringValue("ns3::DefaultSimulatorImpl"));
}

}  // namespace
}  // namespace twinbed::testing
