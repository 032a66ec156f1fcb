"""Separability of classes by distances between trials' sets of active units."""

from __future__ import annotations

from dataclasses import dataclass

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
    size = active.sum(axis=1)
    total = np.zeros(2)
    histogram = np.zeros((2, _N_BINS + 1), dtype=np.int64)
    # Blocks of rows against all later trials, so that neither all pairs nor a pair x unit array is ever held.
    for start in range(0, len(active), _BLOCK):
        rows = slice(start, start + _BLOCK)
        common = active[rows] @ active[start:].T
        union = size[rows, None] + size[None, start:] - common
        distance = np.divide(union - common, union, out=np.zeros_like(union), where=union > 0)
        same = of_trial[rows, None] == of_trial[None, start:]
        later = np.arange(distance.shape[1]) > np.arange(len(distance))[:, None]
        for kind, mask in enumerate((later & same, later & ~same)):
            chosen = distance[mask]
            total[kind] += chosen.sum(dtype=np.float64)
            bins = (chosen * _N_BINS + 0.5).astype(np.int32)
            histogram[kind] += np.bincount(bins, minlength=_N_BINS + 1)
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


def _auc(within: NDArray[np.int64], between: NDArray[np.int64]) -> float:
    """P(between > within) + P(equal) / 2 from two histograms over the same bins."""
    below = np.concatenate([[0], np.cumsum(within)[:-1]])
    wins = np.sum(between.astype(np.float64) * (below + within / 2))
    return float(wins / (within.sum() * between.sum(dtype=np.float64)))
