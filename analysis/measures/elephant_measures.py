"""Established measures of Elephant, on stated samples of trials and units.

Elephant works on lists of `neo.SpikeTrain`, whose cost per object keeps it from whole recordings. So a recording is
sampled once, with a seed, and the size of the sample stands beside every number.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .classes import stimulus_classes
from .spike_batch import observed_batch
from .summary import mean_of_finite
from .tiling import draw_pairs, spike_time_tiling_coefficients

if TYPE_CHECKING:
    import neo


@dataclass(frozen=True)
class Sample:
    """Trials and units that were drawn: rows of the table, ascending."""

    trials: NDArray[np.intp]
    units: NDArray[np.intp]


def draw_sample(
    table: SpikeTable,
    units: ArrayLike | None = None,
    *,
    n_trials: int = 20,
    n_units: int = 20,
    seed: int | np.random.SeedSequence = 0,
) -> Sample:
    """Draw trials, evenly over classes where there are any, and units.

    Parameters
    ----------
    table : SpikeTable
    units : array of int, optional
        Rows to draw units from; all without it.
    n_trials, n_units : int
        At most so many.
    seed : int or SeedSequence

    Raises
    ------
    InputError
        When `n_trials` or `n_units` is below 1.
    """
    if n_trials < 1 or n_units < 1:
        raise InputError(f"a sample needs at least one trial and one unit, got {n_trials} and {n_units}")
    rng = np.random.default_rng(seed)
    rows = np.arange(table.n_units) if units is None else np.asarray(units)
    shuffled = rng.permutation(table.n_trials)
    classes = stimulus_classes(table)
    if classes is not None:
        rank = np.empty(table.n_trials, dtype=np.intp)
        for label in np.unique(classes):
            members = shuffled[classes[shuffled] == label]
            rank[members] = np.arange(len(members))
        shuffled = shuffled[np.argsort(rank[shuffled], kind="stable")]
    return Sample(np.sort(shuffled[:n_trials]), np.sort(rng.permutation(rows)[:n_units]))


def trial_spiketrains(table: SpikeTable, trial: int, units: ArrayLike) -> list[neo.SpikeTrain]:
    """One `neo.SpikeTrain` [ms] per unit, of one trial, counted from the trial's start."""
    start, stop = table.t_start[trial], table.t_stop[trial]
    # As the column's own type, without which all of it is copied for each trial.
    rows = slice(*np.searchsorted(table.trial, np.array([trial, trial + 1], dtype=table.trial.dtype)))
    return _spiketrains(table.times[rows] - start, table.unit[rows], np.asarray(units), float(stop - start))


def joined_spiketrains(
    table: SpikeTable, trials: ArrayLike, units: ArrayLike, *, bin_size: float | None = None
) -> list[neo.SpikeTrain]:
    """One `neo.SpikeTrain` [ms] per unit, with the trials laid end to end from 0.

    With a `bin_size` [ms], every trial starts at a multiple of it, so that no bin holds spikes of two trials.
    """
    chosen = table.select(trials=trials)
    slot = chosen.t_stop - chosen.t_start
    if bin_size is not None:
        # A spike at the very end of a trial needs a bin of its own.
        slot = (np.floor(slot / bin_size) + 1) * bin_size
    offset = np.concatenate([[0.0], np.cumsum(slot)])
    times = chosen.times + (offset[:-1] - chosen.t_start)[chosen.trial]
    return _spiketrains(times, chosen.unit, np.asarray(units), float(offset[-1]))


def firing_rate(table: SpikeTable, units: ArrayLike) -> float:
    """Mean rate of the units over all trials [Hz], what :func:`elephant.statistics.mean_firing_rate` gives for each.

    The only measure here that needs no sample, and no spike trains. NaN without units or when the trials' windows have
    no duration.
    """
    rows = np.asarray(units)
    duration = float((table.t_stop - table.t_start).sum())
    if not len(rows) or duration <= 0:
        return float("nan")
    member = np.zeros(table.n_units, dtype=bool)
    member[rows] = True
    return 1000.0 * int(np.count_nonzero(member[table.unit])) / duration / len(rows)


def mean_complexity(table: SpikeTable, sample: Sample, *, bin_size: float = 1.0) -> float:
    """Mean number of the sampled units that spike in a bin, over the bins with any spike.

    The mean of the complexity distribution of :class:`elephant.statistics.Complexity` (Gruen et al. 2008,
    doi:10.1007/978-0-387-79389-4_4), without its array of all bins, most of which are empty. 1 means that no two units
    ever share a bin [of `bin_size` ms]. NaN without spikes, and where the trials last 2^31 bins or more (24 days),
    which Elephant cannot number.
    """
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain

    spiketrains = joined_spiketrains(table, sample.trials, sample.units, bin_size=bin_size)
    n_bins = float(spiketrains[0].t_stop.rescale("ms").item()) / bin_size
    if not any(len(spiketrain) for spiketrain in spiketrains) or n_bins >= 2**31:
        return float("nan")
    with _without_remarks():
        binned = BinnedSpikeTrain(spiketrains, bin_size=bin_size * pq.ms)
    return float(np.unique(binned.sparse_matrix.indices, return_counts=True)[1].mean())


def spike_contrast(table: SpikeTable, sample: Sample, *, min_bin: float = 0.5) -> float:
    """Spike-contrast synchrony of the sampled units over the sampled trials, laid end to end.

    :func:`elephant.spike_train_synchrony.spike_contrast` (Ciba et al. 2018, doi:10.1016/j.jneumeth.2017.09.008),
    with a smallest bin of `min_bin` ms, or of a hundred-thousandth of the joined duration where that is more. Trials
    are joined, because it cannot do with one spike per unit; NaN where no unit has two spikes even so, on which
    Elephant fails.
    """
    import quantities as pq
    from elephant.spike_train_synchrony import spike_contrast as elephant_spike_contrast

    spiketrains = joined_spiketrains(table, sample.trials, sample.units)
    duration = float(spiketrains[0].t_stop.rescale("ms").item())
    if len(spiketrains) < 2 or max(map(len, spiketrains)) < 2 or duration < 4 * min_bin:
        return float("nan")
    return float(elephant_spike_contrast(list(spiketrains), min_bin=max(min_bin, duration / 100_000) * pq.ms))


def spike_time_tiling(
    table: SpikeTable, sample: Sample, *, dt: float = 1.0, n_pairs: int = 10, seed: int | np.random.SeedSequence = 0
) -> float:
    """Mean spike-time tiling coefficient of pairs of sampled units, over the sampled trials in which both spike.

    Cutts and Eglen (2014), doi:10.1523/JNEUROSCI.2767-14.2014, by :func:`.tiling.spike_time_tiling_coefficients` and
    not by Elephant, which widens `dt` [ms] by a hundred-thousandth of the time since the train's zero.

    Returns
    -------
    float
        NaN where no two units of the `n_pairs` pairs spike in the same trial.
    """
    few = observed_batch(table.select(units=sample.units, trials=sample.trials))
    pairs = draw_pairs(len(sample.units), n_pairs, seed)
    return mean_of_finite(spike_time_tiling_coefficients(few, pairs, dt=dt))


@dataclass(frozen=True)
class SpikeTrainDistance:
    """Mean distance between the sampled units' responses in two trials: all pairs, of one class, of two classes."""

    mean: float
    within: float
    between: float


_UNDEFINED = SpikeTrainDistance(float("nan"), float("nan"), float("nan"))


def van_rossum(table: SpikeTable, sample: Sample, *, time_constant: float = 5.0) -> SpikeTrainDistance:
    """Van Rossum distance between the sampled trials' responses, units kept apart as labelled lines.

    :func:`elephant.spike_train_dissimilarity.van_rossum_distance` (van Rossum 2001, doi:10.1162/089976601300014321)
    with a `time_constant` in ms: the root of the sum of the units' squared distances. Two responses that differ by
    one spike are 1 apart.
    """
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance

    if len(sample.trials) < 2:
        return _UNDEFINED
    responses = _labelled_lines(table, sample, gap=40 * time_constant)
    return _compare_trials(table, sample, van_rossum_distance(responses, time_constant=time_constant * pq.ms))


def victor_purpura(table: SpikeTable, sample: Sample, *, time_scale: float = 5.0) -> SpikeTrainDistance:
    """Victor-Purpura distance between the sampled trials' responses, units kept apart as labelled lines.

    :func:`elephant.spike_train_dissimilarity.victor_purpura_distance` (Victor and Purpura 1996,
    doi:10.1152/jn.1996.76.2.1310), where shifting a spike by `time_scale` ms costs 1: the sum of the units'
    distances. Slow: keep the sample small.
    """
    import quantities as pq
    from elephant.spike_train_dissimilarity import victor_purpura_distance

    if len(sample.trials) < 2:
        return _UNDEFINED
    responses = _labelled_lines(table, sample, gap=3 * time_scale)
    return _compare_trials(table, sample, victor_purpura_distance(responses, cost_factor=1 / (time_scale * pq.ms)))


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep Elephant from printing that epochs of coincidences, which are not used, are inexact, and from logging
    every spike that its binning moved over a rounding error."""
    from elephant.utils import logger

    was_disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


def _labelled_lines(table: SpikeTable, sample: Sample, gap: float) -> list[neo.SpikeTrain]:
    """One spike train per trial, with the units laid end to end, `gap` ms apart.

    Spikes of two units are then too far apart to be matched, so that a single call gives the distance of populations.
    """
    chosen = table.select(units=sample.units, trials=sample.trials)
    slot = float(np.max(chosen.t_stop - chosen.t_start)) + gap
    times = chosen.times - chosen.t_start[chosen.trial] + chosen.unit * slot
    return _spiketrains(times, chosen.trial, np.arange(chosen.n_trials), chosen.n_units * slot)


def _compare_trials(table: SpikeTable, sample: Sample, distance: NDArray[np.float64]) -> SpikeTrainDistance:
    first, second = np.triu_indices(len(sample.trials), k=1)
    pairs = np.asarray(distance)[first, second]
    classes = stimulus_classes(table)
    same = np.zeros(len(pairs), dtype=bool)
    if classes is not None:
        same = classes[sample.trials][first] == classes[sample.trials][second]
    different = ~same if classes is not None else same
    return SpikeTrainDistance(mean_of_finite(pairs), mean_of_finite(pairs[same]), mean_of_finite(pairs[different]))


def _spiketrains(
    times: NDArray[np.float64], row: NDArray[np.int32], rows: NDArray[np.intp], duration: float
) -> list[neo.SpikeTrain]:
    """One spike train for each of `rows`, from times [ms] since 0; rounding over a border is undone."""
    import neo

    order = np.lexsort((times, row))
    times, row = np.clip(times[order], 0, duration), row[order]
    lower, upper = np.searchsorted(row, rows), np.searchsorted(row, rows, side="right")
    return [
        neo.SpikeTrain(times[start:stop], units="ms", t_start=0.0, t_stop=duration)
        for start, stop in zip(lower, upper, strict=True)
    ]
