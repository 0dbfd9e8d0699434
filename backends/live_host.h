// LiveHost: one node of a scenario on a real machine.
//
// The Context of core/io over an event loop, UDP and TCP sockets, and files. The protocol is the
// same object as in the simulator and sees the same addresses (backends/socket/address_map.h), the
// same kinds of time (backends/clock.h) and the same order: one handler at a time, its requests
// carried out when it has returned, answers as later calls.
//
// What mode real adds is applied inside the host, because a stock kernel may have no netem and a
// node must not need root: partitions (set_blocked), link effects (set_link), clock and disk
// faults. Each host applies what leaves it; partitions also apply to what arrives. See
// backends/testbed/link_shaper.h and backends/socket/tcp.h for what is modelled and what is not.
//
// Destroying a host that runs is a crash: sockets close as the kernel closes those of a killed
// process, nothing is flushed. A process uses one host as a rule; tests put several on one loop.
// Apart from EventLoop::post, nothing here may be called from another thread, and a host must not
// be destroyed from within one of its own callbacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/clock.h"
#include "backends/event_loop.h"
#include "backends/input_log.h"
#include "backends/lateness.h"
#include "backends/socket/address_map.h"
#include "backends/socket/counters.h"
#include "backends/socket/posix.h"
#include "backends/storage.h"
#include "core/io/protocol.h"
#include "core/io/run_sink.h"
#include "sim/faults/plan.h"
#include "sim/network/link_params.h"

namespace twinbed::backends {

/// A radio card, a capture file or a virtual radio, driven by a live host's loop. It transmits at
/// once.
class RadioBackend : public Radio {
 public:
  using FrameHandler = std::function<void(const RxFrame&)>;

  /// Descriptors that become readable when frames have arrived.
  virtual std::vector<int> descriptors() const = 0;
  /// Hands over what has arrived on the descriptor, without waiting. False when nothing will ever
  /// come again: the host stops watching the descriptor.
  virtual bool receive(int descriptor, const FrameHandler& handler) = 0;
};

struct LiveHostOptions {
  NodeId self{};
  std::string name;  ///< for messages to people
  /// CLOCK_MONOTONIC instant of the run's start, shared by all processes of the run; the protocol
  /// starts then, or at once if it has passed. 0: the run starts now.
  std::int64_t run_start_monotonic_ns = 0;
  ClockSettings clock;
  FileStorageOptions storage;
  AddressMap addresses;
  /// Address to bind in place of the node's real one, such as 0.0.0.0 behind a NAT that forwards.
  std::optional<IpAddress> bind_address;
  std::uint64_t seed = 0;  ///< of link effects and disk faults; a protocol draws from the system
  Duration lateness_bound = std::chrono::milliseconds(20);
  InputSink* input_log = nullptr;  ///< outlives the host
  DatagramBuffers datagram_buffers;
  RadioBackend* radio = nullptr;   ///< outlives the host; without one, radio requests do nothing
  std::function<void(Bytes)> on_deliver;             ///< what the protocol hands to its user
  SentDatagramObserver on_datagram_sent;
  std::function<void(std::string_view)> on_log;      ///< lines of kLogEvent; the sink gets them too
  std::function<void(const std::string&)> on_error;  ///< one sentence; the host has ended
};

struct LiveHostCounters {
  std::uint64_t handlers = 0;
  std::uint64_t inputs_lost = 0;  ///< while the host was hung
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  SocketCounters sockets;
  StorageCounters storage;
};

/// Directed pairs of nodes (from, to) between which nothing passes.
using BlockedPairs = std::set<std::pair<NodeId, NodeId>>;

class LiveHost {
 public:
  /// The loop and the sink outlive the host.
  LiveHost(EventLoop& loop, LiveHostOptions options, RunSink& sink, ProtocolFactory factory);
  ~LiveHost();
  LiveHost(const LiveHost&) = delete;
  LiveHost& operator=(const LiveHost&) = delete;

  /// Gives the protocol a socket for datagrams that is open already, before the start: a bind of
  /// this id finds it. What is sent on it goes to `destination`, if that is given, whatever
  /// endpoint the protocol names.
  void adopt(SocketId id, Socket socket, std::optional<AbstractAddress> destination = {});
  /// Builds the protocol and calls on_start at the start of the run. Once.
  void start();
  /// Runs the loop until this host has stopped or failed. False if it failed; see error().
  bool run();
  /// Calls on_stop in a later turn of the loop, carries out its requests, gives write buffers and
  /// emulated links up to 2 s to empty, and stops. Asking again changes nothing.
  void request_stop();
  /// True once the host has ended, in good order or not.
  bool stopped() const;
  /// Why the host ended: one sentence, empty if it did not fail.
  const std::string& error() const;

  /// Calls on_command in a later turn of the loop, after on_start at the earliest.
  void command(Bytes command);

  /// Replaces the set of blocked pairs; those without this node do not concern it.
  void set_blocked(const BlockedPairs& pairs);
  /// Replaces the set of nodes whose hosts are without power. Nothing passes to them or from them,
  /// and those that come back know none of their old connections: a stream with one of them is
  /// silent until this node sends on it, and is then reset. A node in the set that hears of it
  /// itself falls silent, to be killed in that state.
  void set_without_power(const std::set<NodeId>& nodes);
  /// Replaces what the link from this node to `peer` does to packets; default parameters remove it.
  void set_link(NodeId peer, const sim::LinkParams& params);
  /// Steps the wall clock once, and replaces the drift that is added to the node's own; a default
  /// fault leaves the clocks right but for the steps so far.
  void apply_clock_fault(const sim::ClockFault& fault);
  /// Replaces the disk fault; a default one lifts it.
  void set_disk_fault(const sim::DiskFault& fault);
  /// A hung host takes its input and loses it: datagrams and streams are read, and no handler is
  /// called. What its timers and its disk have to say comes when the hang is over. The input log
  /// has only handler calls, so a replay knows nothing of it.
  /// on_start and on_stop are called all the same; a stop ends the hang.
  void set_hung(bool hung);

  NodeId self() const;
  /// True time since the start of the run.
  Time run_now() const;
  LiveHostCounters counters() const;
  const LatenessLedger& lateness() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace twinbed::backends
