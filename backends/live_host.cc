#include "backends/live_host.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "backends/socket/services.h"
#include "backends/socket/tcp.h"
#include "backends/socket/udp.h"
#include "backends/system_random.h"
#include "backends/timer_table.h"
#include "core/base/check.h"
#include "core/base/random_stream.h"
#include "core/io/request_buffer.h"

namespace twinbed::backends {
namespace {

constexpr Duration kStopLimit = std::chrono::seconds(2);
constexpr std::int64_t kStopPollNs = 2'000'000;
/// No alarm is set further ahead, so that a deadline of kNever is no special case.
constexpr std::int64_t kMaxAlarmNs = 3'600'000'000'000;

/// Stamps what the protocol records with the node and the run time of the handler call.
class StampingRecorder final : public Recorder {
 public:
  StampingRecorder(RunSink& sink, const LiveHostOptions& options)
      : sink_(sink), options_(options) {}

  void stamp(Time at) { at_ = at; }
  void sample(const Metric& metric, double value) override {
    sink_.sample(at_, options_.self, metric, value);
  }
  void event(const EventType& type, std::span<const Field> fields) override {
    sink_.event(at_, options_.self, type, fields);
    if (type.name == kLogEvent.name && options_.on_log) options_.on_log(text_field(fields, "line"));
  }

 private:
  RunSink& sink_;
  const LiveHostOptions& options_;
  Time at_;
};

LiveHostOptions with_run_start(LiveHostOptions options) {
  if (options.run_start_monotonic_ns == 0) options.run_start_monotonic_ns = monotonic_now_ns();
  return options;
}

}  // namespace

class LiveHost::Impl final : public SocketOwner {
 public:
  Impl(EventLoop& loop, LiveHostOptions options, RunSink& sink, ProtocolFactory factory)
      : loop_(loop),
        options_(with_run_start(std::move(options))),
        factory_(std::move(factory)),
        clock_(options_.run_start_monotonic_ns, options_.clock),
        lateness_(options_.lateness_bound),
        random_(system_random_),
        effects_random_(options_.seed, "live.effects",
                        static_cast<std::uint32_t>(options_.self)),
        recorder_(sink, options_),
        later_(loop),
        paths_(effects_random_),
        services_{loop_,     later_, clock_,       lateness_,         paths_,
                  sockets_,  *this,  options_.addresses, options_.self, options_.name,
                  options_.bind_address, options_.datagram_buffers, options_.on_datagram_sent},
        udp_(std::make_unique<UdpSockets>(services_)),
        tcp_(std::make_unique<TcpStreams>(services_)),
        storage_(options_.storage, effects_random_),
        timer_alarm_(loop),
        sync_alarm_(loop),
        state_alarm_(loop) {}

  void start();
  bool run();
  void request_stop();
  void command(Bytes command);
  void set_blocked(const BlockedPairs& pairs);
  void set_without_power(const std::set<NodeId>& nodes);
  void apply_clock_fault(const sim::ClockFault& fault);
  bool stopped() const { return state_ == State::kEnded; }
  LiveHostCounters counters() {
    return {handlers_, inputs_lost_, frames_sent_, frames_received_, sockets_,
            storage_.counters()};
  }
  void set_hung(bool hung);

  void handle(const Input& input) override;
  void fail(std::string sentence) override;

  const LiveHostOptions& options() const { return options_; }
  const std::string& error() const { return error_; }
  Clock& clock() { return clock_; }
  PeerPaths& paths() { return paths_; }
  UdpSockets& udp() { return *udp_; }
  FileStorage& storage() { return storage_; }
  const LatenessLedger& lateness() const { return lateness_; }

 private:
  enum class State : std::uint8_t { kIdle, kWaiting, kRunning, kStopping, kFailing, kEnded };

  void begin();
  void stop_now();
  void poll_stop();
  void end();

  void log_input(const Input& input, Time now, WallTime wall);
  void carry_out_requests();
  void carry_out(const Request& request);
  void carry_out_storage(const Request& request);
  void answer_storage(StorageToken token, StorageStatus status, Buffer data);
  void answer_delayed_syncs();
  void arm_sync_alarm();

  void run_timers();
  void arm_timers();
  void watch_radio(int descriptor);

  EventLoop& loop_;
  const LiveHostOptions options_;
  ProtocolFactory factory_;
  Clock clock_;
  LatenessLedger lateness_;
  SystemRandom system_random_;
  RecordingRandom random_;
  RandomStream effects_random_;
  StampingRecorder recorder_;
  LaterQueue later_;
  PeerPaths paths_;
  SocketCounters sockets_;
  SocketServices services_;
  std::unique_ptr<UdpSockets> udp_;
  std::unique_ptr<TcpStreams> tcp_;
  FileStorage storage_;
  TimerTable timers_;
  Alarm timer_alarm_;
  std::optional<Time> armed_deadline_;
  std::multimap<std::int64_t, StorageResult> delayed_syncs_;  ///< by CLOCK_MONOTONIC instant
  Alarm sync_alarm_;
  Alarm state_alarm_;  ///< the start, then the progress of the stop
  std::map<int, std::unique_ptr<Watch>> radio_watches_;
  RequestBuffer requests_;
  Buffer record_;
  std::unique_ptr<Protocol> protocol_;
  std::vector<Buffer> early_commands_;
  State state_ = State::kIdle;
  Time stop_deadline_{};
  Time handler_now_{};
  bool in_handler_ = false;
  bool hung_ = false;
  struct LateAnswer {
    StorageToken token{};
    StorageStatus status{};
    Buffer data;
  };
  std::vector<LateAnswer> late_answers_;  ///< of the disk, while hung
  std::string error_;
  std::uint64_t handlers_ = 0;
  std::uint64_t inputs_lost_ = 0;
  std::uint64_t frames_sent_ = 0;
  std::uint64_t frames_received_ = 0;
};

// The host's life

void LiveHost::Impl::start() {
  TWINBED_CHECK(state_ == State::kIdle, "a live host is started once");
  state_ = State::kWaiting;
  state_alarm_.set(options_.run_start_monotonic_ns, [this] { begin(); });
}

void LiveHost::Impl::begin() {
  state_ = State::kRunning;
  protocol_ = factory_();
  if (options_.radio != nullptr) {
    for (const int descriptor : options_.radio->descriptors()) {
      radio_watches_[descriptor] = std::make_unique<Watch>(loop_, descriptor);
      watch_radio(descriptor);
    }
  }
  for (Buffer& early : std::exchange(early_commands_, {})) command(early);
  handle(StartInput{});
}

bool LiveHost::Impl::run() {
  loop_.run_until([this] { return stopped(); }, Duration::max());
  return stopped() && error_.empty();
}

void LiveHost::Impl::request_stop() {
  services_.answer([this] { stop_now(); });
}

void LiveHost::Impl::stop_now() {
  if (state_ == State::kIdle || state_ == State::kWaiting) end();
  if (state_ != State::kRunning) return;
  hung_ = false;
  handle(StopInput{});
  if (state_ != State::kRunning) return;  // its last requests may have failed
  state_ = State::kStopping;
  timer_alarm_.cancel();
  radio_watches_.clear();
  tcp_->close_all();
  stop_deadline_ = clock_.run_now() + kStopLimit;
  poll_stop();
}

void LiveHost::Impl::poll_stop() {
  const bool is_idle = tcp_->is_idle() && udp_->is_idle();
  if (is_idle || clock_.run_now() >= stop_deadline_) {
    end();
  } else {
    state_alarm_.set(monotonic_now_ns() + kStopPollNs, [this] { poll_stop(); });
  }
}

void LiveHost::Impl::fail(std::string sentence) {
  if (state_ != State::kRunning) return;
  state_ = State::kFailing;
  error_ = std::move(sentence);
  // The caller is in the middle of its work; what it works on goes in a later turn.
  state_alarm_.set(0, [this] {
    end();
    if (options_.on_error) options_.on_error(error_);
  });
}

void LiveHost::Impl::end() {
  state_ = State::kEnded;
  state_alarm_.cancel();
  timer_alarm_.cancel();
  sync_alarm_.cancel();
  radio_watches_.clear();
  udp_ = std::make_unique<UdpSockets>(services_);  // empty ones: all sockets close
  tcp_ = std::make_unique<TcpStreams>(services_);
  storage_.flush();
  protocol_.reset();
}

// Handler calls

void LiveHost::Impl::handle(const Input& input) {
  if (state_ != State::kRunning) return;
  if (hung_ && !std::holds_alternative<StartInput>(input)) {
    ++inputs_lost_;
    return;
  }
  TWINBED_CHECK(!in_handler_, "a handler was about to be called within another");
  requests_.clear();
  random_.clear();
  const Time now = handler_now_ = clock_.now();
  const WallTime wall = clock_.wall();
  recorder_.stamp(clock_.run_now());
  Context context = requests_.context(now, wall, options_.self, random_, recorder_);
  in_handler_ = true;
  call_handler(*protocol_, context, input);
  in_handler_ = false;
  ++handlers_;
  if (options_.input_log != nullptr) log_input(input, now, wall);
  carry_out_requests();
}

void LiveHost::Impl::log_input(const Input& input, Time now, WallTime wall) {
  encode_input(input, {now, wall, requests_.fingerprint(), random_.words()}, record_);
  options_.input_log->input(
      {clock_.run_now(), options_.self, to_string(kind_of(input)), record_});
}

void LiveHost::Impl::carry_out_requests() {
  for (const Request& request : requests_.requests()) {
    if (state_ != State::kRunning) return;
    carry_out(request);
  }
  tcp_->flush_written();
  arm_timers();
}

void LiveHost::Impl::carry_out(const Request& request) {
  const Bytes data = requests_.data(request);
  switch (request.kind) {
    case RequestKind::kTimerSet:
      // A past deadline counts as the present time, after the timers that are due by now.
      timers_.set(TimerId{request.id}, std::max(time_from_ns(request.number), handler_now_));
      break;
    case RequestKind::kTimerCancel: timers_.cancel(TimerId{request.id}); break;
    case RequestKind::kTransmit:
      if (options_.radio == nullptr) break;
      options_.radio->transmit(InterfaceId{request.id}, data, request.tx);
      ++frames_sent_;
      break;
    case RequestKind::kTune:
      if (options_.radio == nullptr) break;
      options_.radio->tune(InterfaceId{request.id}, static_cast<ChannelMhz>(request.number));
      break;
    case RequestKind::kBind: udp_->bind(SocketId{request.id}, request.endpoint); break;
    case RequestKind::kSend: udp_->send(SocketId{request.id}, request.endpoint, data); break;
    case RequestKind::kCloseSocket: udp_->close(SocketId{request.id}); break;
    case RequestKind::kListen: tcp_->listen(ListenerId{request.id}, request.endpoint); break;
    case RequestKind::kOpen: tcp_->open(StreamId{request.id}, request.endpoint); break;
    case RequestKind::kStreamWrite: tcp_->write(StreamId{request.id}, data); break;
    case RequestKind::kCloseStream: tcp_->close(StreamId{request.id}); break;
    case RequestKind::kDeliver:
      if (options_.on_deliver) options_.on_deliver(data);
      break;
    default: carry_out_storage(request); break;
  }
}

void LiveHost::Impl::command(Bytes command) {
  if (state_ == State::kIdle || state_ == State::kWaiting) {
    early_commands_.push_back(to_buffer(command));
    return;
  }
  services_.answer([this, copy = to_buffer(command)] { handle(CommandInput{copy}); });
}

void LiveHost::Impl::watch_radio(int descriptor) {
  radio_watches_.at(descriptor)->when_readable([this, descriptor] {
    const bool goes_on = options_.radio->receive(descriptor, [this](const RxFrame& frame) {
      ++frames_received_;
      handle(frame);
    });
    if (!radio_watches_.contains(descriptor)) return;
    if (goes_on) {
      watch_radio(descriptor);
    } else {
      radio_watches_.erase(descriptor);
    }
  });
}

// Storage

void LiveHost::Impl::carry_out_storage(const Request& request) {
  const std::string_view name = requests_.name(request);
  const StorageToken token{request.token};
  switch (request.kind) {
    case RequestKind::kRead: {
      FileStorage::ReadAnswer answer =
          storage_.read(name, static_cast<std::uint64_t>(request.number), request.size);
      answer_storage(token, answer.status, std::move(answer.data));
      break;
    }
    case RequestKind::kFileWrite:
      storage_.write(name, static_cast<std::uint64_t>(request.number), requests_.data(request));
      break;
    case RequestKind::kSync: {
      const StorageStatus status = storage_.sync(name);
      const Duration delay = sim::draw_sync_delay(storage_.fault(), effects_random_);
      if (delay <= Duration{}) {
        answer_storage(token, status, {});
        break;
      }
      ++storage_.counters().syncs_delayed;
      delayed_syncs_.emplace(monotonic_now_ns() + delay.count(), StorageResult{token, status, {}});
      arm_sync_alarm();
      break;
    }
    case RequestKind::kRename: storage_.rename(name, requests_.second_name(request)); break;
    case RequestKind::kRemove: storage_.remove(name); break;
    default: TWINBED_CHECK(false, "a request of an unknown kind");
  }
}

void LiveHost::Impl::answer_storage(StorageToken token, StorageStatus status, Buffer data) {
  services_.answer([this, token, status, bytes = std::move(data)]() mutable {
    if (hung_) {
      late_answers_.push_back({token, status, std::move(bytes)});
    } else {
      handle(StorageResult{token, status, bytes});
    }
  });
}

void LiveHost::Impl::arm_sync_alarm() {
  if (delayed_syncs_.empty()) return;
  sync_alarm_.set(delayed_syncs_.begin()->first, [this] { answer_delayed_syncs(); });
}

void LiveHost::Impl::answer_delayed_syncs() {
  while (!delayed_syncs_.empty() && delayed_syncs_.begin()->first <= monotonic_now_ns()) {
    const StorageResult result = delayed_syncs_.begin()->second;
    delayed_syncs_.erase(delayed_syncs_.begin());
    answer_storage(result.token, result.status, {});
  }
  arm_sync_alarm();
}

// Timers

void LiveHost::Impl::run_timers() {
  armed_deadline_.reset();
  if (hung_) return;  // they are due when it is over
  // Timers that these handlers set have their turn later, so that no protocol can lock out its own
  // sockets with a timer that is always due.
  const std::uint64_t before = timers_.next_setting();
  const Time now = clock_.now();
  TimerId id{};
  Time deadline{};
  while (state_ == State::kRunning && timers_.take_due(now, before, id, deadline)) {
    lateness_.add(LatenessKind::kTimer, clock_.now() - deadline);
    handle(TimerInput{id});
  }
  arm_timers();
}

void LiveHost::Impl::arm_timers() {
  const Time deadline = timers_.next_deadline();
  if (state_ != State::kRunning || hung_ || armed_deadline_ == deadline) return;
  armed_deadline_ = deadline;
  const std::int64_t latest = monotonic_now_ns() + kMaxAlarmNs;
  timer_alarm_.set(std::min(clock_.monotonic_at(deadline), latest), [this] { run_timers(); });
}

// Faults

void LiveHost::Impl::set_hung(bool hung) {
  hung_ = hung;
  if (hung) return;
  for (LateAnswer& answer : std::exchange(late_answers_, {})) {
    answer_storage(answer.token, answer.status, std::move(answer.data));
  }
  armed_deadline_.reset();
  arm_timers();
}

void LiveHost::Impl::set_blocked(const BlockedPairs& pairs) {
  for (const auto& [from, to] : pairs) {
    if (from == options_.self) paths_.of(to);
    if (to == options_.self) paths_.of(from);
  }
  for (auto& [peer, path] : paths_.all()) {
    if (peer == options_.self) continue;
    path.set_blocked(pairs.contains({options_.self, peer}), pairs.contains({peer, options_.self}));
  }
  udp_->on_blocks_changed();
  tcp_->on_blocks_changed();
}

void LiveHost::Impl::set_without_power(const std::set<NodeId>& nodes) {
  const bool is_self_off = nodes.contains(options_.self);
  for (NodeId node : is_self_off ? options_.addresses.nodes() : nodes) paths_.of(node);
  for (auto& [peer, path] : paths_.all()) {
    const bool is_off = peer != options_.self && (is_self_off || nodes.contains(peer));
    if (is_off && !is_self_off && !path.is_off()) tcp_->lose_peer(path);
    path.set_off(is_off);
  }
  udp_->on_blocks_changed();
  tcp_->on_blocks_changed();
}

void LiveHost::Impl::apply_clock_fault(const sim::ClockFault& fault) {
  clock_.step_wall(fault.step);
  clock_.set_drift(options_.clock.drift_ppm + fault.drift_ppm);
  armed_deadline_.reset();
  arm_timers();
}

// The public face

LiveHost::LiveHost(EventLoop& loop, LiveHostOptions options, RunSink& sink,
                   ProtocolFactory factory)
    : impl_(std::make_unique<Impl>(loop, std::move(options), sink, std::move(factory))) {}
LiveHost::~LiveHost() = default;

void LiveHost::adopt(SocketId id, Socket socket, std::optional<AbstractAddress> destination) {
  impl_->udp().adopt(id, std::move(socket), destination);
}
void LiveHost::start() { impl_->start(); }
bool LiveHost::run() { return impl_->run(); }
void LiveHost::request_stop() { impl_->request_stop(); }
bool LiveHost::stopped() const { return impl_->stopped(); }
const std::string& LiveHost::error() const { return impl_->error(); }
void LiveHost::command(Bytes command) { impl_->command(command); }
void LiveHost::set_blocked(const BlockedPairs& pairs) { impl_->set_blocked(pairs); }
void LiveHost::set_without_power(const std::set<NodeId>& nodes) {
  impl_->set_without_power(nodes);
}
void LiveHost::set_link(NodeId peer, const sim::LinkParams& params) {
  impl_->paths().of(peer).set_link(params);
}
void LiveHost::apply_clock_fault(const sim::ClockFault& fault) {
  impl_->apply_clock_fault(fault);
}
void LiveHost::set_disk_fault(const sim::DiskFault& fault) { impl_->storage().set_fault(fault); }
void LiveHost::set_hung(bool hung) { impl_->set_hung(hung); }
NodeId LiveHost::self() const { return impl_->options().self; }
Time LiveHost::run_now() const { return impl_->clock().run_now(); }
LiveHostCounters LiveHost::counters() const { return impl_->counters(); }
const LatenessLedger& LiveHost::lateness() const { return impl_->lateness(); }

}  // namespace twinbed::backends
