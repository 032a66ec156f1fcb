"""Windows that slide over the trials, and spike counts in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable

_ON_BORDER = 1e-9  # ms; times of a grid and multiples of a step differ by rounding


@dataclass(frozen=True)
class SlidingWindow:
    """A stretch of time, and what units do in the trials that hold all of it.

    Attributes
    ----------
    t_start, t_stop : float
        [ms] from onset; a spike at `t_start` belongs to the window, one at `t_stop` to the next, or to this one where
        the trial ends.
    trials : int array, shape [n_trials]
        Rows of the trials.
    counts : int array, shape [n_trials, n_units]
    """

    t_start: float
    t_stop: float
    trials: NDArray[np.intp]
    counts: NDArray[np.int64]


def window_starts(t_start: float, t_stop: float, win_size: float, win_step: float) -> NDArray[np.float64]:
    """Where windows begin that lie between two times [ms].

    Raises
    ------
    InputError
        When not one fits.

    Examples
    --------
    >>> window_starts(0, 100, win_size=40, win_step=20).tolist()
    [0.0, 20.0, 40.0, 60.0]
    """
    n_windows = int(np.floor((t_stop - t_start - win_size) / win_step + 1e-9)) + 1
    if n_windows < 1:
        raise InputError(f"a window of {win_size:g} ms does not fit into the {t_stop - t_start:g} ms of the trials")
    return np.asarray(t_start + win_step * np.arange(n_windows), dtype=np.float64)


def sliding_windows(table: SpikeTable, win_size: float, win_step: float) -> Iterator[SlidingWindow]:
    """Slide over the trials of a recording, from the earliest start to the latest stop.

    Parameters
    ----------
    table : SpikeTable
    win_size, win_step : float
        Width and displacement [ms].

    Raises
    ------
    InputError
        When no trial is as long as a window.
    """
    t_start, t_stop = table.t_start, table.t_stop
    order = np.argsort(table.times, kind="stable")
    times, unit, trial = table.times[order], table.unit[order], table.trial[order]
    longest = np.argmax(t_stop - t_start)
    window_starts(t_start[longest], t_stop[longest], win_size, win_step)
    for start in window_starts(t_start.min(), t_stop.max(), win_size, win_step).tolist():
        stop = start + win_size
        whole = (t_start <= start + _ON_BORDER) & (t_stop >= stop - _ON_BORDER)
        # Spikes in order of time: those of a window lie together.
        first, after = np.searchsorted(times, [start - _ON_BORDER, stop + _ON_BORDER])
        chosen = slice(int(first), int(after))
        inside = whole[trial[chosen]] & (
            (times[chosen] < stop - _ON_BORDER) | (t_stop[trial[chosen]] <= stop + _ON_BORDER)
        )
        rows = np.flatnonzero(whole)
        flat = (np.cumsum(whole) - 1)[trial[chosen][inside]] * table.n_units + unit[chosen][inside]
        counts = np.bincount(flat, minlength=len(rows) * table.n_units).reshape(len(rows), table.n_units)
        yield SlidingWindow(start, stop, rows, counts)
