"""Synchrony of a population held against surrogates: what of it is left when rates and counts are accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .complexity import complexity_distribution, mean_number_of_coincident_units
from .contrast import spike_contrasts
from .packet_fit import fit_packets
from .packets import shortest_half
from .spike_batch import SpikeBatch
from .summary import sem_of_finite
from .tiling import spike_time_tiling_coefficients

SYNCHRONY_MEASURES = {
    "packet_shortest_half_ms": "shortest interval with half of a trial's spikes, mean over trials",
    "packet_sd_ms": "standard deviation of a trial's spike times, mean over trials",
    "packet_width_ms": "standard deviation of packets on a constant background, fitted to the sampled trials",
    "complexity": "units that spike in a bin, mean over bins with any spike",
    "synchronous_bins": "bins of a trial with many coincident units",
    "spike_contrast": "spike-contrast of the sampled units and trials",
    "spike_time_tiling": "spike-time tiling coefficient of pairs of sampled units, mean over sampled trials",
}
_TIE = 1e-9  # relative; values that differ by less are equal up to rounding
_Float = NDArray[np.float64]


@dataclass(frozen=True)
class PopulationSample:
    """What the measures are computed on that are too dear, or not made, for everything.

    Attributes
    ----------
    trials, units : int array
        Rows.
    pairs : int array, shape [n_pairs, 2]
        Numbers within `units`.
    """

    trials: NDArray[np.intp]
    units: NDArray[np.intp]
    pairs: NDArray[np.intp]


def synchrony_of(
    batch: SpikeBatch,
    units: ArrayLike,
    sample: PopulationSample,
    *,
    bin_size: float = 1.0,
    dt: float = 1.0,
    min_bin: float = 0.5,
) -> tuple[dict[str, _Float], NDArray[np.int64]]:
    """Measures of synchrony of some units, each of shape [n_recordings], and their complexity distribution.

    Parameters
    ----------
    batch : SpikeBatch
    units : array of int
        Rows of the units that form the population, ascending.
    sample : PopulationSample
        Of these units.
    bin_size, dt, min_bin : float
        [ms] Bins of the complexity distribution, reach of the tiling, smallest bin of spike-contrast.

    Returns
    -------
    dict of str to float array
        The ``SYNCHRONY_MEASURES`` but for `synchronous_bins`, which :func:`bins_with` reads from the distribution.
    int array, shape [n_recordings, n_units + 1]
    """
    population = batch.select(units=units)
    some_trials = population.select(trials=sample.trials)
    few = some_trials.select(units=np.searchsorted(np.asarray(units), sample.units))
    packets = population.packets()
    distribution = complexity_distribution(population, bin_size=bin_size)
    tiling = spike_time_tiling_coefficients(few, sample.pairs, dt=dt)
    return {
        "packet_shortest_half_ms": population.mean_over_trials(shortest_half(packets)),
        "packet_sd_ms": population.mean_over_trials(_standard_deviations(population)),
        "packet_width_ms": fit_packets(some_trials).width,
        "complexity": mean_number_of_coincident_units(distribution),
        "spike_contrast": spike_contrasts(few, min_bin=min_bin),
        "spike_time_tiling": _mean_over_pairs(tiling, few),
    }, distribution


def standard_errors(batch: SpikeBatch, units: ArrayLike, sample: PopulationSample) -> dict[str, float]:
    """Standard errors of the measures of packets of one recording, over its trials; of the fit, from its scores."""
    population = batch.select(units=units)
    fit = fit_packets(population.select(trials=sample.trials))
    return {
        "packet_shortest_half_ms": sem_of_finite(shortest_half(population.packets())),
        "packet_sd_ms": sem_of_finite(_standard_deviations(population)),
        "packet_width_ms": float(fit.width[0] * fit.log_width_se[0]),
    }


def _standard_deviations(batch: SpikeBatch) -> _Float:
    n_all = batch.n_recordings * batch.n_trials
    size = np.bincount(batch.trial, minlength=n_all)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(batch.trial, batch.times, n_all) / size
        squares = np.bincount(batch.trial, (batch.times - mean[batch.trial]) ** 2, n_all)
        result: _Float = np.sqrt(squares / np.where(size > 1, size - 1, np.nan))
    return result


def _mean_over_pairs(tiling: _Float, batch: SpikeBatch) -> _Float:
    """Over the trials in which both units of a pair spike, and over pairs."""
    defined = np.isfinite(tiling)
    total = np.where(defined, tiling, 0.0).sum(axis=0).reshape(batch.n_recordings, -1).sum(axis=1)
    n_defined = defined.sum(axis=0).reshape(batch.n_recordings, -1).sum(axis=1)
    return np.divide(total, n_defined, out=np.full(len(total), np.nan), where=n_defined > 0)


def many_coincident_units(*distributions: NDArray[np.int64], share: float = 0.05, n_bins: float = 20) -> int:
    """Number of units, at least 2, that make a bin synchronous: what few of the filled bins reach, but enough to count.

    The smallest number that at most a `share` of the bins with any spike reach, or a smaller one that `n_bins` bins of
    a recording reach. Counted over the recording and its surrogates together, so that it does not prefer either.

    Examples
    --------
    >>> many_coincident_units(np.array([[800, 900, 80, 20]])), many_coincident_units(np.array([[80, 90, 8, 2]]))
    (3, 2)
    """
    total = np.sum([distribution.sum(axis=0) for distribution in distributions], axis=0)
    reached = np.cumsum(total[::-1])[::-1]  # bins with so many or more
    if len(reached) < 2 or not reached[1]:
        return 2
    few = int(np.argmax(np.r_[reached[1:] <= share * reached[1], True])) + 1
    enough = np.flatnonzero(reached >= n_bins * sum(map(len, distributions)))
    return max(2, min(few, int(enough.max(initial=0))))


def bins_with(distribution: NDArray[np.int64], at_least: int, n_trials: int) -> _Float:
    """Mean number of a trial's bins in which at least so many units spike, shape [n_recordings]."""
    result: _Float = distribution[:, at_least:].sum(axis=1) / max(n_trials, 1)
    return result


@dataclass(frozen=True)
class AgainstSurrogates:
    """One number of a recording beside that of its surrogates.

    Attributes
    ----------
    observed, surrogate_mean, surrogate_sd : float
    z : float
        (observed - surrogate_mean) / surrogate_sd.
    p_value : float
        Two-sided: twice the smaller of (1 + #{surrogates > observed}) / (1 + n) and the same with <, at most 1
        (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585). Equal ones count half, as in the mid-p-value (Lancaster
        1961, doi:10.1080/01621459.1961.10482105): counts are often equal, and the test would miss its level. NaN where
        all surrogates equal the observed number, which then cannot be tested.
    n_surrogates : int
        Those for which the number is defined.
    """

    observed: float
    surrogate_mean: float = field(default=float("nan"))
    surrogate_sd: float = field(default=float("nan"))
    z: float = field(default=float("nan"))
    p_value: float = field(default=float("nan"))
    n_surrogates: int = 0


def against_surrogates(observed: float, surrogates: ArrayLike) -> AgainstSurrogates:
    """Hold a number against those of the surrogates, shape [n_surrogates].

    Examples
    --------
    >>> result = against_surrogates(9.0, [1.0, 2.0, 3.0])
    >>> result.p_value, result.surrogate_mean, result.z
    (0.5, 2.0, 7.0)
    """
    values = np.asarray(surrogates, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or not np.isfinite(observed):
        return AgainstSurrogates(float(observed), n_surrogates=len(values))
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    mean = float(values.mean())
    p_value = float(two_sided_p_values(np.array([observed]), values[None])[0])
    z = (observed - mean) / sd if sd > 0 else float("nan")
    return AgainstSurrogates(float(observed), mean, sd, float(z), p_value, len(values))


def two_sided_p_values(observed: _Float, surrogates: _Float) -> _Float:
    """Of many numbers at once, shape [n], against surrogates of shape [n, n_surrogates]; NaN where all are equal."""
    slack = _TIE * np.abs(observed)[:, None]
    n_surrogates = surrogates.shape[1]
    n_above = (surrogates > observed[:, None] + slack).sum(axis=1)
    n_below = (surrogates < observed[:, None] - slack).sum(axis=1)
    n_equal = n_surrogates - n_above - n_below
    p_values = np.minimum(1.0, 2 * (1 + np.minimum(n_above, n_below) + n_equal / 2) / (1 + n_surrogates))
    return np.where(n_equal == n_surrogates, np.nan, p_values)
