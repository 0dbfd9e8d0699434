// How late a process of a run was, for the result store.
#pragma once

#include "backends/lateness.h"
#include "backends/sqlite/store.h"
#include "core/io/ids.h"

namespace twinbed::scenarios {

/// Adds a row to the current run for each kind that the ledger has entries of.
void add_lateness_rows(backends::Store& store, NodeId node, const backends::LatenessLedger& ledger);

}  // namespace twinbed::scenarios
