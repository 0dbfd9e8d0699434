"""Runs in several processes, each into a private store; one writer for the real one."""

import contextlib
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed, wait
from dataclasses import dataclass
from pathlib import Path

from . import _twinbed
from .errors import RunError
from .execute import Task, execute

#: The most runs that a worker makes in one go.
LARGEST_BATCH = 16
#: How many batches each worker gets at least, so that all end at about the same time.
BATCHES_PER_JOB = 8


@dataclass(frozen=True)
class Outcome:
    """What came of a batch of runs."""

    finished: int  #: so many runs, from the first
    error: str | None  #: why the next one could not be made
    store: bytes | None  #: the private store, where the worker's files may be out of reach


def run_pooled(
    tasks: Sequence[Task],
    db: str | Path,
    executor: Executor | None,
    jobs: int,
    keep: Callable[[list[int]], None],
) -> None:
    """Makes the runs in an executor, or in `jobs` processes, and hands their ids to `keep`.

    The runs get into the store in the order of the tasks. Whatever ends it early, runs that were
    made are kept.
    """
    size = max(1, min(LARGEST_BATCH, len(tasks) // (jobs * BATCHES_PER_JOB)))
    batches = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    Path(db).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(
            tempfile.TemporaryDirectory(prefix=".runs-", dir=Path(db).parent)
        )
        pool = executor or stack.enter_context(
            ProcessPoolExecutor(jobs, initializer=_ignore_ctrl_c)
        )
        collector = _Collector(db, directory)
        stop = Path(directory, "stop")
        ship = executor is not None
        futures: dict[Future, int] = {}
        try:
            for index, batch in enumerate(batches):
                path = collector.private_store(index)
                futures[pool.submit(_work, batch, str(path), str(stop), ship)] = index
            for future in as_completed(futures):
                outcome = future.result()
                with _undisturbed():
                    keep(collector.add(futures[future], outcome))
                if outcome.error is not None:
                    raise RunError(outcome.error)
        except BaseException:
            stop.touch()
            for future in futures:
                future.cancel()
            wait(futures)
            with _undisturbed():
                keep(_what_is_left(futures, collector))
            raise


def _work(tasks: Sequence[Task], path: str, stop: str, ship: bool) -> Outcome:
    """In a worker: makes runs until there are none left, one cannot be made, or `stop` exists."""

    def go_on(_done_ns: int = 0, _total_ns: int = 0) -> bool:
        return not Path(stop).exists()

    with contextlib.ExitStack() as stack:
        if ship:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="twinbed-"))
            path = str(Path(directory, "runs.db"))
        finished, error = 0, None
        for task in tasks:
            try:
                summary = execute(task, path, go_on)
            except RunError as failed:
                error = str(failed)
                break
            if not go_on() and summary.failure:
                break
            finished += 1
            if not go_on():
                break
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
