"""What is said about runs, one or many."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from .. import _twinbed
from ..paths import source_root
from ..results import Results, Run
from . import wording
from .output import print_table, records, remark
from .setups import Setups

LOG_LINES = 20
#: A run with more nodes does not show its counters node by node.
NODE_COLUMNS = 8
#: Metrics of frames that a machine did not take in time.
LOST_IN_REAL_TIME = ("air.lost", "radio.dropped")
#: The share of missed deadlines that says nothing yet.
MOST_MISSED = 0.001


def program() -> str:
    """How the reader calls this program."""
    return "./twinbed" if source_root() == Path.cwd() else "twinbed"


def command(*words: str) -> str:
    """A command line that can be pasted into a shell."""
    return shlex.join([program(), *words])


def run_command(file: str, run: Run) -> str:
    """The command that makes a run again."""
    settings = []
    for row in run.parameters().itertuples():
        settings += ["--set", f"{row.path}={row.value}"]
    return command("run", file, "--mode", run.mode, "--seed", str(run.seed), *settings)


def verdict_rows(run: Run) -> list[list[str]]:
    """Rows of checker, finding and explanation."""
    verdicts = run.verdicts()
    if verdicts.empty:
        return []  # nor need there be a scenario: a cloud-p2p server's run has none
    policy = run.scenario.policy
    return [
        [row.checker, wording.finding(row.verdict, row.expected, policy), row.explanation]
        for row in verdicts.itertuples()
    ]


def print_run(run: Run) -> None:
    """One run: its verdicts and its figures."""
    info = run.info
    head = wording.setup(info["scenario"], info["parameters"])
    print(f"{run.reference}: {head}, mode {run.mode}, seed {run.seed}, {info['state']}")
    if run.failure:
        print(f"failure: {run.failure}")
    verdicts = verdict_rows(run)
    if verdicts:
        print_table(["checker", "verdict", "explanation"], verdicts)
    measures = run.measures()
    if len(measures):
        rows = [[m.metric, wording.amount(m.value, m.unit)] for m in measures.itertuples()]
        print_table(["measure", "value"], rows)
    metrics = run.metrics()
    print_counters(metrics[metrics["counter"]])
    print_samples(metrics[~metrics["counter"]])
    sentence = shortfall(run)
    if sentence:
        remark(f"{run.reference}: {sentence}")


def shortfall(run: Run) -> str | None:
    """One sentence where this machine was too slow for a real run; its figures are then those of
    the machine.
    """
    results = Results(run.db, [run.run_id])
    late = results.query(
        "SELECT sum(count) AS count, sum(missed) AS missed, max(worst_ns) / 1e6 AS worst_ms "
        "FROM lateness WHERE run_id = ?",
        (run.run_id,),
    ).iloc[0]
    metrics = run.metrics()
    lost = int(metrics[metrics["metric"].isin(LOST_IN_REAL_TIME)]["last"].sum())
    count, missed = (int(late[name] or 0) for name in ("count", "missed"))
    if lost == 0 and missed <= count * MOST_MISSED:
        return None
    return (
        f"this machine did not keep up: {missed} of {count} deadlines were missed, by up to "
        f"{wording.number(late['worst_ms'], 2)} ms, and {lost} radio frames were lost for it; "
        "close other programs, or make the scenario send less"
    )


def print_counters(counters) -> None:
    """What the counters of the protocol had come to at the end, node by node."""
    if counters.empty:
        return
    names = dict(zip(counters["node_id"], counters["node"], strict=True))
    at_end = counters.pivot(index="metric", columns="node_id", values="last")
    if len(names) > NODE_COLUMNS:
        shown = at_end.agg(["count", "min", "max", "sum"], axis=1)
        header = ["nodes", "least", "greatest", "all"]
    else:
        shown = at_end.assign(all=at_end.sum(axis=1))
        header = [*(names[node] for node in at_end.columns), "all"]
    rows = [[metric, *map(wording.number, values)] for metric, *values in shown.itertuples()]
    print_table(["counter at the end", *header], rows)


def print_samples(metrics) -> None:
    """What the protocol sampled, of all nodes together."""
    rows = []
    for (metric, unit), nodes in metrics.groupby(["metric", "unit"]):
        count = nodes["samples"].sum()
        mean = (nodes["mean"] * nodes["samples"]).sum() / count
        figures = wording.spread(count, mean, nodes["min"].min(), nodes["max"].max())
        rows.append([metric, wording.unit_name(unit), figures])
    if rows:
        print_table(["samples of", "unit", "mean [min .. max]"], rows)


def print_run_details(run: Run) -> None:
    """One run with its faults and the end of its log."""
    print_run(run)
    faults = [
        [f.action, f.target, wording.number(f.begin_s), wording.number(f.end_s), str(f.touched)]
        for f in run.faults().itertuples()
    ]
    if faults:
        print_table(["fault", "target", "begin s", "end s", "touched"], faults)
    log = run.log()
    if len(log) > LOG_LINES:
        print(f"the last {LOG_LINES} of {len(log)} log lines:")
    for line in log[-LOG_LINES:]:
        print(line)


def print_heading(setups: Setups) -> None:
    """What all rows of the following tables have in common."""
    if setups.heading:
        print(setups.heading)


def print_runs(results: Results) -> None:
    """One line for each run."""
    setups = Setups(results)
    rows = [
        [
            str(r.run_id),
            *setups.cells(r.scenario, r.parameters),
            r.mode,
            str(r.seed),
            r.state,
            "yes" if r.as_expected else "no",
            wording.number(r.end_s),
            wording.number(r.wall_s),
        ]
        for r in results.runs().itertuples()
    ]
    print_heading(setups)
    names = ["run", *setups.columns, "mode", "seed"]
    header = [*names, "state", "as expected", "run s", "wall s"]
    print_table(header, rows, len(names))


def print_summary(results: Results) -> None:
    """Many runs: verdicts counted, figures with their spread."""
    runs = results.runs()
    setups = Setups(results)
    expected = int(runs["as_expected"].sum())
    failed = int((runs["state"] == "failed").sum())
    print(f"{len(runs)} runs in {results.db}: {expected} as expected, {failed} failed")
    print_heading(setups)
    print_verdict_counts(results, setups)
    print_spreads(results, setups)


def print_verdict_counts(results: Results, setups: Setups) -> None:
    """How often each checker found what."""
    group = ["checker", "scenario", "parameters", "mode", "verdict", "expected"]
    counts = results.verdicts().groupby(group, sort=False).size().reset_index(name="runs")
    rows = [
        [
            c.checker,
            *setups.cells(c.scenario, c.parameters),
            c.mode,
            c.verdict,
            c.expected,
            str(c.runs),
        ]
        for c in in_report_order(counts, "checker").itertuples()
    ]
    if rows:
        header = ["mode", "verdict", "expected", "runs"]
        print_table(["checker", *setups.columns, *header], rows, 1 + len(setups.columns))


def print_spreads(results: Results, setups: Setups) -> None:
    """Each measure with its spread."""
    group = ["metric", "unit", "scenario", "parameters", "mode"]
    spreads = results.measures().groupby(group, sort=False)["value"]
    spreads = spreads.agg(["size", "mean", "min", "max"]).reset_index()
    rows = [
        [
            s.metric,
            wording.unit_name(s.unit),
            *setups.cells(s.scenario, s.parameters),
            s.mode,
            wording.spread(s.size, s.mean, s.min, s.max),
        ]
        for s in in_report_order(spreads, "metric").itertuples()
    ]
    if rows:
        header = ["measure", "unit", *setups.columns, "mode", "mean [min .. max]"]
        print_table(header, rows, len(header) - 1)


def in_report_order(frame, column: str):
    """All rows of a measure, or of a checker, after one another: so setups can be compared."""
    own = {metric.name: place for place, metric in enumerate(_twinbed.measures())}
    names = {name: place for place, name in enumerate(frame[column].unique())}
    places = frame[column].map(lambda name: own.get(name, names[name]))
    return frame.iloc[places.argsort(kind="stable")]


def print_comparison(results: Results, baseline: str) -> None:
    """Each measure in the baseline and in another mode, beside each other."""
    frame = results.compare(baseline)
    setups = Setups(results)
    modes = list(frame["mode"].dropna().unique())
    print_heading(setups)
    for mode in modes or [None]:
        group = frame[frame["mode"].isna() | (frame["mode"] == mode)]
        rows = [
            [
                row["metric"],
                wording.unit_name(row["unit"]),
                *setups.cells(row["scenario"], row["parameters"]),
                spread_of(row, "baseline_"),
                spread_of(row),
                wording.number(row["difference"], 2),
                wording.inside(row),
            ]
            for _, row in in_report_order(group, "metric").iterrows()
        ]
        header = [baseline, mode or "other mode", "difference", f"inside {baseline}"]
        names = ["measure", "unit", *setups.columns]
        print_table([*names, *header], rows, len(names))
    if not modes:
        remark(f"there are no runs in another mode than {baseline} to compare with")


def as_json(run: Run) -> dict:
    """A run with its verdicts and figures."""
    return {
        **records(Results(run.db, [run.run_id]).runs())[0],
        "reference": run.reference,
        "verdicts": records(run.verdicts()),
        "measures": records(run.measures()[["metric", "unit", "value"]]),
        "metrics": records(run.metrics().drop(columns="run_id")),
    }


def print_unexpected(file: str, runs: Iterable[Run], limit: int = 5) -> None:
    """The runs that did not go as expected, each with the line that makes it again."""
    for number, run in enumerate(runs):
        if number == limit:
            remark("... and more; `show` lists them all")
            return
        if run.failure:
            remark(f"{run.reference} failed: {run.failure}")
        for checker, found, explanation in verdict_rows(run):
            if ", but " in found:
                remark(f"{run.reference}: {checker} is {found}: {explanation}")
        remark(f"reproduce: {run_command(file, run)}")


def spread_of(row, prefix: str = "") -> str:
    """The spread of a comparison's row, of the baseline or of the other mode."""
    return wording.spread(*(row[prefix + name] for name in ("n", "mean", "min", "max")))


def headline(results: Results) -> str:
    """One sentence about the failover: simulated against real."""
    frame = results.compare("sim").set_index("metric")
    if "failover.view" not in frame.index:
        return "No failover was measured."
    row = frame.loc["failover.view"]
    sentence = (
        "A lost leader is replaced, and every server knows the next one, after "
        f"{_in_words(row, 'baseline_')} in simulation"
    )
    if row["n"] == 0:
        return f"{sentence}."
    place = "inside that spread"
    if row["outside"] > 0:
        place = f"at most {wording.number(row['outside'], 2)} s outside that spread"
    return f"{sentence} and after {_in_words(row)} for real, {place}."


def _in_words(row, prefix: str = "") -> str:
    mean, low, high = (wording.number(row[prefix + name]) for name in ("mean", "min", "max"))
    return f"{mean} s ({low} to {high}, n={row[prefix + 'n']})"
