// What the robust cloud-p2p records beside the standard events (core/io/recorder.h) and those of
// Raft.
#pragma once

#include "core/io/recorder.h"

namespace twinbed::imagestore {

/// {"reason", "from", "count"}: `count` is how often that reason was met.
inline constexpr EventType kLinkRefusedEvent{"image.link_refused",
                                             "a connection is refused or breaks its protocol"};

// The steps of an upload at the leader, {"id"}, in their order. A fault can wait for each.
inline constexpr EventType kUploadBeginEvent{"image.begin", "an upload begins, without data yet"};
inline constexpr EventType kUploadChunkEvent{"image.chunk", "the leader has a piece of an upload"};
inline constexpr EventType kUploadStagedEvent{"image.staged",
                                              "the leader's copy is durable, not yet committed"};
inline constexpr EventType kUploadProposedEvent{"image.proposed",
                                                "a majority holds it; it goes into the log"};
inline constexpr EventType kUploadCommittedEvent{"image.committed",
                                                 "it is committed; the client does not know yet"};

/// {"id", "outcome", "text"}: the leader answers an upload otherwise than with success.
inline constexpr EventType kUploadEndedEvent{"image.upload_ended",
                                             "an upload ends without success"};

/// {"from", "term", "own"}: a server that leads no more wants to store something.
inline constexpr EventType kFencedEvent{"image.fenced", "a write of an earlier term is refused"};

/// {"hash", "from"}: a copy that was missing or wrong is fetched again.
inline constexpr EventType kRepairEvent{"image.repair", "the node fetches a missing copy"};
/// {"hash", "why"}
inline constexpr EventType kMissingEvent{"image.missing", "the node's copy is missing or wrong"};

/// {"id"}: of a client; kFetchedEvent ends it.
inline constexpr EventType kFetchEvent{"image.fetch", "a client begins to ask for an image"};
/// {"id", "hash", "outcome", "is_stale", "why"}: of a client that has asked for an image. The
/// outcome is "ok", "not_found" (the leader says that there is none) or "failed" (which says
/// nothing of the image); `is_stale` is 1 where the answer came from a server that does not lead.
/// "ok" comes with a `hash` and without a `why`, the others the other way round.
inline constexpr EventType kFetchedEvent{"image.fetched",
                                         "a client gets an image, or is told why not"};

}  // namespace twinbed::imagestore
