// Copying runs from one store into another, inside SQLite: the other file is attached, run ids and
// the ids of metrics and event types are mapped through temporary tables.
#include <filesystem>

#include "backends/sqlite/schema.h"
#include "backends/sqlite/store_file.h"
#include "backends/sqlite/store_state.h"

namespace twinbed::backends {
namespace {

constexpr char kMaps[] =
    "CREATE TEMP TABLE IF NOT EXISTS run_map (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
    "CREATE TEMP TABLE IF NOT EXISTS name_map (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
    "DELETE FROM run_map;";

constexpr char kRunColumns[] =
    "scenario, scenario_text, mode, seed, replication, state, failure, fingerprint, events_count, "
    "end_ns, build_id, fault_plan, started_at, wall_ns, writer";

/// The other store under the name "other", for the life of this object.
class Attachment {
 public:
  Attachment(Store::State& state, const std::string& path) : database_(state.database) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path, state.path, ignored)) {
      status_ = Error{"the result store " + path + " cannot absorb itself"};
      return;
    }
    // The full check of a reader: after it, the statements below mean what they say.
    const Result<Database> checked = open_for_reading(path, state.busy_timeout);
    if (!checked) {
      status_ = Error{checked.error()};
      return;
    }
    const std::string absolute = std::filesystem::absolute(path, ignored).string();
    status_ = database_.run("ATTACH ?1 AS other", std::string_view(absolute));
    attached_ = status_.ok();
  }
  ~Attachment() {
    if (attached_) (void)database_.execute("DETACH other");
  }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  const Status& status() const { return status_; }

 private:
  Database& database_;
  Status status_ = success();
  bool attached_ = false;
};

// Adds the names that are new here, and maps the ids of all of them.
Status map_names(Database& database, const std::string& table) {
  const bool metrics = table == "metric";
  const std::string key = metrics ? "metric_id" : "type_id";
  const std::string columns = metrics ? "name, unit, description" : "name, description";
  return database.execute(
      "INSERT INTO main." + table + " (" + columns + ") SELECT " + columns + " FROM other." +
      table + " WHERE true ORDER BY " + key + " ON CONFLICT DO NOTHING; DELETE FROM name_map; " +
      "INSERT INTO name_map SELECT theirs." + key + ", ours." + key + " FROM other." + table +
      " AS theirs JOIN main." + table + " AS ours ON ours.name = theirs.name;");
}

// Copies the rows of the runs in run_map. The rows are the outer loop of the join (CROSS JOIN says
// so to SQLite), so that they keep their order and each table is read once.
Status copy_table(Database& database, const RunTable& table) {
  const std::string name = table.name;
  const std::string columns = table.columns;
  if (table.dictionary == nullptr) {
    return database.execute("INSERT INTO main." + name + " (run_id, " + columns +
                            ") SELECT run_map.new, " + columns + " FROM other." + name +
                            " AS theirs CROSS JOIN run_map ON run_map.old = theirs.run_id");
  }
  if (Status status = map_names(database, table.dictionary); !status) return status;
  const std::string key = std::string_view(table.dictionary) == "metric" ? "metric_id" : "type_id";
  return database.execute("INSERT INTO main." + name + " (run_id, " + key + ", " + columns +
                          ") SELECT run_map.new, name_map.new, " + columns + " FROM other." + name +
                          " AS theirs CROSS JOIN run_map ON run_map.old = theirs.run_id "
                          "CROSS JOIN name_map ON name_map.old = theirs." + key);
}

Status copy_ended_runs(Database& database) {
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  const std::string columns = kRunColumns;
  Status status = database.execute(
      std::string(kMaps) +
      "INSERT INTO run_map SELECT run_id, row_number() OVER (ORDER BY run_id) + "
      "(SELECT coalesce(max(run_id), 0) FROM main.run) FROM other.run WHERE state <> 'running';"
      "INSERT INTO main.run (run_id, " + columns + ") SELECT run_map.new, " + columns +
      " FROM other.run JOIN run_map ON run_map.old = run_id ORDER BY run_map.new");
  if (status) {
    status = database.execute(
        "INSERT INTO main.content (digest, bytes) SELECT digest, bytes FROM other.content WHERE "
        "digest IN (SELECT digest FROM other.file JOIN run_map ON run_map.old = run_id) "
        "ON CONFLICT DO NOTHING");
  }
  for (const RunTable& table : kRunTables) {
    if (status) status = copy_table(database, table);
  }
  return status ? transaction.commit() : status;
}

Status copy_node_rows(Database& database, std::int64_t run_id) {
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  Status status = database.execute(kMaps);
  if (status) status = database.run("INSERT INTO run_map SELECT run_id, ?1 FROM other.run", run_id);
  for (const RunTable& table : kRunTables) {
    if (status && table.recorded_by_nodes) status = copy_table(database, table);
  }
  return status ? transaction.commit() : status;
}

// Events and faults are counted together; at equal times what was written first stays first, and a
// fault precedes the events that it causes. Inputs are counted by node.
Status number_anew(Database& database, std::int64_t run_id) {
  const std::string places =
      "WITH place AS (SELECT kind, id, row_number() OVER (ORDER BY time_ns, kind, id) - 1 AS n "
      "FROM (SELECT 0 AS kind, rowid AS id, time_ns FROM fault WHERE run_id = ?1 UNION ALL "
      "SELECT 1, rowid, time_ns FROM event WHERE run_id = ?1)) ";
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  Status status = database.run(
      places + "UPDATE event SET sequence = place.n FROM place WHERE kind = 1 AND id = event.rowid",
      run_id);
  if (status) {
    status = database.run(
        places + "UPDATE fault SET sequence = place.n FROM place WHERE kind = 0 AND "
                 "id = fault.rowid",
        run_id);
  }
  if (status) {
    status = database.run(
        "UPDATE input SET sequence = place.n FROM (SELECT rowid AS id, row_number() OVER "
        "(PARTITION BY node_id ORDER BY rowid) - 1 AS n FROM input WHERE run_id = ?1) AS place "
        "WHERE id = input.rowid",
        run_id);
  }
  return status ? transaction.commit() : status;
}

Result<std::vector<std::int64_t>> mapped_runs(Database& database) {
  Result<Statement> statement = database.prepare("SELECT new FROM run_map ORDER BY old");
  if (!statement) return Error{statement.error()};
  std::vector<std::int64_t> runs;
  while ((*statement).next()) runs.push_back((*statement).integer(0));
  if (const Status status = (*statement).status(); !status) return Error{status.error()};
  return runs;
}

}  // namespace

Result<std::vector<std::int64_t>> Store::absorb(const std::string& other_path) {
  if (Status status = flush(); !status) return Error{status.error()};
  const Attachment attachment(*state_, other_path);
  if (!attachment.status()) return Error{attachment.status().error()};
  if (Status status = copy_ended_runs(state_->database); !status) {
    return Error{"the runs of " + other_path + " could not be copied: " + status.error()};
  }
  return mapped_runs(state_->database);
}

Status Store::absorb_into_run(const std::vector<std::string>& node_paths) {
  RunRecorder& recorder = state_->recorder;
  TWINBED_CHECK(recorder.run_id() != 0, "rows of nodes were absorbed outside of a run");
  if (Status status = flush(); !status) return status;
  for (const std::string& path : node_paths) {
    const Attachment attachment(*state_, path);
    if (!attachment.status()) return attachment.status();
    if (Status status = copy_node_rows(state_->database, recorder.run_id()); !status) {
      return Error{"the rows of " + path + " could not be copied: " + status.error()};
    }
  }
  Status status = number_anew(state_->database, recorder.run_id());
  return status ? recorder.count_stored_rows() : status;
}

}  // namespace twinbed::backends
