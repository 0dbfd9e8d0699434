"""The verbs that make runs: run and demo."""

import datetime
import sys
from pathlib import Path

import click

from ..campaign import replicate
from ..errors import Interrupted, RunError
from ..execute import MODES, checked_seed
from ..paths import DEFAULT_DB, shipped_scenario
from ..results import Results
from ..scenario import Scenario
from . import report
from .output import (
    FAILED,
    INTERRUPTED,
    NOT_AS_EXPECTED,
    OK,
    leave,
    print_json,
    progress_bar,
    remark,
)

DEMO_SCENARIO = "election/leader_failover.yaml"
DEMO_REPLICATIONS = 30


def split_values(text: str) -> list[str]:
    """'1 ms,5 ms' as two values. Commas within brackets and quotes do not part values."""
    values, depth, quote, start = [], 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            values.append(text[start:place].strip())
            start = place + 1
    return [*values, text[start:].strip()]


def parse_grid(settings: tuple[str, ...]) -> dict[str, list[str]]:
    """The --set options as a grid for replicate."""
    grid = {}
    for setting in settings:
        path, mark, values = setting.partition("=")
        if not mark or not path:
            raise click.UsageError(f"--set {setting}: write it as PATH=VALUE or PATH=V1,V2")
        grid[path.strip()] = split_values(values)
    return grid


def without_seed(words: list[str]) -> list[str]:
    """A command line without its --seed."""
    kept = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if word != "--seed" and before != "--seed" and not word.startswith("--seed=")
    ]
    return kept


def code_for(results: Results) -> int:
    """The exit code of a number of runs."""
    runs = results.runs()
    if (runs["state"] != "finished").any():
        return FAILED
    return OK if runs["as_expected"].all() else NOT_AS_EXPECTED


def make_runs(scenario: Scenario, mode: str, again: str, **options) -> Results:
    """Makes runs as `replicate` does, under a progress bar. Where that fails or is interrupted the
    program ends; `again` is the command line that repeats it.
    """
    try:
        with progress_bar(f"{scenario.name} {mode}", "runs") as progress:
            return replicate(scenario, mode, progress=progress, **options)
    except Interrupted as stopped:
        remark(str(stopped))
        leave(INTERRUPTED)
    except RunError as error:
        remark(f"error: {error}")
        leave(FAILED, again)


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="sim",
    show_default=True,
    help="In simulation, or on this machine with a process for each node; virtual-radio: with "
    "interfaces in monitor mode for radio cards, too, which needs root.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    help="Of replication 0; the others' are derived from it. Drawn if not given.",
)
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs with different seeds, at each point of the grid.",
)
@click.option(
    "--set",
    "settings",
    metavar="PATH=V1,V2",
    multiple=True,
    help="Sets a value of the scenario; several values make a grid.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    show_default="2 simulated, 1 real",
    help="Runs at a time. Many real ones fit on a machine, for they wait most of the time.",
)
@click.option("--db", default=DEFAULT_DB, show_default=True, help="The result store.")
@click.option("--json", "as_json", is_flag=True, help="Prints the results as JSON.")
@click.option(
    "--keep-files", is_flag=True, help="Leaves the files of real nodes, beside the store."
)
@click.option(
    "--capture",
    is_flag=True,
    help="Keeps packets and radio frames, for the verb capture; in mode real it needs root or "
    "CAP_NET_RAW.",
)
def run(file, mode, seed, replications, settings, jobs, db, as_json, keep_files, capture):
    """Runs a scenario: in simulation, or for real.

    \b
    Examples:
      twinbed run scenarios/election/leader_failover.yaml
      twinbed run leader_failover.yaml --mode real --seed 7
      twinbed run fec_curve.yaml --mode virtual-radio
      twinbed run leader_failover.yaml --replications 100 -j 2
      twinbed run leader_failover.yaml --set network.link.delay="1 ms,50 ms" --replications 20
      twinbed run kill_leader.yaml --mode real --replications 5 -j 5
    """
    grid = parse_grid(settings)
    scenario = Scenario.load(file)
    seed = checked_seed(seed)
    remark(f"seed {seed}")
    again = report.command(*without_seed(sys.argv[1:]), "--seed", str(seed))
    results = make_runs(
        scenario,
        mode,
        again,
        replications=replications,
        seed=seed,
        grid=grid,
        jobs=jobs,
        db=db,
        keep_files=keep_files,
        capture=capture,
    )
    if as_json:
        print_json({"db": db, "seed": seed, "runs": [report.as_json(r) for r in results]})
    elif len(results) == 1:
        report.print_run(next(iter(results)))
    else:
        report.print_summary(results)
    unexpected = results.runs().query("not as_expected")["run_id"]
    report.print_unexpected(file, (results.run(run_id) for run_id in unexpected))
    leave(code_for(results))


@click.command()
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=1,
    show_default=True,
    help="Of the first simulated run and of the real one.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Simulations at a time.",
)
def demo(seed, jobs):
    """The failover experiment, simulated and for real, side by side.

    Three servers elect a leader, the leader is killed, and later the next one is cut off from the
    others: thirty times in simulation and once on this machine, into a new result store. The real
    run takes as long as the scenario says, somewhat more than a minute and a half.
    """
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    db = f"results/demo-{stamp}.db"
    file = shipped_scenario(DEMO_SCENARIO)
    scenario = Scenario.load(file)
    remark(f"{file}, seed {seed}, into {db}")
    again = report.command("demo", "--seed", str(seed))
    make_runs(scenario, "sim", again, replications=DEMO_REPLICATIONS, seed=seed, jobs=jobs, db=db)
    make_runs(scenario, "real", again, replications=1, seed=seed, db=db)
    results = Results(db)
    report.print_comparison(results, "sim")
    print(report.headline(results))
    print("Next:")
    for line in _next_commands(file, db):
        print(f"  {line}")
    unexpected = results.runs().query("not as_expected")["run_id"]
    report.print_unexpected(file, (results.run(run_id) for run_id in unexpected))
    leave(code_for(results))


def _next_commands(file: str, db: str) -> list[str]:
    slower = ["--set", "protocol.options.profile=f988f94,67dc5ff", "--replications", "30"]
    return [
        report.command("show", f"{db}#{DEMO_REPLICATIONS + 1}"),
        report.command("replay", f"{db}#{DEMO_REPLICATIONS + 1}"),
        report.command("run", str(Path(file).with_name("kill_leader.yaml")), *slower),
    ]
