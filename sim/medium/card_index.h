// Which cards a node has: a medium numbers all cards from 0, those of one node one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/check.h"
#include "sim/radio_medium.h"

namespace twinbed::sim {

class CardIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffffU;

  /// Gives a node, which stands at a place, the next `count` numbers; each node once.
  void add(NodeId node, std::uint32_t place, std::size_t count) {
    const auto index = static_cast<std::size_t>(node);
    if (nodes_.size() <= index) nodes_.resize(index + 1);
    TWINBED_CHECK(nodes_[index].count == 0, "a node's cards are given once");
    nodes_[index] = {place, cards_, static_cast<std::uint32_t>(count)};
    cards_ += nodes_[index].count;
  }

  std::uint32_t cards_of(NodeId node) const {
    const auto index = static_cast<std::size_t>(node);
    return index < nodes_.size() ? nodes_[index].count : 0;
  }
  /// The number of a card; kNone where the node has none such.
  std::uint32_t find(CardAddress card) const {
    const auto interface = static_cast<std::uint32_t>(card.interface);
    if (interface >= cards_of(card.node)) return kNone;
    return nodes_[static_cast<std::size_t>(card.node)].first_card + interface;
  }
  /// Where a node stands that has cards.
  std::uint32_t place_of(NodeId node) const {
    TWINBED_CHECK(cards_of(node) > 0, "a node without cards");
    return nodes_[static_cast<std::size_t>(node)].place;
  }

 private:
  struct NodeCards {
    std::uint32_t place = 0;
    std::uint32_t first_card = 0;
    std::uint32_t count = 0;
  };
  std::vector<NodeCards> nodes_;  ///< by node; count 0 for those without cards
  std::uint32_t cards_ = 0;       ///< of all nodes
};

}  // namespace twinbed::sim
