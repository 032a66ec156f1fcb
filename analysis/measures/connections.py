"""Short-latency functional connections from cross-correlograms, without any knowledge of weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .binned_spikes import BinnedSpikes, bin_spikes
from .classes import trial_classes
from .correlogram_predictors import (
    PREDICTORS,
    Prediction,
    convolution_prediction,
    jitter_prediction,
    shuffle_prediction,
)
from .count_tails import nearer_tail
from .latency_alignment import align_trials, trial_latencies

_BLOCK = 4_000_000  # counts of pairs and lags that are held at a time
_CLEAR = 1e-4  # one-sided p-value of a bin from which on its peak or trough is taken out of the predictor elsewhere
_SMALLEST = 1e-300  # p-values below it are set to it, so that they still have a logarithm


@dataclass(frozen=True)
class ConnectionTest:
    """How pairs are tested.

    Attributes
    ----------
    predictor : {"jitter", "convolution", "shuffle", "aligned"}
        The null hypothesis, see :mod:`~semsync.analysis.measures.correlogram_predictors`. ``"aligned"``: trials are
        shuffled after each was shifted by the latency that sources and targets have in it.
    bin_size : float
        [ms]
    min_lag, max_lag : float
        Lags that are tested, from the source's spike to the target's [ms]; bins are centred on multiples of `bin_size`.
    time_scale : float
        Length of the jitter intervals, or standard deviation of the Gaussian [ms].
    min_expected : float
        Pairs with fewer coincidences expected in a bin, mean over the lags, are not tested.

    Raises
    ------
    InputError
        When no bin lies between the lags, or the time scale does not fit the bins.
    """

    predictor: str = "jitter"
    bin_size: float = 1.0
    min_lag: float = 1.0
    max_lag: float = 5.0
    time_scale: float = 10.0
    min_expected: float = 5.0

    def __post_init__(self) -> None:
        if self.predictor not in PREDICTORS:
            raise InputError(f"predictor must be one of {', '.join(map(repr, PREDICTORS))}, got {self.predictor!r}")
        if not (np.isfinite(self.bin_size) and self.bin_size > 0):
            raise InputError(f"bin_size must be positive and finite, got {self.bin_size} ms")
        if self.lags[0] > self.lags[1]:
            raise InputError(
                f"no bin of {self.bin_size:g} ms is centred between min_lag = {self.min_lag:g} ms and max_lag = "
                f"{self.max_lag:g} ms"
            )
        n_bins = self.time_scale / self.bin_size
        if self.predictor == "jitter" and (abs(n_bins - round(n_bins)) > 1e-6 or round(n_bins) < 2):
            raise InputError(
                f"time_scale of the jitter must be at least 2 bins of {self.bin_size:g} ms, and whole ones, got "
                f"{self.time_scale:g} ms"
            )

    @property
    def lags(self) -> tuple[int, int]:
        """First and last lag that is tested [bins]."""
        return int(np.ceil(self.min_lag / self.bin_size - 1e-9)), int(np.floor(self.max_lag / self.bin_size + 1e-9))

    @property
    def reach(self) -> tuple[int, int]:
        """First and last lag that are looked at [bins]: both directions, where the predictor mixes lags."""
        first, last = self.lags
        if self.predictor not in ("jitter", "convolution"):
            return first, last
        return min(first, -last), max(last, -first)

    def predict(
        self, source: BinnedSpikes, target: BinnedSpikes, first_lag: int, last_lag: int, classes: NDArray[np.int64]
    ) -> Prediction:
        """Coincidences from `first_lag` to `last_lag` [bins], and what the null hypothesis makes of them."""
        n_bins = self.time_scale / self.bin_size
        if self.predictor == "jitter":
            return jitter_prediction(source, target, first_lag, last_lag, round(n_bins))
        if self.predictor == "convolution":
            return convolution_prediction(source, target, first_lag, last_lag, n_bins)
        return shuffle_prediction(source, target, first_lag, last_lag, classes)


@dataclass(frozen=True)
class Connections:
    """Tests of all ordered pairs of two groups.

    Attributes
    ----------
    peak_lag_ms : float array, shape [n_sources, n_targets]
        Lag of the most improbable bin.
    efficacy : float array
        Spikes of the target in excess of what is expected, over the tested lags, per spike of the source; below 0 where
        spikes are missing. The share of a peak that the predictor takes up is given back.
    sign : int array
        1: more at the peak than expected (excitatory), -1: fewer.
    p_value : float array
        Two-sided, corrected for the number of lags (Sidak); NaN for pairs that are not tested.
    expected : float array
        Coincidences expected in a bin, mean over the tested lags.
    """

    peak_lag_ms: NDArray[np.float64]
    efficacy: NDArray[np.float64]
    sign: NDArray[np.int64]
    p_value: NDArray[np.float64]
    expected: NDArray[np.float64]

    @property
    def score(self) -> NDArray[np.float64]:
        """``-sign log10 p``: how strongly a pair speaks for excitation (large) or inhibition (small); NaN untested."""
        return -self.sign.astype(np.float64) * np.log10(self.p_value)


def find_connections(
    table: SpikeTable, sources: ArrayLike, targets: ArrayLike, test: ConnectionTest | None = None
) -> Connections:
    """Test every source with every target for an excess, or a lack, of target spikes shortly after source spikes.

    Parameters
    ----------
    table : SpikeTable
    sources, targets : int array
        Rows of units; a unit is never tested with itself.
    test : ConnectionTest, optional

    Raises
    ------
    InputError
        When trials cannot be shuffled, see :func:`shuffle_prediction`.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> rng = np.random.default_rng(0)
    >>> source = np.sort(rng.uniform(0, 60_000, 600))
    >>> target = np.sort(np.concatenate([rng.uniform(0, 60_000, 600), source[::4] + 2.2]))
    >>> trials = {"start": [0.0], "stop": [60_010.0]}
    >>> unit = np.repeat([0, 1], [len(source), len(target)])
    >>> table = SpikeTable(np.concatenate([source, target]), unit, 0 * unit, {"unit_id": [0, 1]}, trials)
    >>> found = find_connections(table, [0], [1], ConnectionTest(time_scale=20.0))
    >>> found.peak_lag_ms.item(), found.sign.item(), bool(found.p_value < 1e-9)
    (2.0, 1, True)
    """
    test = test or ConnectionTest()
    source_rows, target_rows = np.asarray(sources), np.asarray(targets)
    shape = (len(source_rows), len(target_rows))
    found = Connections(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
        np.full(shape, np.nan),
        np.zeros(shape),
    )
    for rows, prediction, n_spikes in _predictions(table, source_rows, target_rows, test):
        _test(found, rows, prediction, n_spikes, test)
    same = source_rows[:, None] == target_rows
    found.p_value[same], found.sign[same] = np.nan, 0
    found.peak_lag_ms[same] = found.efficacy[same] = np.nan
    return found


def predict_correlograms(
    table: SpikeTable,
    sources: ArrayLike,
    targets: ArrayLike,
    test: ConnectionTest,
    first_lag: int,
    last_lag: int,
    *,
    aligned_by: tuple[ArrayLike, ArrayLike] | None = None,
) -> Prediction:
    """Whole correlograms of a few pairs and what the null hypothesis makes of them.

    Parameters
    ----------
    table : SpikeTable
    sources, targets : int array
        Rows of units.
    test : ConnectionTest
    first_lag, last_lag : int
        [bins]
    aligned_by : two int arrays, optional
        Units whose latencies align trials where the test asks for it; sources and targets without it.
    """
    source_rows, target_rows = np.asarray(sources), np.asarray(targets)
    table = _aligned(table, aligned_by or (source_rows, target_rows), test)
    spikes = bin_spikes(table, test.bin_size)
    pair = spikes.select(source_rows), spikes.select(target_rows)
    return test.predict(*pair, first_lag, last_lag, trial_classes(table))


def _aligned(table: SpikeTable, groups: tuple[ArrayLike, ArrayLike], test: ConnectionTest) -> SpikeTable:
    if test.predictor != "aligned":
        return table
    late = [trial_latencies(table, rows) for rows in groups]
    return align_trials(table, (late[0] + late[1]) / 2)


def _predictions(
    table: SpikeTable, sources: NDArray[np.intp], targets: NDArray[np.intp], test: ConnectionTest
) -> Iterator[tuple[slice, Prediction, NDArray[np.int64]]]:
    """A block of sources at a time, so that memory does not grow with the number of pairs."""
    table = _aligned(table, (sources, targets), test)
    spikes = bin_spikes(table, test.bin_size)
    classes = trial_classes(table)
    target = spikes.select(targets)
    first, last = test.reach
    n_lags = last - first + 1 + (6 * test.time_scale / test.bin_size if test.predictor == "convolution" else 1)
    block = max(1, int(_BLOCK // (max(1, len(targets)) * n_lags)))
    for start in range(0, len(sources), block):
        rows = slice(start, start + block)
        source = spikes.select(sources[rows])
        yield rows, test.predict(source, target, first, last, classes), source.counts()


def _test(
    found: Connections, rows: slice, prediction: Prediction, n_spikes: NDArray[np.int64], test: ConnectionTest
) -> None:
    begin = test.lags[0] - test.reach[0]
    lags = slice(begin, begin + test.lags[1] - test.lags[0] + 1)
    found.expected[rows] = prediction.expected[..., lags].mean(axis=2)
    tested = found.expected[rows] >= test.min_expected
    counts, variance = prediction.counts[tested], prediction.variance[tested]
    expected = _without_outer_peaks(counts, prediction.expected[tested], variance, prediction.absorbed, lags)
    counts, variance = counts[:, lags], variance[:, lags]
    tail, above = nearer_tail(counts, expected, variance)
    peak = tail.argmin(axis=1)
    each = np.arange(len(peak))
    # Sidak over lags, and both sides.
    p_value = -2 * np.expm1(counts.shape[1] * np.log1p(-np.minimum(tail[each, peak], 0.5)))
    found.p_value[rows][tested] = np.clip(p_value, _SMALLEST, 1)
    found.sign[rows][tested] = np.where(above[each, peak], 1, -1)
    found.peak_lag_ms[rows][tested] = (test.lags[0] + peak) * test.bin_size
    taken_up = prediction.absorbed[lags, lags].sum(axis=1)[peak]
    excess = (counts - expected).sum(axis=1) / np.maximum(1 - taken_up, 1e-3)
    found.efficacy[rows][tested] = excess / np.broadcast_to(n_spikes[:, None], tested.shape)[tested]


def _without_outer_peaks(
    counts: NDArray[np.int64],
    expected: NDArray[np.float64],
    variance: NDArray[np.float64],
    absorbed: NDArray[np.float64],
    lags: slice,
) -> NDArray[np.float64]:
    """Expectation at the tested lags, less what it takes up of clear peaks and troughs at other lags.

    Else a connection from target to source, or a peak at lag 0, would be flanked by a trough that nothing made.

    Parameters
    ----------
    counts, expected, variance : array, shape [n_pairs, n_lags]
    absorbed : float array, shape [n_lags, n_lags]
    lags : slice
        Those that are tested.

    Returns
    -------
    float array, shape [n_pairs, n_tested_lags]
    """
    outer = np.ones(counts.shape[1], dtype=bool)
    outer[lags] = False
    if not outer.any():
        return expected[:, lags]
    tail, above = nearer_tail(counts, expected, variance)
    strongest = tail.argmin(axis=1)
    # What lies outside is only taken out where it is the clearest of all: a clear peak inside makes flanks outside too.
    removed = (tail < _CLEAR) & outer & outer[strongest, None]
    removed &= above == np.take_along_axis(above, strongest[:, None], axis=1)
    excess = np.where(removed, (counts - expected) / (1 - np.diagonal(absorbed)), 0.0)
    corrected = expected[:, lags] - excess @ absorbed[:, lags]
    return np.asarray(np.maximum(corrected, 0.1 * expected[:, lags]))
