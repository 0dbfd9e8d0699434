// WFB-NG's receiver, wfb_rx, with a key: it hears the cards of its own host or, as the aggregator
// of a cluster, what forwarders send. Payloads go out as datagrams, or to the application.
//
// Once an interval it records its figures, and logs them in wfb_rx's own lines.
//
// With refuse_replay the node's storage keeps the epoch of the session that was adopted. A session
// is adopted at once, as payloads must not wait for the disk: whoever replays an older session has
// the time until it is durable, and a crash in it.
#pragma once

#include <functional>
#include <optional>

#include "core/io/protocol.h"
#include "core/protocols/wfb/aggregator.h"
#include "core/protocols/wfb/init_digests.h"
#include "core/protocols/wfb/state_file.h"

namespace twinbed::wfb {

struct ReceiverOptions {
  Decoder::Options decoder;
  /// Where forwarders send to; none: the cards of this host are heard.
  std::optional<std::uint16_t> listen_port;
  /// Where payloads go; none: to the application.
  std::optional<Endpoint> output;
  Duration log_interval = std::chrono::seconds(1);  ///< 0: whoever has the node calls report()
  /// Policy robust: of each node's init script, by the node's address; none: nobody is asked.
  std::map<IpAddress, Buffer> init_digests{};
  bool reports_at_start = false;  ///< the first report is at the start, as the program's is
  /// Sees the figures of an interval before they are recorded; empty: nobody does.
  std::function<void(const Aggregator&)> before_report{};
};

/// The socket on which payloads go out.
inline constexpr SocketId kReceiverOutput{2};

class ReceiverNode final : public Protocol, private DecoderOwner {
 public:
  explicit ReceiverNode(const ReceiverOptions& options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_storage(Context& context, const StorageResult& result) override;

  const Aggregator& aggregator() const { return aggregator_; }
  Aggregator& aggregator() { return aggregator_; }
  /// Records the figures of the interval, and begins the next one.
  void report(Context& context);

 private:
  void on_payload(Bytes payload) override;
  void on_session(const Session& session) override;
  void on_refused(const Session& session, Refusal refusal) override;
  void arm_ring();

  ReceiverOptions options_;
  Aggregator aggregator_;
  InitDigests digests_;
  std::optional<StateFile> adopted_file_;  ///< with refuse_replay
  bool is_loading_ = false;     ///< what was adopted before is not known yet: nothing is received
  Time armed_ = kNever;         ///< the timer of the ring
  Context* context_ = nullptr;  ///< of the handler that runs
};

}  // namespace twinbed::wfb
