"""What a cross-correlogram would be without a connection, under three null hypotheses, in closed form.

No surrogates are drawn: for each null hypothesis the mean and the variance that infinitely many would give are known,
so p-values can be as small as a correction for 100,000 pairs needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .binned_spikes import BinnedSpikes
from .correlograms import count_coincidences, matched_spikes

PREDICTORS = ("jitter", "convolution", "shuffle", "aligned")
_HISTOGRAM = 4_000_000  # bins of all units that are held at a time
HOLLOW = 0.6  # share of its middle that the Gaussian lacks, as in Stark and Abeles


@dataclass(frozen=True)
class Prediction:
    """Coincidences beside what is expected of them.

    Attributes
    ----------
    counts : int array, shape [n_sources, n_targets, n_lags]
    expected, variance : float array, shape [n_sources, n_targets, n_lags]
    absorbed : float array, shape [n_lags, n_lags]
        Share of a coincidence at one lag that the predictor, made from the same spikes, expects at another.
    """

    counts: NDArray[np.int64]
    expected: NDArray[np.float64]
    variance: NDArray[np.float64]
    absorbed: NDArray[np.float64]


def jitter_prediction(
    source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int, interval: int
) -> Prediction:
    """Every target spike could as well be in any other bin of its interval.

    Interval jitter (Amarasingham et al. 2012, doi:10.1152/jn.00633.2011): intervals of fixed place cut every trial, and
    given how many spikes of each unit lie in each, the bin of a target spike is uniform within its own. Whatever both
    units do on a coarser time scale, locked to a stimulus or not, is kept. Of N coincidences that jitter could bring to
    a lag, Binomial(N, 1/interval) are there: exactly where a source fires at most once an interval, on average over
    Poisson sources otherwise. The variance is too large for intervals that the end of a trial cuts.

    Parameters
    ----------
    source, target : BinnedSpikes
        Of one recording.
    first_lag, last_lag : int
        [bins]
    interval : int
        [bins], at least 2.

    Raises
    ------
    InputError
        When the interval has a single bin.
    """
    if interval < 2:
        raise InputError(f"jitter needs intervals of at least 2 bins, got {interval}")
    n_lags = last_lag - first_lag + 1
    size = source.n_units * target.n_units
    start = target.bin // interval * interval
    lower = np.maximum(start, target.first[target.trial])
    upper = np.minimum(start + interval - 1, target.last[target.trial]) + 1
    weight = 1.0 / (upper - lower)
    counts = np.zeros(size * n_lags, dtype=np.int64)
    steps = np.zeros(size * (n_lags + 1))
    for i, j in matched_spikes(source, target, first_lag - interval + 1, last_lag + interval - 1):
        pair = source.unit[i].astype(np.int64) * target.n_units + target.unit[j]
        lag = target.bin[j] - source.bin[i] - first_lag
        inside = (lag >= 0) & (lag < n_lags)
        counts += np.bincount(pair[inside] * n_lags + lag[inside], minlength=len(counts))
        # A spike adds its weight to all lags of its interval: up where that begins, down where it ends.
        begin = np.clip(lower[j] - source.bin[i] - first_lag, 0, n_lags)
        end = np.clip(upper[j] - source.bin[i] - first_lag, 0, n_lags)
        steps += np.bincount(pair * (n_lags + 1) + begin, weight[j], minlength=len(steps))
        steps -= np.bincount(pair * (n_lags + 1) + end, weight[j], minlength=len(steps))
    shape = (source.n_units, target.n_units)
    expected = np.cumsum(steps.reshape(*shape, n_lags + 1), axis=2)[..., :-1]
    expected[expected < 1e-9] = 0.0  # rounding of the sums
    distance = np.abs(np.subtract.outer(np.arange(n_lags), np.arange(n_lags)))
    absorbed = np.maximum(0, 1 - distance / interval) / interval
    return Prediction(counts.reshape(*shape, n_lags), expected, expected * (1 - 1 / interval), absorbed)


def convolution_prediction(
    source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int, sd: float
) -> Prediction:
    """The correlogram itself, smoothed by a Gaussian that lacks most of its middle.

    Stark and Abeles 2009, doi:10.1016/j.jneumeth.2008.12.029, with a hollow fraction of 0.6; counts are Poisson. What
    both units do on a time scale well above `sd` bins is kept.

    Parameters
    ----------
    source, target, first_lag, last_lag
        See :func:`jitter_prediction`.
    sd : float
        [bins]

    Raises
    ------
    InputError
        When `sd` is not positive.
    """
    kernel = hollow_gaussian(sd)
    reach = len(kernel) // 2
    wide = count_coincidences(source, target, first_lag - reach, last_lag + reach)
    n_lags = last_lag - first_lag + 1
    expected = np.zeros((*wide.shape[:2], n_lags))
    for offset, share in enumerate(kernel):
        expected += share * wide[..., offset : offset + n_lags]
    distance = np.abs(np.subtract.outer(np.arange(n_lags), np.arange(n_lags)))
    absorbed = np.where(distance <= reach, kernel[np.minimum(reach + distance, len(kernel) - 1)], 0.0)
    return Prediction(wide[..., reach : reach + n_lags], expected, expected.copy(), absorbed)


def hollow_gaussian(sd: float) -> NDArray[np.float64]:
    """Weights of a partially hollow Gaussian [bins] out to 3 `sd`, which sum to 1.

    Examples
    --------
    >>> hollow_gaussian(1.0).round(3).tolist()
    [0.006, 0.071, 0.318, 0.21, 0.318, 0.071, 0.006]
    """
    if not (np.isfinite(sd) and sd > 0):
        raise InputError(f"the Gaussian's standard deviation must be positive and finite, got {sd} bins")
    reach = int(np.ceil(3 * sd))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd) ** 2)
    kernel[reach] *= 1 - HOLLOW
    return np.asarray(kernel / kernel.sum())


def shuffle_prediction(
    source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int, classes: NDArray[np.integer]
) -> Prediction:
    """Every trial of the target could as well belong to any other trial of its class.

    The shift or shuffle predictor, after Perkel et al. 1967 (doi:10.1016/S0006-3495(67)86597-4), over all orders of the
    trials of a class: what is locked to the stimulus is kept. Latency or excitability that both units share from trial
    to trial is not, and shows up as excess (Brody 1999, doi:10.1162/089976699300016133). The variance is that of a
    permutation (Hoeffding 1951, doi:10.1214/aoms/1177729545), exactly so where no unit fires twice in a trial, and as
    if trains were Poisson otherwise.

    Parameters
    ----------
    source, target, first_lag, last_lag
        See :func:`jitter_prediction`.
    classes : int array, shape [n_trials]
        Trials of different classes are not exchanged.

    Raises
    ------
    InputError
        When no class has two trials.
    """
    labels, index, n_trials = np.unique(classes, return_inverse=True, return_counts=True)
    if n_trials.max() < 2:
        raise InputError("trials can only be shuffled within a class that has at least two")
    counts = count_coincidences(source, target, first_lag, last_lag)
    expected, variance = np.zeros(counts.shape), np.zeros(counts.shape)
    single = _fires_once(source) and _fires_once(target)
    for label, n in zip(range(len(labels)), n_trials, strict=True):
        for number, lag in enumerate(range(first_lag, last_lag + 1)):
            pairs, within_rows = _pairs_of_trials(source, target, lag, index == label, single)
            expected[..., number] += pairs / n
            if not single:
                variance[..., number] += pairs / n * (1 - 1 / n)
            elif n > 1:
                variance[..., number] += np.maximum(pairs - within_rows / n + pairs**2 / n**2, 0) / (n - 1)
    absorbed = np.eye(last_lag - first_lag + 1) / n_trials.mean()
    return Prediction(counts, expected, variance, absorbed)


def _fires_once(spikes: BinnedSpikes) -> bool:
    flat = spikes.trial.astype(np.int64) * spikes.n_units + spikes.unit
    return len(np.unique(flat)) == len(flat)


def _pairs_of_trials(
    source: BinnedSpikes, target: BinnedSpikes, lag: int, member: NDArray[np.bool_], single: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coincidences at a lag over all pairs of trials of a class, and the sum of their squares by rows and columns of
    the matrix of trials (for units that fire once a trial); shape [n_sources, n_targets]."""
    n_bins = source.n_bins
    step = max(1, _HISTOGRAM // max(source.n_units, target.n_units, 1))
    pairs = np.zeros((source.n_units, target.n_units))
    within_rows = np.zeros_like(pairs)
    for start in range(max(0, -lag), min(n_bins, n_bins - lag), step):
        stop = min(start + step, n_bins, n_bins - lag)
        i = _histogram(source, member, start, stop)
        j = _histogram(target, member, start + lag, stop + lag)
        pairs += i @ j.T
        if single:
            within_rows += i @ (j**2).T + i**2 @ j.T
    return pairs, within_rows


def _histogram(spikes: BinnedSpikes, member: NDArray[np.bool_], start: int, stop: int) -> NDArray[np.float64]:
    """Spikes of each unit in bins from `start` to `stop`, over the trials of a class, shape [n_units, n_bins]."""
    keep = member[spikes.trial] & (spikes.bin >= start) & (spikes.bin < stop)
    n_bins = stop - start
    flat = spikes.unit[keep].astype(np.int64) * n_bins + spikes.bin[keep] - start
    counts = np.bincount(flat, minlength=spikes.n_units * n_bins)
    return counts.reshape(spikes.n_units, n_bins).astype(np.float64)
