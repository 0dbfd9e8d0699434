"""Result stores as tidy DataFrames, read straight from SQLite and never written."""

import html
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _twinbed
from .columns import documented
from .errors import ResultsError
from .scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def _table(path: str, table: str, run_ids: Sequence[int] | None) -> "pd.DataFrame":
    from .queries import read_table  # pandas takes half a second to import

    return read_table(path, table, run_ids)


def _of_type(frame: "pd.DataFrame", column: str, wanted: str | None) -> "pd.DataFrame":
    return frame if wanted is None else frame[frame[column] == wanted].reset_index(drop=True)


class Run:
    """One recorded run."""

    def __init__(self, db: str | Path, run_id: int):
        """Finds a run in a result store."""
        self.db = str(db)
        self.run_id = run_id
        _ = self.info  # says at once if there is no such run

    @cached_property
    def info(self) -> dict[str, Any]:
        """The run's row of `Results.runs`, as a dict."""
        frame = _table(self.db, "runs", [self.run_id])
        if frame.empty:
            raise ResultsError(f"{self.db} has no run {self.run_id}{_known_runs(self.db)}")
        return frame.iloc[0].to_dict()

    @property
    def reference(self) -> str:
        """How the command line calls it: 'results/runs.db#17'."""
        return f"{self.db}#{self.run_id}"

    @property
    def mode(self) -> str:
        """'sim', 'real' or 'virtual-radio'."""
        return self.info["mode"]

    @property
    def seed(self) -> int:
        """Of all that is random in the run."""
        return int(self.info["seed"])

    @property
    def as_expected(self) -> bool:
        """It finished, and every verdict is the one that the scenario expects."""
        return bool(self.info["as_expected"])

    @property
    def failure(self) -> str | None:
        """One sentence where the run failed."""
        text = self.info["failure"]
        return text if isinstance(text, str) else None

    @cached_property
    def scenario(self) -> Scenario:
        """The complete scenario that was run, settings included."""
        return Scenario.from_yaml(self._run_text("scenario_text"))

    @cached_property
    def fault_plan(self) -> str:
        """The faults as drawn from the seed, as a scenario file would state them."""
        return self._run_text("fault_plan")

    @documented("samples")
    def samples(self, metric: str | None = None) -> "pd.DataFrame":
        """What was sampled, in order of time; of one metric or of all."""
        return _of_type(_table(self.db, "samples", [self.run_id]), "metric", metric)

    @documented("events")
    def events(self, type: str | None = None) -> "pd.DataFrame":
        """What happened, in order; of one type or of all."""
        return _of_type(_table(self.db, "events", [self.run_id]), "type", type)

    @documented("faults")
    def faults(self) -> "pd.DataFrame":
        """The faults as they happened."""
        return _table(self.db, "faults", [self.run_id])

    @documented("verdicts")
    def verdicts(self) -> "pd.DataFrame":
        """What the checkers found."""
        return _table(self.db, "verdicts", [self.run_id])

    @documented("measures")
    def measures(self) -> "pd.DataFrame":
        """The figures that the testbed computes for the run, such as failover.view."""
        return _table(self.db, "measures", [self.run_id])

    @documented("metrics")
    def metrics(self) -> "pd.DataFrame":
        """What the protocol sampled at each node, such as pingpong.round_trip, summed up."""
        return _table(self.db, "metrics", [self.run_id])

    @documented("antennas")
    def antennas(self) -> "pd.DataFrame":
        """What the antennas of WFB-NG's receivers heard, interval by interval."""
        return _table(self.db, "antennas", [self.run_id])

    @documented("nodes")
    def nodes(self) -> "pd.DataFrame":
        """The nodes."""
        return _table(self.db, "nodes", [self.run_id])

    @documented("parameters")
    def parameters(self) -> "pd.DataFrame":
        """What was set on top of the scenario file."""
        return _table(self.db, "parameters", [self.run_id])

    def log(self) -> list[str]:
        """The lines that the nodes printed, each with its time and node."""
        return [
            f"{row.time_s:.6f} {row.node} | {row.fields.get('line', '')}"
            for row in self.events("log").itertuples()
        ]

    def write_capture(
        self, path: str | Path, node: str | None = None, *, radio: bool = False
    ) -> int:
        """Writes the packets of a captured run into a pcap file and returns how many they are.

        Without a node each packet once, as it was sent; with one, what that node sent and received.
        Times are nanoseconds from the start of the run; the packets begin with their IPv4 header.
        A simulated packet that was lost is among what its sender sent; with real nodes, what links
        and partitions lose never gets to the interface.

        radio: the frames of radio cards instead, into a pcapng file in which each card is an
        interface NODE:CARD. They begin with radiotap's header: channel and rate, TX_FLAGS where
        the card sent, and its antennas' readings where it received.
        """
        try:
            return _twinbed.write_capture(self.db, self.run_id, node, str(path), radio)
        except _twinbed.RunError as error:
            raise ResultsError(str(error)) from None

    def plot_timeline(self, ax: "Axes | None" = None) -> "Axes":
        """Draws the run in space and time, see plots.plot_timeline; returns the axes."""
        from .plots import plot_timeline

        return plot_timeline(self, ax)

    def plot_antennas(self, ax: "Axes | None" = None) -> "Axes":
        """Draws how each antenna hears, see plots.plot_antennas; returns the axes."""
        from .plots import plot_antennas

        return plot_antennas(self, ax)

    def replay(self, *, encryption_key: str = "") -> _twinbed.ReplayReport:
        """Runs it again and compares, see replay."""
        from .execute import replay

        return replay(self.reference, encryption_key=encryption_key)

    def _run_text(self, column: str) -> str:
        from .queries import read_sql

        sql = f"SELECT {column} FROM run WHERE run_id = ?"
        return read_sql(self.db, sql, (self.run_id,)).iat[0, 0]

    def __repr__(self) -> str:
        info = self.info
        state = "as expected" if self.as_expected else info["state"]
        return f"<Run {self.reference} {info['scenario']} {self.mode} seed {self.seed}: {state}>"

    def _repr_html_(self) -> str:
        verdicts = self.verdicts()[["checker", "verdict", "expected", "explanation"]]
        return f"<p>{html.escape(repr(self))}</p>{verdicts.to_html(index=False)}"


class Results:
    """The runs of a result store, or some of them."""

    def __init__(self, db: str | Path, run_ids: Sequence[int] | None = None):
        """The runs with these ids; without ids, all runs that there are when it is asked."""
        self.db = str(db)
        self._run_ids = None if run_ids is None else list(run_ids)

    @property
    def run_ids(self) -> list[int]:
        """The ids of the runs, in order."""
        return self._run_ids if self._run_ids is not None else _run_ids(self.db)

    @documented("runs")
    def runs(self) -> "pd.DataFrame":
        """One row for each run."""
        return _table(self.db, "runs", self._run_ids)

    def run(self, run_id: int) -> Run:
        """One of the runs."""
        if run_id not in self.run_ids:
            raise ResultsError(f"{self.db} has no run {run_id}{_known_runs(self.db)}")
        return Run(self.db, run_id)

    @documented("verdicts")
    def verdicts(self) -> "pd.DataFrame":
        """What the checkers found, in all runs."""
        return _table(self.db, "verdicts", self._run_ids)

    @documented("verdicts")
    def surprises(self) -> "pd.DataFrame":
        """The verdicts, in all runs, that the scenario does not expect of its policy."""
        verdicts = self.verdicts()
        return verdicts[~verdicts["as_expected"]].reset_index(drop=True)

    @documented("measures")
    def measures(self) -> "pd.DataFrame":
        """The figures that the testbed computes, of all runs."""
        return _table(self.db, "measures", self._run_ids)

    @documented("metrics")
    def metrics(self) -> "pd.DataFrame":
        """What the protocols sampled at each node, summed up, in all runs."""
        return _table(self.db, "metrics", self._run_ids)

    @documented("samples")
    def samples(self, metric: str | None = None) -> "pd.DataFrame":
        """What was sampled in all runs; of one metric or of all."""
        return _of_type(_table(self.db, "samples", self._run_ids), "metric", metric)

    @documented("parameters")
    def parameters(self) -> "pd.DataFrame":
        """What was set on top of the scenario files, in all runs."""
        return _table(self.db, "parameters", self._run_ids)

    @documented("comparison")
    def compare(self, baseline: str = "sim") -> "pd.DataFrame":
        """Each measure in the baseline mode and in each other mode, beside each other."""
        from .comparison import compare

        return compare(self.measures(), baseline)

    def query(self, sql: str, parameters: Any = ()) -> "pd.DataFrame":
        """The rows of any query of yours; `.schema` in the sqlite3 shell documents the tables."""
        from .queries import read_sql

        return read_sql(self.db, sql, parameters).infer_objects()

    def __len__(self) -> int:
        return len(self.run_ids)

    def __iter__(self) -> Iterator[Run]:
        return (Run(self.db, run_id) for run_id in self.run_ids)

    def __repr__(self) -> str:
        return f"<Results {self.db}: {len(self)} runs>"

    def _repr_html_(self) -> str:
        columns = ["run_id", "scenario", "parameters", "mode", "seed", "state", "as_expected"]
        runs = self.runs()[columns]
        return f"<p>{html.escape(repr(self))}</p>{runs.to_html(index=False, max_rows=20)}"


def open(db: str | Path) -> Results:
    """The results in a store: tb.open('results/runs.db').runs()."""
    _run_ids(str(db))  # says at once if it is none
    return Results(db)


def _run_ids(db: str) -> list[int]:
    from .queries import run_id_list

    return run_id_list(db)


def _known_runs(db: str) -> str:
    """'; its runs are 1 to 30', for messages."""
    run_ids = _run_ids(db)
    return f"; its runs are {run_ids[0]} to {run_ids[-1]}" if run_ids else "; it is empty"
