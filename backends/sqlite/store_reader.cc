#include "backends/sqlite/store_reader.h"

#include <array>
#include <limits>
#include <map>

#include "backends/sqlite/json_fields.h"
#include "backends/sqlite/store_file.h"
#include "backends/sqlite/store_state.h"
#include "backends/sqlite/writer_process.h"
#include "core/crypto/hash.h"

namespace twinbed::backends {
namespace {

constexpr std::chrono::milliseconds kBusyTimeout{10'000};

/// A name of the file with its views, which sinks may keep.
struct Name {
  std::string name, unit, description;
  Metric metric;
  EventType type;
};
using Names = std::map<std::int64_t, std::unique_ptr<const Name>>;

Result<NodeId> node_in(const Statement& row, int column) {
  if (row.is_null(column)) return kWholeRun;
  const std::int64_t id = row.integer(column);
  if (id < 0 || id >= static_cast<std::int64_t>(kWholeRun)) {
    return Error{"a row has the impossible node " + std::to_string(id)};
  }
  return static_cast<NodeId>(id);
}

/// The number of a node's radio card.
Result<std::optional<InterfaceId>> card_in(const Statement& row, int column) {
  if (row.is_null(column)) return std::optional<InterfaceId>{};
  const std::int64_t number = row.integer(column);
  if (number < 0 || number > std::numeric_limits<std::uint32_t>::max()) {
    return Error{"a frame has the impossible card " + std::to_string(number)};
  }
  return std::optional(InterfaceId{static_cast<std::uint32_t>(number)});
}

// Names that are known already stay where they are.
Status load_names(Result<Statement> rows, Names& names) {
  if (!rows) return Error{rows.error()};
  while ((*rows).next()) {
    auto& entry = names[(*rows).integer(0)];
    if (entry != nullptr) continue;
    auto name = std::make_unique<Name>();
    name->name = (*rows).string(1);
    name->unit = (*rows).string(2);
    name->description = (*rows).string(3);
    name->metric = {name->name, name->unit, name->description};
    name->type = {name->name, name->description};
    entry = std::move(name);
  }
  return (*rows).status();
}

// The columns of kRunRow, without the long or repeated parts of RunInfo.
RunRow run_row(const Statement& row) {
  RunRow run;
  run.run_id = row.integer(0);
  run.info.scenario = row.string(1);
  run.info.mode = row.string(2);
  run.info.seed = static_cast<std::uint64_t>(row.integer(3));
  run.info.replication = row.integer(4);
  run.state = row.string(5);
  run.result.failure = row.string(6);
  run.result.fingerprint = row.string(7);
  run.result.events_count = row.optional_integer(8);
  run.result.end_ns = row.optional_integer(9);
  run.info.build_id = row.string(10);
  run.info.started_at = row.string(11);
  run.result.wall_ns = row.optional_integer(12);
  if (run.state == "running" && has_ended(row.text(13))) {
    run.state = "failed";
    run.result.failure = kWriterKilled;
  }
  return run;
}

constexpr char kRunRow[] =
    "SELECT run_id, scenario, mode, seed, replication, state, failure, fingerprint, events_count, "
    "end_ns, build_id, started_at, wall_ns, writer";

}  // namespace

struct StoreReader::State {
  std::string path;
  Database database;
  Names metrics;
  Names types;

  /// Prepares a query that ends even where the pages of the file point in circles.
  Result<Statement> query(std::string_view sql) {
    database.limit_work(enough_work_for(path));
    return database.prepare(sql);
  }
  Status load_all_names();
  Status load_files(RunRow& run);
  Result<Statement> rows_of_run(std::string_view sql, std::int64_t run_id);
  Status feed_change(const Statement& row, FieldsParser& parser, RunSink& sink);
  Status feed_sample(const Statement& row, RunSink& sink);
  Error wrong(const std::string& reason) const {
    return {"the result store " + path + " is damaged: " + reason};
  }
};

Status StoreReader::State::load_all_names() {
  Status status =
      load_names(query("SELECT metric_id, name, unit, description FROM metric"), metrics);
  if (!status) return status;
  return load_names(query("SELECT type_id, name, '', description FROM event_type"), types);
}

// A content that is missing is an empty one with the wrong digest.
Status StoreReader::State::load_files(RunRow& run) {
  Result<Statement> files = rows_of_run(
      "SELECT path, digest, bytes FROM file LEFT JOIN content USING (digest) WHERE run_id = ?1 "
      "ORDER BY path",
      run.run_id);
  if (!files) return Error{files.error()};
  while ((*files).next()) {
    const Bytes content = (*files).blob(2);
    if (blake2b_hex(content) != (*files).text(1)) {
      return wrong("the content of the file " + (*files).string(0) + " is not what was read");
    }
    run.info.files.push_back({(*files).string(0), std::string(as_text(content))});
  }
  return (*files).status();
}

Result<Statement> StoreReader::State::rows_of_run(std::string_view sql, std::int64_t run_id) {
  Result<Statement> rows = query(sql);
  if (rows) (*rows).bind_all(run_id);
  return rows;
}

StoreReader::StoreReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreReader::~StoreReader() = default;
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&&) noexcept = default;

Result<StoreReader> StoreReader::open(const std::string& path) {
  Result<Database> database = open_for_reading(path, kBusyTimeout);
  if (!database) return Error{database.error()};
  return StoreReader(
      std::unique_ptr<State>(new State{path, *std::move(database), {}, {}}));
}

Result<std::vector<RunRow>> StoreReader::runs() {
  Result<Statement> rows = state_->query(std::string(kRunRow) + " FROM run ORDER BY run_id");
  if (!rows) return Error{rows.error()};
  std::vector<RunRow> runs;
  while ((*rows).next()) runs.push_back(run_row(*rows));
  if (const Status status = (*rows).status(); !status) return Error{status.error()};
  return runs;
}

Result<RunRow> StoreReader::run(std::int64_t run_id) {
  const Snapshot snapshot(state_->database);
  if (!snapshot.begun()) return Error{snapshot.begun().error()};
  Result<Statement> row = state_->rows_of_run(
      std::string(kRunRow) + ", scenario_text, fault_plan FROM run WHERE run_id = ?1", run_id);
  if (!row) return Error{row.error()};
  if (!(*row).next()) {
    if (const Status status = (*row).status(); !status) return Error{status.error()};
    return Error{"the result store " + state_->path + " has no run " + std::to_string(run_id)};
  }
  RunRow run = run_row(*row);
  run.info.scenario_text = (*row).string(14);
  run.info.fault_plan = (*row).string(15);

  Result<Statement> parameters = state_->rows_of_run(
      "SELECT path, value FROM parameter WHERE run_id = ?1 ORDER BY rowid", run_id);
  if (!parameters) return Error{parameters.error()};
  while ((*parameters).next()) {
    run.info.parameters.emplace_back((*parameters).string(0), (*parameters).string(1));
  }
  if (const Status status = (*parameters).status(); !status) return Error{status.error()};

  Result<Statement> nodes = state_->rows_of_run(
      "SELECT node_id, name, role, host FROM node WHERE run_id = ?1 ORDER BY node_id", run_id);
  if (!nodes) return Error{nodes.error()};
  while ((*nodes).next()) {
    if ((*nodes).integer(0) != static_cast<std::int64_t>(run.info.nodes.size())) {
      return state_->wrong("its nodes are not numbered from 0");
    }
    run.info.nodes.push_back({(*nodes).string(1), (*nodes).string(2), (*nodes).string(3)});
  }
  if (const Status status = (*nodes).status(); !status) return Error{status.error()};
  if (const Status status = state_->load_files(run); !status) return Error{status.error()};
  return run;
}

Status StoreReader::for_each_event(std::int64_t run_id,
                                   const std::function<void(const EventRow&)>& visit) {
  const Snapshot snapshot(state_->database);
  if (!snapshot.begun()) return snapshot.begun();
  if (Status status = state_->load_all_names(); !status) return status;
  Result<Statement> rows = state_->rows_of_run(
      "SELECT time_ns, sequence, node_id, type_id, fields FROM event WHERE run_id = ?1 "
      "ORDER BY time_ns, sequence",
      run_id);
  if (!rows) return Error{rows.error()};
  FieldsParser parser;  // of this call alone, as the callback may read other events
  while ((*rows).next()) {
    const auto type = state_->types.find((*rows).integer(3));
    if (type == state_->types.end()) return state_->wrong("an event has no type");
    const Result<NodeId> node = node_in(*rows, 2);
    if (!node) return state_->wrong(node.error());
    const std::string_view json = (*rows).text(4);
    if (const Status parsed = parser.parse(json); !parsed) return state_->wrong(parsed.error());
    visit({(*rows).integer(1), time_from_ns((*rows).integer(0)), *node, type->second->type,
           parser.fields(), json});
  }
  return (*rows).status();
}

// A row of the union of event and fault: time_ns, sequence, node_id or fault_index, type_id or
// NULL, fields or phase, action, target, detail, touched.
Status StoreReader::State::feed_change(const Statement& row, FieldsParser& parser,
                                       RunSink& sink) {
  const Time at = time_from_ns(row.integer(0));
  if (row.is_null(3)) {
    FaultRow fault;
    fault.index = static_cast<std::uint32_t>(row.integer(2));
    fault.phase = row.text(4) == "begin" ? FaultPhase::kBegin : FaultPhase::kEnd;
    const std::array<std::string, 3> texts{row.string(5), row.string(6), row.string(7)};
    fault.action = texts[0];
    fault.target = texts[1];
    fault.detail = texts[2];
    fault.touched = static_cast<std::uint64_t>(row.integer(8));
    sink.fault(at, fault);
    return success();
  }
  const auto type = types.find(row.integer(3));
  if (type == types.end()) return wrong("an event has no type");
  const Result<NodeId> node = node_in(row, 2);
  if (!node) return wrong(node.error());
  if (const Status parsed = parser.parse(row.text(4)); !parsed) return wrong(parsed.error());
  sink.event(at, *node, type->second->type, parser.fields());
  return success();
}

Status StoreReader::State::feed_sample(const Statement& row, RunSink& sink) {
  const auto metric = metrics.find(row.integer(2));
  if (metric == metrics.end()) return wrong("a sample has no metric");
  const Result<NodeId> node = node_in(row, 1);
  if (!node) return wrong(node.error());
  sink.sample(time_from_ns(row.integer(0)), *node, metric->second->metric, row.real(3));
  return success();
}

Status StoreReader::feed(std::int64_t run_id, RunSink& sink) {
  const Snapshot snapshot(state_->database);
  if (!snapshot.begun()) return snapshot.begun();
  if (Status status = state_->load_all_names(); !status) return status;
  Result<Statement> changes = state_->rows_of_run(
      "SELECT time_ns, sequence, node_id, type_id, fields, NULL, NULL, NULL, NULL FROM event "
      "WHERE run_id = ?1 UNION ALL "
      "SELECT time_ns, sequence, fault_index, NULL, phase, action, target, detail, touched "
      "FROM fault WHERE run_id = ?1 ORDER BY 1, 2",
      run_id);
  if (!changes) return Error{changes.error()};
  Result<Statement> samples = state_->rows_of_run(
      "SELECT time_ns, node_id, metric_id, value FROM sample WHERE run_id = ?1 "
      "ORDER BY time_ns, rowid",
      run_id);
  if (!samples) return Error{samples.error()};
  FieldsParser parser;
  bool more_changes = (*changes).next();
  bool more_samples = (*samples).next();
  while (more_changes || more_samples) {
    const bool change_first =
        more_changes && (!more_samples || (*changes).integer(0) <= (*samples).integer(0));
    Status fed = change_first ? state_->feed_change(*changes, parser, sink)
                              : state_->feed_sample(*samples, sink);
    if (!fed) return fed;
    (change_first ? more_changes : more_samples) = (change_first ? *changes : *samples).next();
  }
  if (Status status = (*changes).status(); !status) return status;
  return (*samples).status();
}

Status StoreReader::for_each_frame(std::int64_t run_id,
                                   const std::function<void(const FrameRow&)>& visit) {
  Result<Statement> rows = state_->rows_of_run(
      "SELECT time_ns, node_id, card, direction, bytes FROM frame WHERE run_id = ?1 "
      "ORDER BY time_ns, rowid",
      run_id);
  if (!rows) return Error{rows.error()};
  while ((*rows).next()) {
    const Result<NodeId> node = node_in(*rows, 1);
    if (!node) return state_->wrong(node.error());
    const Result<std::optional<InterfaceId>> card = card_in(*rows, 2);
    if (!card) return state_->wrong(card.error());
    visit({time_from_ns((*rows).integer(0)), *node, (*rows).text(3), (*rows).blob(4), *card});
  }
  return (*rows).status();
}

Result<std::vector<StoredInput>> StoreReader::inputs(std::int64_t run_id, NodeId node) {
  Result<Statement> rows = state_->query(
      "SELECT sequence, time_ns, kind, payload FROM input WHERE run_id = ?1 AND node_id = ?2 "
      "ORDER BY sequence");
  if (!rows) return Error{rows.error()};
  (*rows).bind_all(run_id, static_cast<std::int64_t>(node));
  std::vector<StoredInput> inputs;
  while ((*rows).next()) {
    inputs.push_back({(*rows).integer(0), time_from_ns((*rows).integer(1)), (*rows).string(2),
                      to_buffer((*rows).blob(3))});
  }
  if (const Status status = (*rows).status(); !status) return Error{status.error()};
  return inputs;
}

Result<std::vector<SampleRow>> StoreReader::samples(std::int64_t run_id,
                                                    const std::string& metric) {
  Result<Statement> rows = state_->query(
      "SELECT time_ns, node_id, value FROM sample WHERE run_id = ?1 AND metric_id = "
      "(SELECT metric_id FROM metric WHERE name = ?2) ORDER BY time_ns, sample.rowid");
  if (!rows) return Error{rows.error()};
  (*rows).bind_all(run_id, std::string_view(metric));
  std::vector<SampleRow> samples;
  while ((*rows).next()) {
    const Result<NodeId> node = node_in(*rows, 1);
    if (!node) return state_->wrong(node.error());
    samples.push_back({time_from_ns((*rows).integer(0)), *node, (*rows).real(2)});
  }
  if (const Status status = (*rows).status(); !status) return Error{status.error()};
  return samples;
}

Result<std::vector<VerdictRow>> StoreReader::verdicts(std::int64_t run_id) {
  Result<Statement> rows = state_->rows_of_run(
      "SELECT checker, verdict, expected, explanation, time_ns, node_id FROM verdict "
      "WHERE run_id = ?1 ORDER BY rowid",
      run_id);
  if (!rows) return Error{rows.error()};
  std::vector<VerdictRow> verdicts;
  while ((*rows).next()) {
    VerdictRow verdict;
    verdict.checker = (*rows).string(0);
    verdict.verdict = (*rows).string(1);
    if (!(*rows).is_null(2)) verdict.expected = (*rows).string(2);
    verdict.explanation = (*rows).string(3);
    if (!(*rows).is_null(4)) verdict.time = time_from_ns((*rows).integer(4));
    const Result<NodeId> node = node_in(*rows, 5);
    if (!node) return state_->wrong(node.error());
    if (*node != kWholeRun) verdict.node = *node;
    verdicts.push_back(std::move(verdict));
  }
  if (const Status status = (*rows).status(); !status) return Error{status.error()};
  return verdicts;
}

}  // namespace twinbed::backends
