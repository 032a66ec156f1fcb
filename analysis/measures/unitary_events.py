"""Unitary events: excess coincidences of a few units in sliding windows, through Elephant."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .elephant_measures import _without_remarks
from .joint_counts import joint_count_distribution

if TYPE_CHECKING:
    import neo

EXPECTATIONS = ("analytic_TrialByTrial", "analytic_TrialAverage")
TESTS = ("poisson", "exact")
_EDGE = 1e-6  # bins; a spike this close below the border of its bin is on it, by rounding


@dataclass(frozen=True)
class UnitaryEvents:
    """Joint spikes of one set of units, window by window.

    Attributes
    ----------
    t_start, t_stop : float array, shape [n_windows]
        Borders of each window [ms], counted from onset.
    n_emp, n_exp : float array, shape [n_windows]
        Bins, over all trials, in which all units of the set spike, and the number expected of independent units with
        their rates.
    rate : float array, shape [n_windows, n_units]
        Mean over trials [Hz], at most one spike a bin.
    p_value : float array, shape [n_windows]
        Probability of `n_emp` or more for independent units, by the test that was asked for; NaN where `n_exp` is 0.
    Js : float array, shape [n_windows]
        Joint surprise ``log10((1 - p) / p)``.
    """

    t_start: NDArray[np.float64]
    t_stop: NDArray[np.float64]
    n_emp: NDArray[np.float64]
    n_exp: NDArray[np.float64]
    rate: NDArray[np.float64]
    p_value: NDArray[np.float64]
    Js: NDArray[np.float64]


class BinnedTrials:
    """Spikes of all trials in bins counted from a common start, as Elephant's unitary events take them.

    Elephant assigns spikes to bins, and windows to bins, by dividing floats, counts bins from time 0 and not from the
    start of the trial, and lets the last window reach beyond the end. So here every spike is put into the middle of its
    bin, time is counted in whole bins from the start, and only whole windows are kept.

    Parameters
    ----------
    table : SpikeTable
        Cut to a window. Of trials that differ in length, the stretch that all have is taken.
    bin_size, win_size, win_step : float
        [ms]; the window and its step are multiples of the bin.

    Attributes
    ----------
    n_spikes, n_clipped : int array, shape [n_units]
        Spikes in the bins, and those of them that share a bin with another of their unit and trial and do not count.

    Raises
    ------
    InputError
        On windows that are no multiples of the bin, or longer than the trials.
    """

    def __init__(self, table: SpikeTable, *, bin_size: float, win_size: float, win_step: float) -> None:
        if not bin_size > 0:
            raise InputError(f"bin_size must be positive, got {bin_size} ms")
        self.bin_size = bin_size
        self.bins_of_window = _whole_bins("win_size", win_size, bin_size)
        self.bins_of_step = _whole_bins("win_step", win_step, bin_size)
        self.t_start = float(table.t_start.max())
        self.n_bins = int(np.floor((float(table.t_stop.min()) - self.t_start) / bin_size + _EDGE))
        if self.n_bins < self.bins_of_window:
            raise InputError(
                f"win_size = {win_size:g} ms is longer than what all trials have in common, "
                f"{float(table.t_stop.min()) - self.t_start:g} ms"
            )
        number = np.floor((table.times - self.t_start) / bin_size + _EDGE).astype(np.int64)
        inside = (number >= 0) & (number < self.n_bins)
        flat = (table.trial[inside].astype(np.int64) * table.n_units + table.unit[inside]) * self.n_bins + number[
            inside
        ]
        filled = np.unique(flat)
        self.n_spikes = np.bincount(table.unit[inside], minlength=table.n_units)
        self._train, self._bin = np.divmod(filled, self.n_bins)
        self.n_clipped = self.n_spikes - np.bincount(self._train % table.n_units, minlength=table.n_units)
        self.n_trials, self.n_units = table.n_trials, table.n_units

    def spiketrains(self, trials: NDArray[np.intp], units: Sequence[int]) -> list[list[neo.SpikeTrain]]:
        """Trials of units of spike trains; a ms stands for a bin."""
        import neo

        result = []
        for trial in trials:
            trains = trial * self.n_units + np.asarray(units)
            lower, upper = np.searchsorted(self._train, trains), np.searchsorted(self._train, trains, side="right")
            result.append(
                [
                    neo.SpikeTrain(self._bin[start:stop] + 0.5, units="ms", t_start=0.0, t_stop=float(self.n_bins))
                    for start, stop in zip(lower, upper, strict=True)
                ]
            )
        return result

    def counts(self, trials: NDArray[np.intp], units: Sequence[int]) -> NDArray[np.int64]:
        """Bins that units fill in each window, shape [n_windows, n_trials, n_units]."""
        wanted = np.asarray(trials)[:, None] * self.n_units + np.asarray(units)
        lower, upper = np.searchsorted(self._train, wanted), np.searchsorted(self._train, wanted, side="right")
        left = np.arange(0, self.n_bins - self.bins_of_window + 1, self.bins_of_step)
        result = np.empty((len(left), *wanted.shape), dtype=np.int64)
        for place in np.ndindex(wanted.shape):
            filled = self._bin[lower[place] : upper[place]]
            ends = np.searchsorted(filled, [left, left + self.bins_of_window])
            result[(slice(None), *place)] = ends[1] - ends[0]
        return result


def unitary_events(
    binned: BinnedTrials,
    units: Sequence[int],
    *,
    trials: NDArray[np.intp] | None = None,
    expectation: str = "analytic_TrialByTrial",
    test: str = "poisson",
) -> UnitaryEvents:
    """Unitary events of one set of units: :func:`elephant.unitary_event_analysis.jointJ_window_analysis`.

    Grün, Diesmann, Aertsen 2002, doi:10.1162/089976602753284455 (the test) and doi:10.1162/089976602753284464 (sliding
    windows).

    Parameters
    ----------
    binned : BinnedTrials
    units : sequence of int
        Rows of two or more units that spike together.
    trials : int array, optional
        All without it.
    expectation : {"analytic_TrialByTrial", "analytic_TrialAverage"}
        Whether `n_exp` comes from the rates in each trial, or from their means over trials, which is wrong where rates
        vary from trial to trial (Grün, Riehle, Diesmann 2003, doi:10.1007/s00422-002-0386-2).
    test : {"poisson", "exact"}
        Whether p comes from a Poisson distribution with mean `n_exp`, as in the literature, or from the exact
        distribution given how many bins each unit fills in each trial (:mod:`.joint_counts`). The Poisson distribution
        is wider, because those numbers are known, and p too large.

    Raises
    ------
    InputError
        On fewer than two units, another expectation or test, or the exact test with rates that are means over trials.

    Notes
    -----
    p-values are one-sided and for each window by itself; windows that overlap are not independent. Elephant gives p as
    ``1 - gammaincc``, which is 0 below 1e-16 and makes `Js` infinite; here both are computed from Elephant's `n_emp`
    and `n_exp` by the tail itself.
    """
    import quantities as pq
    from elephant.unitary_event_analysis import jointJ, jointJ_window_analysis
    from scipy.special import gammainc

    if len(units) < 2 or len(set(units)) != len(units):
        raise InputError(f"unitary events are joint spikes of two or more units, got the rows {list(units)}")
    if expectation not in EXPECTATIONS:
        raise InputError(f"expectation must be one of {', '.join(EXPECTATIONS)}, got {expectation!r}")
    if test not in TESTS:
        raise InputError(f"test must be one of {', '.join(TESTS)}, got {test!r}")
    if test == "exact" and expectation != "analytic_TrialByTrial":
        raise InputError(f"the exact test is one of trial by trial: it does not go with expectation {expectation!r}")
    rows = np.arange(binned.n_trials) if trials is None else trials
    with _without_remarks(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = jointJ_window_analysis(
            binned.spiketrains(rows, units),
            bin_size=1 * pq.ms,
            win_size=binned.bins_of_window * pq.ms,
            win_step=binned.bins_of_step * pq.ms,
            method=expectation,
            t_start=0 * pq.ms,
            t_stop=binned.n_bins * pq.ms,
        )
    left = np.arange(0, binned.n_bins - binned.bins_of_window + 1, binned.bins_of_step).astype(np.float64)
    n_emp, n_exp = (np.asarray(found[name], dtype=np.float64)[: len(left), 0] for name in ("n_emp", "n_exp"))
    rate = np.asarray(found["rate_avg"].magnitude, dtype=np.float64)[: len(left), 0] * 1000 / binned.bin_size
    # The tail P(N >= n) of a Poisson distribution is gammainc(n, mean), and 1 for n = 0.
    tail = np.where(n_emp > 0, gammainc(np.maximum(n_emp, 1), n_exp), 1.0)
    if test == "exact":
        of_windows = binned.counts(rows, units)
        for window, (counts, n) in enumerate(zip(of_windows, n_emp.astype(np.int64), strict=True)):
            tail[window] = min(1.0, joint_count_distribution(counts, binned.bins_of_window)[n:].sum())
    p_value = np.where(n_exp > 0, tail, np.nan)
    t_start = binned.t_start + left * binned.bin_size
    return UnitaryEvents(
        t_start, t_start + binned.bins_of_window * binned.bin_size, n_emp, n_exp, rate, p_value, jointJ(p_value)
    )


def _whole_bins(name: str, duration: float, bin_size: float) -> int:
    n_bins = round(duration / bin_size) if np.isfinite(duration) else 0
    if n_bins < 1 or abs(n_bins * bin_size - duration) > 1e-6 * bin_size:
        raise InputError(f"{name} must be a multiple of bin_size = {bin_size:g} ms, got {duration:g} ms")
    return n_bins
