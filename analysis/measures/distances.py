"""Separability of classes by distances between trials' sets of active units."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

_BLOCK = 1024
_N_BINS = 1 << 14


@dataclass(frozen=True)
class JaccardSeparation:
    """Distances between trials of the same and of different classes.

    Attributes
    ----------
    within, between : float
        Mean Jaccard distance of pairs of trials of one class, and of two.
    ratio : float
        between / within: 1 when classes do not matter.
    auc : float
        Probability that a pair of two classes is further apart than a pair of one, ties counted half; 0.5 when
        classes do not matter. Distances are told apart down to 1/16384.
    n_pairs_within, n_pairs_between : int
    """

    within: float
    between: float
    ratio: float
    auc: float
    n_pairs_within: int
    n_pairs_between: int


def jaccard_separation(activity: ArrayLike, classes: ArrayLike) -> JaccardSeparation:
    """Jaccard distances, 1 - |A and B| / |A or B|, of the sets of active units, over all pairs of trials.

    Two trials without any active unit have distance 0, as in SciPy.

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]

    Raises
    ------
    InputError
        On shapes that do not fit, or without a pair of trials of one class and one of two.

    Examples
    --------
    >>> result = jaccard_separation([[1, 1, 0], [1, 1, 0], [0, 0, 1]], [0, 0, 1])
    >>> result.within, result.between, result.auc
    (0.0, 1.0, 1.0)
    """
    active = np.asarray(activity).astype(np.float32)
    of_trial = np.asarray(classes)
    if active.ndim != 2 or of_trial.shape != active.shape[:1]:
        raise InputError(
            "activity must have shape [n_trials, n_units] and classes [n_trials], "
            f"got {active.shape} and {of_trial.shape}"
        )
    _, n_trials = np.unique(of_trial, return_counts=True)
    if len(n_trials) < 2 or n_trials.max() < 2:
        raise InputError(f"two classes, one with two trials, are needed to compare trials, got {n_trials.tolist()}")
    active = active[np.argsort(of_trial, kind="stable")]
    borders = np.concatenate([[0], np.cumsum(n_trials)])
    total = np.zeros(2)
    histogram = np.zeros((2, _N_BINS + 1), dtype=np.int64)
    # Blocks of trials of one class against all later trials, so that neither all pairs nor a pair x unit array is ever
    # held, and that the pairs of two classes are a part of the block that needs no mask.
    for low, high in pairwise(borders):
        for start in range(low, high, _BLOCK):
            distance = _distances(active[start : min(start + _BLOCK, high)], active[start:])
            same = distance[:, : high - start]
            later = np.arange(same.shape[1]) > np.arange(len(same))[:, None]
            for kind, pairs in enumerate((same[later], distance[:, high - start :])):
                total[kind] += pairs.sum(dtype=np.float64)
                bins = (pairs * _N_BINS + 0.5).astype(np.intp)
                histogram[kind] += np.bincount(bins.ravel(), minlength=_N_BINS + 1)
    n_pairs = histogram.sum(axis=1)
    within, between = total / n_pairs
    return JaccardSeparation(
        float(within),
        float(between),
        float(between / within) if within > 0 else float("nan"),
        _auc(histogram[0], histogram[1]),
        int(n_pairs[0]),
        int(n_pairs[1]),
    )


def _distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Jaccard distances of all pairs, shape [n_trials of one, n_trials of other]."""
    common = one @ other.T
    union = one.sum(axis=1)[:, None] + other.sum(axis=1) - common
    return np.divide(union - common, union, out=np.zeros_like(union), where=union > 0)


def _auc(within: NDArray[np.int64], between: NDArray[np.int64]) -> float:
    """P(between > within) + P(equal) / 2 from two histograms over the same bins."""
    below = np.concatenate([[0], np.cumsum(within)[:-1]])
    wins = np.sum(between.astype(np.float64) * (below + within / 2))
    return float(wins / (within.sum() * between.sum(dtype=np.float64)))
