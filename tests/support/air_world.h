// Radios in the air without anything else: a medium, its events and its deliveries.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sim/medium/table_medium.h"

namespace twinbed::testing {

/// `Medium` is TableMedium, or another one that is made in the same way.
template <class Medium>
class AirWorldOf {
 public:
  /// A frame that has arrived, with its bytes.
  struct Heard {
    Time at{};
    NodeId node{};
    RxFrame frame;
    Buffer bytes;
  };

  explicit AirWorldOf(const sim::AirOptions& options, std::uint64_t seed = 1)
      : medium_((world_.seed = seed, world_), options) {}

  /// A node that stands still, with these cards; returns its number.
  NodeId add(const sim::Position& position, std::vector<sim::CardOptions> cards = {{}}) {
    sim::RadioNode radio;
    radio.mobility = std::make_unique<sim::FixedPosition>(position);
    radio.cards = std::move(cards);
    return add(std::move(radio));
  }
  NodeId add(sim::RadioNode radio) {
    const NodeId node{nodes_++};
    medium_.add_node(node, std::move(radio));
    return node;
  }

  void send(NodeId from, Bytes frame, const TxParams& params = {}, std::uint32_t card = 0) {
    medium_.transmit({from, InterfaceId{card}}, frame, params);
  }

  /// Runs until nothing is left to do.
  void run() { run_until(kNever); }
  /// Runs all events up to this time and moves the clock there.
  void run_until(Time end) {
    sim::EventQueue<sim::Event>::Popped popped;
    while (world_.queue.next_time() <= end && world_.queue.pop(popped)) {
      world_.now = popped.at;
      execute(popped.event);
      while (const sim::RadioDelivery* delivery = medium_.next_delivery()) take(*delivery);
    }
    if (end != kNever) world_.now = end;
  }

  const sim::CardCounters& counters(NodeId node, std::uint32_t card = 0) {
    return medium_.counters({node, InterfaceId{card}});
  }
  std::size_t heard_by(NodeId node) const {
    std::size_t count = 0;
    for (const Heard& heard : heard_) count += heard.node == node ? 1 : 0;
    return count;
  }
  std::vector<Heard>& heard() { return heard_; }
  Medium& medium() { return medium_; }
  sim::World& world() { return world_; }
  Time now() const { return world_.now; }

 private:
  void execute(const sim::Event& event) {
    if (event.kind == sim::EventKind::kFrameEnd) {
      medium_.on_frame_end(event.first);
    } else if (event.kind == sim::EventKind::kChannelAccess) {
      medium_.on_channel_access(event.subject);
    } else {
      world_.ns3->execute(event.first);
    }
  }
  void take(const sim::RadioDelivery& delivery) {
    heard_.push_back({world_.now, delivery.node, delivery.frame,
                      Buffer(delivery.frame.frame.begin(), delivery.frame.frame.end())});
  }

  sim::World world_;
  Medium medium_;
  std::uint32_t nodes_ = 0;
  std::vector<Heard> heard_;
};

using AirWorld = AirWorldOf<sim::TableMedium>;

}  // namespace twinbed::testing
