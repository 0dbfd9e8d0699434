"""Comparing what was found with what was published: distributions and shares.

>>> times = tb.replicate(scenario, replications=1000).measures()["value"]
>>> stats.distance(times, {0.1: 0.375, 0.5: 0.410, 0.9: 0.489})
0.013
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np


def ecdf(values: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """The empirical distribution: the values in order, and the share that is not above each.

    Draw it as steps: ax.step(*ecdf(values), where="post").
    """
    found = _ordered(values)
    return found, np.arange(1, len(found) + 1) / len(found)


def distance(values: Iterable[float], quantiles: Mapping[float, float]) -> float:
    """How far the values' distribution is from one of which some quantiles are known.

    quantiles: share -> value, such as {0.5: 171.3} where a median of 171.3 was published.

    The distance is that of Kolmogorov and Smirnov as far as the quantiles tell: the greatest
    difference between the share of values that are not above a quantile and the quantile's own.
    The true one, between all values, cannot be less.
    """
    found = _ordered(values)
    below = np.searchsorted(found, list(quantiles.values()), side="right") / len(found)
    return float(np.max(np.abs(below - list(quantiles))))


def distance_limit(n: int, confidence: float = 0.99) -> float:
    """What the distance of n values from the distribution that they are drawn from stays below.

    The limit of Kolmogorov for many values, sqrt(-ln((1 - confidence) / 2) / (2 n)): a good
    approximation from 35 values on.
    """
    return math.sqrt(-math.log((1 - confidence) / 2) / (2 * n))


def binomial_limits(n: int, share: float, confidence: float = 0.99) -> tuple[int, int]:
    """Between which counts, both included, successes of n trials lie with this confidence.

    share: the probability of a success. Exact, and symmetric in probability: on either side lies
    less than half of what is left.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}: it must be from 0 to 1")
    if share in (0, 1):
        return round(n * share), round(n * share)
    counts = np.arange(n + 1)
    ways = math.lgamma(n + 1) - np.array(
        [math.lgamma(k + 1) + math.lgamma(n - k + 1) for k in counts]
    )
    up_to = np.cumsum(np.exp(ways + counts * math.log(share) + (n - counts) * math.log1p(-share)))
    outside = (1 - confidence) / 2
    least = int(np.searchsorted(up_to, outside, side="left"))
    most = int(np.searchsorted(up_to, 1 - outside, side="left"))
    return least, min(most, n)


def _ordered(values: Iterable[float]) -> np.ndarray:
    found = np.sort(np.asarray(list(values), dtype=float))
    if len(found) == 0 or np.isnan(found[-1]):
        raise ValueError("a distribution needs values, and each must be a number")
    return found
