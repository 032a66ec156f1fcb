"""Cross-correlograms of many pairs of units at once, within trials.

Spikes are matched by a search in sorted bins, for all pairs together. Elephant's `cross_correlation_histogram` gives
the same numbers a pair and a trial at a time, from objects that cost more than the counting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .binned_spikes import BinnedSpikes, bin_spikes

_CHUNK = 2_000_000  # pairs of spikes that are held at a time


@dataclass(frozen=True)
class Correlograms:
    """Coincidences of sources and targets by lag.

    Attributes
    ----------
    lags_ms : float array, shape [n_lags]
        Bin of the target's spike minus bin of the source's, times the bin size: positive where the target fires after
        the source.
    counts : int array, shape [n_sources, n_targets, n_lags]
        The pair of a unit with itself counts every spike with itself at lag 0.
    n_reached : int array, shape [n_sources, n_lags]
        Source spikes whose trial reaches so far.
    bin_size : float
        [ms]
    """

    lags_ms: NDArray[np.float64]
    counts: NDArray[np.int64]
    n_reached: NDArray[np.int64]
    bin_size: float

    @property
    def rate_hz(self) -> NDArray[np.float64]:
        """Rate of the target at a lag from a spike of the source, shape of `counts`; NaN where no trial reaches it."""
        n = self.n_reached[:, None, :].astype(np.float64)
        return self.counts / np.where(n > 0, n, np.nan) / (self.bin_size / 1000)


def cross_correlograms(
    table: SpikeTable,
    sources: ArrayLike,
    targets: ArrayLike,
    *,
    bin_size: float = 1.0,
    max_lag: float = 20.0,
) -> Correlograms:
    """Cross-correlograms of all sources with all targets.

    Parameters
    ----------
    table : SpikeTable
    sources, targets : int array
        Rows of units.
    bin_size : float
        [ms]
    max_lag : float
        Largest lag on either side [ms], a multiple of `bin_size`.

    Raises
    ------
    InputError
        When `bin_size` or `max_lag` cannot be used.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> trials = {"start": [0.0, 50.0], "stop": [50.0, 100.0]}
    >>> table = SpikeTable([10.5, 12.5, 10.5, 13.5], [0, 1, 0, 1], [0, 0, 1, 1], {"unit_id": [0, 1]}, trials)
    >>> found = cross_correlograms(table, [0], [1], max_lag=3.0)
    >>> dict(zip(found.lags_ms.tolist(), found.counts[0, 0].tolist()))
    {-3.0: 0, -2.0: 0, -1.0: 0, 0.0: 0, 1.0: 0, 2.0: 1, 3.0: 1}
    """
    spikes = bin_spikes(table, bin_size)
    n_lags = round(max_lag / bin_size)
    if n_lags < 0 or abs(n_lags * bin_size - max_lag) > 1e-6 * bin_size:
        raise InputError(f"max_lag must be a multiple of bin_size = {bin_size:g} ms and >= 0, got {max_lag} ms")
    source, target = spikes.select(np.asarray(sources)), spikes.select(np.asarray(targets))
    counts = count_coincidences(source, target, -n_lags, n_lags)
    lags = np.arange(-n_lags, n_lags + 1, dtype=np.float64)
    return Correlograms(lags * bin_size, counts, n_reached(source, -n_lags, n_lags), bin_size)


def count_coincidences(source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int) -> NDArray[np.int64]:
    """Pairs of spikes at each lag [bins], shape [n_sources, n_targets, n_lags]."""
    n_lags = last_lag - first_lag + 1
    size = source.n_units * target.n_units * n_lags
    counts = np.zeros(size, dtype=np.int64)
    for i, j in matched_spikes(source, target, first_lag, last_lag):
        pair = source.unit[i].astype(np.int64) * target.n_units + target.unit[j]
        counts += np.bincount(pair * n_lags + (target.bin[j] - source.bin[i] - first_lag), minlength=size)
    return counts.reshape(source.n_units, target.n_units, n_lags)


def matched_spikes(
    source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of all source and target spikes of one trial that lie `first_lag` to `last_lag` bins apart, in chunks."""
    # Trials are laid so far apart on one axis that no lag reaches from one to the next.
    stride = max(source.n_bins, target.n_bins) + 2 * max(abs(first_lag), abs(last_lag)) + 1
    source_key = source.trial.astype(np.int64) * stride + source.bin
    target_key = target.trial.astype(np.int64) * stride + target.bin
    lower = np.searchsorted(target_key, source_key + first_lag)
    n_matched = np.searchsorted(target_key, source_key + last_lag, side="right") - lower
    total = np.cumsum(n_matched)
    start = 0
    while start < len(total):
        done = total[start - 1] if start else 0
        # A single spike with more matches than a chunk holds is taken whole.
        stop = max(start + 1, int(np.searchsorted(total, done + _CHUNK, side="right")))
        n = n_matched[start:stop]
        source_rows = np.repeat(np.arange(start, stop), n)
        within = np.arange(len(source_rows)) - np.repeat(np.cumsum(n) - n, n)
        yield source_rows, np.repeat(lower[start:stop], n) + within
        start = stop


def n_reached(source: BinnedSpikes, first_lag: int, last_lag: int) -> NDArray[np.int64]:
    """Spikes of each source whose trial holds the bin at each lag, shape [n_sources, n_lags]."""
    n_lags = last_lag - first_lag + 1
    begin = np.clip(source.first[source.trial] - source.bin - first_lag, 0, n_lags)
    end = np.clip(source.last[source.trial] - source.bin + 1 - first_lag, 0, n_lags)
    steps = np.zeros((source.n_units, n_lags + 1), dtype=np.int64)
    np.add.at(steps, (source.unit, begin), 1)
    np.add.at(steps, (source.unit, end), -1)
    return np.cumsum(steps, axis=1)[:, :-1]
