// A stream of a central node: a receiver, a transmitter or both, and what joins their payloads to
// whoever uses the stream.
//
//                  ┌─ receiver ──► split ──► user's datagrams, or the application
//   cards, nodes ──┤
//                  └─ transmitter ◄── batch ◄── user's datagrams, or a command
//
// Kinds: `plain` leaves payloads as they are (video). `mavlink` gathers frames for a tenth of a
// second, gives its user each in a datagram of its own, as programs that route MAVLink want it, and
// tells him of the link once an interval. `tunnel` gathers packets for 5 ms, each
// behind its length, and sends a sign of life where nothing else is sent; through all cards where
// nothing comes back, so that directed antennas may find each other.
//
// An adaptive stream (policy robust) has one more of each: its receiver sends reports of the link
// on a stream of their own, and its transmitter chooses n and MCS by what it hears of them.
//
//   receiver ──► reporter ~~~► listener ──► controller ──► transmitter
#pragma once

#include "core/protocols/wfb/antenna_selection.h"
#include "core/protocols/wfb/batch.h"
#include "core/protocols/wfb/link_controller.h"
#include "core/protocols/wfb/part.h"
#include "core/protocols/wfb/radio_status.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"

namespace twinbed::wfb {

enum class StreamKind : std::uint8_t { kPlain, kMavlink, kTunnel };

/// Of the receiving side. Channel, k, n and the repairs of the report stream are given.
struct ReporterOptions {
  TransmitterOptions transmit;  ///< its outputs are those of StreamOptions::cards
  Duration every = std::chrono::milliseconds(200);
};

/// Of the transmitting side; the same are given.
struct AdaptiveOptions {
  ReceiverOptions receive;  ///< how reports are heard
  /// After so long without a report the most robust setting that carries the load is taken.
  Duration silence = std::chrono::seconds(1);
};

struct StreamOptions {
  std::string name;  ///< without spaces
  StreamKind kind = StreamKind::kPlain;
  /// Its `output` does not count: payloads go to the stream's user.
  std::optional<ReceiverOptions> receive;
  /// Its `first_input_port` does not count.
  std::optional<TransmitterOptions> transmit;
  /// The cards behind the outputs of what is sent, in their order.
  std::vector<WlanId> cards;
  /// Where `receive` is there: reports of the link go back.
  std::optional<ReporterOptions> reporter{};
  /// Where `transmit` is there: n and MCS follow the reports, from the first one on.
  std::optional<AdaptiveOptions> adaptive{};

  /// The user's end. With a peer, payloads are exchanged with it; with a port alone, with whoever
  /// spoke to it last; with neither, with the application.
  std::optional<std::uint16_t> input_port;
  std::optional<Endpoint> peer;
  /// What the user's datagrams carry goes to the application, too.
  bool copies_to_application = false;
  /// Sees what the user sends; empty: nobody does.
  std::function<void(Bytes payload)> on_taken{};

  std::size_t batch_limit = Batch::kDefaultLimit;
  /// Who tells the stream's user of the link; none: nobody. Of kind mavlink alone.
  std::optional<MavlinkSender> status_sender;
  /// How long packets wait for others; 0: not at all. None: 5 ms in a tunnel, 100 ms for mavlink.
  std::optional<Duration> batch_timeout;
};

class Stream final : private PartOwner {
 public:
  /// Parts that a stream takes the numbers of: itself, its receiver and transmitter, and the same
  /// two for reports.
  static constexpr std::uint32_t kParts = 5;
  /// Of these, behind the first one.
  static constexpr std::uint32_t kTransmitterPart = 2;

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
  /// Adds what the antennas heard in this interval, of the stream and of its reports.
  void add_antennas(std::vector<const AntennaTable*>& tables) const;
  /// Adds how the stream's packets were heard in this interval.
  void add_status(RadioStatus& status) const;
  /// Tells the stream's user, where somebody is to.
  void tell_status(Context& context, const RadioStatus& status);
  /// Records the receivers' figures, and begins their next interval.
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

  using Receiver = Running<ReceiverNode>;
  using Transmitter = Running<TransmitterNode>;

  void make_reporter(Duration log_interval);
  void make_listener();
  TimerId timer(std::uint32_t own) const { return TimerId{first_part_ << Part::kBits | own}; }
  SocketId user_socket() const { return SocketId{first_part_ << Part::kBits}; }
  template <class Id, class Handler>
  bool hand_to_part(Context& context, Id id, Handler&& handler);
  void send_report(Context& context);
  void take_report(Context& context, Bytes message);
  void on_silence(Context& context);
  SentPackets take_sent(Context& context);
  void follow(Context& context, bool has_changed, std::string_view reason);
  void on_part_delivery(Context& context, std::uint32_t part, Bytes message) override;
  void hand_out(Context& context, Bytes payload);
  void send_to_peer(Context& context, Bytes payload);
  void send_batch(Context& context);
  void send(Context& context, Bytes payload);
  void keep_alive(Context& context);

  StreamOptions options_;
  std::uint32_t first_part_;
  Duration keepalive_every_;
  Duration batch_timeout_;
  std::optional<Receiver> rx_;
  std::optional<Transmitter> tx_;
  std::optional<Transmitter> reporter_;
  std::optional<Receiver> listener_;
  std::optional<LinkController> controller_;
  SentPackets counted_;  ///< what the controller has been told of, in all
  Time counted_at_{};    ///< and when it was the last time
  Batch batch_;
  std::vector<Bytes> packets_;
  Buffer message_;
  std::optional<Endpoint> peer_;
  std::uint8_t status_number_ = 0;
  bool has_sent_ = false;      ///< in this period of signs of life
  bool has_received_ = false;  ///< the same
  int silent_periods_ = 0;
};

}  // namespace twinbed::wfb
