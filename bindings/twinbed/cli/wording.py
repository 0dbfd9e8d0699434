"""Verdicts and figures in words, the same in every verb."""

from typing import Any

NOTHING = "-"


def missing(value: Any) -> bool:
    """Whether it is what pandas calls missing."""
    from pandas import isna  # takes long to import

    return bool(isna(value))


def finding(verdict: str, expected: str, policy: str) -> str:
    """'invalid, as expected of policy original'."""
    if verdict == expected:
        return f"{verdict}, as expected of policy {policy}"
    return f"{verdict}, but {expected} was expected of policy {policy}"


def number(value: Any, digits: int = 4) -> str:
    """A number in few digits, a whole one in all of them; '-' where there is none."""
    if missing(value):
        return NOTHING
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def unit_name(unit: str) -> str:
    """The unit as tables show it: nothing for a mere number."""
    return "" if unit == "1" else unit


def amount(value: Any, unit: str) -> str:
    """'9.632 s', and '3' of what has no unit."""
    return f"{number(value)} {unit_name(unit)}".rstrip()


def spread(n: int, mean: float, low: float, high: float) -> str:
    """'14.9 [14.2 .. 15.8] n=30'."""
    if n == 0:
        return NOTHING
    if n == 1:
        return f"{number(mean)} n=1"
    return f"{number(mean)} [{number(low)} .. {number(high)}] n={n}"


def inside(row) -> str:
    """Whether a mode's figures lie within the spread of the baseline, and how far off if not."""
    if missing(row.inside):
        return NOTHING
    if row.inside == row.n:
        return "yes"
    count = "no" if row.inside == 0 else f"{row.inside} of {row.n}"
    return f"{count}, off by {number(row.outside, 2)}"


def setup(scenario: str, parameters: str) -> str:
    """'leader_failover network.link.delay=5 ms'."""
    return f"{scenario} {parameters}".strip()
