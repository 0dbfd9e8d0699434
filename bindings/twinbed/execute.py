"""One run: in simulation or for real; its repetition; and where two runs part."""

import contextlib
import datetime
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import _twinbed
from .errors import MissingError, RunError, ScenarioError
from .paths import DEFAULT_DB, find_air_program, find_node_program, parse_reference
from .protocol import Node, Protocol, nodes_of
from .results import Run
from .scenario import Scenario, as_scenario

MODES = ("sim", "real", "virtual-radio")
#: Those in which each node is a process of its own.
REAL_MODES = MODES[1:]
ProtocolFactory = Callable[[Node, Sequence[Node]], Protocol]
#: Called about ten times a second with run time so far and in all, in ns; False stops the run.
Progress = Callable[[int, int], bool | None]


@dataclass(frozen=True)
class Task:
    """All that makes a run what it is, and nothing else; can be sent to another process."""

    scenario: Scenario
    mode: str
    seed: int
    replication: int = 0
    protocol: ProtocolFactory | None = None
    keep_files: bool = False
    capture: bool = False


def draw_seed() -> int:
    """A seed from the operating system."""
    return secrets.randbits(63)


def checked_seed(seed: int | None) -> int:
    """The seed, or one that is drawn where there is none."""
    if seed is None:
        return draw_seed()
    if not 0 <= seed < 2**64:
        raise ScenarioError(f"seed {seed}: a seed is a whole number of 64 bits, from 0 to 2^64 - 1")
    return seed


def check_task(task: Task) -> None:
    """Raises an error for whatever would keep the task from starting."""
    if task.mode not in MODES:
        raise ScenarioError(f"mode '{task.mode}': the modes are {', '.join(MODES)}")
    if task.mode in REAL_MODES:
        if task.protocol is not None:
            raise ScenarioError("a protocol in Python runs in mode sim only")
        find_node_program()
        if task.scenario.core.has_radio:
            find_air_program()
        problem = _twinbed.capture_problem() if task.capture else None
        if problem is not None:
            raise MissingError(problem)
    if task.mode == "virtual-radio":
        _check_virtual_radios(task.scenario)
    task.scenario.check(own_protocol=task.protocol is not None)


def _check_virtual_radios(scenario: Scenario) -> None:
    if not scenario.core.has_radio:
        raise ScenarioError(
            f"scenario {scenario.name} has no radio cards, so mode virtual-radio has nothing to "
            "put on the air; run it in mode real"
        )
    problem = _twinbed.virtual_radio_problem()
    if problem is not None:
        raise MissingError(f"{problem}; mode real needs no privilege")


@contextlib.contextmanager
def open_store(path: str | Path, mode: str) -> Iterator[_twinbed.OpenStore | None]:
    """A result store for one simulation after the other; real runs open theirs themselves."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if mode in REAL_MODES:
        yield None
        return
    store = _twinbed.OpenStore(str(path))
    try:
        yield store
    finally:
        store.close()


def execute(
    task: Task,
    store: str | Path,
    opened: _twinbed.OpenStore | None,
    progress: Progress | None = None,
    files: str | Path | None = None,
) -> _twinbed.RunSummary:
    """Runs a task into a result store. A run that fails is recorded and says so in its summary.

    opened: the store, as open_store gives it.
    files: where real nodes get the directory in which they work; beside the store unless given.
    """
    core = task.scenario.core
    options = {
        "seed": task.seed,
        "replication": task.replication,
        "parameters": task.scenario.parameters,
        "started_at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "capture": task.capture,
        "progress": progress,
    }
    if task.mode in REAL_MODES:
        return _execute_real(task, core, str(store), files or Path(store).parent, options)
    protocol = task.protocol
    if protocol is not None:
        nodes = nodes_of(core)
        options["protocol"] = lambda index: protocol(nodes[index], nodes)
    return _twinbed.run_simulated(core, opened, **options)


def _execute_real(
    task: Task, core, store: str, files: str | Path, options: dict
) -> _twinbed.RunSummary:
    # The run empties its work directory, so it gets one that nobody else can have.
    directory = tempfile.mkdtemp(prefix="nodes-", dir=files)
    try:
        return _twinbed.run_real(
            core,
            store,
            node_program=find_node_program(),
            work_directory=str(Path(directory).resolve()),
            keep_files=task.keep_files,
            virtual_radios=task.mode == "virtual-radio",
            **options,
        )
    finally:
        if not task.keep_files and Path(directory).exists():
            Path(directory).rmdir()


def run(
    scenario: Scenario | str | Path,
    mode: str = "sim",
    *,
    seed: int | None = None,
    db: str | Path = DEFAULT_DB,
    replication: int = 0,
    protocol: ProtocolFactory | None = None,
    progress: Progress | None = None,
    keep_files: bool = False,
    capture: bool = False,
) -> Run:
    """Runs a scenario once and returns the run, as recorded in the result store `db`.

    mode: 'sim', in simulation; 'real', on this machine, each node a process of its own, radio
        cards joined to the emulated air by UDP on loopback; or 'virtual-radio', the same with
        interfaces in monitor mode, which needs root or CAP_NET_ADMIN and CAP_NET_RAW.
    seed: of all that is random; drawn by the operating system where it is not given (Run.seed).
    protocol: builds protocols in Python, in mode sim; called with the node and the list of nodes
        whenever a node starts. A subclass of tb.Protocol will do.
    keep_files: leave the files of real nodes where they are.
    capture: keep the packets, for Run.write_capture; in mode real that needs root or CAP_NET_RAW.
        The run is the same with and without.

    A run that fails is recorded, and raises a RunError whose attribute `run` is the run.
    """
    seed = checked_seed(seed)
    task = Task(as_scenario(scenario), mode, seed, replication, protocol, keep_files, capture)
    check_task(task)
    with open_store(db, mode) as opened:
        summary = execute(task, db, opened, progress)
    _twinbed.create_indexes(str(db))
    result = Run(db, summary.run_id)
    if summary.failure:
        error = RunError(summary.failure)
        error.run = result
        raise error
    return result


def replay(
    reference: str, *, encryption_key: str = "", progress: Progress | None = None
) -> _twinbed.ReplayReport:
    """Runs a recorded run again, 'results/runs.db#17', and compares it with its original.

    A simulated run is repeated from its scenario and seed. Of a real one, each node's recorded
    input is fed to a fresh protocol, and the requests that it makes are compared.

    encryption_key: that of a recorded cloud-p2p server, 64 hexadecimal digits; no store holds it.
    progress: as of `run`; what it stops is a RunError.
    """
    path, run_id = parse_reference(reference)
    return _twinbed.replay_run(path, run_id, encryption_key=encryption_key, progress=progress)


def diff(left: str, right: str, *, progress: Progress | None = None) -> _twinbed.DiffReport:
    """Executes two recorded simulated runs side by side until an event differs.

    progress: as of `run`; what it stops is a RunError.
    """
    return _twinbed.diff_runs(*parse_reference(left), *parse_reference(right), progress=progress)
