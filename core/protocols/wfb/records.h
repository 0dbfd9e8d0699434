// What the programs of WFB-NG leave behind in a run: figures of every interval, under the names of
// their lines of statistics, and what changes.
#pragma once

#include "core/io/recorder.h"

namespace twinbed::wfb {

// Of a receiver: {metric, unit}, once an interval.
inline constexpr Metric kRxAll{"wfb.rx.all", "1", "packets heard, duplicates included"};
inline constexpr Metric kRxUndecryptable{"wfb.rx.dec_err", "1", "packets that did not open"};
inline constexpr Metric kRxData{"wfb.rx.data", "1", "data packets that opened"};
inline constexpr Metric kRxUnique{"wfb.rx.uniq", "1", "different data packets"};
inline constexpr Metric kRxRecovered{"wfb.rx.fec_rec", "1", "fragments computed from parities"};
inline constexpr Metric kRxLost{"wfb.rx.lost", "1", "payloads missing between those delivered"};
inline constexpr Metric kRxBad{"wfb.rx.bad", "1", "malformed packets"};
inline constexpr Metric kRxOut{"wfb.rx.out", "1", "payloads delivered"};
inline constexpr Metric kRxOverrides{"wfb.rx.overrides", "1", "blocks that had to make room"};
// Only where the repair is on.
inline constexpr Metric kRxRefused{"wfb.rx.refused", "1", "sessions refused as old or reflected"};
inline constexpr Metric kRxExpired{"wfb.rx.expired", "1", "holes given up for their age"};

inline constexpr Metric kRxStrangers{"wfb.rx.strangers", "1",
                                     "datagrams of nodes whose init script is not the present one"};

/// {"node", "state"}: state "present", "stale", "silent" or "unknown".
inline constexpr EventType kInitDigestEvent{"wfb.init_digest", "what a node's init script is"};
/// {"antenna", "mhz", "mcs", "bandwidth", "packets", "signal_dbm", "snr_db"}: means of an interval.
inline constexpr EventType kAntennaEvent{"wfb.antenna", "what an antenna heard in an interval"};
/// {"epoch", "k", "n"}
inline constexpr EventType kSessionEvent{"wfb.session", "the receiver has adopted a session"};
/// {"epoch", "reason"}: reason "old" or "reflected".
inline constexpr EventType kRefusedEvent{"wfb.refused", "the receiver has refused a session"};

// Of a central node, whose streams have names; "video rx" is what receives stream "video".
/// {"stream", ...}: the samples of a stream's part in an interval, by the names of their metrics.
inline constexpr EventType kStreamEvent{"wfb.stream", "figures of a stream in an interval"};
/// {"profile", "wlan"}
inline constexpr EventType kSelectedEvent{"wfb.selected", "another card transmits"};
/// {"stream", "bytes"}
inline constexpr EventType kBadBatchEvent{"wfb.bad_batch", "a tunnel's payload is malformed"};

// Of the lifecycle ssh.
/// {"node", "reason"}: the connection, as to_string(StreamEventKind) has it; "node" at the central
/// node alone, and of the node whose connection is lost.
inline constexpr EventType kEndedEvent{"wfb.ended", "a central node or a node's script has ended"};

/// {"stream", "k", "n", "mcs", "loss_ppm", "reason"}: reason "report" or "silence".
inline constexpr EventType kLinkEvent{"wfb.link", "a stream is sent in another way"};
inline constexpr Metric kLinkLoss{"wfb.link.loss", "1", "share of fragments lost, as reported"};

// Of a replayer.
/// {"frames", "bytes", "left_out"}: the last ones had no room.
inline constexpr EventType kRecordedEvent{"wfb.recorded", "the replayer's recording is complete"};
/// {"pass"}: from 0.
inline constexpr EventType kReplayedEvent{"wfb.replayed", "the recording begins to be sent again"};

// Of a transmitter.
inline constexpr Metric kTxIncoming{"wfb.tx.incoming", "1", "payloads taken in"};
inline constexpr Metric kTxInjected{"wfb.tx.injected", "1", "frames sent, on all cards"};
inline constexpr Metric kTxInjectedBytes{"wfb.tx.injected_bytes", "B",
                                         "of these, without the 802.11 header"};
inline constexpr Metric kTxTruncated{"wfb.tx.truncated", "1", "payloads that were too long"};
inline constexpr Metric kTxFecTimeouts{"wfb.tx.fec_timeouts", "1",
                                       "times a block was open too long"};

}  // namespace twinbed::wfb
