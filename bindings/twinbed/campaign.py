"""Experiments: many runs of a scenario, over seeds and over a grid of settings."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from . import _twinbed
from .errors import Interrupted
from .execute import ProtocolFactory, Task, check_task, checked_seed, execute, open_store
from .paths import DEFAULT_DB
from .results import Results
from .scenario import Scenario, as_scenario
from .workers import run_pooled

#: How many runs go on at a time unless the caller says so.
DEFAULT_JOBS = {"sim": 2, "real": 1, "virtual-radio": 1}
#: Called now and then with the number of runs that are done, in fractions, and of all.
CampaignProgress = Callable[[float, int], None]


def replication_seed(seed: int, replication: int) -> int:
    """Replication 0 has the base seed itself, the others seeds derived from it.

    Grid points share the seeds of their replications (common random numbers), so that what differs
    between two points is the setting and not the luck.
    """
    return seed if replication == 0 else _twinbed.derive_seed(seed, "replication", replication)


def grid_points(scenario: Scenario, grid: Mapping[str, Sequence[Any]]) -> Iterator[Scenario]:
    """The scenario with each combination of the grid's values, the last path varying fastest."""
    for values in itertools.product(*grid.values()):
        point = scenario.copy()
        for path, value in zip(grid, values, strict=True):
            point.set(path, value)
        yield point


def plan(
    scenario: Scenario,
    mode: str,
    replications: int,
    seed: int,
    grid: Mapping[str, Sequence[Any]],
    protocol: ProtocolFactory | None = None,
    keep_files: bool = False,
    capture: bool = False,
) -> list[Task]:
    """The runs of an experiment, in the order of their run ids."""
    tasks = []
    for point in grid_points(scenario, grid):
        runs = [
            Task(
                point,
                mode,
                replication_seed(seed, replication),
                replication,
                protocol,
                keep_files,
                capture,
            )
            for replication in range(replications)
        ]
        for task in runs[:1]:
            check_task(task)
        tasks += runs
    return tasks


def replicate(
    scenario: Scenario | str | Path,
    mode: str = "sim",
    *,
    replications: int = 30,
    seed: int | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    jobs: int | None = None,
    db: str | Path = DEFAULT_DB,
    executor: Executor | None = None,
    protocol: ProtocolFactory | None = None,
    progress: CampaignProgress | None = None,
    keep_files: bool = False,
    capture: bool = False,
) -> Results:
    """Runs a scenario many times into one result store, and returns the results of these runs.

    grid: {'path': [value, ...]}: every combination is run with the same seeds.
    seed: of replication 0, from which those of the others are derived; drawn if not given.
    jobs: how many runs go on at a time; 2 simulated ones or 1 real one unless given. Real runs
        mostly wait, so that many fit on a machine, each on loopback addresses of its own; but they
        share its processors and its disk, and may disturb each other.
    executor: any concurrent.futures.Executor, used in place of local processes; its workers need
        nothing but the package.

    Run ids follow the grid and then the replications, whichever run ends first. A run that fails
    is recorded as such (Results.runs). Ctrl-C raises Interrupted, a KeyboardInterrupt, after the
    runs that are finished have been kept.
    """
    tasks = plan(
        as_scenario(scenario),
        mode,
        replications,
        checked_seed(seed),
        grid or {},
        protocol,
        keep_files,
        capture,
    )
    jobs = jobs or DEFAULT_JOBS[mode]
    run_ids: list[int] = []

    def report(done: float) -> None:
        if progress is not None:
            progress(done, len(tasks))

    try:
        if executor is None and (jobs <= 1 or len(tasks) <= 1):
            with open_store(db, mode) as opened:
                for number, task in enumerate(tasks):
                    progress_of_one = _part_of_all(report, number)
                    run_ids.append(execute(task, db, opened, progress_of_one).run_id)
                    report(number + 1)
        else:
            run_pooled(tasks, db, executor, jobs, run_ids.extend, report)
    except KeyboardInterrupt:
        message = f"interrupted; {len(run_ids)} of {len(tasks)} runs are finished and kept in {db}"
        raise Interrupted(message, Results(db, run_ids)) from None
    finally:
        if run_ids:
            _twinbed.create_indexes(str(db))
    return Results(db, run_ids)


def _part_of_all(report: Callable[[float], None], done: int):
    """The progress of one run as progress of all."""
    return lambda done_ns, total_ns: report(done + min(done_ns / total_ns, 1))
