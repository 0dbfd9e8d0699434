#include "sim/simulator.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace twinbed::sim {
namespace {

std::uint32_t number_of(NodeId id) { return static_cast<std::uint32_t>(id); }

}  // namespace

Simulator::Simulator(std::uint64_t seed, Topology topology, RunSink& sink)
    : world_{seed, Time{}, {}, {}},
      sink_(sink),
      network_(world_, std::move(topology)),
      faults_(world_, network_, radio_, nodes_, sink) {
  check_context() = {seed, 0, true};
}

Simulator::~Simulator() { check_context() = {}; }

NodeId Simulator::add_node(const NodeOptions& options, ProtocolFactory factory) {
  const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
  NodeWorld around{world_, network_, radio_, sink_, requests_, on_deliver_,
                   [this](std::string sentence) { failure_ = std::move(sentence); },
                   [this](NodeId node, std::string_view type) { faults_.on_event(node, type); }};
  network_.add_node(options.host);
  nodes_.push_back(std::make_unique<Node>(id, options.name, options.role, std::move(around),
                                          std::move(factory)));
  nodes_.back()->clock().step(options.clock_offset);
  nodes_.back()->clock().set_drift(world_.now, drift_to_ppb(options.drift_ppm));
  world_.schedule(world_.now, {EventKind::kNodeStart, number_of(id), 0, 0});
  return id;
}

void Simulator::set_radio(const std::function<std::unique_ptr<RadioMedium>(World&)>& make) {
  radio_ = make(world_);
}

void Simulator::put_file(NodeId id, std::string_view name, Bytes content) {
  node(id).storage().preload(name, content);
}

void Simulator::schedule_command(Time at, NodeId id, Bytes command) {
  const PayloadId payload = world_.payloads.make(command);
  world_.schedule(
      at, {EventKind::kNodeCommand, number_of(id), static_cast<std::uint32_t>(payload), 0});
}

bool Simulator::step() {
  EventQueue<Event>::Popped popped;
  if (failure_ || !world_.queue.pop(popped)) return false;
  world_.now = popped.at;
  check_context() = {world_.seed, to_ns(popped.at), true};
  if (describing_) last_description_ = describe(popped.event);
  ++events_executed_;
  fingerprint_.add(popped.at, popped.event.subject, static_cast<std::uint32_t>(popped.event.kind),
                   payload_hash(popped.event));
  dispatch(popped.event);
  faults_.begin_due();
  hand_out_deliveries();
  return !failure_;
}

std::uint64_t Simulator::payload_hash(const Event& event) const {
  if (event.kind == EventKind::kPacket) {
    const Packet& packet = network_.packet(event.first);
    const std::uint64_t flags = packet.tcp.syn | packet.tcp.ack << 1 | packet.tcp.fin << 2 |
                                packet.tcp.rst << 3 | packet.tcp.probe << 4;
    const std::uint64_t header = hash_combine(
        packet.tcp.sequence ^ flags << 56,
        packet.tcp.acknowledged ^ std::uint64_t{packet.length} << 40 ^ packet.to.port);
    return hash_combine(world_.payloads.hash(packet.payload), header);
  }
  if (event.kind == EventKind::kNodeCommand) {
    return world_.payloads.hash(PayloadId{event.first});
  }
  if (event.kind == EventKind::kFrameEnd) return radio_->frame_hash(event.first);
  return event.first;
}

void Simulator::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::kNodeStart: nodes_[event.subject]->start(); break;
    case EventKind::kNodeStop: nodes_[event.subject]->stop(); break;
    case EventKind::kNodeTimer: nodes_[event.subject]->on_timer(TimerId{event.first}); break;
    case EventKind::kNodeStorage:
      nodes_[event.subject]->on_storage(event.first, event.second);
      break;
    case EventKind::kNodeCommand:
      nodes_[event.subject]->on_command(PayloadId{event.first});
      break;
    case EventKind::kPacket: network_.on_packet(event.subject, event.first, event.second); break;
    case EventKind::kTcpTimer: network_.on_tcp_timer(event.first, event.second); break;
    case EventKind::kFrameEnd: radio_->on_frame_end(event.first); break;
    case EventKind::kChannelAccess: radio_->on_channel_access(event.subject); break;
    case EventKind::kNs3: world_.ns3->execute(event.first); break;
    case EventKind::kFaultBegin: faults_.begin(event.first); break;
    case EventKind::kFaultEnd: faults_.end(event.first); break;
  }
}

/// Who has received a frame, and how, is part of the fingerprint.
void Simulator::hand_out_frames() {
  while (const RadioDelivery* delivery = radio_->next_delivery()) {
    const RxFrame& frame = delivery->frame;
    std::uint64_t readings = static_cast<std::uint64_t>(frame.interface);
    for (std::size_t i = 0; i < frame.antenna_count; ++i) {
      const AntennaReading& reading = frame.readings[i];
      const auto signal = static_cast<std::uint8_t>(reading.signal_dbm);
      const auto noise = static_cast<std::uint8_t>(reading.noise_dbm);
      readings = hash_combine(readings, std::uint64_t{reading.antenna} << 16 |
                                            std::uint64_t{signal} << 8 | noise);
    }
    const std::uint32_t node = number_of(delivery->node);
    fingerprint_.add(world_.now, node, static_cast<std::uint32_t>(EventKind::kFrameEnd), readings);
    nodes_[node]->on_frame(*delivery);
    faults_.begin_due();
  }
}

void Simulator::hand_out_deliveries() {
  if (radio_) hand_out_frames();
  while (const Delivery* delivery = network_.next_delivery()) {
    nodes_[number_of(delivery->node)]->on_delivery(*delivery);
    faults_.begin_due();
  }
}

void Simulator::run_until(Time end) {
  while (world_.queue.next_time() <= end && step()) {
  }
  if (!failure_) world_.now = std::max(world_.now, end);
}

bool Simulator::run_until(const std::function<bool()>& predicate, Time limit) {
  while (world_.queue.next_time() <= limit && step()) {
    if (predicate()) return true;
  }
  if (!failure_) world_.now = std::max(world_.now, limit);
  return false;
}

void Simulator::finish() {
  faults_.finish();
  if (radio_) record_cards();
}

/// The counters of all cards of a node together.
void Simulator::record_cards() {
  for (const auto& node : nodes_) {
    const std::uint32_t cards = radio_->cards_of(node->id());
    if (cards == 0) continue;
    CardCounters sum;
    for (std::uint32_t i = 0; i < cards; ++i) {
      sum += radio_->counters({node->id(), InterfaceId{i}});
    }
    record_counters(sink_, world_.now, node->id(), sum);
  }
}

}  // namespace twinbed::sim
