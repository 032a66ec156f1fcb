"""Spike-time tiling coefficient of pairs of units, exact at any time and for many recordings at once.

Elephant compares times with `numpy.isclose`, whose tolerance grows with the time itself: at 1e6 ms two spikes 10 ms
apart are within a `dt` of 1 ms. Here differences of times decide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .spike_batch import SpikeBatch

_ROUNDING = 1e-9  # ms; two spikes dt apart are together although their difference is rounded


def spike_time_tiling_coefficients(batch: SpikeBatch, pairs: ArrayLike, *, dt: float = 1.0) -> NDArray[np.float64]:
    """Spike-time tiling coefficient of each pair of units in each trial.

    Cutts and Eglen (2014), doi:10.1523/JNEUROSCI.2767-14.2014, eq. 1: half the sum of (P_A - T_B) / (1 - P_A T_B) and
    the same with A and B exchanged; P_A is the share of A's spikes within `dt` of one of B's, T_A the share of the
    trial within `dt` of one of A's. A term with P_A T_B = 1 is 1.

    Parameters
    ----------
    batch : SpikeBatch
    pairs : int array, shape [n_pairs, 2]
        Units; the two of a pair differ.
    dt : float
        [ms]

    Returns
    -------
    float array, shape [n_pairs, n_recordings * n_trials]
        NaN where one of the two is silent, or a trial does not last.
    """
    rows = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    n_pairs, n_all = len(rows), batch.n_recordings * batch.n_trials
    slot = 1.0 + float(batch.duration.max(initial=0.0))
    order = np.argsort((batch.unit * n_all + batch.trial) * slot + batch.times)
    times, unit, trial = batch.times[order], batch.unit[order], batch.trial[order]
    tiled = _tiled_share(batch, times, unit, trial, dt)
    borders = np.searchsorted(unit, np.arange(batch.n_units + 1))
    n_spikes = np.diff(borders)
    # Each pair gets copies of its two units' spikes, in segments of one pair and trial.
    copied = np.concatenate([np.arange(borders[u], borders[u + 1]) for u in rows.ravel()] or [np.empty(0, np.int64)])
    side = np.repeat(np.tile([0, 1], n_pairs), n_spikes[rows.ravel()])
    segment = np.repeat(np.repeat(np.arange(n_pairs), 2), n_spikes[rows.ravel()]) * n_all + trial[copied]
    share = _share_together(times[copied], side, segment, n_pairs * n_all, slot, dt)
    share_a, share_b = share.reshape(2, n_pairs, n_all)
    tiled_a, tiled_b = tiled[rows[:, 0]], tiled[rows[:, 1]]
    return 0.5 * (_term(share_a, tiled_b) + _term(share_b, tiled_a))


def draw_pairs(n_units: int, n_pairs: int, seed: int | np.random.SeedSequence = 0) -> NDArray[np.intp]:
    """At most so many different pairs of units, shape [n_pairs, 2]."""
    every = np.column_stack(np.triu_indices(n_units, k=1))
    return every[np.random.default_rng(seed).permutation(len(every))[:n_pairs]]


def _term(share: NDArray[np.float64], tiled: NDArray[np.float64]) -> NDArray[np.float64]:
    product = share * tiled
    whole = product >= 1 - 1e-12
    return np.where(whole, 1.0, (share - tiled) / np.where(whole, 1.0, 1 - product))


def _tiled_share(
    batch: SpikeBatch, times: NDArray[np.float64], unit: NDArray[np.int64], trial: NDArray[np.int64], dt: float
) -> NDArray[np.float64]:
    """Share of each trial within `dt` of a unit's spikes, shape [n_units, n_recordings * n_trials]; sorted by train."""
    n_all = batch.n_recordings * batch.n_trials
    train = unit * n_all + trial
    duration = batch.duration[trial % batch.n_trials]
    same_as_before = np.r_[False, train[1:] == train[:-1]] if len(train) else np.zeros(0, dtype=bool)
    gap = np.diff(times, prepend=0.0)
    covered = np.where(same_as_before, np.minimum(gap, 2 * dt), np.minimum(times, dt))
    is_last = np.r_[~same_as_before[1:], True] if len(train) else same_as_before
    covered[is_last] += np.minimum(duration - times, dt)[is_last]
    total = np.bincount(train, covered, batch.n_units * n_all).reshape(batch.n_units, n_all)
    whole = np.tile(batch.duration, batch.n_recordings)
    return total / np.where(whole > 0, whole, np.nan)


def _share_together(
    times: NDArray[np.float64],
    side: NDArray[np.int64],
    segment: NDArray[np.int64],
    n_segments: int,
    slot: float,
    dt: float,
) -> NDArray[np.float64]:
    """Share of the spikes of each side within `dt` of one of the other side, shape [2, n_segments]; NaN without one."""
    order = np.argsort(segment * slot + times)
    times, side, segment = times[order], side[order], segment[order]
    row = np.arange(len(times))
    together = np.zeros(len(times), dtype=bool)
    for here in (0, 1):
        other = side != here
        before = np.maximum.accumulate(np.where(other, row, -1))
        after = np.minimum.accumulate(np.where(other, row, len(row))[::-1])[::-1]
        mine = np.flatnonzero(side == here)
        for neighbour in (before[mine], after[mine]):
            exists = (neighbour >= 0) & (neighbour < len(row))
            near = np.where(exists, neighbour, 0)
            close = np.abs(times[near] - times[mine]) <= dt + _ROUNDING
            together[mine] |= exists & (segment[near] == segment[mine]) & close
    key = side * n_segments + segment
    n_spikes = np.bincount(key, minlength=2 * n_segments)
    n_together = np.bincount(key[together], minlength=2 * n_segments)
    share = np.divide(n_together, n_spikes, out=np.full(2 * n_segments, np.nan), where=n_spikes > 0)
    return share.reshape(2, n_segments)
