#include "backends/sqlite/store.h"

#include "backends/sqlite/run_recorder.h"
#include "backends/sqlite/schema.h"
#include "backends/sqlite/store_file.h"
#include "backends/sqlite/store_state.h"
#include "backends/sqlite/writer_process.h"
#include "core/crypto/hash.h"

namespace twinbed::backends {
namespace {

using Text = std::string_view;

std::optional<Text> text_or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Text(text);
}

Status mark_killed_writers(Database& database) {
  Result<Statement> running =
      database.prepare("SELECT run_id, writer FROM run WHERE state = 'running'");
  if (!running) return Error{running.error()};
  std::vector<std::int64_t> killed;
  while ((*running).next()) {
    if (has_ended((*running).text(1))) killed.push_back((*running).integer(0));
  }
  Status status = (*running).status();
  (*running).reset();
  for (std::size_t i = 0; i < killed.size() && status; ++i) {
    status = database.run(
        "UPDATE run SET state = 'failed', failure = ?2 WHERE run_id = ?1 AND state = 'running'",
        killed[i], Text(kWriterKilled));
  }
  return status;
}

Status insert_file(Database& database, std::int64_t run_id, const FileRow& file) {
  const Bytes content = as_bytes(file.content);
  const std::string digest = blake2b_hex(content);
  Status status = database.run_often(
      "INSERT INTO content (digest, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING", Text(digest),
      content);
  if (!status) return status;
  return database.run_often("INSERT INTO file (run_id, path, digest) VALUES (?1, ?2, ?3)", run_id,
                            Text(file.path), Text(digest));
}

Result<std::int64_t> insert_run(Database& database, const std::string& writer,
                                const RunInfo& info) {
  Transaction transaction(database);
  if (!transaction.begun()) return Error{transaction.begun().error()};
  Status status = database.run_often(
      "INSERT INTO run (scenario, scenario_text, mode, seed, replication, state, build_id, "
      "fault_plan, started_at, writer) VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6, ?7, ?8, ?9)",
      Text(info.scenario), Text(info.scenario_text), Text(info.mode),
      static_cast<std::int64_t>(info.seed), info.replication, Text(info.build_id),
      Text(info.fault_plan), Text(info.started_at), Text(writer));
  const std::int64_t run_id = database.last_insert_rowid();
  for (std::size_t i = 0; i < info.parameters.size() && status; ++i) {
    const auto& [path, value] = info.parameters[i];
    status = database.run_often("INSERT INTO parameter (run_id, path, value) VALUES (?1, ?2, ?3)",
                                run_id, Text(path), Text(value));
  }
  for (std::size_t i = 0; i < info.nodes.size() && status; ++i) {
    const NodeRow& node = info.nodes[i];
    status = database.run_often(
        "INSERT INTO node (run_id, node_id, name, role, host) VALUES (?1, ?2, ?3, ?4, ?5)", run_id,
        static_cast<std::int64_t>(i), Text(node.name), Text(node.role), Text(node.host));
  }
  for (std::size_t i = 0; i < info.files.size() && status; ++i) {
    status = insert_file(database, run_id, info.files[i]);
  }
  if (status) status = transaction.commit();
  if (!status) return Error{status.error()};
  return run_id;
}

Status update_run(Database& database, std::int64_t run_id, const RunResultRow& result) {
  return database.run_often(
      "UPDATE run SET state = ?2, failure = ?3, fingerprint = ?4, events_count = ?5, end_ns = ?6, "
      "wall_ns = ?7 WHERE run_id = ?1",
      run_id, Text(result.failure.empty() ? "finished" : "failed"), text_or_null(result.failure),
      text_or_null(result.fingerprint), result.events_count, result.end_ns, result.wall_ns);
}

}  // namespace

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}

Store::~Store() {
  if (state_->recorder.run_id() == 0) return;
  RunResultRow result;
  result.failure = "the store was closed before the run had finished";
  (void)finish_run(result);
}

Result<std::unique_ptr<Store>> Store::open(const std::string& path,
                                           std::chrono::milliseconds busy_timeout) {
  Result<Database> database = open_for_writing(path, busy_timeout);
  if (!database) return Error{database.error()};
  if (Status status = mark_killed_writers(*database); !status) return Error{status.error()};
  return std::unique_ptr<Store>(
      new Store(std::make_unique<State>(path, *std::move(database), busy_timeout)));
}

Result<std::int64_t> Store::begin_run(const RunInfo& info) {
  TWINBED_CHECK(state_->recorder.run_id() == 0, "a run was begun before the last one finished");
  Result<std::int64_t> run_id = insert_run(state_->database, state_->writer, info);
  if (run_id) state_->recorder.begin(*run_id);
  return run_id;
}

RunSink& Store::sink() { return state_->recorder; }

void Store::add_input(const InputRow& input) { state_->recorder.input(input); }

void Store::add_frame(const FrameRow& frame) { state_->recorder.frame(frame); }

void Store::add_verdict(const VerdictRow& verdict) { state_->recorder.verdict(verdict); }

void Store::add_lateness(const LatenessRow& row) {
  (void)state_->recorder.flush_with([&] {
    return state_->database.run(
        "INSERT INTO lateness (run_id, node_id, kind, count, missed, worst_ns, sum_ns, p50_ns, "
        "p90_ns, p99_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        state_->recorder.run_id(), stored_node(row.node), Text(row.kind), row.count, row.missed,
        row.worst_ns, row.sum_ns, row.p50_ns, row.p90_ns, row.p99_ns);
  });
}

void Store::add_link(const LinkRow& link) {
  (void)state_->recorder.flush_with([&] {
    return state_->database.run(
        "INSERT INTO link (run_id, link_index, a, b, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        state_->recorder.run_id(), static_cast<std::int64_t>(link.index), Text(link.a),
        Text(link.b), Text(link.detail));
  });
}

void Store::add_histogram(const Metric& metric, NodeId node, std::span<const HistogramBin> bins) {
  (void)state_->recorder.flush_with([&]() -> Status {
    const Result<std::int64_t> metric_id = state_->recorder.metric_id(metric);
    if (!metric_id) return Error{metric_id.error()};
    for (const HistogramBin& bin : bins) {
      Status status = state_->database.run_often(
          "INSERT INTO histogram (run_id, metric_id, node_id, low, high, count) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
          state_->recorder.run_id(), *metric_id, stored_node(node), bin.low, bin.high, bin.count);
      if (!status) return status;
    }
    return success();
  });
}

Status Store::flush() { return state_->recorder.flush(); }

Status Store::finish_run(const RunResultRow& result) {
  RunRecorder& recorder = state_->recorder;
  TWINBED_CHECK(recorder.run_id() != 0, "a run was finished that had not begun");
  const Status status = recorder.flush_with(
      [&] { return update_run(state_->database, recorder.run_id(), result); });
  if (!status) {
    RunResultRow failed = result;
    failed.failure = "not all of its rows could be stored: " + status.error();
    if (!result.failure.empty()) failed.failure = result.failure + "; " + failed.failure;
    // Where even this cannot be written, the run stays 'running' until this process has ended.
    (void)update_run(state_->database, recorder.run_id(), failed);
  }
  recorder.end();
  return status;
}

Status Store::create_indexes() {
  if (Status status = flush(); !status) return status;
  return state_->database.execute(kIndexSql);
}

void Store::set_batch_limits(const BatchLimits& limits) { state_->recorder.set_limits(limits); }

const std::string& Store::path() const { return state_->path; }

}  // namespace twinbed::backends
