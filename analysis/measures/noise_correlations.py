"""Correlations of spike counts between units: of their variability within classes, and of their means over classes.

Noise correlation: Pearson correlation of two units' counts after each was z-scored within every class (Cohen and Kohn
2011, doi:10.1038/nn.2842). Signal correlation: that of their mean counts over classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classes import one_hot
from .sparseness import class_means


@dataclass(frozen=True)
class ClassScores:
    """Counts, z-scored within each class.

    Attributes
    ----------
    scores : float array, shape [n_trials, n_units]
        Mean 0 and variance 1 within each class; 0 throughout a class in which the unit does not vary.
    index : int array, shape [n_trials]
        Class of each trial, from 0.
    n_shared : float array, shape [n_units, n_units]
        Trials of the classes in which both units vary.
    n_free : float array, shape [n_units, n_units]
        The same less one for each such class: degrees of freedom.
    """

    scores: NDArray[np.float64]
    index: NDArray[np.int64]
    n_shared: NDArray[np.float64]
    n_free: NDArray[np.float64]


def z_score_within_classes(counts: ArrayLike, classes: ArrayLike) -> ClassScores:
    """Take out of each unit's counts what the class explains.

    Parameters
    ----------
    counts : array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    """
    given = np.asarray(counts, dtype=np.float64)
    labels, index, n_trials = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
    means = class_means(given, classes)
    deviation = given - means[index]
    variance = one_hot(index, len(labels)) @ deviation**2 / n_trials[:, None]
    varies = variance > 1e-12 * (1 + means**2)
    scale = np.where(varies, np.sqrt(np.maximum(variance, 0)), 1.0)
    scores = np.where(varies[index], deviation / scale[index], 0.0)
    shared, n = varies.astype(np.float64), n_trials[:, None]
    return ClassScores(scores, index, shared.T @ (shared * n), shared.T @ (shared * (n - 1)))


def noise_correlations(within: ClassScores) -> NDArray[np.float64]:
    """Correlation of every pair of units, shape [n_units, n_units]; NaN for pairs that never vary together.

    Examples
    --------
    >>> counts = [[0, 0, 5], [2, 2, 3], [7, 9, 3], [9, 7, 5]]
    >>> noise_correlations(z_score_within_classes(counts, [0, 0, 1, 1])).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(within.scores.T @ within.scores / within.n_shared, -1, 1)


def signal_correlations(counts: ArrayLike, classes: ArrayLike) -> NDArray[np.float64]:
    """Correlation over classes of mean counts, shape [n_units, n_units]; NaN for units with equal means throughout."""
    means = class_means(counts, classes)
    centred = means - means.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(norm > 1e-9 * (1 + means.max(axis=0, initial=0)), centred / norm, np.nan)
    return np.clip(scaled.T @ scaled, -1, 1)


def correlation_p_values(correlation: NDArray[np.float64], n_free: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p-values by Student's t with `n_free` - 1 degrees of freedom, shape as given.

    Exact for Gaussian variability; see :func:`group_correlations` for a test that needs no such thing.
    """
    from scipy.stats import t

    degrees = np.maximum(n_free - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.abs(correlation) * np.sqrt(degrees / np.maximum(1 - correlation**2, 0))
        return np.where(degrees > 0, 2 * t.sf(statistic, degrees), np.nan)


def pooled_correlations(
    within: ClassScores, groups: list[NDArray[np.intp]], *, n_permutations: int, seed: int | np.random.SeedSequence = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Noise correlation of all pairs within and between groups of units taken together, and its p-value.

    Pairs share units and are not independent, so that their correlations cannot be tested as a sample of numbers.
    Instead trials are permuted within classes: for pairs within a group those of each unit by itself, for pairs between
    groups those of each group by itself, which keeps what its units do together and undoes what the groups do.

    Parameters
    ----------
    within : ClassScores
    groups : list of int array
        Units of each group.
    n_permutations : int
    seed : int or SeedSequence

    Returns
    -------
    pooled : float array, shape [n_groups, n_groups]
        Sum of z_i z_j over trials and pairs, over the number of trials in which both vary; NaN without a pair.
    p_value : float array, shape [n_groups, n_groups]
        Two-sided, (1 + #{|permuted| >= |observed|}) / (1 + n_permutations).
    """
    member = np.zeros((within.scores.shape[1], len(groups)))
    for number, rows in enumerate(groups):
        member[rows, number] = 1
    pairs = member.T @ within.n_shared @ member - np.diag(member.T @ np.diag(within.n_shared))
    own = np.diag(member.T @ (within.scores**2).sum(axis=0))

    def pooled(of_group: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (of_group.T @ of_group - own) / pairs

    rng = np.random.default_rng(seed)
    by_class = np.argsort(within.index, kind="stable")

    # A row a unit, its trials in order of their classes: a permutation of a stretch of each row is quick.
    borders = np.searchsorted(within.index[by_class], np.arange(within.index.max(initial=-1) + 2))

    def shuffled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([rng.permuted(rows[:, a:b], axis=1) for a, b in pairwise(borders)], axis=1)

    units = np.ascontiguousarray(within.scores[by_class].T)
    sums = member.T @ units
    observed = pooled(sums.T)
    reached = np.zeros(observed.shape, dtype=np.int64)
    for _ in range(n_permutations):
        permuted = pooled(shuffled(sums).T)
        np.fill_diagonal(permuted, np.diag(pooled((member.T @ shuffled(units)).T)))
        reached += np.abs(permuted) >= np.abs(observed) - 1e-12
    p_value = np.where(np.isfinite(observed), (1 + reached) / (1 + n_permutations), np.nan)
    return observed, p_value
