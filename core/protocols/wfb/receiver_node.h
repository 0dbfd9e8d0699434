// WFB-NG's receiver, wfb_rx, with a key: it hears the cards of its own host or, as the aggregator
// of a cluster, what forwarders send. Payloads go out as datagrams, or to the application.
//
// Once an interval it records its figures, and logs them in wfb_rx's own lines.
#pragma once

#include <optional>

#include "core/io/protocol.h"
#include "core/protocols/wfb/aggregator.h"

namespace twinbed::wfb {

struct ReceiverOptions {
  Decoder::Options decoder;
  /// Where forwarders send to; none: the cards of this host are heard.
  std::optional<std::uint16_t> listen_port;
  /// Where payloads go; none: to the application.
  std::optional<Endpoint> output;
  Duration log_interval = std::chrono::seconds(1);
  bool reports_at_start = false;  ///< the first report is at the start, as the program's is
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

  const Aggregator& aggregator() const { return aggregator_; }

 private:
  void on_payload(Bytes payload) override;
  void on_session(const Session& session) override;
  void report(Context& context);

  ReceiverOptions options_;
  Aggregator aggregator_;
  Context* context_ = nullptr;  ///< of the handler that runs
};

}  // namespace twinbed::wfb
