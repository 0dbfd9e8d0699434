"""twinbed: one protocol implementation, run in a deterministic simulator and for real.

>>> import twinbed as tb
>>> scenario = tb.Scenario.load("scenarios/election/leader_failover.yaml")
>>> run = tb.run(scenario, seed=1)
>>> run.verdicts()
>>> run.plot_timeline()
>>> results = tb.replicate(scenario, replications=30, grid={"network.link.delay": ["1 ms", "5 ms"]})
>>> results.measures().groupby(["parameters", "metric"])["value"].describe()

Simulated and real runs leave the same rows in one SQLite file, 'results/runs.db' unless you say
otherwise; `tb.open` reads it. The DataFrames' columns are documented in twinbed.columns.
"""

try:
    from . import _twinbed as _extension
except ImportError as error:
    raise ImportError(
        f"the extension module of twinbed cannot be loaded ({error}); build it with "
        "'./twinbed setup' in the source tree, or install the package with 'pip install .'"
    ) from error

from .campaign import replicate
from .errors import Interrupted, MissingError, ResultsError, RunError, ScenarioError
from .execute import diff, replay, run
from .protocol import Endpoint, EventType, Metric, Node, Protocol
from .results import Results, Run, open
from .scenario import Scenario, scenario_schema

__version__ = "0.1.0"
del _extension

__all__ = [
    "Endpoint",
    "EventType",
    "Interrupted",
    "Metric",
    "MissingError",
    "Node",
    "Protocol",
    "Results",
    "ResultsError",
    "Run",
    "RunError",
    "Scenario",
    "ScenarioError",
    "diff",
    "open",
    "replay",
    "replicate",
    "run",
    "scenario_schema",
]
