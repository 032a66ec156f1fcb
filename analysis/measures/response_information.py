"""What a response with several values, a spike count or a latency, tells about the class: I(R_u; C) in bits.

Responses are made from the trials of a unit without looking at the classes. The estimators and their sources stand in
:mod:`~semsync.analysis.measures.information`; a response has more values than activity, and so more bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .classes import one_hot
from .information import CORRECTIONS, bayesian_count, check_correction
from .permutation import TIE
from .plugin import n_log2_n
from .quadratic import N_PARTS, deal_quarters, extrapolate, halves, weighted_mean

_BLOCK = 20_000_000  # numbers in the response matrix of one block of units
_CHUNK = 4_000_000  # numbers in the class matrix, and in the tables, of one chunk of permutations


@dataclass(frozen=True)
class ResponseInformation:
    """Result of :func:`response_information`.

    Attributes
    ----------
    n_responses : int array, shape [n_units]
        Number of different responses that each unit gave.
    bits : mapping of str to float array, shape [n_units]
        Mutual information by each estimator [bits]; slightly below 0 at times once corrected.
    p_value : float array, shape [n_units]
        Of the plug-in estimate under permutation of classes over trials; NaN without permutations, and for units that
        gave one response only.
    n_permutations : int
    """

    n_responses: NDArray[np.int64]
    bits: dict[str, NDArray[np.float64]]
    p_value: NDArray[np.float64]
    n_permutations: int


def count_responses(counts: ArrayLike, n_bins: int | None = 4) -> NDArray[np.int64]:
    """Responses from spike counts, the same for every class.

    Parameters
    ----------
    counts : int array, shape [n_trials, n_units]
    n_bins : int, optional
        Bins that hold as many trials of the unit as each other, as far as equal counts allow, which stay together.
        Without it every count is a response of its own.

    Returns
    -------
    int array, shape [n_trials, n_units]
        From 0, without gaps.

    Examples
    --------
    >>> count_responses([[0], [0], [1], [2], [5], [9]], n_bins=3).T.tolist()
    [[0, 0, 1, 1, 2, 2]]
    >>> count_responses([[0], [0], [1], [2], [5], [9]], n_bins=None).T.tolist()
    [[0, 0, 1, 2, 3, 4]]
    """
    values = _matrix(counts, "counts")
    if n_bins is None:
        return _without_gaps(values)
    return _without_gaps(_equal_bins(values, np.full(values.shape[1], len(values)), n_bins))


def latency_responses(first_spikes: ArrayLike, n_bins: int = 4) -> NDArray[np.int64]:
    """Responses from first-spike latencies, the same for every class: silence, or one of the bins of the latency.

    Parameters
    ----------
    first_spikes : float array, shape [n_trials, n_units]
        [ms], ``inf`` for silence.
    n_bins : int
        Bins that hold as many of the unit's latencies as each other.

    Returns
    -------
    int array, shape [n_trials, n_units]
        From 0, without gaps; silence is the largest of a unit that is silent at times.

    Examples
    --------
    >>> inf = float("inf")
    >>> latency_responses([[7.0], [5.0], [inf], [9.0], [8.0], [inf]], n_bins=2).T.tolist()
    [[0, 0, 2, 1, 1, 2]]
    """
    values = _matrix(first_spikes, "first_spikes")
    silent = np.isinf(values)
    binned = _equal_bins(values, (~silent).sum(axis=0), n_bins)
    return _without_gaps(np.where(silent, n_bins, binned))


def response_information(
    responses: ArrayLike,
    classes: ArrayLike,
    *,
    corrections: Sequence[str] = CORRECTIONS,
    n_permutations: int = 1000,
    n_partitions: int = 10,
    seed: int | np.random.SeedSequence = 0,
) -> ResponseInformation:
    """Mutual information of each unit's response and the class, by several estimators, with a permutation test.

    Parameters
    ----------
    responses : int array, shape [n_trials, n_units]
        From 0, as :func:`count_responses` and :func:`latency_responses` make them.
    classes : int array, shape [n_trials]
    corrections : sequence of {"plugin", "miller-madow", "panzeri-treves", "shuffle", "quadratic"}
        See :func:`~semsync.analysis.measures.mutual_information`. Panzeri-Treves estimates for every class how many of
        the unit's responses can occur. Quadratic extrapolation is NaN when a class has fewer than 4 trials.
    n_permutations : int
        For p-values, ``(1 + #{permuted >= observed}) / (1 + n_permutations)``, and ``"shuffle"``; 0 for neither.
    n_partitions : int
        Random partitions into quarters over which ``"quadratic"`` is averaged.
    seed : int or SeedSequence

    Raises
    ------
    InputError
        On shapes that do not fit, fewer than two classes, or an unknown correction.

    Examples
    --------
    >>> found = response_information([[0], [0], [1], [1], [2], [2]], [0, 0, 1, 1, 2, 2], corrections=["plugin"])
    >>> round(found.bits["plugin"][0].item(), 3), found.n_responses.tolist()
    (1.585, [3])
    """
    for correction in corrections:
        check_correction(correction)
    given = _matrix(responses, "responses")
    of_trial = np.asarray(classes)
    if of_trial.shape != given.shape[:1]:
        raise InputError(f"classes must have shape [n_trials], got {of_trial.shape} for responses {given.shape}")
    labels, index, n_trials = np.unique(of_trial, return_inverse=True, return_counts=True)
    if len(labels) < 2:
        raise InputError(f"at least two classes are needed to speak of selectivity, got {labels.tolist()}")
    rng = np.random.default_rng(seed)
    quarters: list[NDArray[np.int64]] = []
    if "quadratic" in corrections and n_trials.min() >= N_PARTS:
        quarters = list(deal_quarters(index, len(labels), n_partitions, rng))
    permuted = rng.permuted(np.tile(index.astype(np.int32), (n_permutations, 1)), axis=1)

    n_units = given.shape[1]
    n_responses = given.max(axis=0, initial=-1) + 1
    bits = {correction: np.full(n_units, np.nan) for correction in corrections}
    p_value = np.full(n_units, np.nan)
    for units in _blocks(n_responses, len(given)):
        table = _Tables(given[:, units], n_responses[units], len(labels))
        counts = table.counts(index[None])[0]
        plugin = table.information(counts)
        reached, total = np.zeros(len(plugin), dtype=np.int64), np.zeros(len(plugin))
        for chunk in table.chunks(permuted):
            shuffled = table.information(table.counts(chunk))
            reached += (shuffled >= plugin - TIE).sum(axis=0)
            total += shuffled.sum(axis=0)
        if n_permutations:
            p_value[units] = np.where(n_responses[units] > 1, (1 + reached) / (1 + n_permutations), np.nan)
        for correction in corrections:
            if correction == "plugin":
                bits[correction][units] = plugin
            elif correction == "shuffle":
                bits[correction][units] = plugin - total / n_permutations if n_permutations else np.nan
            elif correction == "quadratic":
                bits[correction][units] = _quadratic(table, plugin, index, quarters)
            else:
                bits[correction][units] = plugin - table.bias(counts, bayesian=correction == "panzeri-treves")
    return ResponseInformation(n_responses, bits, p_value, n_permutations)


class _Tables:
    """Tables of class by response, all units beside each other: a column for every response of every unit."""

    def __init__(self, responses: NDArray[np.int64], n_responses: NDArray[np.int64], n_classes: int) -> None:
        self.n_trials, self.n_classes, self.n_responses = len(responses), n_classes, n_responses
        self.first = np.cumsum(n_responses) - n_responses
        self.columns = np.zeros((self.n_trials, int(n_responses.sum())), dtype=np.float32)
        self.columns[np.arange(self.n_trials)[:, None], responses + self.first] = 1
        self.n_log_n = n_log2_n(self.n_trials)

    def counts(self, index: NDArray[np.integer]) -> NDArray[np.integer]:
        """Shape [n_permutations, n_classes, n_columns] from rows of classes, shape [n_permutations, n_trials].

        float32 counts exactly up to 2^24 trials. A class -1 belongs to no table.
        """
        members = one_hot(index, self.n_classes).reshape(-1, self.n_trials)
        return (members @ self.columns).astype(np.int32).reshape(len(index), self.n_classes, -1)

    def chunks(self, permuted: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
        """Permutations whose tables fit into memory together."""
        size = max(1, _CHUNK // (self.n_classes * max(self.n_trials, self.columns.shape[1], 1)))
        for start in range(0, len(permuted), size):
            yield permuted[start : start + size]

    def information(self, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        """Plug-in information [bits], shape [..., n_units] from counts [..., n_classes, n_columns]."""
        of_class = self.by_unit(counts)[..., :1].squeeze(-1)
        n = of_class.sum(axis=-1)
        joint = self.by_unit(self.n_log_n[counts].sum(axis=-2))
        margins = self.by_unit(self.n_log_n[counts.sum(axis=-2)])
        known = (self.n_log_n[of_class].sum(axis=-1) - self.n_log_n[n])[..., None]
        return np.maximum(joint - margins - known, 0) / n[..., None]

    def bias(self, counts: NDArray[np.integer], *, bayesian: bool) -> NDArray[np.float64]:
        """By how much the plug-in information is too large [bits], shape [n_units]."""
        if bayesian:
            unit = np.repeat(np.arange(len(self.first)), self.n_responses)
            row = np.arange(len(unit)) - self.first[unit]
            seen = np.zeros((self.n_classes, int(self.n_responses.max(initial=0)), len(self.first)), dtype=np.int64)
            seen[:, row, unit] = counts
            in_class = np.sum([bayesian_count(of_class, self.n_responses) for of_class in seen], axis=0)
        else:
            in_class = self.by_unit((counts > 0).sum(axis=0))
        extra = (in_class - self.n_classes) - (self.n_responses - 1)
        return extra / (2 * self.n_trials * np.log(2))

    def by_unit(self, of_column: NDArray[Any]) -> NDArray[Any]:
        """Sums over the responses of each unit, shape [..., n_units] from [..., n_columns]."""
        return np.add.reduceat(of_column, self.first, axis=-1)


def _quadratic(
    table: _Tables, plugin: NDArray[np.float64], index: NDArray[np.int64], quarters: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    if not quarters:
        return np.full(len(plugin), np.nan)
    total = np.zeros(len(plugin))
    for quarter in quarters:
        in_quarters = table.counts(np.where(quarter == np.arange(N_PARTS)[:, None], index, -1))
        parts = []
        for counts in (halves(in_quarters), in_quarters):
            n = table.by_unit(counts.sum(axis=1)).astype(np.float64)
            parts.append(weighted_mean(table.information(counts), n))
        total += extrapolate(plugin, *parts)
    return total / len(quarters)


def _blocks(n_responses: NDArray[np.int64], n_trials: int) -> Iterator[slice]:
    """Units whose response matrices fit into memory together."""
    block = np.cumsum(n_responses * n_trials) // _BLOCK
    borders = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(n_responses)]
    for start, stop in pairwise(borders):
        if stop > start:
            yield slice(start, stop)


def _matrix(values: ArrayLike, name: str) -> NDArray[Any]:
    matrix = np.asarray(values)
    if matrix.ndim != 2:
        raise InputError(f"{name} must have shape [n_trials, n_units], got {matrix.shape}")
    return matrix


def _equal_bins(values: NDArray[Any], n_values: NDArray[np.integer], n_bins: int) -> NDArray[np.int64]:
    """Bins by rank among the smallest `n_values` of each column; equal values share their mean rank, and so a bin."""
    from scipy.stats import rankdata

    if n_bins < 2:
        raise InputError(f"n_bins must be at least 2, got {n_bins}")
    if not len(values):
        return np.zeros(values.shape, dtype=np.int64)
    share = (rankdata(values, axis=0) - 0.5) / np.maximum(n_values, 1)
    return np.minimum((n_bins * share).astype(np.int64), n_bins - 1)


def _without_gaps(values: NDArray[Any]) -> NDArray[np.int64]:
    from scipy.stats import rankdata

    if not len(values):
        return np.zeros(values.shape, dtype=np.int64)
    return rankdata(values, method="dense", axis=0).astype(np.int64) - 1
