"""Verdicts and figures in words, the same in every verb."""

from typing import Any


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
    """A number in few digits; '-' where there is none."""
    return "-" if missing(value) else f"{value:.{digits}g}"


def spread(n: int, mean: float, low: float, high: float) -> str:
    """'14.9 [14.2 .. 15.8] n=30'."""
    if n == 0:
        return "-"
    if n == 1:
        return f"{number(mean)} n=1"
    return f"{number(mean)} [{number(low)} .. {number(high)}] n={n}"


def inside(row) -> str:
    """Whether a mode's figures lie within the spread of the baseline, and how far off if not."""
    if missing(row.inside):
        return "-"
    if row.inside == row.n:
        return "yes"
    count = "no" if row.inside == 0 else f"{row.inside} of {row.n}"
    return f"{count}, off by {number(row.outside, 2)}"


def setup(scenario: str, parameters: str) -> str:
    """'leader_failover network.link.delay=5 ms'."""
    return f"{scenario} {parameters}".strip()
