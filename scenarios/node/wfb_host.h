// What the native programs of WFB-NG share: one protocol object on a live host, its lines on
// standard output with the time of CLOCK_MONOTONIC, and an end in good order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/live_host.h"
#include "backends/pcap/monitor_radio.h"
#include "core/base/result.h"
#include "core/protocols/wfb/keys.h"

namespace twinbed::scenarios {

/// Prints a line on standard output at once; whoever reads it may wait for it.
void print_wfb_line(const std::string& line);
/// The first column of a line: CLOCK_MONOTONIC in milliseconds.
std::int64_t wfb_time_ms();
/// What is to be said of an event on standard error, as the original's programs do not know it;
/// empty: nothing.
std::string wfb_remark(const EventType& type, std::span<const Field> fields);
/// A field of an event; null where there is none of this name and type.
template <class T>
const T* wfb_field(std::span<const Field> fields, std::string_view key) {
  for (const Field& field : fields) {
    if (field.key == key) return std::get_if<T>(&field.value);
  }
  return nullptr;
}

/// Why a program cannot listen there (a number from errno), with the remedy.
Error wfb_bind_error(const std::string& where, int error);
/// A socket for datagrams that is bound: at an endpoint, or at a name in the abstract namespace.
Result<backends::Socket> open_wfb_udp(const Endpoint& local);
Result<backends::Socket> open_wfb_local(const std::string& name);

/// The key in this file. Errors name it and the remedy.
Result<wfb::KeyFile> read_wfb_key(const std::string& path);

class WfbHost {
 public:
  /// Buffers of 0 bytes are as large as the kernel or the live host makes them.
  WfbHost(int receive_buffer_bytes, int send_buffer_bytes);

  backends::EventLoop& loop() { return loop_; }
  /// Opens these cards for the program, which ends if one of them fails. `on_frame` is told what
  /// became of each frame that is sent.
  Result<std::monostate> open_radio(
      backends::MonitorRadioOptions options,
      std::function<void(const backends::InjectedFrame&)> on_frame = {});
  // All of these before run().
  /// To be told of each datagram that is sent.
  void observe(backends::SentDatagramObserver observer) { observer_ = std::move(observer); }
  /// Where the protocol keeps its files; without it, it cannot keep any.
  void store_in(const std::string& directory) { directory_ = directory; }
  /// Takes what the protocol records, in place of the host itself; outlives it.
  void record_to(RunSink& sink) { sink_ = &sink; }
  /// Takes the lines of the protocol's log, which are printed otherwise.
  void log_to(std::function<void(std::string_view)> on_log) { on_log_ = std::move(on_log); }
  /// Takes what the protocol hands to its user.
  void deliver_to(std::function<void(Bytes)> on_deliver) { on_deliver_ = std::move(on_deliver); }
  /// The sockets that the protocol finds open.
  void adopt(SocketId id, backends::Socket socket,
             std::optional<backends::AbstractAddress> destination = {});

  /// Runs the protocol until SIGINT or SIGTERM; the exit status, or why it had to end.
  Result<int> run(const backends::ProtocolFactory& factory);
  /// A command of the user's, in a later turn of the loop; while run() runs.
  void command(Bytes command) { host_->command(command); }
  /// Ends run() with this error.
  void fail(const std::string& sentence);
  /// What has happened so far.
  backends::LiveHostCounters counters() const { return host_->counters(); }

 private:
  /// Tells standard error what WFB-NG's receiver tells it.
  class Sink final : public RunSink {
   public:
    void sample(Time at, NodeId node, const Metric& metric, double value) override;
    void event(Time, NodeId, const EventType& type, std::span<const Field> fields) override;
    void fault(Time, const FaultRow&) override {}
  };
  struct Adopted {
    SocketId id{};
    backends::Socket socket;
    std::optional<backends::AbstractAddress> destination;
  };

  backends::EventLoop loop_;
  Sink own_sink_;
  RunSink* sink_ = &own_sink_;
  std::string directory_;
  std::function<void(std::string_view)> on_log_;
  std::function<void(Bytes)> on_deliver_;
  backends::DatagramBuffers buffers_;
  std::unique_ptr<backends::MonitorRadio> radio_;
  backends::SentDatagramObserver observer_;
  std::vector<Adopted> adopted_;
  std::optional<backends::LiveHost> host_;
  std::string fatal_;
};

}  // namespace twinbed::scenarios
