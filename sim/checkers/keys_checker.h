// The checker of secret keys: they stay where they belong.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

inline constexpr std::string_view kKeysStayName = "keys_stay";

/// No packet, no radio frame and no file holds a secret key, files of the nodes that keep keys
/// apart. Who has searched the bytes of the run says what was found (core/io/key_events.h).
Result<std::unique_ptr<Checker>> make_keys_stay(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kKeysStayDoc =
    "Demands that no packet, no radio frame and no file on a disk ever holds a secret key in the "
    "clear: of protocol wfb those of both sides of the link, and those of its sessions; unknown in "
    "mode real, whose bytes are not searched; options: keepers (names of nodes, separated by "
    "spaces, whose files may hold keys).";

}  // namespace twinbed::sim
