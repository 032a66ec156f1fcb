"""Coincidences of pairs of units, counted over all spikes at once, and their test against surrogates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .enough_surrogates import require_surrogates
from .surrogates import Surrogates

ROUNDING = 1e-6  # ms; lags that exceed max_lag by less do so by the rounding of spike times only
_CHUNK = 4_000_000  # pairs of spikes that are looked at together
_SMALLEST_STEP = 1e-3  # ms; finer grids of spike times change no count


@dataclass(frozen=True)
class Coincidences:
    """Coincidences of pairs of units against those of surrogates.

    Attributes
    ----------
    first, second : int array, shape [n_pairs]
        Rows of the units in the unit table, ``first < second``.
    observed : int array, shape [n_strata, n_pairs]
    expected, sd : float array, shape [n_strata, n_pairs]
        Mean and standard deviation over the surrogates.
    z : float array, shape [n_strata, n_pairs]
        ``(observed - expected) / sd``; NaN where all surrogates agree.
    p_value : float array, shape [n_strata, n_pairs]
        ``(1 + #{surrogates with as many or more}) / (1 + n_surrogates)``; NaN where one of the units is silent.
    n_more, n_equal : int array, shape [n_strata, n_pairs]
        Surrogates with more coincidences than were observed, and with as many.
    n_surrogates : int
    time_step : float
        Grid [ms] that spike times were found to lie on, and surrogates were put on; NaN without one.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    observed: NDArray[np.int64]
    expected: NDArray[np.float64]
    sd: NDArray[np.float64]
    z: NDArray[np.float64]
    p_value: NDArray[np.float64]
    n_more: NDArray[np.int64]
    n_equal: NDArray[np.int64]
    n_surrogates: int
    time_step: float


def count_coincidences(
    times: ArrayLike,
    unit: ArrayLike,
    trial: ArrayLike,
    *,
    n_units: int,
    max_lag: float,
    stratum: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Pairs of spikes, one of each unit, that lie in the same trial at most `max_lag` apart.

    Every such pair of spikes counts, so that a spike next to two of the other unit makes two coincidences: the count is
    the raw cross-correlogram summed from ``-max_lag`` to ``max_lag``. Both borders belong to it.

    Parameters
    ----------
    times : float array, shape [n_spikes]
        [ms], in any order.
    unit, trial : int array, shape [n_spikes]
    n_units : int
    max_lag : float
        [ms]
    stratum : int array, shape [n_trials], optional
        Counts trials of each stratum, 0, 1, ..., by themselves; -1 leaves a trial out.

    Returns
    -------
    int array, shape [n_strata, n_units, n_units]
        Above the diagonal; 0 elsewhere.

    Examples
    --------
    >>> count_coincidences([1.0, 2.0, 2.5, 9.0], [0, 1, 1, 0], [0, 0, 0, 1], n_units=2, max_lag=1.0).tolist()
    [[[0, 1], [0, 0]]]
    """
    time, key, of_spike = np.asarray(times, dtype=np.float64), np.asarray(unit, np.int64), np.asarray(trial, np.int64)
    of_trial = (
        np.zeros(int(of_spike.max(initial=0)) + 1, np.int64) if stratum is None else np.asarray(stratum, np.int64)
    )
    n_strata = int(of_trial.max(initial=0)) + 1
    keep = of_trial[of_spike] >= 0
    if not keep.all():
        time, key, of_spike = time[keep], key[keep], of_spike[keep]
    counts = np.zeros(n_strata * n_units * n_units, dtype=np.int64)
    if not len(time):
        return counts.reshape(n_strata, n_units, n_units)
    # Trials laid end to end, too far apart for spikes of two trials to meet.
    t_start = time.min()
    on_axis = time - t_start + of_spike * (time.max() - t_start + 2 * max_lag + 1)
    order = np.argsort(on_axis, kind="stable")
    on_axis, key = on_axis[order], key[order]
    base = of_trial[of_spike[order]] * n_units * n_units
    n_following = np.searchsorted(on_axis, on_axis + (max_lag + ROUNDING), side="right") - np.arange(len(key)) - 1
    ends = np.cumsum(n_following)
    start = 0
    while start < len(key):
        reached = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, reached + _CHUNK, side="right")))
        n_now = n_following[start:stop]
        first = np.repeat(np.arange(start, stop), n_now)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(n_now) - n_now, n_now)
        low, high = np.minimum(key[first], key[second]), np.maximum(key[first], key[second])
        two = low < high
        counts += np.bincount((base[first] + low * n_units + high)[two], minlength=len(counts))
        start = stop
    return counts.reshape(n_strata, n_units, n_units)


def find_time_step(table: SpikeTable) -> float:
    """The grid that spike times lie on within each trial [ms], such as the tick of a recorder; NaN without one.

    Spikes on a grid meet more often within ``+-max_lag`` than spikes in continuous time do (11 lags of 1 ms lie within
    +-5 ms), so surrogates that leave the grid would have too few coincidences.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> find_time_step(SpikeTable([0.5, 1.5, 4.5], [0, 0, 0], [0, 0, 0], {"unit_id": [0]}, {"start": [0], "stop": [9]}))
    1.0
    """
    same_trial = np.diff(table.trial) == 0
    gaps = np.diff(table.times)[same_trial]
    gaps = gaps[gaps > ROUNDING]
    if not len(gaps):
        return float("nan")
    for divisor in (1, 2, 3):
        step = float(gaps.min()) / divisor
        if step < _SMALLEST_STEP:
            break
        # Short intervals only: over long ones the rounding of the step itself adds up.
        short = gaps[gaps <= 1000 * step]
        n_steps = np.round(short / step)
        step = float(np.sum(short) / np.sum(n_steps))
        if np.all(np.abs(short - n_steps * step) < max(0.02 * step, 2 * ROUNDING)):
            return round(step, 9)
    return float("nan")


def coincidence_test(
    table: SpikeTable,
    *,
    max_lag: float = 2.0,
    surrogate: str = "dither_spikes",
    dither: float = 25.0,
    n_surrogates: int = 1000,
    alpha: float = 0.05,
    pairs: tuple[ArrayLike, ArrayLike] | None = None,
    stratum: ArrayLike | None = None,
    seed: int | np.random.SeedSequence = 0,
) -> Coincidences:
    """Coincidences of pairs of units against surrogates that destroy the fine timing of spikes.

    One-sided: are there more coincidences than the rates, as slow as `dither` leaves them, would make?

    Parameters
    ----------
    table : SpikeTable
        Cut to a window.
    max_lag : float
        Largest lag of a coincidence [ms], either way; see :func:`count_coincidences`.
    surrogate : str
        One of :data:`~semsync.analysis.measures.surrogates.SURROGATES`.
    dither : float
        [ms]; at least twice `max_lag`, or surrogates would keep the coincidences.
    n_surrogates : int
    alpha : float
        The level that p-values will be held against.
    pairs : (int array, int array), optional
        Rows of the units of each pair; all pairs without it.
    stratum : int array, shape [n_trials], optional
        Tests the trials of each stratum by themselves.
    seed : int or SeedSequence

    Raises
    ------
    InputError
        When so few surrogates could never give a p-value of `alpha`, or `dither` does not fit `max_lag`.

    Notes
    -----
    Surrogates are put on the grid of the recording's times (:func:`find_time_step`). Dithering around each spike keeps
    a part ``1 - (1 - max_lag / (2 dither))**2`` of exact coincidences, by which the excess is too small, and makes the
    test a little conservative; docs/measures.md says how much. Grün 2009, doi:10.1152/jn.00093.2008; Louis, Gerstein,
    Grün, Diesmann 2010, doi:10.3389/fncom.2010.00127.
    """
    require_surrogates(n_surrogates, alpha)
    if not 0 <= max_lag < np.inf:
        raise InputError(f"max_lag must be at least 0 and finite, got {max_lag} ms")
    if surrogate not in ("shuffle_isis", "trial_shuffling") and dither < 2 * max_lag:
        raise InputError(
            f"dither must be at least twice max_lag = {max_lag:g} ms, or surrogates keep the coincidences that are "
            f"tested; got {dither:g} ms"
        )
    n_units = table.n_units
    one, other = np.triu_indices(n_units, k=1) if pairs is None else (np.asarray(rows, np.intp) for rows in pairs)
    first, second = np.minimum(one, other), np.maximum(one, other)

    def count(times: NDArray[np.float64], trial: NDArray[np.int32]) -> NDArray[np.int64]:
        counts = count_coincidences(times, table.unit, trial, n_units=n_units, max_lag=max_lag, stratum=stratum)
        return counts[:, first, second]

    observed = count(table.times, table.trial)
    drawn = Surrogates(table, surrogate, dither=dither)
    step = find_time_step(table)
    phase = _first_spike_of_trial(table)
    rng = np.random.default_rng(seed)
    total, squares = np.zeros(observed.shape), np.zeros(observed.shape)
    n_more, n_equal = np.zeros(observed.shape, dtype=np.int64), np.zeros(observed.shape, dtype=np.int64)
    for _ in range(n_surrogates):
        times, trial = drawn.draw(rng)
        if np.isfinite(step) and trial is table.trial:
            times = _on_grid(times, phase[trial], step, surrogate)
        # From the observed count, so that the squares of large counts lose no digits.
        difference = count(times, trial) - observed
        total += difference
        squares += difference.astype(np.float64) ** 2
        n_more += difference > 0
        n_equal += difference == 0
    mean = total / n_surrogates
    sd = np.sqrt(np.maximum(squares - n_surrogates * mean**2, 0) / max(n_surrogates - 1, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(sd > 0, -mean / sd, np.nan)
    p_value = (1 + n_more + n_equal) / (1 + n_surrogates)
    fires = _spike_counts(table, stratum) > 0
    p_value[~(fires[:, first] & fires[:, second])] = np.nan
    return Coincidences(
        first, second, observed, observed + mean, sd, z, p_value, n_more, n_equal, n_surrogates, step
    )  # fmt: skip


def _first_spike_of_trial(table: SpikeTable) -> NDArray[np.float64]:
    """[ms], shape [n_trials]; the start of a trial without spikes."""
    phase = table.t_start.copy()
    trials, rows = np.unique(table.trial, return_index=True)
    phase[trials] = table.times[rows]
    return phase


def _on_grid(
    times: NDArray[np.float64], phase: NDArray[np.float64], step: float, surrogate: str
) -> NDArray[np.float64]:
    # Jitter fills bins from their left border, and the last point of a grid belongs to the next bin.
    whole = np.floor if surrogate == "jitter_spikes" else np.round
    steps: NDArray[np.float64] = whole((times - phase) / step)
    return phase + steps * step


def _spike_counts(table: SpikeTable, stratum: ArrayLike | None) -> NDArray[np.int64]:
    """Spikes of each unit in each stratum, shape [n_strata, n_units]."""
    counts = table.counts()
    if stratum is None:
        return counts.sum(axis=0, keepdims=True)
    of_trial = np.asarray(stratum)
    return np.stack([counts[of_trial == one].sum(axis=0) for one in range(int(of_trial.max(initial=0)) + 1)])
