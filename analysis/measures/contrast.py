"""Spike-contrast of many recordings at once, equal to Elephant's of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spike_batch import SpikeBatch

_SHRINK = 0.9  # Elephant's bin_shrink_factor
_MAX_BINS = 5_000_000  # of all recordings of a chunk


def spike_contrasts(batch: SpikeBatch, *, min_bin: float = 0.5) -> NDArray[np.float64]:
    """Spike-contrast synchrony of the units over all trials, laid end to end.

    Ciba et al. (2018), doi:10.1016/j.jneumeth.2017.09.008, as in
    :func:`elephant.spike_train_synchrony.spike_contrast`: the largest product of contrast and share of active trains
    over bins from half of the duration down to half of the shortest interspike interval, or `min_bin` [ms] where that
    is more.

    Returns
    -------
    float array, shape [n_recordings]
        NaN with a single unit, or where no unit has two spikes, on which Elephant fails.
    """
    duration = float(batch.duration.sum())
    if batch.n_units < 2 or duration < 4 * min_bin:
        return np.full(batch.n_recordings, np.nan)
    n_now = max(1, int(_MAX_BINS // (2 * duration / min_bin + 4)))
    offset = np.cumsum(batch.duration) - batch.duration
    joined = offset[batch.trial % batch.n_trials] + batch.times
    order = np.argsort((batch.recording * batch.n_units + batch.unit) * (duration + 1.0) + joined)
    times, unit, recording = joined[order], batch.unit[order], batch.recording[order]
    result = []
    for start in range(0, batch.n_recordings, n_now):
        stop = min(start + n_now, batch.n_recordings)
        rows = slice(*np.searchsorted(recording, [start, stop]))
        result.append(
            _contrasts(times[rows], unit[rows], recording[rows] - start, stop - start, batch.n_units, duration, min_bin)
        )
    return np.concatenate(result)


def _contrasts(
    times: NDArray[np.float64],
    unit: NDArray[np.int64],
    recording: NDArray[np.int64],
    n_recordings: int,
    n_units: int,
    duration: float,
    min_bin: float,
) -> NDArray[np.float64]:
    """Of spikes sorted by recording, unit and time."""
    train = recording * n_units + unit
    same = np.r_[False, train[1:] == train[:-1]] if len(train) else np.zeros(0, dtype=bool)
    shortest = np.full(n_recordings, np.inf)
    np.minimum.at(shortest, recording[same], np.diff(times, prepend=0.0)[same])
    defined = np.isfinite(shortest)
    margin = np.where(defined, shortest, 0.0)  # Elephant widens the borders by the shortest interval
    smallest = np.where(defined, np.maximum(shortest / 2, min_bin), np.inf)
    n_spikes = np.bincount(recording, minlength=n_recordings)
    best = np.full(n_recordings, np.nan)
    bin_size = duration / 2
    while np.any(bin_size >= smallest):
        step = bin_size / 2
        n_halves = np.ceil((duration + 2 * margin + step) / step).astype(np.int64) - 1
        width = int(n_halves.max())
        half = np.floor((times + margin[recording]) / step).astype(np.int64)
        half = np.minimum(half, n_halves[recording] - 1)
        place = recording * (width + 1) + half
        counts = np.bincount(place, minlength=n_recordings * (width + 1)).reshape(n_recordings, width + 1)
        # Bin k holds the halves k and k + 1; there is none from the last half on.
        n_in_bin = counts[:, :-1] + counts[:, 1:]
        exists = np.arange(width) < (n_halves - 1)[:, None]
        n_in_bin *= exists
        n_active = _active_trains(half, place, same, n_recordings, width)
        total = n_in_bin.sum(axis=1)
        weighted = (n_active * n_in_bin).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            active = (weighted / total - 1) / (n_units - 1)
            steps = np.abs(np.diff(n_in_bin, axis=1)) * exists[:, 1:]
            synchrony = steps.sum(axis=1) / (2 * n_spikes) * active
        best = np.where(bin_size >= smallest, np.fmax(best, synchrony), best)
        bin_size *= _SHRINK
    return best


def _active_trains(
    half: NDArray[np.int64], place: NDArray[np.int64], same: NDArray[np.bool_], n_recordings: int, width: int
) -> NDArray[np.int64]:
    """Number of trains with a spike in each bin: a train enters bins half - 1 and half once, whatever came before."""
    before = np.where(same, np.r_[-2, half[:-1]] if len(half) else half, -2)
    enters_own = half > before
    enters_left = (half - 1 > before) & (half > 0)
    entered = np.r_[place[enters_own], place[enters_left] - 1]
    counts = np.bincount(entered, minlength=n_recordings * (width + 1))
    return counts.reshape(n_recordings, width + 1)[:, :-1]
