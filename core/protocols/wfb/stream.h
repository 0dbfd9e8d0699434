// A stream of a central node: a receiver, a transmitter or both, and what joins their payloads to
// whoever uses the stream.
//
//                  ┌─ receiver ──► split ──► user's datagrams, or the application
//   cards, nodes ──┤
//                  └─ transmitter ◄── batch ◄── user's datagrams, or a command
//
// Kinds: `plain` leaves payloads as they are (video). `mavlink` gathers frames for a tenth of a
// second. `tunnel` gathers packets for 5 ms, each behind its length, and sends a sign of life where
// nothing else is sent; through all cards where nothing comes back, so that directed antennas may
// find each other.
#pragma once

#include "core/protocols/wfb/antenna_selection.h"
#include "core/protocols/wfb/batch.h"
#include "core/protocols/wfb/part.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"

namespace twinbed::wfb {

enum class StreamKind : std::uint8_t { kPlain, kMavlink, kTunnel };

struct StreamOptions {
  std::string name;  ///< without spaces
  StreamKind kind = StreamKind::kPlain;
  /// Its `output` does not count: payloads go to the stream's user.
  std::optional<ReceiverOptions> receive;
  /// Its `first_input_port` does not count.
  std::optional<TransmitterOptions> transmit;
  /// The cards behind transmit->outputs, in their order.
  std::vector<WlanId> cards;

  /// The user's end. With a peer, payloads are exchanged with it; with a port alone, with whoever
  /// spoke to it last; with neither, with the application.
  std::optional<std::uint16_t> input_port;
  std::optional<Endpoint> peer;

  std::size_t batch_limit = Batch::kDefaultLimit;
  /// How long packets wait for others; 0: not at all. None: 5 ms in a tunnel, 100 ms for mavlink.
  std::optional<Duration> batch_timeout;
};

class Stream final : private PartOwner {
 public:
  /// Parts that a stream takes the numbers of: itself, its receiver, its transmitter.
  static constexpr std::uint32_t kParts = 3;

  /// Numbers from `first_part` on are the stream's. It records at the interval of its profile.
  Stream(StreamOptions options, std::uint32_t first_part, Duration log_interval);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start(Context& context);
  /// What came under a number of the stream's.
  void on_timer(Context& context, TimerId id);
  void on_datagram(Context& context, const Datagram& datagram);
  void on_storage(Context& context, const StorageResult& result);
  /// A frame that a card of this host heard.
  void on_frame(Context& context, const RxFrame& frame);
  /// A payload of the stream's user.
  void take(Context& context, Bytes payload);

  /// Which card transmits from now on; nothing changes where the stream does not know it.
  void select(WlanId wlan);
  /// What the antennas heard in this interval; null where the stream does not receive.
  const AntennaTable* antennas() const;
  /// Records the receiver's figures, and begins its next interval.
  void end_interval(Context& context);

  const StreamOptions& options() const { return options_; }
  const Aggregator* aggregator() const { return rx_ ? &rx_->node.aggregator() : nullptr; }

 private:
  /// Stays where it is made: parts of a node know it by its address.
  template <class Node>
  struct Running {
    Running(Part made, const auto& options) : part(std::move(made)), node(options) {}
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    Part part;
    Node node;
  };

  void on_part_delivery(Context& context, Bytes message) override;
  void hand_out(Context& context, Bytes payload);
  void send_batch(Context& context);
  void send(Context& context, Bytes payload);
  void keep_alive(Context& context);

  StreamOptions options_;
  std::uint32_t first_part_;
  Duration keepalive_every_;
  Duration batch_timeout_;
  std::optional<Running<ReceiverNode>> rx_;
  std::optional<Running<TransmitterNode>> tx_;
  Batch batch_;
  std::vector<Bytes> packets_;
  Buffer message_;
  std::optional<Endpoint> peer_;
  bool has_sent_ = false;      ///< in this period of signs of life
  bool has_received_ = false;  ///< the same
  int silent_periods_ = 0;
};

}  // namespace twinbed::wfb
