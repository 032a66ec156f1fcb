"""How far two ensembles are apart: distances of distributions, their intervals, and the spread of the members.

A member is one recording or one network, its sample the values of a measure over its trials or units. Members have
equal weight in their ensemble, whatever the size of their samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

FloatArray = NDArray[np.float64]
_CHUNK = 200_000  # numbers in the weights of one chunk of resamples: they stay in the cache
_MIN_RESAMPLES = 100


@dataclass(frozen=True)
class Differences:
    """Two ensembles held against each other, observed (scalars) or resampled (arrays of shape [n_resamples]).

    Attributes
    ----------
    mean : float or float array
        Mean of the first ensemble minus that of the second.
    wasserstein : float or float array
        Area between the two cumulative distributions (Wasserstein-1 distance), in the unit of the measure.
    kolmogorov_smirnov : float or float array
        Largest difference of the two cumulative distributions, 0 to 1.
    """

    mean: FloatArray
    wasserstein: FloatArray
    kolmogorov_smirnov: FloatArray


def distances(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> Differences:
    """Distances of the distributions of two ensembles, as they are.

    Parameters
    ----------
    first, second : sequence of float array
        One sample for each member.

    Examples
    --------
    >>> found = distances([[0.0, 1.0]], [[2.0, 3.0], [2.0, 3.0]])
    >>> float(found.mean), float(found.wasserstein), float(found.kolmogorov_smirnov)
    (-2.0, 2.0, 1.0)
    """
    support, codes = _support(first, second)
    weights = np.zeros((1, len(support)))
    for members, sign in zip(codes, (1.0, -1.0), strict=True):
        for code in members:
            weights[0] += sign * np.bincount(code, minlength=len(support)) / (len(code) * len(members))
    found = _differences(weights, support)
    return Differences(found.mean[0], found.wasserstein[0], found.kolmogorov_smirnov[0])


def resample(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    *,
    n_resamples: int = 1000,
    seed: int | np.random.SeedSequence = 0,
) -> Differences:
    """The same after resampling members with replacement, and the values within each drawn member.

    The hierarchical bootstrap (Saravanan et al. 2020, doi:10.51628/001c.13927). Of a single member only the values are
    drawn. With few members it is too narrow: the variance between k members comes out (k - 1) / k of what it is.

    Parameters
    ----------
    first, second : sequence of float array
        One sample for each member.
    n_resamples : int
    seed : int or SeedSequence

    Raises
    ------
    InputError
        With too few resamples for an interval.
    """
    if n_resamples < _MIN_RESAMPLES:
        raise InputError(f"n_resamples must be at least {_MIN_RESAMPLES} for an interval of 95 %, got {n_resamples}")
    rng = np.random.default_rng(seed)
    support, codes = _support(first, second)
    largest = max(len(support), *(len(code) for members in codes for code in members))
    chunk = max(1, _CHUNK // largest)
    parts = []
    for start in range(0, n_resamples, chunk):
        n_now = min(chunk, n_resamples - start)
        weights = np.zeros((n_now, len(support)))
        for members, sign in zip(codes, (1.0, -1.0), strict=True):
            n_drawn = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=n_now)
            for code, times in zip(members, n_drawn.T, strict=True):
                # A member that is drawn twice is resampled twice.
                row = np.repeat(np.arange(n_now), times * len(code))
                drawn = code[rng.integers(0, len(code), len(row))]
                counts = np.bincount(row * len(support) + drawn, minlength=weights.size).reshape(weights.shape)
                weights += counts * (sign / (len(code) * len(members)))
        parts.append(_differences(weights, support))
    return Differences(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.wasserstein for part in parts]),
        np.concatenate([part.kolmogorov_smirnov for part in parts]),
    )


def corrected_distance(
    observed: float, resampled: ArrayLike, confidence_level: float = 0.95
) -> tuple[float, float, float]:
    """A distance without what sampling adds to it, and its interval.

    Two samples of one distribution are never 0 apart, and resamples are farther still: sampling adds to a distance as
    noise does to a length, in squares. So ``noise = mean(resampled**2) - observed**2`` is taken from the square of the
    observed distance once, and from those of the resamples twice; what falls below 0 is 0. The plain percentile
    interval of a Wasserstein distance never holds a true 0.

    Returns
    -------
    distance, low, high : float

    Examples
    --------
    >>> corrected_distance(5.0, [5.0, 5.0, 5.0])
    (5.0, 5.0, 5.0)
    >>> corrected_distance(0.1, [0.2, 0.1, 0.15])[0]
    0.0
    """
    square = np.square(np.asarray(resampled, dtype=np.float64))
    noise = max(0.0, float(square.mean()) - observed**2)
    tail = 100 * (1 - confidence_level) / 2
    low, high = np.percentile(np.sqrt(np.maximum(0.0, square - 2 * noise)), [tail, 100 - tail])
    return sqrt(max(0.0, observed**2 - noise)), float(low), float(high)


def interval(resampled: ArrayLike, confidence_level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of a mean or a difference of means."""
    tail = 100 * (1 - confidence_level) / 2
    low, high = np.percentile(np.asarray(resampled, dtype=np.float64), [tail, 100 - tail])
    return float(low), float(high)


def mean_interval(
    sample: ArrayLike,
    *,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    seed: int | np.random.SeedSequence = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of one sample; NaN for a single value."""
    values = np.asarray(sample, dtype=np.float64)
    if len(values) < 2:
        return nan, nan
    return interval(resample([values], [[0.0]], n_resamples=n_resamples, seed=seed).mean, confidence_level)


def member_distances(
    samples: Sequence[ArrayLike],
    *,
    of_means: bool = False,
    n_draws: int = 20,
    seed: int | np.random.SeedSequence = 0,
) -> FloatArray:
    """Wasserstein distance of any two members, or that of their means, at equal numbers of values.

    Small samples are farther apart than large ones for no other reason than their size; so all are cut to the size of
    the smallest, `n_draws` times, and the distances averaged.

    Returns
    -------
    float array, shape [n_members, n_members]

    Examples
    --------
    >>> member_distances([[0.0, 2.0], [1.0, 3.0], [1.0, 3.0]]).tolist()
    [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    rng = np.random.default_rng(seed)
    values = [np.asarray(sample, dtype=np.float64) for sample in samples]
    size = min(map(len, values))
    # Sorted samples of one size are matched value by value.
    drawn = [np.sort(_subsamples(sample, size, n_draws, rng), axis=1) for sample in values]
    if of_means:
        drawn = [one.mean(axis=1, keepdims=True) for one in drawn]
    result = np.zeros((len(values), len(values)))
    for i, one in enumerate(drawn):
        for j in range(i):
            result[i, j] = result[j, i] = np.abs(one - drawn[j]).mean()
    return result


@dataclass(frozen=True)
class SpreadTest:
    """A difference of means against the spread of members.

    Attributes
    ----------
    sd_within : float
        Standard deviation of the members' means within their ensemble, pooled over the ensembles.
    z : float
        Difference of the ensembles' means over `sd_within`.
    p_value : float
        Of a t-test with one value for each member, two-sided.

    All are NaN without an ensemble of at least two members, the p-value where the members do not vary.
    """

    sd_within: float
    z: float
    p_value: float


def spread_test(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> SpreadTest:
    """Hold the difference of two ensembles against the spread of their members.

    With several members in both: Welch's t-test of the members' means. With a single one in one ensemble: whether it
    belongs to the other (Crawford and Howell 1998, doi:10.1076/clin.12.4.482.7241), which is the t-test with the
    variance of the ensemble that has one. Where the single member's mean is known less well than those of the ensemble,
    the excess of its squared standard error is added, with degrees of freedom by Satterthwaite (1946,
    doi:10.2307/3002019): a network of 1,000 test images varies less from seed to seed than a session of 60 trials must.

    Parameters
    ----------
    first, second : sequence of float array
        One sample for each member.

    Examples
    --------
    >>> found = spread_test([[1.0], [2.0], [3.0]], [[4.0]])
    >>> found.sd_within, found.z, round(found.p_value, 4)
    (1.0, -2.0, 0.2254)
    """
    from scipy.stats import t, ttest_ind_from_stats

    samples = [[np.asarray(sample, dtype=np.float64) for sample in members] for members in (first, second)]
    one, other = (np.array([sample.mean() for sample in members]) for members in samples)
    freedom = len(one) + len(other) - 2
    if not freedom:
        return SpreadTest(nan, nan, nan)
    squares = sum(float(np.square(means - means.mean()).sum()) for means in (one, other))
    sd = sqrt(squares / freedom)
    difference = float(one.mean() - other.mean())
    if sd <= 1e-12 * max(abs(one.mean()), abs(other.mean())):
        return SpreadTest(0.0, 0.0 if difference == 0 else float(np.copysign(inf, difference)), nan)
    if min(len(one), len(other)) > 1:
        welch = ttest_ind_from_stats(
            one.mean(), one.std(ddof=1), len(one), other.mean(), other.std(ddof=1), len(other), equal_var=False
        )
        return SpreadTest(sd, difference / sd, float(welch.pvalue))
    errors = [np.array([_squared_error(sample) for sample in members]) for members in samples]
    (single,), of_ensemble = sorted(errors, key=len)
    excess = max(0.0, float(single - of_ensemble.mean()))
    spread = sd**2 * (1 / len(one) + 1 / len(other))
    n_values = min(samples, key=len)[0].size
    squared = spread**2 / freedom + (excess**2 / (n_values - 1) if n_values > 1 else 0.0)
    variance = spread + excess
    p_value = 2 * t.sf(abs(difference) / sqrt(variance), variance**2 / squared)
    return SpreadTest(sd, difference / sd, float(p_value))


def _squared_error(sample: FloatArray) -> float:
    """Of the mean of a sample; 0 for a single value, whose error is not known."""
    return float(sample.var(ddof=1) / len(sample)) if len(sample) > 1 else 0.0


def _support(
    first: Sequence[ArrayLike], second: Sequence[ArrayLike]
) -> tuple[FloatArray, tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]]:
    """All values that occur, ascending, and every sample as rows of them."""
    samples = [np.asarray(sample, dtype=np.float64) for sample in (*first, *second)]
    if not first or not second or not all(map(len, samples)):
        raise InputError("both ensembles need a member, and every member a value")
    support, inverse = np.unique(np.concatenate(samples), return_inverse=True)
    codes = np.split(inverse, np.cumsum([len(sample) for sample in samples])[:-1])
    return support, (codes[: len(first)], codes[len(first) :])


def _differences(weights: FloatArray, support: FloatArray) -> Differences:
    """From the signed weight of each value, shape [n_resamples, n_values]."""
    gap = np.abs(np.cumsum(weights, axis=1)[:, :-1])  # of the cumulative distributions, between values
    largest = gap.max(axis=1) if gap.shape[1] else np.zeros(len(gap))
    return Differences(weights @ support, gap @ np.diff(support), largest)


def _subsamples(values: FloatArray, size: int, n_draws: int, rng: np.random.Generator) -> FloatArray:
    """Without replacement, shape [n_draws, size]."""
    if len(values) == size:
        return np.tile(values, (n_draws, 1))
    return rng.permuted(np.tile(values, (n_draws, 1)), axis=1)[:, :size]
