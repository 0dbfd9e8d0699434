"""How the command line speaks: data on stdout, progress and remarks on stderr."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import click

EXIT_CODES = """\b
Exit codes:
  0    all went well, and every verdict is the one that the scenario expects
  1    a verdict is not the expected one, or two runs that should be equal are not
  2    a mistake in the command line or in the scenario
  3    a run failed
  4    this machine lacks something that is needed
  130  interrupted
"""
OK, NOT_AS_EXPECTED, MISTAKE, FAILED, MISSING, INTERRUPTED = 0, 1, 2, 3, 4, 130


def remark(text: str) -> None:
    """A line for the person at the terminal."""
    click.echo(text, err=True)


def leave(code: int, reproduce: str | None = None) -> NoReturn:
    """Ends the program; a failure says how it can be had again."""
    if code != OK and reproduce:
        remark(f"reproduce: {reproduce}")
    sys.exit(code)


def print_json(value: Any) -> None:
    """A value as JSON; what pandas calls missing is null."""
    click.echo(json.dumps(value, indent=2, default=str))


def records(frame) -> list[dict[str, Any]]:
    """A DataFrame as JSON objects."""
    from pandas import isna

    return [
        {name: None if isna(value) is True else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> None:
    """A table: with lines on a terminal, in plain columns elsewhere.

    The first `names` columns are never broken into lines, however narrow the terminal is.
    """
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
        for place, title in enumerate(header):
            table.add_column(title, no_wrap=place < names, overflow="fold")
        for row in rows:
            table.add_row(*(cell.replace("[", r"\[") for cell in row))
        Console().print(table)
        return
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


@contextlib.contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Callable[[float, float], None]]:
    """A bar on stderr with rate and time left, where stderr is a terminal; call it with the amount
    done and the amount in all."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(),
    )
    # Without a thread of its own: worker processes are forked while it is shown.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task(what, total=None, amount="")

        def update(done: float, total: float) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            amount = f"{done:.0f} of {total:.0f} {unit}"
            if elapsed > 0 and done >= 1:
                amount += f", {done / elapsed:.1f} a second"
            bar.update(task, completed=done, total=total, amount=amount)
            bar.refresh()

        yield update


@contextlib.contextmanager
def run_time_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar about the time within a run, as the progress of a run is told."""
    with progress_bar(what, "s of run time") as update:
        yield lambda done_ns, total_ns: update(done_ns / 1e9, total_ns / 1e9)
