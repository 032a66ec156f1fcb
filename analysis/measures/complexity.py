"""Complexity distribution: in how many bins how many units spike together (Gruen, Abeles, Diesmann 2008,
doi:10.1007/978-0-387-79389-4_4), counted as :class:`elephant.statistics.Complexity` does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spike_batch import SpikeBatch

_TOLERANCE = 1e-8  # bins; Elephant's: a spike that lies so little before an edge belongs to the bin after it


def complexity_distribution(batch: SpikeBatch, *, bin_size: float = 1.0) -> NDArray[np.int64]:
    """Number of bins in which so many units spike.

    Parameters
    ----------
    batch : SpikeBatch
    bin_size : float
        [ms] Bins are counted from the start of each trial's window; a spike at its very end has a bin of its own. A
        unit counts once in a bin.

    Returns
    -------
    int array, shape [n_recordings, n_units + 1]
        Over all trials; column 0 counts the bins without a spike.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> from semsync.analysis.measures.spike_batch import observed_batch
    >>> trials = {"start": [0.0], "stop": [4.5]}
    >>> table = SpikeTable([1.1, 1.2, 1.9, 3.0], [0, 0, 1, 1], [0] * 4, {"unit_id": [0, 1]}, trials)
    >>> complexity_distribution(observed_batch(table)).tolist()
    [[3, 1, 1]]
    """
    n_bins = np.floor(batch.duration / bin_size).astype(np.int64) + 1
    width = int(n_bins.max(initial=1)) + 1
    number = np.floor(batch.times / bin_size + _TOLERANCE).astype(np.int64)
    unit_in_bin = _unique((batch.trial * width + number) * max(batch.n_units, 1) + batch.unit)
    occupied, n_units_in_bin = _unique_counts(unit_in_bin // max(batch.n_units, 1))
    recording = occupied // (width * max(batch.n_trials, 1))
    n_columns = batch.n_units + 1
    counts = np.bincount(recording * n_columns + n_units_in_bin, minlength=batch.n_recordings * n_columns)
    distribution = counts.reshape(batch.n_recordings, n_columns)
    distribution[:, 0] = n_bins.sum() - distribution.sum(axis=1)
    return distribution


def mean_number_of_coincident_units(distribution: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean complexity of the bins with any spike, shape [n_recordings]; NaN without a spike."""
    n_units = np.arange(1, distribution.shape[1])
    occupied = distribution[:, 1:].sum(axis=1)
    total = distribution[:, 1:] @ n_units
    return np.divide(total, occupied, out=np.full(len(total), np.nan), where=occupied > 0)


def _unique(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted, without repetitions; what numpy.unique has become in numpy 2.3 hashes, which is slower here."""
    keys = np.sort(keys)
    return keys[np.r_[True, keys[1:] != keys[:-1]]] if len(keys) else keys


def _unique_counts(sorted_keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not len(sorted_keys):
        return sorted_keys, sorted_keys
    begins = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
    return sorted_keys[begins], np.diff(np.r_[begins, len(sorted_keys)])
