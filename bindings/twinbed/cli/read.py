"""The verbs that read result stores or run them again: show, compare, replay, diff."""

import os

import click

from ..execute import MODES
from ..execute import diff as diff_runs
from ..execute import replay as replay_run
from ..paths import parse_reference
from ..results import Run
from ..results import open as open_results
from . import report
from .output import NOT_AS_EXPECTED, OK, leave, print_json, records, run_time_bar


@click.command()
@click.argument("store", metavar="DB[#RUN]")
@click.option("--json", "as_json", is_flag=True, help="Prints JSON.")
def show(store, as_json):
    """Lists the runs of a result store, or tells about one run.

    \b
    Examples:
      twinbed show results/runs.db
      twinbed show results/runs.db#17
    """
    if "#" in store:
        run = Run(*parse_reference(store))
        print_json(report.as_json(run)) if as_json else report.print_run_details(run)
        return
    results = open_results(store)
    print_json(records(results.runs())) if as_json else report.print_runs(results)


@click.command()
@click.argument("store", metavar="DB")
@click.option(
    "--baseline",
    type=click.Choice(MODES),
    default="sim",
    show_default=True,
    help="The mode whose spread is looked at.",
)
@click.option("--json", "as_json", is_flag=True, help="Prints JSON.")
def compare(store, baseline, as_json):
    """Compares simulated with real runs, measure by measure.

    For each measure: mean, least, greatest and number of figures in each mode, the difference of
    the means, and whether the real figures lie inside the spread of the simulated ones. A spread
    of few runs says little; n is how many there are. The points of a grid (run --set) stand below
    each other.

    \b
    Examples:
      twinbed compare results/demo.db
      twinbed compare results/demo.db --json
    """
    results = open_results(store)
    if as_json:
        print_json(records(results.compare(baseline)))
    else:
        report.print_comparison(results, baseline)


@click.command()
@click.argument("run", metavar="DB#RUN")
def replay(run):
    """Runs a recorded run again and says whether it is the same.

    A simulated run is repeated from its scenario and seed. Of a real run, each node's recorded
    input is fed to a fresh protocol, and the requests that it makes are compared. The run of a
    cloud-p2p server needs the key that the server had, in ENCRYPTION_KEY, for no store holds it.

    \b
    Examples:
      twinbed replay results/runs.db#17
      ENCRYPTION_KEY=... twinbed replay node1.db#1
    """
    key = os.environ.get("ENCRYPTION_KEY", "")
    with run_time_bar("replay") as progress:
        result = replay_run(run, encryption_key=key, progress=progress)
    print(f"{run}: {'equal' if result.equal else 'different'}: {result.explanation}")
    leave(OK if result.equal else NOT_AS_EXPECTED, report.command("replay", run))


@click.command()
@click.argument("left", metavar="DB#RUN")
@click.argument("right", metavar="DB#RUN")
def diff(left, right):
    """Finds where two recorded simulated runs part.

    Both are executed side by side until an event differs.

    \b
    Example:
      twinbed diff before.db#1 after.db#1
    """
    with run_time_bar("diff") as progress:
        result = diff_runs(left, right, progress=progress)
    if result.equal:
        print(f"{left} and {right} are equal, event by event")
        return
    print(f"event {result.event} is the first that differs")
    print(f"  {left}: {result.left or 'had ended'}")
    print(f"  {right}: {result.right or 'had ended'}")
    leave(NOT_AS_EXPECTED, report.command("diff", left, right))
