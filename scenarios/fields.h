// The structs of a scenario as kinds: every key of a scenario file is stated once, in one of
// fields_{network,trace,radio,radio_trace,mobility,faults,scenario}.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/fields_record.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

const Kind<sim::LinkParams>& link_kind();
const Kind<std::vector<sim::LinkTrace>>& traces_kind();
const Kind<NetworkSpec>& network_kind();
const Kind<sim::GilbertElliott>& bursts_kind();
const Kind<std::vector<sim::LinkRecordStep>>& radio_trace_kind();
const Kind<RadioSpec>& radio_kind();
const Kind<sim::CardOptions>& card_kind();
const Kind<sim::Position>& position_kind();
const Kind<MobilitySpec>& mobility_kind();
const Kind<sim::FaultPlan>& fault_plan_kind();
const RecordKind<Scenario>& scenario_kind();
/// For how many nodes or files one entry of a document stands (scenarios/fields_expand.h).
const Kind<std::uint32_t>& copies_kind();

/// Two different names of nodes or devices.
const Kind<std::vector<std::string>>& between_kind();

}  // namespace twinbed::scenarios
