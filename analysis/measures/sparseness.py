"""Sparseness of responses: how few stimuli a unit answers to, and how few units answer.

Both are (1 - A) / (1 - 1 / n) with A = (sum r / n)^2 / (sum r^2 / n): Treves and Rolls (1991),
doi:10.1088/0954-898X/2/4/004, scaled as by Vinje and Gallant (2000), doi:10.1126/science.287.5456.1273. 0: all
responses are equal; 1: a single one is not zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .classes import one_hot


def sparseness(responses: ArrayLike, axis: int = 0) -> NDArray[np.float64]:
    """Sparseness of responses along an axis.

    Parameters
    ----------
    responses : float array
        Rates or counts, >= 0.
    axis : int
        Stimuli for lifetime sparseness, units for population sparseness.

    Returns
    -------
    float array
        Without that axis. NaN where all responses are 0, or there are fewer than two.

    Raises
    ------
    InputError
        On a negative response.

    Examples
    --------
    >>> sparseness([[4.0, 1.0], [0.0, 1.0], [0.0, 1.0]]).tolist()
    [1.0, 0.0]
    """
    r = np.asarray(responses, dtype=np.float64)
    if (r < 0).any():
        raise InputError(f"responses must be >= 0 to have a sparseness, got {r.min():g}")
    n = r.shape[axis]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = r.mean(axis=axis) ** 2 / (r**2).mean(axis=axis)
        return (1 - ratio) / (1 - 1 / n) if n > 1 else np.full(ratio.shape, np.nan)


def class_means(counts: ArrayLike, classes: ArrayLike) -> NDArray[np.float64]:
    """Mean response of each unit to each class, shape [n_classes, n_units]; classes ascending."""
    labels, index, n_trials = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
    return one_hot(index, len(labels)) @ np.asarray(counts, dtype=np.float64) / n_trials[:, None]


def lifetime_sparseness_by_chance(
    counts: ArrayLike, classes: ArrayLike, *, n_permutations: int, seed: int | np.random.SeedSequence = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lifetime sparseness of each unit with classes permuted over trials: what variable responses alone give.

    Parameters
    ----------
    counts : array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    n_permutations : int
    seed : int or SeedSequence

    Returns
    -------
    mean : float array, shape [n_units]
    p_value : float array, shape [n_units]
        (1 + #{permuted >= observed}) / (1 + n_permutations); NaN for a unit that is silent.
    """
    given = np.asarray(counts, dtype=np.float64)
    labels, index = np.unique(np.asarray(classes), return_inverse=True)
    n_of_class = np.bincount(index)[:, None]
    observed = sparseness(class_means(given, classes))
    rng = np.random.default_rng(seed)
    total, reached = np.zeros(given.shape[1]), np.zeros(given.shape[1], dtype=np.int64)
    for _ in range(n_permutations):
        means = one_hot(rng.permutation(index), len(labels)) @ given / n_of_class
        permuted = sparseness(means)
        total += permuted
        reached += permuted >= observed - 1e-9
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / n_permutations, np.where(np.isfinite(observed), (1 + reached) / (1 + n_permutations), np.nan)
