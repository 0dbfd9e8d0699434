// The schema of the result store, and its manual: SQLite keeps these comments in every file, so
// that `.schema` in the sqlite3 shell prints them.
//
// Conventions: *_ns columns are integer nanoseconds, and time_ns is run time: the simulator's true
// time, or in mode real the machine's monotonic clock since the common start. node_id is the node's
// place in the scenario, from 0; NULL where a row is about the whole run. A REAL that is NULL was
// not a number (SQLite has no NaN); infinities are kept. JSON is compact. Foreign keys are written
// down for the reader and not enforced while a run is recorded.
//
// Indexes come after the rows (Store::create_indexes), since they cost more than the rows do.
#pragma once

#include <cstdint>

namespace twinbed::backends {

/// PRAGMA application_id: "twbd". Tells a result store from other SQLite files.
inline constexpr std::int64_t kApplicationId = 0x7477'6264;

/// PRAGMA user_version. Counts up with every change of a table; files are never migrated.
inline constexpr std::int64_t kSchemaVersion = 3;

inline constexpr char kSchemaSql[] = R"sql(
CREATE TABLE run (                -- one execution of a scenario
  run_id        INTEGER PRIMARY KEY,  -- from 1
  scenario      TEXT NOT NULL,    -- its name
  scenario_text TEXT NOT NULL,    -- the complete resolved scenario: with the files in the table
                                  -- file it is all that a replay needs
  mode          TEXT NOT NULL,    -- 'sim', 'real' or 'virtual-radio'
  seed          INTEGER NOT NULL, -- 64 bits; those above 2^63 - 1 appear as negative numbers
  replication   INTEGER NOT NULL, -- from 0, among runs with equal parameters
  state         TEXT NOT NULL,    -- 'running', 'finished' or 'failed'
  failure       TEXT,             -- one sentence; only when failed
  fingerprint   TEXT,             -- 16 hexadecimal digits over all that happened; NULL when real
  events_count  INTEGER,          -- simulated events that were executed
  end_ns        INTEGER,          -- run time at its end
  build_id      TEXT NOT NULL,    -- of the program that made the run
  fault_plan    TEXT NOT NULL,    -- the faults as drawn from the seed, every range resolved
  started_at    TEXT NOT NULL,    -- UTC, ISO 8601
  wall_ns       INTEGER,          -- how long it took
  writer        TEXT              -- the process that records it: boot id, process id namespace,
                                  -- process id, start time; tells a killed writer from a live one
) STRICT;

CREATE TABLE parameter (          -- what was set on top of the scenario file
  run_id INTEGER NOT NULL REFERENCES run,
  path   TEXT NOT NULL,           -- 'network.link.delay'
  value  TEXT NOT NULL            -- as written: '5 ms'
) STRICT;

CREATE TABLE file (               -- what the scenario names beside itself: images, graphs
  run_id INTEGER NOT NULL REFERENCES run,
  path   TEXT NOT NULL,           -- absolute, as in run.scenario_text
  digest TEXT NOT NULL REFERENCES content
) STRICT;

CREATE TABLE content (            -- the bytes of files, each once, however many runs read them
  digest TEXT NOT NULL PRIMARY KEY,  -- BLAKE2b-256 of the bytes, 64 hexadecimal digits
  bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE node (
  run_id  INTEGER NOT NULL REFERENCES run,
  node_id INTEGER NOT NULL,
  name    TEXT NOT NULL,
  role    TEXT NOT NULL,          -- the protocol's word: 'server', 'client'
  host    TEXT NOT NULL           -- the device it runs on
) STRICT;

CREATE TABLE link (               -- the network as the run used it
  run_id     INTEGER NOT NULL REFERENCES run,
  link_index INTEGER NOT NULL,    -- from 0
  a          TEXT NOT NULL,       -- the devices at its ends
  b          TEXT NOT NULL,
  detail     TEXT NOT NULL        -- its parameters as JSON
) STRICT;

CREATE TABLE metric (
  metric_id   INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,  -- dotted: 'election.messages'
  unit        TEXT NOT NULL,         -- 's', 'B', '1', 'dBm', ...
  description TEXT NOT NULL          -- one sentence
) STRICT;

CREATE TABLE sample (
  run_id    INTEGER NOT NULL REFERENCES run,
  time_ns   INTEGER NOT NULL,
  node_id   INTEGER,
  metric_id INTEGER NOT NULL REFERENCES metric,
  value     REAL                  -- NULL: not a number
) STRICT;

CREATE TABLE histogram (          -- one row for each bar
  run_id    INTEGER NOT NULL REFERENCES run,
  metric_id INTEGER NOT NULL REFERENCES metric,
  node_id   INTEGER,
  low       REAL,                 -- included
  high      REAL,                 -- excluded
  count     INTEGER NOT NULL
) STRICT;

CREATE TABLE event_type (
  type_id     INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,  -- dotted: 'election.suspect'
  description TEXT NOT NULL          -- one sentence
) STRICT;

CREATE TABLE event (
  run_id   INTEGER NOT NULL REFERENCES run,
  sequence INTEGER NOT NULL,      -- its place among all events and faults of the run, from 0
  time_ns  INTEGER NOT NULL,
  node_id  INTEGER,
  type_id  INTEGER NOT NULL REFERENCES event_type,
  fields   TEXT NOT NULL          -- flat JSON object; null where a number was not finite
) STRICT;

CREATE TABLE fault (              -- faults as they happened; the plan is in run.fault_plan
  run_id      INTEGER NOT NULL REFERENCES run,
  sequence    INTEGER NOT NULL,   -- counted together with event.sequence
  time_ns     INTEGER NOT NULL,
  fault_index INTEGER NOT NULL,   -- its place in the plan, from 0
  phase       TEXT NOT NULL,      -- 'begin' or 'end'
  action      TEXT NOT NULL,      -- 'crash', 'partition', ...
  target      TEXT NOT NULL,      -- the nodes or links it hit
  detail      TEXT NOT NULL,      -- its parameters as JSON
  touched     INTEGER NOT NULL    -- how much it changed; final in phase 'end'
) STRICT;

CREATE TABLE verdict (            -- what the checkers found
  run_id      INTEGER NOT NULL REFERENCES run,
  checker     TEXT NOT NULL,
  verdict     TEXT NOT NULL,      -- 'valid', 'invalid', 'unknown' or 'vacuous'
  expected    TEXT,               -- by the scenario; NULL: 'valid'
  explanation TEXT NOT NULL,
  time_ns     INTEGER,            -- of the first violation
  node_id     INTEGER             -- where it was seen
) STRICT;

CREATE TABLE input (              -- the handler calls of a live node, for replay offline
  run_id   INTEGER NOT NULL REFERENCES run,
  node_id  INTEGER NOT NULL,
  sequence INTEGER NOT NULL,      -- from 0 for each node
  time_ns  INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  payload  BLOB NOT NULL
) STRICT;

CREATE TABLE frame (              -- packets and radio frames, where the run was captured
  run_id    INTEGER NOT NULL REFERENCES run,
  time_ns   INTEGER NOT NULL,
  node_id   INTEGER,              -- whose socket or card it is; NULL: of none, on a host of several
                                  -- nodes
  card      INTEGER,              -- the node's radio card, from 0; NULL: a packet of the network
  direction TEXT NOT NULL,        -- 'sent' or 'received'; what was lost was sent and not received
  bytes     BLOB NOT NULL         -- the IPv4 packet; of a card, radiotap's header and the frame
) STRICT;

CREATE TABLE lateness (           -- the ledger of a real-time run: how late it was
  run_id   INTEGER NOT NULL REFERENCES run,
  node_id  INTEGER,
  kind     TEXT NOT NULL,         -- 'timer', 'packet', ...
  count    INTEGER NOT NULL,
  missed   INTEGER NOT NULL,      -- later than the run's bound
  worst_ns INTEGER NOT NULL,
  sum_ns   INTEGER NOT NULL,
  p50_ns   INTEGER NOT NULL,
  p90_ns   INTEGER NOT NULL,
  p99_ns   INTEGER NOT NULL
) STRICT;

CREATE VIEW v_run AS              -- runs without their long texts; times in seconds as well
SELECT run_id, scenario, mode, seed, replication, state, failure, fingerprint, events_count,
       end_ns / 1e9 AS end_s, end_ns, wall_ns / 1e9 AS wall_s, wall_ns, started_at, build_id,
       (SELECT count(*) FROM node WHERE node.run_id = run.run_id) AS nodes,
       (SELECT json_group_object(path, value) FROM parameter
         WHERE parameter.run_id = run.run_id) AS parameters  -- JSON object: path to value
  FROM run;

CREATE VIEW v_event AS            -- events with the names of their nodes and types
SELECT event.run_id, sequence, time_ns / 1e9 AS time_s, time_ns, event.node_id, node.name AS node,
       event_type.name AS type, fields
  FROM event JOIN event_type USING (type_id)
  LEFT JOIN node ON node.run_id = event.run_id AND node.node_id = event.node_id;

CREATE VIEW v_sample AS           -- samples with the names of their nodes and metrics
SELECT sample.run_id, time_ns / 1e9 AS time_s, time_ns, sample.node_id, node.name AS node,
       metric.name AS metric, unit, value
  FROM sample JOIN metric USING (metric_id)
  LEFT JOIN node ON node.run_id = sample.run_id AND node.node_id = sample.node_id;

CREATE VIEW v_fault AS            -- one row for each fault: when it began and ended
SELECT run_id, fault_index, action, max(target) AS target, max(detail) AS detail,
       min(CASE phase WHEN 'begin' THEN time_ns END) / 1e9 AS begin_s,
       max(CASE phase WHEN 'end' THEN time_ns END) / 1e9 AS end_s,
       min(CASE phase WHEN 'begin' THEN time_ns END) AS begin_ns,
       max(CASE phase WHEN 'end' THEN time_ns END) AS end_ns,  -- NULL: it was never lifted
       max(touched) AS touched
  FROM fault GROUP BY run_id, fault_index, action;

CREATE VIEW v_verdict AS          -- verdicts beside what the scenario expects
SELECT verdict.run_id, run.scenario, run.mode, run.seed, checker, verdict,
       coalesce(expected, 'valid') AS expected,
       verdict = coalesce(expected, 'valid') AS as_expected,  -- 1 or 0
       explanation, time_ns / 1e9 AS time_s, time_ns, verdict.node_id, node.name AS node
  FROM verdict JOIN run USING (run_id)
  LEFT JOIN node ON node.run_id = verdict.run_id AND node.node_id = verdict.node_id;
)sql";

/// Built by Store::create_indexes.
inline constexpr char kIndexSql[] = R"sql(
CREATE INDEX IF NOT EXISTS parameter_of_run ON parameter (run_id);
CREATE INDEX IF NOT EXISTS file_of_run ON file (run_id);
CREATE INDEX IF NOT EXISTS node_of_run ON node (run_id, node_id);
CREATE INDEX IF NOT EXISTS link_of_run ON link (run_id);
CREATE INDEX IF NOT EXISTS sample_by_metric ON sample (run_id, metric_id, time_ns);
CREATE INDEX IF NOT EXISTS histogram_of_run ON histogram (run_id, metric_id);
CREATE INDEX IF NOT EXISTS event_by_time ON event (run_id, time_ns, sequence);
CREATE INDEX IF NOT EXISTS event_by_type ON event (run_id, type_id, time_ns);
CREATE INDEX IF NOT EXISTS fault_of_run ON fault (run_id);
CREATE INDEX IF NOT EXISTS verdict_of_run ON verdict (run_id);
CREATE INDEX IF NOT EXISTS input_of_node ON input (run_id, node_id, sequence);
CREATE INDEX IF NOT EXISTS frame_of_run ON frame (run_id, time_ns);
CREATE INDEX IF NOT EXISTS lateness_of_run ON lateness (run_id);
)sql";

/// A table whose rows belong to a run, as far as copying from store to store needs to know it.
struct RunTable {
  const char* name;
  const char* columns;  ///< all of them but run_id and the key of the dictionary
  const char* dictionary = nullptr;  ///< the table that metric_id or type_id refers to
  bool recorded_by_nodes = true;     ///< in mode real; false: by the testbed alone
};

/// All tables with a run_id but `run` itself.
inline constexpr RunTable kRunTables[] = {
    {"parameter", "path, value", nullptr, false},
    {"file", "path, digest", nullptr, false},  // its content is copied before it
    {"node", "node_id, name, role, host", nullptr, false},
    {"link", "link_index, a, b, detail", nullptr, false},
    {"sample", "time_ns, node_id, value", "metric"},
    {"histogram", "node_id, low, high, count", "metric"},
    {"event", "sequence, time_ns, node_id, fields", "event_type"},
    {"fault", "sequence, time_ns, fault_index, phase, action, target, detail, touched"},
    {"verdict", "checker, verdict, expected, explanation, time_ns, node_id", nullptr, false},
    {"input", "node_id, sequence, time_ns, kind, payload"},
    {"frame", "time_ns, node_id, card, direction, bytes"},
    {"lateness", "node_id, kind, count, missed, worst_ns, sum_ns, p50_ns, p90_ns, p99_ns"},
};

}  // namespace twinbed::backends
