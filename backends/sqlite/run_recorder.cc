#include "backends/sqlite/run_recorder.h"

#include <algorithm>
#include <limits>

#include "backends/sqlite/json_fields.h"
#include "backends/sqlite/text.h"

namespace twinbed::backends {
namespace {

constexpr char kInsertMetric[] =
    "INSERT INTO metric (name, unit, description) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
constexpr char kFindMetric[] = "SELECT metric_id FROM metric WHERE name = ?1";
constexpr char kInsertType[] =
    "INSERT INTO event_type (name, description) VALUES (?1, ?3) ON CONFLICT DO NOTHING";
constexpr char kFindType[] = "SELECT type_id FROM event_type WHERE name = ?1";

std::int64_t as_stored(std::uint64_t count) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(count, kLargest));
}

}  // namespace

std::uint32_t NameTable::number(std::string_view name, std::string_view unit,
                                std::string_view description) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(entries_.size());
  // The clean name is what the file will find again.
  entries_.push_back({clean_text(name), std::string(unit), std::string(description)});
  numbers_.emplace(name, number);
  return number;
}

Status NameTable::resolve(Database& database) {
  for (; resolved_ < entries_.size(); ++resolved_) {
    Entry& entry = entries_[resolved_];
    const std::string_view name = entry.name;
    Status added = database.run(insert_sql_, name, std::string_view(entry.unit),
                                std::string_view(entry.description));
    if (!added) return added;
    const Result<std::int64_t> id = database.number(find_sql_, name);
    if (!id) return Error{id.error()};
    entry.id = *id;
  }
  return success();
}

void NameTable::forget_ids() { resolved_ = 0; }

RunRecorder::RunRecorder(Database& database)
    : database_(database), metrics_(kInsertMetric, kFindMetric), types_(kInsertType, kFindType) {}

void RunRecorder::begin(std::int64_t run_id) {
  run_id_ = run_id;
  next_sequence_ = 0;
  next_input_.clear();
}

void RunRecorder::end() {
  run_id_ = 0;
  failure_.reset();
  clear();
}

void RunRecorder::sample(Time at, NodeId node, const Metric& metric, double value) {
  if (!accepts()) return;
  const std::uint32_t number = metrics_.number(metric.name, metric.unit, metric.description);
  samples_.push_back({to_ns(at), node, number, value});
  added();
}

void RunRecorder::event(Time at, NodeId node, const EventType& type,
                        std::span<const Field> fields) {
  if (!accepts()) return;
  const std::uint32_t number = types_.number(type.name, {}, type.description);
  Slice slice{static_cast<std::uint32_t>(arena_.size()), 0};
  append_json(fields, arena_);
  slice.size = static_cast<std::uint32_t>(arena_.size()) - slice.at;
  events_.push_back({next_sequence_++, to_ns(at), node, number, slice});
  added();
}

void RunRecorder::fault(Time at, const FaultRow& fault) {
  if (!accepts()) return;
  faults_.push_back({next_sequence_++, to_ns(at), fault.index, fault.phase,
                     as_stored(fault.touched), keep(fault.action), keep(fault.target),
                     keep(fault.detail)});
  added();
}

void RunRecorder::input(const InputRow& input) {
  if (!accepts()) return;
  const std::int64_t sequence = next_input_[input.node]++;
  inputs_.push_back(
      {to_ns(input.at), input.node, sequence, keep(input.kind), keep(as_text(input.payload))});
  added();
}

void RunRecorder::frame(const FrameRow& frame) {
  if (!accepts()) return;
  const auto card = frame.card ? std::optional(static_cast<std::int64_t>(*frame.card))
                               : std::nullopt;
  frames_.push_back(
      {to_ns(frame.at), frame.node, card, keep(frame.direction), keep(as_text(frame.bytes))});
  added();
}

void RunRecorder::verdict(const VerdictRow& verdict) {
  if (!accepts()) return;
  verdicts_.push_back(verdict);
  added();
}

bool RunRecorder::accepts() {
  TWINBED_CHECK(run_id_ != 0, "a row was recorded outside of a run");
  return !failure_;
}

// A full batch is written at once. The clock decides when rows reach the file, never what they say.
void RunRecorder::added() {
  const auto now = std::chrono::steady_clock::now();
  const std::size_t count = rows();
  if (count == 1) oldest_ = now;
  if (count >= limits_.rows || arena_.size() >= limits_.bytes || now - oldest_ >= limits_.age) {
    (void)flush();
  }
}

RunRecorder::Slice RunRecorder::keep(std::string_view text) {
  const Slice slice{static_cast<std::uint32_t>(arena_.size()),
                    static_cast<std::uint32_t>(text.size())};
  arena_ += text;
  return slice;
}

void RunRecorder::remember(const Status& status) {
  if (status) return;
  if (!failure_) failure_ = Error{status.error()};
  // The transaction that failed may have been the one that added names.
  metrics_.forget_ids();
  types_.forget_ids();
}

Status RunRecorder::flush() {
  if (rows() > 0) return flush_with(success);
  if (failure_) return *failure_;
  return success();
}

Status RunRecorder::flush_with(const std::function<Status()>& write) {
  if (!failure_) remember(write_batch(write));
  clear();
  if (failure_) return *failure_;
  return success();
}

Status RunRecorder::write_batch(const std::function<Status()>& write) {
  Transaction transaction(database_);
  if (!transaction.begun()) return transaction.begun();
  Status status = write_rows();
  if (status) status = write();
  return status ? transaction.commit() : status;
}

Status RunRecorder::write_rows() {
  Status status = metrics_.resolve(database_);
  if (status) status = types_.resolve(database_);
  if (status) status = write_samples();
  if (status) status = write_events();
  if (status) status = write_faults();
  if (status) status = write_inputs();
  if (status) status = write_frames();
  if (status) status = write_verdicts();
  return status;
}

Status RunRecorder::write_samples() {
  return insert_sample_.insert(database_, samples_, [this](const SampleItem& item) {
    return std::tuple(run_id_, item.time_ns, stored_node(item.node), metrics_.id(item.metric),
                      item.value);
  });
}

Status RunRecorder::write_events() {
  return insert_event_.insert(database_, events_, [this](const EventItem& item) {
    return std::tuple(run_id_, item.sequence, item.time_ns, stored_node(item.node),
                      types_.id(item.type), view(item.fields));
  });
}

Status RunRecorder::write_faults() {
  return insert_fault_.insert(database_, faults_, [this](const FaultItem& item) {
    const std::string_view phase = item.phase == FaultPhase::kBegin ? "begin" : "end";
    return std::tuple(run_id_, item.sequence, item.time_ns, item.index, phase, view(item.action),
                      view(item.target), view(item.detail), item.touched);
  });
}

Status RunRecorder::write_inputs() {
  return insert_input_.insert(database_, inputs_, [this](const InputItem& item) {
    return std::tuple(run_id_, static_cast<std::int64_t>(item.node), item.sequence, item.time_ns,
                      view(item.kind), as_bytes(view(item.payload)));
  });
}

Status RunRecorder::write_frames() {
  return insert_frame_.insert(database_, frames_, [this](const FrameItem& item) {
    return std::tuple(run_id_, item.time_ns, stored_node(item.node), item.card,
                      view(item.direction), as_bytes(view(item.bytes)));
  });
}

Status RunRecorder::write_verdicts() {
  return insert_verdict_.insert(database_, verdicts_, [this](const VerdictRow& row) {
    using Text = std::string_view;
    return std::tuple(run_id_, Text(row.checker), Text(row.verdict),
                      row.expected ? std::optional(Text(*row.expected)) : std::nullopt,
                      Text(row.explanation),
                      row.time ? std::optional(to_ns(*row.time)) : std::nullopt,
                      stored_node(row.node.value_or(kWholeRun)));
  });
}

void RunRecorder::clear() {
  arena_.clear();
  samples_.clear();
  events_.clear();
  faults_.clear();
  inputs_.clear();
  frames_.clear();
  verdicts_.clear();
}

Result<std::int64_t> RunRecorder::metric_id(const Metric& metric) {
  const std::uint32_t number = metrics_.number(metric.name, metric.unit, metric.description);
  if (const Status status = metrics_.resolve(database_); !status) return Error{status.error()};
  return metrics_.id(number);
}

Status RunRecorder::count_stored_rows() {
  const Result<std::int64_t> count = database_.number(
      "SELECT (SELECT count(*) FROM event WHERE run_id = ?1) + "
      "(SELECT count(*) FROM fault WHERE run_id = ?1)",
      run_id_);
  if (!count) return Error{count.error()};
  next_sequence_ = *count;
  Result<Statement> inputs =
      database_.prepare("SELECT node_id, count(*) FROM input WHERE run_id = ?1 GROUP BY node_id");
  if (!inputs) return Error{inputs.error()};
  (*inputs).bind_all(run_id_);
  while ((*inputs).next()) {
    next_input_[static_cast<NodeId>((*inputs).integer(0))] = (*inputs).integer(1);
  }
  return (*inputs).status();
}

}  // namespace twinbed::backends
