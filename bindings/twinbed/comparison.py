"""Simulated against real: the same figures in two modes, beside each other."""

import pandas as pd

from . import _twinbed
from .queries import conform

_SETUP = ["scenario", "parameters"]
_GROUP = [*_SETUP, "metric", "unit"]


def figures(
    runs: pd.DataFrame, measures: pd.DataFrame, metrics: pd.DataFrame, baseline: str
) -> pd.DataFrame:
    """What there is to compare, in the form of measures: the measures, and for setups that have
    none one figure of each run for each metric that was sampled: the mean of all samples, or what
    counters had come to, all nodes together.

    Metrics that are not in the baseline mode and in another one are left out.
    """
    setups = runs.groupby(_SETUP, dropna=False)["run_id"]
    has_measures = setups.transform(lambda ids: ids.isin(measures["run_id"]).any()).astype(bool)
    rows = metrics.merge(runs[~has_measures][["run_id", *_SETUP, "mode", "replication"]])
    modes = rows.groupby([*_SETUP, "metric"], dropna=False)["mode"]
    is_shared = modes.transform(lambda group: group.nunique() > 1 and (group == baseline).any())
    rows = rows[is_shared.astype(bool)]
    if rows.empty:
        return measures
    keys = ["run_id", *_SETUP, "mode", "replication", "metric", "unit", "counter"]
    sums = rows.assign(sum=rows["mean"] * rows["samples"]).groupby(keys, sort=False, dropna=False)
    sums = sums[["sum", "samples", "last"]].sum()
    is_counter = sums.index.get_level_values("counter").astype(bool)
    values = (sums["sum"] / sums["samples"]).where(~is_counter, sums["last"])
    added = values.rename("value").reset_index()
    return pd.concat([measures, added]) if len(measures) else added


def compare(measures: pd.DataFrame, baseline: str = "sim") -> pd.DataFrame:
    """Each measure of each scenario, in the baseline mode and in each other mode.

    `inside` counts the figures of the other mode that lie within the spread of the baseline, from
    its least to its greatest, and `outside` is how far the farthest of them lies out of it. A
    spread of few figures says little: look at baseline_n.
    """
    rows = []
    for group, figures in measures.groupby(_GROUP, sort=False, dropna=False):
        base = figures[figures["mode"] == baseline]["value"].dropna()
        modes = [mode for mode in figures["mode"].unique() if mode != baseline]
        for mode in modes or [None]:
            other = figures[figures["mode"] == mode]["value"].dropna() if mode else base.iloc[:0]
            row = dict(zip(_GROUP, group, strict=True)) | {"baseline": baseline, "mode": mode}
            row |= {f"baseline_{name}": value for name, value in _summary(base).items()}
            row |= _summary(other)
            row["difference"] = row["mean"] - row["baseline_mean"]
            if len(base) and len(other):
                low, high = base.min(), base.max()
                row["inside"] = int(other.between(low, high).sum())
                row["outside"] = max(0.0, low - other.min(), other.max() - high)
            rows.append(row)
    return conform(_in_order(pd.DataFrame(rows)), "comparison")


def _summary(values: pd.Series) -> dict[str, float]:
    return {"n": len(values), "mean": values.mean(), "min": values.min(), "max": values.max()}


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Setups as they came, and within each the measures in the order of reports."""
    if rows.empty:
        return rows
    own = {metric.name: place for place, metric in enumerate(_twinbed.measures())}
    setups = rows.groupby(["scenario", "parameters"], sort=False).ngroup()
    rows = rows.assign(_setup=setups, _place=rows["metric"].map(own))
    return rows.sort_values(["_setup", "_place"], kind="stable", ignore_index=True)
