"""What is said about runs, one or many."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from ..paths import source_root
from ..results import Results, Run
from . import wording
from .output import print_table, records, remark

LOG_LINES = 20


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
    policy = run.scenario.policy
    return [
        [row.checker, wording.finding(row.verdict, row.expected, policy), row.explanation]
        for row in run.verdicts().itertuples()
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
        rows = [[m.metric, wording.number(m.value), m.unit] for m in measures.itertuples()]
        print_table(["measure", "value", "unit"], rows)
    print_metrics(run)


def print_metrics(run: Run) -> None:
    """What the protocol itself sampled."""
    samples = run.samples()
    samples = samples[~samples["metric"].isin(run.measures()["metric"])]
    rows = []
    for (metric, unit), values in samples.groupby(["metric", "unit"])["value"]:
        numbers = [wording.number(n) for n in (values.min(), values.max(), values.iloc[-1])]
        rows.append([metric, unit, str(len(values)), *numbers])
    if rows:
        print_table(["metric", "unit", "samples", "least", "greatest", "last"], rows)


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


def print_runs(results: Results) -> None:
    """One line for each run."""
    rows = [
        [
            str(r.run_id),
            wording.setup(r.scenario, r.parameters),
            r.mode,
            str(r.seed),
            r.state,
            "yes" if r.as_expected else "no",
            wording.number(r.end_s),
            wording.number(r.wall_s),
        ]
        for r in results.runs().itertuples()
    ]
    print_table(
        ["run", "scenario", "mode", "seed", "state", "as expected", "run s", "wall s"], rows
    )


def print_summary(results: Results) -> None:
    """Many runs: verdicts counted, figures with their spread."""
    runs = results.runs()
    expected = int(runs["as_expected"].sum())
    failed = int((runs["state"] == "failed").sum())
    print(f"{len(runs)} runs in {results.db}: {expected} as expected, {failed} failed")
    verdicts = results.verdicts()
    group = ["scenario", "parameters", "mode", "checker", "verdict", "expected"]
    counts = verdicts.groupby(group, sort=False).size().reset_index(name="runs")
    rows = [
        [
            wording.setup(c.scenario, c.parameters),
            c.mode,
            c.checker,
            c.verdict,
            c.expected,
            str(c.runs),
        ]
        for c in counts.itertuples()
    ]
    if rows:
        print_table(["scenario", "mode", "checker", "verdict", "expected", "runs"], rows)
    rows = []
    group = ["scenario", "parameters", "mode", "metric", "unit"]
    for key, values in results.measures().groupby(group, sort=False)["value"]:
        figures = wording.spread(len(values), values.mean(), values.min(), values.max())
        rows.append([wording.setup(*key[:2]), *key[2:], figures])
    if rows:
        print_table(["scenario", "mode", "measure", "unit", "mean [min .. max]"], rows)


def print_comparison(results: Results, baseline: str) -> None:
    """Each measure in the baseline and in the other modes, beside each other."""
    frame = results.compare(baseline)
    keys = ["scenario", "parameters", "mode"]
    for (scenario, parameters, mode), group in frame.groupby(keys, sort=False, dropna=False):
        print(wording.setup(scenario, parameters))
        compared = group["n"].sum() > 0
        rows = [
            [
                row["metric"],
                row["unit"],
                spread_of(row, "baseline_"),
                spread_of(row),
                wording.number(row["difference"]),
                wording.inside(row),
            ]
            for _, row in group.iterrows()
        ]
        other = mode if compared else "other mode"
        print_table(
            ["measure", "unit", baseline, other, "difference", f"inside {baseline} spread"], rows
        )
        if not compared:
            remark(f"there are no runs in another mode than {baseline} to compare with")


def as_json(run: Run) -> dict:
    """A run with its verdicts and figures."""
    return {
        **records(Results(run.db, [run.run_id]).runs())[0],
        "reference": run.reference,
        "verdicts": records(run.verdicts()),
        "measures": records(run.measures()[["metric", "unit", "value"]]),
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
