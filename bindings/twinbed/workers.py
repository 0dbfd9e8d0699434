"""Runs side by side, each into a private store; one writer for the real one."""

import contextlib
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from . import _twinbed
from .errors import RunError
from .execute import REAL_MODES, Task, execute, open_store

#: The most runs that a worker makes in one go.
LARGEST_BATCH = 16
#: How many batches each worker gets at least, so that all end at about the same time.
BATCHES_PER_JOB = 8
#: How often the progress within runs is looked at, in seconds.
LOOK_S = 0.2


@dataclass(frozen=True)
class Outcome:
    """What came of a batch of runs."""

    finished: int  #: so many runs, from the first
    error: str | None  #: why the next one could not be made
    store: bytes | None  #: the private store, where the worker's files may be out of reach


@dataclass(frozen=True)
class Place:
    """Where a worker keeps a batch of runs."""

    store: str  #: its private store
    stop: str  #: the file whose existence tells it to stop
    files: str | None  #: where real nodes work; None: in a directory of the worker's machine


def run_pooled(
    tasks: Sequence[Task],
    db: str | Path,
    executor: Executor | None,
    jobs: int,
    keep: Callable[[list[int]], None],
    report: Callable[[float], None],
) -> None:
    """Makes the runs in an executor, or `jobs` of them at a time, and hands their ids to `keep`.

    Simulations get a process each, for they compute; real runs, which wait for their nodes'
    processes and for time to pass, a thread. `report` is told how many runs are done, in fractions.

    The runs get into the store in the order of the tasks. Whatever ends it early, runs that were
    made are kept.
    """
    is_real = any(task.mode in REAL_MODES for task in tasks)
    size = 1 if is_real else max(1, min(LARGEST_BATCH, len(tasks) // (jobs * BATCHES_PER_JOB)))
    batches = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    Path(db).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(
            tempfile.TemporaryDirectory(prefix=".runs-", dir=Path(db).parent)
        )
        pool = executor or stack.enter_context(_own_pool(is_real, jobs))
        collector = _Collector(db, directory)
        stop = Path(directory, "stop")
        ship = executor is not None
        files = None if ship else str(Path(db).parent)
        done = _Done()
        futures: dict[Future, int] = {}
        try:
            for index, batch in enumerate(batches):
                place = Place(str(collector.private_store(index)), str(stop), files)
                note = done.noting(index) if is_real and not ship else None
                futures[pool.submit(_work, batch, place, note)] = index
            for future in _as_they_end(futures, lambda: report(done.amount())):
                index, outcome = futures[future], future.result()
                with _undisturbed():
                    keep(collector.add(index, outcome))
                if outcome.error is not None:
                    raise RunError(outcome.error)
                done.end(index, len(batches[index]))
                report(done.amount())
        except BaseException:
            stop.touch()
            for future in futures:
                future.cancel()
            wait(futures)
            with _undisturbed():
                keep(_what_is_left(futures, collector))
            raise


def _as_they_end(futures: Iterable[Future], look: Callable[[], None]) -> Iterator[Future]:
    """The futures in the order in which they end; calls `look` now and then meanwhile.

    Not as_completed or wait with a time limit: these hold the locks of all futures for a moment
    each time, and Ctrl-C in that moment would leave them locked.
    """
    ended: SimpleQueue[Future] = SimpleQueue()
    count = 0
    for future in futures:
        future.add_done_callback(ended.put)
        count += 1
    while count > 0:
        try:
            future = ended.get(timeout=LOOK_S)
        except Empty:
            look()
            continue
        count -= 1
        yield future


def _own_pool(is_real: bool, jobs: int) -> Executor:
    if is_real:
        return ThreadPoolExecutor(jobs)
    return ProcessPoolExecutor(jobs, initializer=_ignore_ctrl_c)


class _Done:
    """How many runs are done, in fractions. Threads write into it while it is read."""

    def __init__(self):
        self._ended = 0
        self._under_way: dict[int, float] = {}  # by batch: how many of its runs are done

    def noting(self, index: int) -> Callable[[float], None]:
        """What a batch calls with the number of its runs that are done."""
        return partial(self._under_way.__setitem__, index)

    def end(self, index: int, runs: int) -> None:
        """A batch of so many runs has ended."""
        self._ended += runs
        self._under_way.pop(index, None)

    def amount(self) -> float:
        return self._ended + sum(list(self._under_way.values()))


def _work(
    tasks: Sequence[Task], place: Place, note: Callable[[float], None] | None = None
) -> Outcome:
    """In a worker: makes runs until there are none left, one cannot be made, or it is to stop."""

    def is_to_stop() -> bool:
        return Path(place.stop).exists()

    def go_on(done_ns: int, total_ns: int) -> bool:
        if note is not None:
            note(finished + min(done_ns / total_ns, 1))
        return not is_to_stop()

    ship = place.files is None
    with contextlib.ExitStack() as stack:
        path = place.store
        if ship:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="twinbed-"))
            path = str(Path(directory, "runs.db"))
        finished, error = 0, None
        try:
            with open_store(path, tasks[0].mode) as opened:
                for task in tasks:
                    summary = execute(task, path, opened, go_on, place.files)
                    if is_to_stop() and summary.failure:
                        break
                    finished += 1
                    if is_to_stop():
                        break
        except RunError as failed:
            error = str(failed)
        store = Path(path).read_bytes() if ship and Path(path).exists() else None
        return Outcome(finished, error, store)


def _ignore_ctrl_c() -> None:
    """Ctrl-C goes to all processes of a terminal; the parent tells its workers what to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Holds Ctrl-C back for a moment, so that what is in the store is also counted."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    held_back: list[tuple] = []
    signal.signal(signal.SIGINT, lambda *arguments: held_back.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held_back and callable(handler):
        handler(*held_back[0])


class _Collector:
    """Takes private stores in any order into the store in the order of the batches."""

    def __init__(self, db: str | Path, directory: str):
        self.db = str(db)
        self.directory = directory
        self.next = 0
        self.ready: dict[int, Outcome] = {}

    def private_store(self, index: int) -> Path:
        return Path(self.directory, f"{index}.db")

    def add(self, index: int, outcome: Outcome) -> list[int]:
        """The ids of the finished runs that could be taken in now."""
        self.put(index, outcome)
        run_ids = []
        while self.next in self.ready:
            self.next += 1
            run_ids += self._take(self.next - 1)
        return run_ids

    def put(self, index: int, outcome: Outcome) -> None:
        if outcome.store is not None:
            self.private_store(index).write_bytes(outcome.store)
        self.ready[index] = outcome

    def has(self, index: int) -> bool:
        return index < self.next or index in self.ready

    def rest(self) -> list[int]:
        """What is left when there will be no more."""
        return [run_id for index in sorted(self.ready) for run_id in self._take(index)]

    def _take(self, index: int) -> list[int]:
        outcome = self.ready.pop(index)
        path = self.private_store(index)
        if not path.exists():
            return []
        # A run that was stopped or failed to end comes last; it is kept as failed, and not counted.
        run_ids = _twinbed.absorb(self.db, [str(path)])[: outcome.finished]
        path.unlink()
        return run_ids


def _what_is_left(futures: Mapping[Future, int], collector: _Collector) -> list[int]:
    """Keeps what was made after the end had come."""
    for future, index in futures.items():
        if future.cancelled() or collector.has(index) or future.exception() is not None:
            continue
        collector.put(index, future.result())
    return collector.rest()
