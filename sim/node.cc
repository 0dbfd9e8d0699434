#include "sim/node.h"

#include <algorithm>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

std::uint64_t number_of(NodeId id) { return static_cast<std::uint64_t>(id); }

}  // namespace

Node::Node(NodeId id, std::string name, std::string role, NodeWorld world, ProtocolFactory factory)
    : id_(id),
      name_(std::move(name)),
      role_(std::move(role)),
      outer_(std::move(world)),
      factory_(std::move(factory)),
      random_(outer_.world.seed, "node", number_of(id)),
      disk_random_(outer_.world.seed, "disk", number_of(id)),
      storage_(disk_random_) {}

template <class Handler>
void Node::run(Handler&& handler) {
  const Time now = outer_.world.now;
  Context context =
      outer_.requests.context(clock_.local(now), clock_.wall(now), id_, random_, *this);
  ++handlers_run_;
  in_handler_ = true;
  handler(*protocol_, context);
  in_handler_ = false;
  if (state_ == ProcessState::kDown) {
    outer_.requests.clear();
    leave_process(died_of_);
    storage_.crash();
    return;
  }
  for (const Request& request : outer_.requests.requests()) apply(request);
  outer_.requests.clear();
}

void Node::start() {
  if (state_ != ProcessState::kDown) return;
  outer_.network.switch_on(outer_.network.host_of(id_));
  protocol_ = factory_();
  state_ = ProcessState::kRunning;
  ++incarnation_;
  run([](Protocol& protocol, Context& context) { protocol.on_start(context); });
}

void Node::on_timer(TimerId id) {
  Timer* timer = find_timer(id);
  TWINBED_CHECK(timer != nullptr && timer->set, "a timer fired that is not set");
  timer->event = {};
  if (state_ == ProcessState::kPaused || state_ == ProcessState::kHung) {
    waiting_.push_back({EventKind::kNodeTimer, static_cast<std::uint32_t>(id), {}});
    return;
  }
  timer->set = false;
  run([id](Protocol& protocol, Context& context) { protocol.on_timer(context, id); });
}

void Node::on_storage(std::uint32_t slot, std::uint32_t incarnation) {
  if (incarnation == incarnation_ && state_ != ProcessState::kRunning) {
    waiting_.push_back({EventKind::kNodeStorage, slot, {}});
    return;
  }
  if (incarnation == incarnation_) run_answer(slot);
  free_answers_.push_back(slot);
}

void Node::run_answer(std::uint32_t slot) {
  // Moved out first: the handler's own requests may make the table grow.
  const PendingAnswer answer = std::move(answers_[slot]);
  run([&](Protocol& protocol, Context& context) {
    protocol.on_storage(context, {answer.token, answer.status, answer.data});
  });
}

void Node::on_command(PayloadId payload) {
  if (state_ == ProcessState::kPaused) {
    waiting_.push_back({EventKind::kNodeCommand, static_cast<std::uint32_t>(payload), {}});
    return;
  }
  if (state_ == ProcessState::kRunning) run_command(payload);
  outer_.world.payloads.release(payload);
}

void Node::run_command(PayloadId payload) {
  run([&](Protocol& protocol, Context& context) {
    protocol.on_command(context, outer_.world.payloads.view(payload));
  });
}

void Node::on_delivery(const Delivery& delivery) {
  if (state_ == ProcessState::kPaused) {
    keep_waiting(delivery);
    return;
  }
  if (state_ == ProcessState::kRunning) run_delivery(delivery);
  drop_delivery(delivery);
}

void Node::on_frame(const RadioDelivery& delivery) {
  if (state_ == ProcessState::kPaused) {
    keep_frame(delivery);
  } else if (state_ == ProcessState::kRunning) {
    run([&](Protocol& protocol, Context& context) { protocol.on_frame(context, delivery.frame); });
  }
}

void Node::keep_frame(const RadioDelivery& delivery) {
  const std::size_t bytes = delivery.frame.frame.size();
  if (waiting_frame_bytes_ + bytes > kCaptureBufferBytes) return;
  waiting_frame_bytes_ += bytes;
  outer_.world.payloads.retain(delivery.payload);
  waiting_frames_.push_back(delivery);
  waiting_.push_back({EventKind::kFrameEnd, 0, {}});
}

/// The caller releases its payload.
RadioDelivery Node::take_frame() {
  RadioDelivery delivery = waiting_frames_.front();
  waiting_frames_.pop_front();
  waiting_frame_bytes_ -= delivery.frame.frame.size();
  delivery.frame.frame = outer_.world.payloads.view(delivery.payload);
  return delivery;
}

/// A stream's bytes always find room: its sender knows the window.
void Node::keep_waiting(const Delivery& delivery) {
  if (!delivery.is_stream) {
    const std::uint32_t bytes = delivery.length + kUdpOverheadBytes;
    if (waiting_bytes_ + bytes > kReceiveBufferBytes) {
      outer_.network.drop_unread(delivery);
      return;
    }
    waiting_bytes_ += bytes;
  }
  waiting_.push_back({EventKind::kPacket, 0, delivery});
}

void Node::run_delivery(const Delivery& delivery) {
  const Bytes bytes =
      outer_.world.payloads.view(delivery.payload).subspan(delivery.offset, delivery.length);
  run([&](Protocol& protocol, Context& context) {
    if (!delivery.is_stream) {
      protocol.on_datagram(context, {delivery.socket, delivery.peer, bytes});
      return;
    }
    protocol.on_stream(context, {delivery.kind, delivery.stream, delivery.listener, delivery.peer,
                                 delivery.failure, bytes});
  });
}

void Node::drop_delivery(const Delivery& delivery) {
  outer_.world.payloads.release(delivery.payload);
  if (delivery.is_stream) outer_.network.tcp().consumed(delivery.connection, delivery.length);
}

/// No event of a stream comes after the protocol has closed it, nor one of its predecessor after it
/// has used the name again.
void Node::forget_stream(StreamId stream) {
  outer_.network.drop_deliveries(id_, stream);
  std::erase_if(waiting_, [&](const Waiting& item) {
    const Delivery& delivery = item.delivery;
    const bool unwanted =
        item.kind == EventKind::kPacket && delivery.is_stream && delivery.stream == stream;
    if (unwanted) outer_.world.payloads.release(delivery.payload);
    return unwanted;
  });
}

void Node::stop() {
  if (state_ == ProcessState::kDown) return;
  if (state_ != ProcessState::kRunning) resume();
  // What it was woken for, or its good-bye, may be the event on which it crashes.
  if (state_ == ProcessState::kDown) return;
  run([](Protocol& protocol, Context& context) { protocol.on_stop(context); });
  if (state_ != ProcessState::kDown) leave_process(CrashCause::kKill);
}

void Node::crash(CrashCause cause) {
  if (state_ == ProcessState::kDown) return;
  if (in_handler_) {  // the protocol object outlives its handler
    state_ = ProcessState::kDown;
    died_of_ = cause;
    return;
  }
  leave_process(cause);
  storage_.crash();
}

/// The process is gone; what its disk holds is not, nor what its kernel holds while it has power.
void Node::leave_process(CrashCause cause) {
  state_ = ProcessState::kDown;
  ++incarnation_;
  protocol_.reset();
  recorded_role_.clear();
  for (Timer& timer : timers_) {
    outer_.world.queue.cancel(timer.event);
    timer.set = false;
    timer.event = {};
  }
  if (cause == CrashCause::kPowerFailure) {
    outer_.network.switch_off(outer_.network.host_of(id_));
  } else {
    outer_.network.crash(id_);
  }
  waiting_bytes_ = 0;
  while (!waiting_.empty()) {
    const Waiting item = waiting_.front();
    waiting_.pop_front();
    if (item.kind == EventKind::kPacket) drop_delivery(item.delivery);
    if (item.kind == EventKind::kFrameEnd) {
      outer_.world.payloads.release(take_frame().payload);
    }
    if (item.kind == EventKind::kNodeStorage) free_answers_.push_back(item.first);
    if (item.kind == EventKind::kNodeCommand) outer_.world.payloads.release(PayloadId{item.first});
  }
}

void Node::pause() {
  if (state_ == ProcessState::kRunning) state_ = ProcessState::kPaused;
}

void Node::hang() {
  if (state_ == ProcessState::kRunning) state_ = ProcessState::kHung;
}

void Node::resume() {
  if (state_ != ProcessState::kPaused && state_ != ProcessState::kHung) return;
  state_ = ProcessState::kRunning;
  const std::uint32_t incarnation = incarnation_;
  waiting_bytes_ = 0;
  while (!waiting_.empty() && incarnation == incarnation_) {
    const Waiting item = waiting_.front();
    waiting_.pop_front();
    if (item.kind == EventKind::kNodeTimer) {
      // A handler that ran since then may have cancelled the timer or set it anew.
      Timer* timer = find_timer(TimerId{item.first});
      if (timer == nullptr || !timer->set || outer_.world.queue.pending(timer->event)) continue;
      on_timer(TimerId{item.first});
    } else if (item.kind == EventKind::kNodeStorage) {
      on_storage(item.first, incarnation_);
    } else if (item.kind == EventKind::kNodeCommand) {
      on_command(PayloadId{item.first});
    } else if (item.kind == EventKind::kFrameEnd) {
      const RadioDelivery delivery = take_frame();
      on_frame(delivery);
      outer_.world.payloads.release(delivery.payload);
    } else {
      on_delivery(item.delivery);
    }
  }
}

void Node::sample(const Metric& metric, double value) {
  if (state_ == ProcessState::kDown) return;
  outer_.sink.sample(outer_.world.now, id_, metric, value);
}

void Node::event(const EventType& type, std::span<const Field> fields) {
  if (state_ == ProcessState::kDown) return;
  if (type.name == kRoleEvent.name) recorded_role_ = text_field(fields, "role");
  outer_.sink.event(outer_.world.now, id_, type, fields);
  outer_.recorded(id_, type.name);
}

void Node::apply(const Request& request) {
  Network& network = outer_.network;
  const Bytes data = outer_.requests.data(request);
  std::string problem;
  switch (request.kind) {
    case RequestKind::kTimerSet:
      set_timer(TimerId{request.id}, time_from_ns(request.number));
      break;
    case RequestKind::kTimerCancel: cancel_timer(TimerId{request.id}); break;
    // A node without a radio transmits into nothing.
    case RequestKind::kTransmit:
      if (outer_.radio) outer_.radio->transmit({id_, InterfaceId{request.id}}, data, request.tx);
      break;
    case RequestKind::kTune:
      if (outer_.radio) {
        outer_.radio->tune({id_, InterfaceId{request.id}},
                           ChannelMhz{static_cast<std::uint16_t>(request.number)});
      }
      break;
    case RequestKind::kBind:
      problem = network.bind(id_, SocketId{request.id}, request.endpoint);
      break;
    case RequestKind::kSend:
      network.send(id_, SocketId{request.id}, request.endpoint, data);
      break;
    case RequestKind::kCloseSocket: network.close_socket(id_, SocketId{request.id}); break;
    case RequestKind::kListen:
      problem = network.listen(id_, ListenerId{request.id}, request.endpoint);
      break;
    case RequestKind::kOpen:
      forget_stream(StreamId{request.id});
      network.tcp().open(id_, StreamId{request.id}, request.endpoint);
      break;
    case RequestKind::kStreamWrite: network.tcp().write(id_, StreamId{request.id}, data); break;
    case RequestKind::kCloseStream:
      forget_stream(StreamId{request.id});
      network.tcp().close(id_, StreamId{request.id});
      break;
    case RequestKind::kDeliver:
      if (outer_.on_deliver) outer_.on_deliver(id_, data);
      break;
    default: apply_storage(request); break;
  }
  if (!problem.empty()) outer_.fail("node " + name_ + ": " + problem);
}

void Node::apply_storage(const Request& request) {
  const std::string_view file = outer_.requests.name(request);
  const StorageToken token{request.token};
  switch (request.kind) {
    case RequestKind::kRead: {
      Buffer data;
      const StorageStatus status = storage_.read(
          file, static_cast<std::uint64_t>(request.number), request.size, data);
      answer(token, status, std::move(data), Duration{});
      break;
    }
    case RequestKind::kFileWrite:
      storage_.write(file, static_cast<std::uint64_t>(request.number),
                     outer_.requests.data(request));
      break;
    case RequestKind::kSync: {
      const Duration delay = storage_.draw_sync_delay();
      answer(token, storage_.sync(file), {}, delay);
      break;
    }
    case RequestKind::kRename: storage_.rename(file, outer_.requests.second_name(request)); break;
    case RequestKind::kRemove: storage_.remove(file); break;
    default: TWINBED_CHECK(false, "a request of this kind is not for the storage");
  }
}

void Node::answer(StorageToken token, StorageStatus status, Buffer data, Duration delay) {
  std::uint32_t slot = 0;
  if (free_answers_.empty()) {
    slot = static_cast<std::uint32_t>(answers_.size());
    answers_.emplace_back();
  } else {
    slot = free_answers_.back();
    free_answers_.pop_back();
  }
  answers_[slot] = {token, status, std::move(data)};
  outer_.world.schedule_after(
      delay, {EventKind::kNodeStorage, static_cast<std::uint32_t>(id_), slot, incarnation_});
}

Node::Timer* Node::find_timer(TimerId id) {
  const auto at = std::lower_bound(timers_.begin(), timers_.end(), id,
                                   [](const Timer& timer, TimerId key) { return timer.id < key; });
  return at != timers_.end() && at->id == id ? &*at : nullptr;
}

void Node::set_timer(TimerId id, Time deadline) {
  Timer* timer = find_timer(id);
  if (timer == nullptr) {
    const auto at = std::lower_bound(
        timers_.begin(), timers_.end(), id,
        [](const Timer& entry, TimerId key) { return entry.id < key; });
    timer = &*timers_.insert(at, Timer{id, false, {}, {}});
  }
  outer_.world.queue.cancel(timer->event);
  timer->set = true;
  timer->deadline = deadline;
  timer->event = outer_.world.schedule(
      clock_.when(deadline),
      {EventKind::kNodeTimer, static_cast<std::uint32_t>(id_), static_cast<std::uint32_t>(id), 0});
}

void Node::cancel_timer(TimerId id) {
  Timer* timer = find_timer(id);
  if (timer == nullptr || !timer->set) return;
  outer_.world.queue.cancel(timer->event);
  timer->set = false;
  timer->event = {};
}

void Node::reschedule_timers() {
  for (Timer& timer : timers_) {
    if (timer.set && outer_.world.queue.pending(timer.event)) set_timer(timer.id, timer.deadline);
  }
}

}  // namespace twinbed::sim
