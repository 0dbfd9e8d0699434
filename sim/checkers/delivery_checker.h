// The checker of data: nothing that was promised is lost, changed or kept twice.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// Every item acknowledged is stored with equal content and once per node; every item submitted is
/// answered, or, as an option, stored.
Result<std::unique_ptr<Checker>> make_delivery(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kDeliveryDoc =
    "Demands that every acknowledged item is stored with equal content, once per node, on a node "
    "that kept its disk; options: require ('acked': every submitted item must also be acknowledged "
    "or refused, or 'submitted': every submitted item must be stored), copies (1: on how many "
    "nodes an item must be stored), settle (10 s: an item submitted less than this before the end "
    "may still be under way).";

}  // namespace twinbed::sim
