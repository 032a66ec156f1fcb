"""Distances of ensembles against SciPy and plain loops; intervals and tests against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm, t, ttest_ind, wasserstein_distance

from semsync.analysis.measures.ensembles import (
    corrected_distance,
    distances,
    interval,
    mean_interval,
    member_distances,
    resample,
    spread_test,
)
from semsync.errors import InputError


@pytest.mark.parametrize("decimals", [12, 1])  # without and with ties
def test_single_members_are_as_in_scipy(decimals: int) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=300).round(decimals), rng.normal(0.3, 2, size=70).round(decimals)
    found = distances([first], [second])
    assert found.wasserstein == pytest.approx(wasserstein_distance(first, second))
    assert found.kolmogorov_smirnov == pytest.approx(ks_2samp(first, second).statistic)
    assert found.mean == pytest.approx(first.mean() - second.mean())


def test_members_weigh_the_same_whatever_their_size() -> None:
    rng = np.random.default_rng(1)
    first, second = [rng.normal(m, 1, size=n) for m, n in ((0, 20), (1, 500), (3, 7))], [rng.normal(size=40)]
    weights = np.concatenate([np.full(len(sample), 1 / len(sample)) for sample in first])
    found = distances(first, second)
    assert found.wasserstein == pytest.approx(wasserstein_distance(np.concatenate(first), second[0], weights))
    assert found.mean == pytest.approx(np.mean([sample.mean() for sample in first]) - second[0].mean())


def test_the_same_on_both_sides_is_no_distance() -> None:
    rng = np.random.default_rng(2)
    members = [rng.normal(size=50), rng.integers(0, 2, 30)]
    found = distances(members, members)
    for value in (found.mean, found.wasserstein, found.kolmogorov_smirnov):
        assert value == pytest.approx(0, abs=1e-12)
    drawn = resample(members, members, n_resamples=200)
    for observed, resampled in (
        (found.wasserstein, drawn.wasserstein),
        (found.kolmogorov_smirnov, drawn.kolmogorov_smirnov),
    ):
        distance, low, _ = corrected_distance(float(observed), resampled)
        assert (distance, low) == (0.0, 0.0)
    low, high = interval(drawn.mean)
    assert low < 0 < high
    assert spread_test(members, members).z == 0


def test_resampling_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    first, second = [rng.normal(m, 1, size=n) for m, n in ((0, 30), (2, 60), (1, 10))], [rng.normal(size=25)]
    found = resample(first, second, n_resamples=4000, seed=5)
    means, areas, gaps = [], [], []
    for _ in range(4000):
        drawn = [first[i] for i in rng.integers(0, 3, 3)]
        drawn = [rng.choice(sample, len(sample)) for sample in drawn]
        other = rng.choice(second[0], len(second[0]))
        weights = np.concatenate([np.full(len(sample), 1 / len(sample)) for sample in drawn])
        means.append(np.mean([sample.mean() for sample in drawn]) - other.mean())
        areas.append(wasserstein_distance(np.concatenate(drawn), other, weights))
        support = np.sort(np.concatenate([*drawn, other]))
        cumulative = np.mean([np.searchsorted(np.sort(s), support, side="right") / len(s) for s in drawn], axis=0)
        gaps.append(np.abs(cumulative - np.searchsorted(np.sort(other), support, side="right") / len(other)).max())
    for ours, plain in ((found.mean, means), (found.wasserstein, areas), (found.kolmogorov_smirnov, gaps)):
        assert ks_2samp(ours, plain).pvalue > 0.01


def test_resampling_in_chunks_and_by_seed() -> None:
    rng = np.random.default_rng(4)
    first, second = [rng.normal(size=3000)], [rng.normal(size=2000)]
    one, again, other = (resample(first, second, n_resamples=100, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.wasserstein, again.wasserstein)
    assert not np.array_equal(one.wasserstein, other.wasserstein)
    assert len(np.unique(one.mean)) == 100


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_intervals_hold_the_truth(shift: float) -> None:
    """Of 95 %, over 300 repetitions: 285 expected, with a standard deviation of 3.8."""
    n_repetitions = 300
    truth = (-shift, shift, 2 * norm.cdf(shift / 2) - 1)
    n_held, n_percentile = np.zeros(3, dtype=int), 0
    rng = np.random.default_rng(6)
    for repetition in range(n_repetitions):
        first, second = [rng.normal(size=150)], [rng.normal(shift, 1, size=250)]
        observed = distances(first, second)
        drawn = resample(first, second, n_resamples=300, seed=repetition)
        low, high = interval(drawn.mean)
        n_held[0] += low <= truth[0] <= high
        for row, (distance, resampled) in enumerate(
            ((observed.wasserstein, drawn.wasserstein), (observed.kolmogorov_smirnov, drawn.kolmogorov_smirnov)), 1
        ):
            _, low, high = corrected_distance(float(distance), resampled)
            n_held[row] += low <= truth[row] <= high
        low, high = interval(drawn.wasserstein)
        n_percentile += low <= shift <= high
    assert 273 <= n_held[0] <= 294
    # Distances are never below 0, so that near 0 the interval holds the truth more often.
    assert (n_held[1:] >= 264).all()
    if shift == 0:
        assert n_percentile == 0  # why the plain interval is not used
    else:
        assert n_held[1] <= 294


def test_the_interval_of_an_ensemble_holds_the_spread_of_its_members() -> None:
    """20 members, whose means vary with SD 1: the mean of an ensemble is known to 1 / sqrt(20)."""
    rng = np.random.default_rng(7)
    n_held = 0
    for repetition in range(300):
        first = [rng.normal(rng.normal(), 1, size=15) for _ in range(20)]
        low, high = interval(resample(first, [np.zeros(2)], n_resamples=200, seed=repetition).mean)
        n_held += low <= 0 <= high
    assert 267 <= n_held <= 294
    low, high = mean_interval(first[0])
    assert high - low == pytest.approx(2 * 1.96 * first[0].std() / np.sqrt(15), rel=0.2)
    assert all(np.isnan(mean_interval([1.0])))


def test_distances_of_members_do_not_depend_on_their_sizes() -> None:
    rng = np.random.default_rng(8)
    samples = [rng.normal(size=60) for _ in range(3)]
    found = member_distances(samples)
    for i in range(3):
        for j in range(3):
            assert found[i, j] == pytest.approx(wasserstein_distance(samples[i], samples[j]), abs=1e-12)
    means = [sample.mean() for sample in samples]
    assert member_distances(samples, of_means=True)[0, 1] == pytest.approx(abs(means[0] - means[1]))
    small, mixed = [], []
    for repetition in range(150):
        one, other, large = (rng.normal(size=n) for n in (40, 40, 400))
        small.append(member_distances([one, other])[0, 1])
        mixed.append(member_distances([one, large], seed=repetition)[0, 1])
    assert np.mean(mixed) == pytest.approx(np.mean(small), rel=0.1)


def test_z_and_p_on_constructed_numbers() -> None:
    found = spread_test([[1.0], [2.0], [3.0]], [[4.0]])
    assert (found.sd_within, found.z) == (1.0, -2.0)
    statistic = (2.0 - 4.0) / (1.0 * np.sqrt(1 + 1 / 3))  # Crawford and Howell 1998
    assert found.p_value == pytest.approx(2 * t.sf(abs(statistic), 2))
    turned = spread_test([[4.0]], [[1.0], [2.0], [3.0]])
    assert (turned.z, turned.p_value) == (2.0, pytest.approx(found.p_value))
    first, second = [[0.0, 2.0], [2.0, 4.0]], [[4.0], [8.0], [6.0]]  # means 1, 3 and 4, 8, 6
    found = spread_test(first, second)
    assert found.sd_within == pytest.approx(np.sqrt((2 + 8) / 3))
    assert found.z == pytest.approx(-4 / np.sqrt(10 / 3))
    assert found.p_value == pytest.approx(ttest_ind([1, 3], [4, 8, 6], equal_var=False).pvalue)
    assert np.isnan(spread_test([[1.0, 2.0]], [[3.0]]).z)
    alike = spread_test([[1.0], [1.0]], [[3.0]])
    assert (alike.sd_within, alike.z) == (0.0, -np.inf)
    assert np.isnan(alike.p_value)


@pytest.mark.parametrize(("tau", "n_single"), [(0.0, 60), (0.05, 60), (0.3, 1000)])
def test_a_single_case_of_the_same_kind_is_rarely_called_another(tau: float, n_single: int) -> None:
    """At 5 %, over 2,000 repetitions, 4 to 6 %, though the single case has far fewer values than the ensemble."""
    rng = np.random.default_rng(9)
    n_rejected = n_without_error = 0
    for _ in range(2000):
        ensemble = [rng.normal(rng.normal(0, tau), 1, 1000) for _ in range(4)]
        single = rng.normal(rng.normal(0, tau), 1, n_single)
        n_rejected += spread_test(ensemble, [single]).p_value < 0.05
        n_without_error += spread_test([[m.mean()] for m in ensemble], [[single.mean()]]).p_value < 0.05
    assert 80 <= n_rejected <= 120
    assert tau > 0.1 or n_without_error > 300  # why the error of its own mean is added


def test_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="n_resamples must be at least 100"):
        resample([[1.0]], [[2.0]], n_resamples=10)
    with pytest.raises(InputError, match="every member a value"):
        distances([[1.0], []], [[2.0]])
    with pytest.raises(InputError, match="need a member"):
        distances([], [[2.0]])
