// A simulated node: one protocol object, and the host contract of core/io/protocol.h around it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random_stream.h"
#include "core/io/request_buffer.h"
#include "core/io/run_sink.h"
#include "sim/clock.h"
#include "sim/network/network.h"
#include "sim/radio_medium.h"
#include "sim/storage.h"
#include "sim/world.h"

namespace twinbed::sim {

/// Builds the node's protocol, once at the start and again after each crash.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>()>;

/// What a node needs from the simulation around it.
struct NodeWorld {
  World& world;
  Network& network;
  const std::unique_ptr<RadioMedium>& radio;  ///< null where nobody has a card
  RunSink& sink;
  RequestBuffer& requests;                         ///< of the one handler that runs
  std::function<void(NodeId, Bytes)>& on_deliver;  ///< Application.deliver
  std::function<void(std::string)> fail;           ///< ends the run with one sentence
  /// Tells the faults that wait for events of one; may crash the node.
  std::function<void(NodeId, std::string_view)> recorded;
};

enum class ProcessState : std::uint8_t {
  kDown,     ///< not started, crashed or stopped
  kRunning,
  kPaused,   ///< input waits
  kHung,     ///< input is read and lost; timers and the disk's answers wait
};

class Node final : public Recorder {
 public:
  Node(NodeId id, std::string name, std::string role, NodeWorld world, ProtocolFactory factory);

  // Events of the simulation.
  void start();
  void on_timer(TimerId id);
  void on_storage(std::uint32_t slot, std::uint32_t incarnation);
  void on_command(PayloadId payload);
  void on_delivery(const Delivery& delivery);
  void on_frame(const RadioDelivery& delivery);
  void stop();

  // Faults.
  /// A power failure takes the node's host off the network until a node on it starts. Within a
  /// handler of this node the process dies at that step: what the handler has requested or still
  /// records is lost.
  void crash(CrashCause cause = CrashCause::kKill);
  void pause();
  void hang();
  void resume();

  NodeId id() const { return id_; }
  const std::string& name() const { return name_; }
  /// The scenario's word for it, "server".
  const std::string& role() const { return role_; }
  /// The role it last recorded for itself, "leader"; empty before and after a crash.
  const std::string& recorded_role() const { return recorded_role_; }
  ProcessState state() const { return state_; }
  SimStorage& storage() { return storage_; }
  NodeClock& clock() { return clock_; }
  /// The clock's rate has changed: timers move to where their deadlines are now.
  void reschedule_timers();
  std::uint64_t handlers_run() const { return handlers_run_; }
  Protocol* protocol() { return protocol_.get(); }

  // Recorder.
  void sample(const Metric& metric, double value) override;
  void event(const EventType& type, std::span<const Field> fields) override;

 private:
  struct Timer {
    TimerId id{};
    bool set = false;
    Time deadline{};     // on the node's clock
    EventHandle event;
  };
  struct PendingAnswer {
    StorageToken token{};
    StorageStatus status{};
    Buffer data;
  };
  /// Of datagrams that wait for a paused process; more are dropped (Linux's net.core.rmem_default).
  static constexpr std::uint32_t kReceiveBufferBytes = 212'992;
  /// Of frames that wait for a paused process (libpcap's default).
  static constexpr std::size_t kCaptureBufferBytes = std::size_t{2} << 20;

  /// Input that waits while the process is paused.
  struct Waiting {
    EventKind kind{};     // kPacket stands for a delivery, kFrameEnd for the next waiting frame
    std::uint32_t first = 0;
    Delivery delivery;
  };

  template <class Handler>
  void run(Handler&& handler);
  void apply(const Request& request);
  void apply_storage(const Request& request);
  void answer(StorageToken token, StorageStatus status, Buffer data, Duration delay);
  void set_timer(TimerId id, Time deadline);
  void cancel_timer(TimerId id);
  Timer* find_timer(TimerId id);
  void run_answer(std::uint32_t slot);
  void run_command(PayloadId payload);
  void run_delivery(const Delivery& delivery);
  void drop_delivery(const Delivery& delivery);
  void keep_waiting(const Delivery& delivery);
  void keep_frame(const RadioDelivery& delivery);
  RadioDelivery take_frame();
  void forget_stream(StreamId stream);
  void leave_process(CrashCause cause);

  NodeId id_;
  std::string name_;
  std::string role_;
  NodeWorld outer_;
  ProtocolFactory factory_;
  RandomStream random_;
  RandomStream disk_random_;
  SimStorage storage_;
  NodeClock clock_;
  std::unique_ptr<Protocol> protocol_;
  ProcessState state_ = ProcessState::kDown;
  bool in_handler_ = false;
  CrashCause died_of_{};  // where state_ became kDown within a handler
  std::uint32_t incarnation_ = 0;
  std::string recorded_role_;
  std::vector<Timer> timers_;  // sorted by id; entries stay when unset
  std::vector<PendingAnswer> answers_;
  std::vector<std::uint32_t> free_answers_;
  std::deque<Waiting> waiting_;
  std::uint32_t waiting_bytes_ = 0;  // of datagrams, headers included
  std::deque<RadioDelivery> waiting_frames_;
  std::size_t waiting_frame_bytes_ = 0;
  std::uint64_t handlers_run_ = 0;
};

}  // namespace twinbed::sim
