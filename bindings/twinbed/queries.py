"""The SQL behind the DataFrames, and how their values become pandas'."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from . import _twinbed
from .columns import TABLES, names
from .errors import ResultsError

# What was run, for tables that are read across runs.
_SETUP = """
    (SELECT run_id AS setup_run, scenario, mode, replication,
            coalesce((SELECT group_concat(path || '=' || value, ', ')
                        FROM (SELECT path, value FROM parameter
                               WHERE parameter.run_id = run.run_id ORDER BY path)), '')
              AS parameters
       FROM run) AS setup ON setup_run = """

# A measure that has rows about the run as a whole counts with these alone.
_MEASURES = f"""
    SELECT sample.run_id, scenario, parameters, mode, replication, name AS metric, unit,
           sample.value
      FROM sample JOIN metric USING (metric_id)
      JOIN json_each(:measures) AS wanted ON wanted.value = name
      JOIN {_SETUP} sample.run_id
     WHERE {{runs}}
       AND (node_id IS NULL OR NOT EXISTS (
             SELECT 1 FROM sample AS whole
              WHERE whole.run_id = sample.run_id AND whole.node_id IS NULL
                AND whole.metric_id = sample.metric_id))
     ORDER BY run_id, wanted.key, time_ns, sample.rowid"""

# What is not a measure: the metrics of the protocols. One that is described as what happened 'since
# the start', or 'since its start', is a counter.
_METRICS = """
    WITH numbered AS (
      SELECT sample.*,
             row_number() OVER (PARTITION BY run_id, metric_id, node_id
                                ORDER BY time_ns DESC, rowid DESC) AS place
        FROM sample WHERE {runs})
    SELECT run_id, metric.name AS metric, unit, description,
           description LIKE '% since ___ start' AS counter, numbered.node_id, node.name AS node,
           count(*) AS samples, avg(value) AS mean, min(value) AS min, max(value) AS max,
           max(CASE place WHEN 1 THEN value END) AS last
      FROM numbered JOIN metric USING (metric_id) LEFT JOIN node USING (run_id, node_id)
     WHERE metric.name NOT IN (SELECT value FROM json_each(:measures))
     GROUP BY run_id, metric_id, numbered.node_id
     ORDER BY run_id, metric.name, numbered.node_id"""

# {runs} becomes the condition on run_id.
_SQL = {
    "runs": f"""
        SELECT v_run.run_id, v_run.scenario, setup.parameters, v_run.mode, seed,
               v_run.replication, state, failure, fingerprint, events_count, end_s, end_ns, wall_s,
               wall_ns, started_at, build_id, nodes,
               state = 'finished' AND NOT EXISTS (
                 SELECT 1 FROM verdict
                  WHERE verdict.run_id = v_run.run_id
                    AND verdict <> coalesce(expected, 'valid')) AS as_expected
          FROM v_run JOIN {_SETUP} run_id
         WHERE {{runs}} ORDER BY run_id""",
    "samples": "SELECT * FROM v_sample WHERE {runs} ORDER BY run_id, time_ns, metric, node_id",
    "events": "SELECT * FROM v_event WHERE {runs} ORDER BY run_id, sequence",
    "faults": "SELECT * FROM v_fault WHERE {runs} ORDER BY run_id, begin_ns, fault_index",
    "verdicts": f"""
        SELECT v_verdict.*, setup.parameters FROM v_verdict JOIN {_SETUP} run_id
         WHERE {{runs}} ORDER BY run_id, checker""",
    "nodes": """
        SELECT run_id, node_id, name AS node, role, host FROM node
         WHERE {runs} ORDER BY run_id, node_id""",
    "parameters": "SELECT * FROM parameter WHERE {runs} ORDER BY run_id, path",
    "measures": _MEASURES,
    "metrics": _METRICS,
    "antennas": """
        SELECT run_id, time_s, time_ns, node_id, node, coalesce(fields ->> 'stream', '') AS stream,
               fields ->> 'antenna' AS antenna, fields ->> 'mhz' AS mhz, fields ->> 'mcs' AS mcs,
               fields ->> 'bandwidth' AS bandwidth_mhz, fields ->> 'packets' AS packets,
               fields ->> 'signal_dbm' AS signal_dbm, fields ->> 'snr_db' AS snr_db
          FROM v_event WHERE type = 'wfb.antenna' AND {runs} ORDER BY run_id, sequence""",
}

_JSON_COLUMNS = {"events": "fields", "faults": "detail"}


def connect(path: str | Path) -> sqlite3.Connection:
    """Opens a result store for reading."""
    if not Path(path).is_file():
        raise ResultsError(f"{path}: there is no such file; 'twinbed run' makes one")
    uri = Path(path).resolve().as_uri()
    connection = _open_uri(uri + "?mode=ro")
    try:
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
        except sqlite3.OperationalError:
            # A file in a directory that cannot be written, where SQLite has no place for its lock.
            connection.close()
            connection = _open_uri(uri + "?immutable=1")
            application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ResultsError(f"{path}: this is no result store of twinbed ({error})") from None
    if application != _twinbed.APPLICATION_ID or version != _twinbed.SCHEMA_VERSION:
        connection.close()
        raise ResultsError(
            f"{path}: this is no result store of this version of twinbed (schema "
            f"{_twinbed.SCHEMA_VERSION})"
        )
    return connection


def _open_uri(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=10)


def run_id_list(path: str | Path) -> list[int]:
    """The ids of all runs in a store."""
    with closing(connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT run_id FROM run ORDER BY run_id")]


def read_sql(path: str | Path, sql: str, parameters: Any = ()) -> pd.DataFrame:
    """The rows of any query."""
    with closing(connect(path)) as connection:
        cursor = connection.execute(sql, parameters)
        columns = [column[0] for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)


def read_table(path: str | Path, table: str, run_ids: Sequence[int] | None) -> pd.DataFrame:
    """One of the documented tables, of some runs or of all."""
    parameters = {"measures": json.dumps([metric.name for metric in _twinbed.measures()])}
    condition = "TRUE"
    if run_ids is not None:
        condition = "run_id IN (SELECT value FROM json_each(:runs))"
        parameters["runs"] = json.dumps(list(run_ids))
    frame = read_sql(path, _SQL[table].replace("{runs}", condition), parameters)
    if table in _JSON_COLUMNS:
        column = _JSON_COLUMNS[table]
        frame[column] = [json.loads(text) if text else {} for text in frame[column]]
    if table == "antennas":
        frame["antenna"] = [_antenna_name(number) for number in frame["antenna"]]
    if table == "runs":
        frame["seed"] = [seed % 2**64 for seed in frame["seed"]]  # SQLite has no unsigned numbers
    return conform(frame, table)


def _antenna_name(number: int) -> str:
    number %= 2**64  # SQLite has no unsigned numbers
    of_cluster = number >= 2**32
    return _twinbed.wfb_antenna_name(number, of_cluster).strip()


def conform(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The columns that are documented for the table, in their order and with their types."""
    types = {column.name: column.dtype for column in TABLES[table]}
    return frame.reindex(columns=names(table)).astype(types)
