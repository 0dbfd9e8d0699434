// What the search for secret keys in a run's bytes records, and the checker keys_stay reads.
#pragma once

#include "core/io/recorder.h"

namespace twinbed {

/// {"key", "place", "file", "sent_ns"}: a secret key, named and not shown, stands in a "packet" of
/// the network or a "frame" that this node has sent at that time, or in a "file" of its disk.
inline constexpr EventType kKeyFoundEvent{"keys.found", "a secret key where others can read it"};
/// {"packets", "frames", "files", "sessions"}: at the end of the run, how much was searched for the
/// keys of the links and of so many sessions.
inline constexpr EventType kKeysSearchedEvent{"keys.searched",
                                              "what was searched for secret keys"};

}  // namespace twinbed
