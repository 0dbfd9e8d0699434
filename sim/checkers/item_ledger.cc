#include "sim/checkers/item_ledger.h"

namespace twinbed::sim {

std::string label(std::span<const Field> fields, std::string_view key) {
  const Field* field = find_field(fields, key);
  if (field == nullptr) return {};
  if (const auto* number = std::get_if<std::int64_t>(&field->value)) return std::to_string(*number);
  return std::string(text_field(fields, key));
}

void ItemLedger::event(Time at, NodeId node, const EventType& type, std::span<const Field> fields,
                       const RunState& run) {
  const bool submit = type.name == kSubmitEvent.name;
  const bool ack = type.name == kAckEvent.name;
  const bool refuse = type.name == kRefuseEvent.name;
  if (!submit && !ack && !refuse && type.name != kStoreEvent.name) return;
  const std::optional<NodeIndex> index = run.find(node);
  const std::string id = label(fields, "id");
  if (!index || id.empty()) return;
  if (!submit && !ack && !refuse) {
    store(at, *index, id, fields, run);
    return;
  }
  Item& item = items_[id];
  if (item.hash.empty()) item.hash = label(fields, "hash");
  if (submit) {
    item.submitted_at = at;
    item.submitter = *index;
    item.submitter_incarnation = run.state(*index).incarnation;
  } else if (refuse) {
    if (!item.refused_at) item.refused_at = at;
  } else if (!item.acked_at) {
    item.acked_at = at;
    item.acked_by = *index;
  }
}

void ItemLedger::store(Time at, NodeIndex node, const std::string& id,
                       std::span<const Field> fields, const RunState& run) {
  const NodeState& state = run.state(node);
  ItemCopy copy{at, label(fields, "hash"), state.incarnation, state.disk_losses};
  const auto [place, fresh] = items_[id].copies.try_emplace(node, copy);
  if (fresh) return;
  if (place->second.incarnation == state.incarnation) {
    second_copies_.push_back({id, node, place->second.at, at});
  }
  place->second = std::move(copy);
}

std::vector<NodeIndex> holders(const Item& item, const RunState& run) {
  std::vector<NodeIndex> nodes;
  for (const auto& [node, copy] : item.copies) {
    if (copy.disk_losses == run.state(node).disk_losses) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace twinbed::sim
