"""The columns of every DataFrame that twinbed returns: the one place that documents them.

Times are integer nanoseconds of run time (`*_ns`), with the same in seconds beside them (`*_s`).
Integers that may be missing are pandas' Int64.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    dtype: str  #: as pandas calls it
    doc: str


_RUN_ID = Column("run_id", "int64", "the run, numbered from 1 in its store")
_TIME = (
    Column("time_s", "float64", "when, in seconds of run time"),
    Column("time_ns", "int64", "the same, exactly"),
)
_NODE = (
    Column("node_id", "Int64", "place of the node in the scenario; missing: about the whole run"),
    Column("node", "string", "its name"),
)
_SETUP = (
    Column("scenario", "string", "name of the scenario"),
    Column("parameters", "string", "what was set on top of its file: 'path=value, ...'"),
)
_MEASURE = (
    Column("metric", "string", "dotted name of the metric"),
    Column("unit", "string", "'s', 'B', '1', ..."),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "runs": (
        _RUN_ID,
        *_SETUP,
        Column("mode", "string", "'sim', 'real' or 'virtual-radio'"),
        Column("seed", "uint64", "of all that is random in it"),
        Column("replication", "int64", "from 0, among runs with equal parameters"),
        Column("state", "string", "'running', 'finished' or 'failed'"),
        Column("as_expected", "bool", "it finished, and every verdict is the expected one"),
        Column("failure", "string", "one sentence; only when failed"),
        Column("fingerprint", "string", "over all that happened; only of simulated runs"),
        Column("events_count", "Int64", "simulated events, or handlers run by real nodes"),
        Column("end_s", "float64", "run time at its end, in seconds"),
        Column("end_ns", "Int64", "the same, exactly"),
        Column("wall_s", "float64", "how long it took, in seconds"),
        Column("wall_ns", "Int64", "the same, exactly"),
        Column("started_at", "string", "UTC, ISO 8601"),
        Column("build_id", "string", "of the program that made the run"),
        Column("nodes", "int64", "number of nodes"),
    ),
    "samples": (
        _RUN_ID,
        *_TIME,
        *_NODE,
        *_MEASURE,
        Column("value", "float64", "NaN: not a number"),
    ),
    "events": (
        _RUN_ID,
        Column("sequence", "int64", "place among all events and faults of the run, from 0"),
        *_TIME,
        *_NODE,
        Column("type", "string", "dotted name of the kind of event"),
        Column("fields", "object", "its values, as a dict"),
    ),
    "faults": (
        _RUN_ID,
        Column("fault_index", "int64", "place in the plan, from 0"),
        Column("action", "string", "'crash', 'partition', ..."),
        Column("target", "string", "the nodes or links it hit"),
        Column("detail", "object", "its parameters, as a dict"),
        Column("begin_s", "float64", "when it took effect, in seconds"),
        Column("begin_ns", "Int64", "the same, exactly"),
        Column("end_s", "float64", "when it was lifted; missing: never"),
        Column("end_ns", "Int64", "the same, exactly"),
        Column("touched", "int64", "how much it changed: packets dropped, processes stopped, ..."),
    ),
    "verdicts": (
        _RUN_ID,
        *_SETUP,
        Column("mode", "string", "'sim', 'real' or 'virtual-radio'"),
        Column("checker", "string", "who judged"),
        Column("verdict", "string", "'valid', 'invalid', 'unknown' or 'vacuous'"),
        Column("expected", "string", "by the scenario, under its policy"),
        Column("as_expected", "bool", "whether these two are equal"),
        Column("explanation", "string", "one sentence"),
        Column("time_s", "float64", "of the first violation, in seconds; missing: none"),
        Column("time_ns", "Int64", "the same, exactly"),
        *_NODE,
    ),
    "nodes": (
        _RUN_ID,
        Column("node_id", "int64", "place of the node in the scenario, from 0"),
        Column("node", "string", "its name"),
        Column("role", "string", "the protocol's word: 'server', 'client'"),
        Column("host", "string", "the device it runs on"),
    ),
    "parameters": (
        _RUN_ID,
        Column("path", "string", "what was set: 'network.link.delay'"),
        Column("value", "string", "as it was written: '5 ms'"),
    ),
    "measures": (
        _RUN_ID,
        *_SETUP,
        Column("mode", "string", "'sim', 'real' or 'virtual-radio'"),
        Column("replication", "int64", "from 0, among runs with equal parameters"),
        *_MEASURE,
        Column("value", "float64", "the figure"),
    ),
    "metrics": (
        _RUN_ID,
        *_MEASURE,
        Column("description", "string", "one sentence"),
        Column(
            "counter", "bool", "it counts 'since the start', so that only `last` says something"
        ),
        *_NODE,
        Column("samples", "int64", "how many there are"),
        Column("mean", "float64", "their mean"),
        Column("min", "float64", "the least"),
        Column("max", "float64", "the greatest"),
        Column("last", "float64", "the latest: of a counter, what it had come to"),
    ),
    "antennas": (
        _RUN_ID,
        *_TIME,
        *_NODE,
        Column("stream", "string", "'video rx'; empty where the receiver has no name"),
        Column("antenna", "string", "'0A4D000B:0:1': node, card, antenna; '0:1': of this host"),
        Column("mhz", "int64", "middle of the channel on which it heard"),
        Column("mcs", "int64", "how the packets were sent: 802.11's number"),
        Column("bandwidth_mhz", "int64", "the same: how wide"),
        Column("packets", "int64", "data packets that it heard in the interval up to this time"),
        Column("signal_dbm", "int64", "their mean power, rounded"),
        Column("snr_db", "int64", "the same above the noise; 0: the card does not tell"),
    ),
    "comparison": (
        *_SETUP,
        *_MEASURE,
        Column("baseline", "string", "the mode that is compared with"),
        Column("baseline_n", "int64", "figures in the baseline; 0: none"),
        Column("baseline_mean", "float64", "their mean"),
        Column("baseline_min", "float64", "the least"),
        Column("baseline_max", "float64", "the greatest"),
        Column("mode", "string", "the mode that is compared; missing: there is none"),
        Column("n", "int64", "figures in that mode"),
        Column("mean", "float64", "their mean"),
        Column("min", "float64", "the least"),
        Column("max", "float64", "the greatest"),
        Column("difference", "float64", "mean less baseline_mean"),
        Column("inside", "Int64", "how many of the n lie from baseline_min to baseline_max"),
        Column("outside", "float64", "how far the farthest lies out of these; 0: all are inside"),
    ),
}


def names(table: str) -> list[str]:
    """The names of a table's columns, in their order."""
    return [column.name for column in TABLES[table]]


def documented(table: str):
    """Adds a table's columns to the docstring of the function that returns it."""

    def add(function):
        rows = "\n".join(f"    {c.name} ({c.dtype}): {c.doc}" for c in TABLES[table])
        function.__doc__ = f"{function.__doc__}\n\n    Columns:\n\n{rows}\n    "
        return function

    return add
