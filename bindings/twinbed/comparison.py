"""Simulated against real: the same figures in two modes, beside each other."""

import pandas as pd

from . import _twinbed
from .queries import conform

_GROUP = ["scenario", "parameters", "metric", "unit"]


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
