"""Statistics for comparing with published figures."""

import math

import numpy as np
import pytest
from twinbed import stats


def test_the_empirical_distribution_has_a_step_for_each_value():
    values, shares = stats.ecdf([3, 1, 2, 2])
    assert list(values) == [1, 2, 2, 3]
    assert list(shares) == [0.25, 0.5, 0.75, 1]


def test_the_distance_is_the_greatest_at_any_quantile():
    values = range(1, 101)
    assert stats.distance(values, {0.25: 25, 0.5: 50, 0.75: 75}) == 0
    assert stats.distance(values, {0.25: 25, 0.5: 60, 0.75: 75}) == pytest.approx(0.1)
    assert stats.distance(values, {0.5: 1000}) == 0.5


def test_a_sample_stays_within_the_limit_of_its_distribution_mostly():
    random = np.random.default_rng(1)
    shares = np.linspace(0.001, 0.999, 999)
    quantiles = dict(zip(shares, shares, strict=True))
    n, trials = 200, 400
    beyond = sum(
        stats.distance(random.random(n), quantiles) > stats.distance_limit(n, 0.9)
        for _ in range(trials)
    )
    assert 0.05 * trials < beyond < 0.15 * trials


@pytest.mark.parametrize(("n", "share"), [(10, 0.5), (100, 0.02), (1000, 0.181)])
def test_binomial_limits_leave_out_less_than_half_a_percent_on_either_side(n, share):
    def probability(counts):
        return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in counts)

    least, most = stats.binomial_limits(n, share)
    assert probability(range(least)) < 0.005 <= probability(range(least + 1))
    assert probability(range(most + 1, n + 1)) <= 0.005 < probability(range(most, n + 1))


def test_binomial_limits_of_what_is_certain():
    assert stats.binomial_limits(10, 0) == (0, 0)
    assert stats.binomial_limits(10, 1) == (10, 10)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(ValueError, match="needs values"):
        stats.ecdf([])
    with pytest.raises(ValueError, match="must be a number"):
        stats.distance([1, math.nan], {0.5: 1})
    with pytest.raises(ValueError, match="from 0 to 1"):
        stats.binomial_limits(10, 1.5)
