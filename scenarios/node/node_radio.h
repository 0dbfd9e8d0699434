// The radio of a node process: cards of the emulated air, or interfaces in monitor mode.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/live_host.h"
#include "core/base/result.h"
#include "core/io/recorder.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// Of a node, at the end of its process.
inline constexpr Metric kRadioDropped{
    "radio.dropped", "1", "frames that a node was too slow to take from its cards, for real alone"};

struct NodeRadio {
  std::unique_ptr<backends::RadioBackend> backend;  ///< null for a node without cards
  std::function<std::uint64_t()> dropped;           ///< kRadioDropped so far
};

/// Opens the cards of a node. Each is called as the air does (backends/testbed/card_attachment.h):
/// ADDRESS:PORT, or the name of an interface in monitor mode, which may just as well be a real
/// card; all of one kind. `on_error` is told why one has failed later. Errors name the remedy. The
/// loop outlives the radio.
Result<NodeRadio> open_node_radio(backends::EventLoop& loop, const NodeSpec& node,
                                  const std::vector<std::string>& cards,
                                  std::function<void(const std::string&)> on_error);

}  // namespace twinbed::scenarios
