#include "scenarios/node/lateness_rows.h"

namespace twinbed::scenarios {

void add_lateness_rows(backends::Store& store, NodeId node,
                       const backends::LatenessLedger& ledger) {
  for (std::size_t kind = 0; kind < backends::kLatenessKinds; ++kind) {
    const auto which = static_cast<backends::LatenessKind>(kind);
    const backends::LatenessSummary late = ledger.summary(which);
    if (late.count == 0) continue;
    store.add_lateness({node, std::string(backends::to_string(which)),
                        static_cast<std::int64_t>(late.count),
                        static_cast<std::int64_t>(late.misses), to_ns(late.worst),
                        to_ns(late.sum), to_ns(late.p50), to_ns(late.p90), to_ns(late.p99)});
  }
}

}  // namespace twinbed::scenarios
