"""Width of pulse packets on a background of other spikes: a Gaussian in each trial, on a constant rate.

The standard deviation of all spikes of a window is that of the background where there is one, and the shortest half
grows with it. Here the background is part of the model, so that the width does not depend on its rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .packets import shortest_half
from .spike_batch import SpikeBatch

_NARROWEST = 1e-5  # of the window; keeps the width of spikes that coincide from becoming 0
_Float = NDArray[np.float64]


@dataclass(frozen=True)
class PacketFit:
    """Pulse packets of several recordings.

    Attributes
    ----------
    width : float array, shape [n_recordings]
        Standard deviation of the packets' spike times [ms], one for all trials of a recording.
    log_width_se : float array, shape [n_recordings]
        Standard error of its logarithm, from the trials' scores; ``width * exp(+-1.96 log_width_se)`` is a 95 %
        interval.
    share : float array, shape [n_recordings]
        Share of the spikes that belong to packets.
    center : float array, shape [n_recordings, n_trials]
        [ms] from the start of each trial's window; NaN in trials with fewer than 3 spikes, which take no part.
    """

    width: _Float
    log_width_se: _Float
    share: _Float
    center: _Float


def fit_packets(batch: SpikeBatch, *, n_iterations: int = 60, tolerance: float = 1e-3) -> PacketFit:
    """Fit ``share * N(center of the trial, width) + (1 - share) / duration`` to the spike times.

    Expectation maximisation (Dempster, Laird, Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x) from the middle of
    each trial's shortest half; the variance has fewer degrees of freedom for the centers that are estimated with it.

    Parameters
    ----------
    batch : SpikeBatch
    n_iterations : int
        At most so many; it ends where the width changes by less than `tolerance`, relatively.
    """
    spikes = batch.packets()
    n_rec, n_trials = batch.n_recordings, batch.n_trials
    half = shortest_half(spikes)
    duration = np.tile(batch.duration, n_rec)
    used = np.isfinite(half) & (duration > 0)
    keep = used[spikes.trial]
    times, trial = spikes.times[keep], spikes.trial[keep].astype(np.int64)
    recording = trial // max(n_trials, 1)
    n_used = used.reshape(n_rec, n_trials).sum(axis=1)
    if not len(times):
        nothing = np.full(n_rec, np.nan)
        return PacketFit(nothing, nothing, nothing, np.full((n_rec, n_trials), np.nan))
    floor = _NARROWEST * float(duration.max())
    center = _middle_of_shortest_half(spikes.times, spikes.trial, spikes.borders, half)
    width = np.maximum(batch.mean_over_trials(np.where(used, half, np.nan)) / 1.349, floor)
    share = np.full(n_rec, 0.5)
    fitted = _Fit(center, width, share)
    fitted.iterate(times, trial, 1 / duration, n_used, floor, n_iterations, tolerance)
    center, width, share = fitted.center, fitted.width, fitted.share
    with np.errstate(invalid="ignore", divide="ignore"):
        member = _membership(times - center[trial], width[recording], share[recording], 1 / duration[trial])
        deviation = ((times - center[trial]) / width[recording]) ** 2
        of_width = _sum_by(trial, member * (deviation - 1), n_rec * n_trials)
        balance = member / share[recording] - (1 - member) / (1 - share[recording])
        of_share = _sum_by(trial, balance, n_rec * n_trials)
    center = np.where(used, center, np.nan).reshape(n_rec, n_trials)
    se = _standard_error(of_width.reshape(n_rec, n_trials), of_share.reshape(n_rec, n_trials))
    defined = n_used > 0
    return PacketFit(np.where(defined, width, np.nan), se, np.where(defined, share, np.nan), center)


@dataclass
class _Fit:
    """Parameters on their way; those of a recording rest from where they have converged, whatever the others do."""

    center: _Float
    width: _Float
    share: _Float

    def iterate(
        self,
        times: _Float,
        trial: NDArray[np.int64],
        density: _Float,
        n_used: NDArray[np.int64],
        floor: float,
        n_iterations: int,
        tolerance: float,
    ) -> None:
        n_rec, n_all = len(self.width), len(self.center)
        n_trials = n_all // n_rec
        n_spikes = np.bincount(trial // n_trials, minlength=n_rec)
        resting = n_spikes == 0
        lost = n_used.astype(np.float64)
        for number in range(n_iterations):
            recording = trial // n_trials
            deviation = times - self.center[trial]
            member = _membership(deviation, self.width[recording], self.share[recording], density[trial])
            if number % 5 == 4:
                freedom = _freedom_of_centers(member, (deviation / self.width[recording]) ** 2, trial, n_all)
                lost = np.where(resting, lost, freedom.reshape(n_rec, n_trials).sum(axis=1))
            with np.errstate(invalid="ignore", divide="ignore"):
                center = _sum_by(trial, member * times, n_all) / _sum_by(trial, member, n_all)
                total = _sum_by(recording, member, n_rec)
                squares = _sum_by(recording, member * (times - center[trial]) ** 2, n_rec)
                width = np.maximum(np.sqrt(squares / np.maximum(total - lost, 0.5)), floor)
                share = np.clip(total / n_spikes, 1e-6, 1 - 1e-6)
                converged = np.abs(width / self.width - 1) < tolerance
            self.center = np.where(np.repeat(resting, n_trials), self.center, center)
            self.width, self.share = np.where(resting, self.width, width), np.where(resting, self.share, share)
            resting |= converged & (number > 4)  # not before the degrees of freedom are known
            if resting.all():
                break
            idle = resting[recording]
            if idle.mean() > 0.2:
                times, trial = times[~idle], trial[~idle]


def _freedom_of_centers(member: _Float, squares: _Float, trial: NDArray[np.int64], n_all: int) -> _Float:
    """Degrees of freedom of the variance that each trial's center takes: 1 without a background, fewer on one.

    From the adjusted profile likelihood (Cox and Reid 1987, doi:10.1111/j.2517-6161.1987.tb01422.x): the slope of the
    logarithm of the information on the center over that of the width, times -1/2.
    """
    doubt = member * (1 - member)
    information = _sum_by(trial, member - doubt * squares, n_all)
    slope = _sum_by(trial, doubt * ((squares - 1) * (1 - (1 - 2 * member) * squares) + 2 * squares), n_all)
    taken = 1 - 0.5 * np.divide(slope, information, out=np.zeros(n_all), where=information > 0)
    return np.where(np.bincount(trial, minlength=n_all) > 0, np.clip(taken, 0, 1), 0.0)


def _sum_by(group: NDArray[np.int64], values: _Float, n_groups: int) -> _Float:
    return np.bincount(group, values, n_groups).astype(np.float64, copy=False)


def _membership(deviation: _Float, width: _Float, share: _Float, background: _Float) -> _Float:
    """Probability that each spike belongs to its trial's packet."""
    density = share / (np.sqrt(2 * np.pi) * width) * np.exp(-0.5 * (deviation / width) ** 2)
    result: _Float = density / (density + (1 - share) * background)
    return result


def _standard_error(of_width: _Float, of_share: _Float) -> _Float:
    """From the outer products of the trials' scores: the variance of log width, with the share unknown too."""
    a, b, c = (of_width**2).sum(axis=1), (of_share**2).sum(axis=1), (of_width * of_share).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(b / (a * b - c**2))


def _middle_of_shortest_half(
    times: _Float, trial: NDArray[np.int32], borders: NDArray[np.int64], half: _Float
) -> _Float:
    """Of each trial, 0 where it has none."""
    n_half = (np.diff(borders) + 1) // 2
    last = np.arange(len(times)) + n_half[trial] - 1
    fits = last < borders[1:][trial]
    rows = np.flatnonzero(fits)
    width = times[last[rows]] - times[rows]
    shortest = rows[width <= half[trial[rows]]]
    middle = np.zeros(len(half))
    middle[trial[shortest]] = 0.5 * (times[shortest] + times[last[shortest]])
    return middle
