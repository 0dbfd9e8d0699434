// What became of the items of data that clients handed over: the books behind the delivery checker
// and the image figures.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/io/run_sink.h"
#include "sim/checkers/run_state.h"

namespace twinbed::sim {

/// An item as a node keeps it.
struct ItemCopy {
  Time at{};
  std::string hash;  ///< as recorded; empty: not recorded
  std::uint32_t incarnation = 0;  ///< of the node when it stored it
  std::uint32_t disk_losses = 0;
};

struct Item {
  std::optional<Time> submitted_at{};  ///< the last time, for items that a client hands over again
  NodeIndex submitter = 0;
  std::uint32_t submitter_incarnation = 0;
  std::optional<Time> acked_at{};
  NodeIndex acked_by = 0;
  std::optional<Time> refused_at{};
  std::string hash;  ///< as the client's rows say; empty: they do not
  std::map<NodeIndex, ItemCopy> copies;

  bool answered() const { return acked_at || refused_at; }
};

/// An item that a node stored twice.
struct SecondCopy {
  std::string item;
  NodeIndex node = 0;
  Time first{};
  Time second{};
};

/// A field as text, whether it is text or an integer; empty when it is absent.
std::string label(std::span<const Field> fields, std::string_view key);

class ItemLedger {
 public:
  /// Takes in an event once `run` has seen every row before it.
  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields,
             const RunState& run);

  /// By identity. An identity is text; integers are taken in decimal.
  const std::map<std::string, Item>& items() const { return items_; }

  /// The items that one node stored twice without having been started anew in between. After a
  /// restart a node may record again what it finds on its disk.
  const std::vector<SecondCopy>& second_copies() const { return second_copies_; }

 private:
  void store(Time at, NodeIndex node, const std::string& id, std::span<const Field> fields,
             const RunState& run);

  std::map<std::string, Item> items_;
  std::vector<SecondCopy> second_copies_;
};

/// The nodes that keep the item, ascending: those that stored it and did not lose their disk since.
std::vector<NodeIndex> holders(const Item& item, const RunState& run);

}  // namespace twinbed::sim
