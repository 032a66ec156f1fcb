"""Spikes on a grid of bins that all trials share: what correlograms are counted from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable

_ROUNDING = 1e-8  # bins; a spike so close below an edge lies in the next bin, as in Elephant


@dataclass(frozen=True)
class BinnedSpikes:
    """Bins of spikes, sorted by trial, then bin.

    Attributes
    ----------
    bin, unit, trial : int array, shape [n_spikes]
        Bins are counted from the earliest start of a trial, at one place relative to the onset in all trials.
    first, last : int array, shape [n_trials]
        First and last bin of each trial.
    n_units : int
    bin_size : float
        [ms]
    """

    bin: NDArray[np.int64]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    n_units: int
    bin_size: float

    @property
    def n_trials(self) -> int:
        return len(self.first)

    @property
    def n_bins(self) -> int:
        """Bins from the start of the first trial to the end of the longest."""
        return int(self.last.max()) + 1

    def select(self, units: NDArray[np.intp]) -> BinnedSpikes:
        """Only the spikes of some units, which are numbered as they stand in `units`."""
        row = np.full(self.n_units, -1, dtype=np.int32)
        row[units] = np.arange(len(units), dtype=np.int32)
        keep = row[self.unit] >= 0
        unit = row[self.unit[keep]]
        return BinnedSpikes(self.bin[keep], unit, self.trial[keep], self.first, self.last, len(units), self.bin_size)

    def counts(self) -> NDArray[np.int64]:
        """Spikes of each unit, shape [n_units]."""
        return np.bincount(self.unit, minlength=self.n_units)


def bin_spikes(table: SpikeTable, bin_size: float) -> BinnedSpikes:
    """Put the spikes of a recording into bins of `bin_size` ms.

    Raises
    ------
    InputError
        When `bin_size` is not positive, or there are no trials.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> trials = {"start": [0.0, 100.0], "stop": [10.0, 108.5]}
    >>> spikes = bin_spikes(SpikeTable([0.2, 9.9, 3.0], [0, 1, 0], [0, 0, 1], {"unit_id": [0, 1]}, trials), 1.0)
    >>> spikes.bin.tolist(), spikes.last.tolist()
    ([0, 9, 3], [9, 8])
    """
    if not (np.isfinite(bin_size) and bin_size > 0):
        raise InputError(f"bin_size must be positive and finite, got {bin_size} ms")
    if table.n_trials == 0:
        raise InputError("there are no trials to count coincidences in")
    origin = float(table.t_start.min())
    first = np.floor((table.t_start - origin) / bin_size + _ROUNDING).astype(np.int64)
    # A spike at the very end of a trial is put into its last bin.
    last = np.maximum(np.ceil((table.t_stop - origin) / bin_size - _ROUNDING).astype(np.int64) - 1, first)
    bins = np.floor((table.times - origin) / bin_size + _ROUNDING).astype(np.int64)
    bins = np.clip(bins, first[table.trial], last[table.trial])
    return BinnedSpikes(bins, table.unit, table.trial, first, last, table.n_units, bin_size)
