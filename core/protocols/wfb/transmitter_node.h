// WFB-NG's transmitter, wfb_tx: takes payloads as datagrams and sends them, with their parities and
// sessions, on the card whose port they came in on.
//
//   input 0 ──┐                              ┌── output 0    a card of this host, or of another one
//   input 1 ──┼── encoder, one for all ──────┤               through its injector, or an aggregator
//      ...    │   (to the output of the last └── output 1    without any radio
//   control ──┘   payload, or to all: mirror)
//
// With a fec_delay, parities follow their block one by one, and payloads wait until all are sent.
//
// With refuse_replay the node's storage keeps its epochs, and payloads wait until the first one is
// durable; where the disk fails nothing is sent, and the disk is asked again every second.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "core/io/protocol.h"
#include "core/protocols/wfb/control.h"
#include "core/protocols/wfb/encoder.h"
#include "core/protocols/wfb/epoch_reserve.h"

namespace twinbed::wfb {

/// A card of a cluster's node, by its injector's endpoint.
struct InjectorAddress {
  Endpoint endpoint;
};
/// An aggregator that is sent what a forwarder would have sent, without any radio: wfb_tx -D.
struct AggregatorAddress {
  Endpoint endpoint;
};
using TxOutput = std::variant<InterfaceId, InjectorAddress, AggregatorAddress>;

/// The figures of an interval, under the names of WFB-NG's line PKT.
struct TransmitterCounters {
  std::uint64_t fec_timeouts = 0;
  std::uint64_t incoming = 0;
  std::uint64_t incoming_bytes = 0;
  std::uint64_t injected = 0;        ///< handed to the host, unless before_report knows better
  std::uint64_t injected_bytes = 0;
  std::uint64_t dropped = 0;         ///< no host tells a protocol: 0, unless before_report does
  std::uint64_t truncated = 0;
};

struct TransmitterOptions {
  EncoderOptions encoder;
  RadioSettings radio;
  FrameType frame_type = FrameType::kData;
  std::vector<TxOutput> outputs;
  bool mirror = false;  ///< every packet on all outputs
  std::uint16_t first_input_port = 0;  ///< of the first output; the others' follow
  std::optional<Endpoint> control;  ///< where requests come in; of this host alone, on a live one
  Duration fec_timeout{};  ///< a filler after so long without a payload; 0: blocks stay open
  Duration fec_delay{};    ///< before each parity
  std::uint32_t fwmark = 0;  ///< tells injectors how to queue data; parities have one more. 0: none
  Duration log_interval = std::chrono::seconds(1);
  /// Policy robust: a timeout closes the whole block at once, instead of one place of it.
  bool close_block = false;
  bool reports_at_start = false;  ///< the first report is at the start, as the program's is
  /// Enters what only a live host knows of its cards; empty: nobody does.
  std::function<void(Time now, TransmitterCounters&)> before_report;
};

/// The sockets of control requests and of what goes out; inputs are numbered from 0.
inline constexpr SocketId kTransmitterControl{0x1000};
inline constexpr SocketId kTransmitterOut{0x1001};

class TransmitterNode final : public Protocol, private EncoderOwner, private ControlTarget {
 public:
  /// The options must be sound: outputs, FEC, and settings of the radio that have TxParams.
  explicit TransmitterNode(TransmitterOptions options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_storage(Context& context, const StorageResult& result) override;
  /// A payload for the selected output.
  void on_command(Context& context, Bytes payload) override;
  /// A payload for all outputs, whatever is selected.
  void submit_to_all(Context& context, Bytes payload);
  /// Takes control requests, within this handler.
  ControlTarget& control(Context& context);
  /// Announces the session once more, as its receiver has not heard of it.
  void announce_again(Context& context);
  /// Of the session that is on; 0 before there is one.
  std::uint64_t epoch() const { return encoder_ ? encoder_->epoch() : 0; }
  /// Data packets and parities sent, ever; those to several outputs count once.
  std::uint64_t sent() const { return sent_; }
  /// Their bytes, without any header of 802.11's.
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  /// The output of what comes without an input of its own; at first the first one.
  void select(std::size_t output) { output_ = selected_ = output; }

 private:
  struct Payload {
    std::size_t output = 0;
    Buffer bytes;
  };
  struct Waiting {
    PacketKind kind{};
    std::size_t output = 0;
    Buffer bytes;
  };

  void on_packet(PacketKind kind, Bytes packet) override;
  FecParams fec() const override { return options_.encoder.fec; }
  bool can_set_fec() const override;
  void set_fec(FecParams fec) override;
  RadioSettings radio() const override { return options_.radio; }
  void set_radio(const RadioSettings& settings) override { options_.radio = settings; }

  EncoderOwner& encoder_owner() { return *this; }
  void begin(Context& context);
  void announce();
  void take(std::size_t output, Bytes payload);
  void encode(std::size_t output, Bytes payload);
  void restart_fec_timer();
  void send_waiting();
  void encode_waiting();
  void send(PacketKind kind, std::size_t output, Bytes packet);
  void send_to(const TxOutput& output, const MacHeader& header, Bytes packet);
  void report(Context& context);

  TransmitterOptions options_;
  std::optional<EpochReserve> epochs_;  ///< with refuse_replay
  std::optional<Encoder> encoder_;  ///< from the start on; with refuse_replay, once it has an epoch
  Context* context_ = nullptr;      ///< of the handler that runs
  std::size_t selected_ = 0;
  std::size_t output_ = 0;          ///< of the last payload
  std::uint16_t frame_number_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint32_t mark_ = 0;          ///< of the last packet that had one
  Buffer frame_;
  std::deque<Waiting> packets_;     ///< a parity whose time has not come, and all behind it
  std::deque<Payload> payloads_;    ///< that came in meanwhile
  std::size_t payload_bytes_ = 0;
  TransmitterCounters counters_;
};

}  // namespace twinbed::wfb
