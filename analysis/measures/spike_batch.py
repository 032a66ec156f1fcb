"""Several recordings of the same units and trials, such as surrogates, in columns: one pass measures them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...spike_table import SpikeTable
from .packets import PacketSpikes
from .surrogates import Surrogates


@dataclass(frozen=True)
class SpikeBatch:
    """Spikes of several recordings.

    Attributes
    ----------
    times : float array, shape [n_spikes]
        [ms] from the start of the trial's window; not sorted.
    unit : int array, shape [n_spikes]
        0 to n_units - 1.
    trial : int array, shape [n_spikes]
        Trial i of recording r is ``r * n_trials + i``.
    duration : float array, shape [n_trials]
        Of each trial's window [ms], the same in all recordings.
    n_recordings, n_units : int
    """

    times: NDArray[np.float64]
    unit: NDArray[np.int64]
    trial: NDArray[np.int64]
    duration: NDArray[np.float64]
    n_recordings: int
    n_units: int

    @property
    def n_trials(self) -> int:
        return len(self.duration)

    @property
    def recording(self) -> NDArray[np.int64]:
        """Recording of each spike."""
        return self.trial // self.n_trials

    def select(self, *, units: ArrayLike | None = None, trials: ArrayLike | None = None) -> SpikeBatch:
        """Only some units and trials (rows), numbered anew."""
        n_all = self.n_recordings * self.n_trials
        keep = np.ones(len(self.times), dtype=bool)
        unit, trial, duration, n_units = self.unit, self.trial, self.duration, self.n_units
        if units is not None:
            n_units = len(np.asarray(units))
            new_unit = np.full(self.n_units, -1)
            new_unit[np.asarray(units)] = np.arange(n_units)
            unit = new_unit[unit]
            keep &= unit >= 0
        if trials is not None:
            duration = self.duration[np.asarray(trials)]
            new_trial = np.full((self.n_recordings, self.n_trials), -1)
            first = np.arange(self.n_recordings)[:, None] * len(duration)
            new_trial[:, np.asarray(trials)] = first + np.arange(len(duration))
            trial = new_trial.reshape(n_all)[trial]
            keep &= trial >= 0
        return SpikeBatch(self.times[keep], unit[keep], trial[keep], duration, self.n_recordings, n_units)

    def packets(self) -> PacketSpikes:
        """The spikes of all units sorted by trial and time, the trials of all recordings one after the other."""
        slot = 1.0 + float(self.duration.max(initial=0.0))
        n_in_trial = np.bincount(self.trial, minlength=self.n_recordings * self.n_trials)
        trial = np.repeat(np.arange(len(n_in_trial)), n_in_trial)
        # Sorting one column of sums is many times faster than sorting two, and exact to 1e-8 ms.
        times = np.sort(self.trial * slot + self.times) - trial * slot
        borders = np.r_[0, np.cumsum(n_in_trial)]
        return PacketSpikes(times, trial.astype(np.int32), borders)

    def mean_over_trials(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of values per trial over the trials where they are finite, shape [n_recordings]."""
        by_recording = values.reshape(self.n_recordings, self.n_trials)
        defined = np.isfinite(by_recording)
        total = np.where(defined, by_recording, 0.0).sum(axis=1)
        n_defined = defined.sum(axis=1)
        return np.divide(total, n_defined, out=np.full(len(total), np.nan), where=n_defined > 0)


def observed_batch(table: SpikeTable) -> SpikeBatch:
    """A table as a batch of one recording."""
    return _batch(table, table.times, table.unit.astype(np.int64), table.trial.astype(np.int64), 1)


def surrogate_batch(surrogates: Surrogates, n_surrogates: int, rng: np.random.Generator) -> SpikeBatch:
    """So many surrogates; the same ones whether they are drawn in one batch or in several, one after the other."""
    table = surrogates.table
    drawn = [surrogates.draw(rng) for _ in range(n_surrogates)]
    times = np.concatenate([np.empty(0), *(one.times for one in drawn)])
    trials = [number * table.n_trials + one.trial.astype(np.int64) for number, one in enumerate(drawn)]
    trial = np.concatenate([np.empty(0, np.int64), *trials])
    return _batch(table, times, np.tile(table.unit.astype(np.int64), n_surrogates), trial, n_surrogates)


def _batch(
    table: SpikeTable, times: NDArray[np.float64], unit: NDArray[np.int64], trial: NDArray[np.int64], n_recordings: int
) -> SpikeBatch:
    duration = table.t_stop - table.t_start
    row = trial % table.n_trials
    since_start = np.clip(times - table.t_start[row], 0.0, duration[row])
    return SpikeBatch(since_start, unit, trial, duration, n_recordings, table.n_units)
