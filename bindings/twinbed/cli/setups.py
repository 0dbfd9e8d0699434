"""What distinguishes the runs of a table: the scenario and what was set on top of its file."""

from ..results import Results
from . import wording


class Setups:
    """The setups of some runs: what all of them share, and a column for all else.

    A setup is known by its scenario and its parameters, as the columns of DataFrames have them.
    """

    def __init__(self, results: Results):
        """The setups of these results."""
        runs = results.runs()[["run_id", "scenario", "parameters"]]
        values = {
            run_id: dict(zip(rows["path"], rows["value"], strict=True))
            for run_id, rows in results.parameters().groupby("run_id")
        }
        self._setups: dict[tuple[str, str], dict[str, str]] = {
            (run.scenario, run.parameters): {"scenario": run.scenario, **values.get(run.run_id, {})}
            for run in runs.itertuples()
        }
        paths = {path: None for setup in self._setups.values() for path in setup}
        self._paths = [path for path in paths if len(self._values_of(path)) > 1]

    @property
    def columns(self) -> list[str]:
        """The name of each column: the last word of a path, where that tells them apart."""
        words = [path.rpartition(".")[2] for path in self._paths]
        return [
            word if words.count(word) == 1 and len(word) > 2 else path
            for path, word in zip(self._paths, words, strict=True)
        ]

    @property
    def heading(self) -> str:
        """What all setups have in common: 'kill_leader duration=20 s'."""
        words = []
        for path, value in next(iter(self._setups.values()), {}).items():
            if path not in self._paths:
                words.append(value if path == "scenario" else f"{path}={value}")
        return " ".join(words)

    def cells(self, scenario: str, parameters: str) -> list[str]:
        """The values of a setup, one for each column; '-' where nothing was set."""
        setup = self._setups[(scenario, parameters)]
        return [setup.get(path, wording.NOTHING) for path in self._paths]

    def _values_of(self, path: str) -> set[str | None]:
        return {setup.get(path) for setup in self._setups.values()}
