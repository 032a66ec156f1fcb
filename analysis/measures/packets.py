"""Pulse packets: the spikes of a population in one trial, how many there are and how sharply they are timed.

Diesmann, Gewaltig, Aertsen (1999), doi:10.1038/990101, describe a volley by its size and its spread. The spread is
given twice: as SD, and as the shortest half, which a few stray spikes cannot widen (Rousseeuw and Leroy 1988,
doi:10.1111/j.1467-9574.1988.tb01224.x).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable

_MAX_KEYS = 4_000_000  # random keys held at once while packets are subsampled


@dataclass(frozen=True)
class Packets:
    """One pulse packet per trial; every array has shape [n_trials].

    Attributes
    ----------
    size : int array
        Number of spikes n.
    mean : float array
        Mean spike time [ms]; NaN for n = 0.
    sd : float array
        Standard deviation with n - 1 in the denominator [ms]; NaN for n < 2.
    shortest_half : float array
        Length of the shortest interval that holds ceil(n / 2) of the spikes [ms]; NaN for n < 3, where half of the
        packet is a single spike.
    participation : float array
        Share of the units that spike.
    """

    size: NDArray[np.int64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    shortest_half: NDArray[np.float64]
    participation: NDArray[np.float64]


@dataclass(frozen=True)
class PacketSpikes:
    """The spikes of one population, trial by trial.

    Attributes
    ----------
    times : float array, shape [n_spikes]
        [ms], sorted within each trial.
    trial : int array, shape [n_spikes]
    borders : int array, shape [n_trials + 1]
        The spikes of trial i are ``times[borders[i]:borders[i + 1]]``.
    """

    times: NDArray[np.float64]
    trial: NDArray[np.int32]
    borders: NDArray[np.int64]

    @property
    def size(self) -> NDArray[np.int64]:
        """Number of spikes in each trial, shape [n_trials]."""
        return np.diff(self.borders)

    def up_to(self, t_stop: NDArray[np.float64]) -> PacketSpikes:
        """Only the spikes up to and including a time per trial [ms], shape [n_trials]."""
        keep = self.times <= t_stop[self.trial]
        return _packet_spikes(self.times[keep], self.trial[keep], len(self.borders) - 1)


def packet_spikes(table: SpikeTable, units: ArrayLike | None = None) -> PacketSpikes:
    """The spikes of some units (rows of `table.units`; all without it) as packets."""
    if units is None:
        return _packet_spikes(table.times, table.trial, table.n_trials)
    member = _members(table, np.asarray(units))
    return _packet_spikes(table.times[member], table.trial[member], table.n_trials)


def pulse_packets(table: SpikeTable, units: ArrayLike | None = None) -> Packets:
    """Size, mean, spread and participation of the pulse packet of each trial.

    Parameters
    ----------
    table : SpikeTable
        Already cut to a window (:func:`~semsync.analysis.measures.apply_window`).
    units : array of int, optional
        Rows of the units that form the population; all without it.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> trials = {"start": [0.0], "stop": [20.0]}
    >>> table = SpikeTable([1.0, 4.0, 5.0, 5.5, 12.0], range(5), [0] * 5, {"unit_id": range(5)}, trials)
    >>> packets = pulse_packets(table)
    >>> packets.size.item(), packets.mean.item(), packets.shortest_half.item(), packets.participation.item()
    (5, 5.5, 1.5, 1.0)
    """
    rows = np.arange(table.n_units) if units is None else np.asarray(units)
    member = _members(table, rows)
    spikes = _packet_spikes(table.times[member], table.trial[member], table.n_trials)
    size = spikes.size
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(spikes.trial, spikes.times, table.n_trials) / size
        squares = np.bincount(spikes.trial, (spikes.times - mean[spikes.trial]) ** 2, table.n_trials)
        sd = np.sqrt(squares / np.where(size > 1, size - 1, np.nan))
    active = np.zeros((table.n_trials, table.n_units), dtype=bool)
    active[spikes.trial, table.unit[member]] = True
    participation = active[:, rows].mean(axis=1) if len(rows) else np.full(table.n_trials, np.nan)
    return Packets(size, mean, sd, shortest_half(spikes), participation)


def shortest_half(spikes: PacketSpikes) -> NDArray[np.float64]:
    """Length of the shortest interval that holds ceil(n / 2) spikes [ms], shape [n_trials]; NaN for n < 3."""
    size = spikes.size
    half = (size + 1) // 2
    last = np.arange(len(spikes.times)) + half[spikes.trial] - 1
    fits = last < spikes.borders[1:][spikes.trial]
    width = np.full(len(spikes.times), np.inf)
    width[fits] = spikes.times[last[fits]] - spikes.times[fits]
    shortest = np.full(len(size), np.nan)
    filled = size > 0
    if filled.any():
        shortest[filled] = np.minimum.reduceat(width, spikes.borders[:-1][filled])
    shortest[size < 3] = np.nan
    return shortest


def matched_shortest_half(
    spikes: PacketSpikes, matched_size: int, *, n_repeats: int = 10, seed: int | np.random.SeedSequence = 0
) -> NDArray[np.float64]:
    """Shortest half of packets that were all subsampled to the same number of spikes.

    The shortest half of a small packet is shorter than that of a large one of equal spread (a Gaussian packet of 5
    spikes gives half the value of a large one), so packets of layers that differ in size are compared at equal size.

    Parameters
    ----------
    spikes : PacketSpikes
    matched_size : int
        Number of spikes drawn from each packet without replacement, at least 3.
    n_repeats : int
        Draws that are averaged.
    seed : int or SeedSequence

    Returns
    -------
    float array, shape [n_trials]
        [ms]; NaN for packets with fewer than `matched_size` spikes.

    Raises
    ------
    InputError
        When `matched_size` < 3 or `n_repeats` < 1.
    """
    if matched_size < 3:
        raise InputError(f"matched_size must be at least 3 spikes, got {matched_size}")
    if n_repeats < 1:
        raise InputError(f"n_repeats must be at least 1, got {n_repeats}")
    rng = np.random.default_rng(seed)
    size = spikes.size
    half = (matched_size + 1) // 2
    result = np.full(len(size), np.nan)
    large = np.flatnonzero(size >= matched_size)
    # Packets of similar size share a block, so that little of the padded block is padding.
    large = large[np.argsort(size[large], kind="stable")]
    start = 0
    while start < len(large):
        n_rows = max(1, int(_MAX_KEYS // size[large[-1]]))
        rows = large[start : start + n_rows]
        start += n_rows
        total = np.zeros(len(rows))
        column = np.arange(size[rows].max())
        for _ in range(n_repeats):
            keys = rng.random((len(rows), len(column)), dtype=np.float32)
            keys[column >= size[rows, None]] = np.inf
            drawn = np.argpartition(keys, matched_size - 1, axis=1)[:, :matched_size]
            drawn.sort(axis=1)
            times = spikes.times[spikes.borders[rows, None] + drawn]
            total += (times[:, half - 1 :] - times[:, : matched_size - half + 1]).min(axis=1)
        result[rows] = total / n_repeats
    return result


def shuffled_decision_shortest_half(
    spikes: PacketSpikes,
    decision_time: NDArray[np.float64],
    *,
    n_repeats: int = 10,
    seed: int | np.random.SeedSequence = 0,
) -> NDArray[np.float64]:
    """Shortest half of the spikes up to the decision time of another trial, the control of the decision window.

    A window that ends at the decision cuts a packet off by construction; if the packet is sharp only because it
    leads to its own trial's decision, it widens here.

    Parameters
    ----------
    spikes : PacketSpikes
        Of the whole trials.
    decision_time : float array, shape [n_trials]
        [ms]; trials without a finite one take no part.
    n_repeats : int
        Shuffles that are averaged, per trial over those in which its packet has at least 3 spikes.
    seed : int or SeedSequence

    Returns
    -------
    float array, shape [n_trials]
        [ms]; NaN without a decision.
    """
    rng = np.random.default_rng(seed)
    decided = np.flatnonzero(np.isfinite(decision_time))
    total, n_defined = np.zeros(len(decision_time)), np.zeros(len(decision_time))
    for _ in range(n_repeats):
        t_stop = np.full(len(decision_time), -np.inf)
        t_stop[decided] = rng.permutation(decision_time[decided])
        width = shortest_half(spikes.up_to(t_stop))
        defined = np.isfinite(width)
        total[defined] += width[defined]
        n_defined += defined
    return np.divide(total, n_defined, out=np.full(len(total), np.nan), where=n_defined > 0)


def common_packet_size(sizes: list[NDArray[np.int64]], smallest: int = 3) -> int | None:
    """A size that at least half of the packets of every group reach, as `matched_size`.

    Groups whose median packet is below `smallest` spikes (an output layer up to its first spike) have no say; None
    when that leaves no group.
    """
    medians = [np.median(size) for size in sizes if len(size)]
    return min((int(median) for median in medians if median >= smallest), default=None)


def _members(table: SpikeTable, units: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each spike is of one of the units, shape [n_spikes]."""
    member = np.zeros(table.n_units, dtype=bool)
    member[units] = True
    return member[table.unit]


def _packet_spikes(times: NDArray[np.float64], trial: NDArray[np.int32], n_trials: int) -> PacketSpikes:
    borders = np.zeros(n_trials + 1, dtype=np.int64)
    np.cumsum(np.bincount(trial, minlength=n_trials), out=borders[1:])
    return PacketSpikes(times, trial, borders)
