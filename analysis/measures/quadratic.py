"""Quadratic extrapolation of information to an unlimited number of trials.

With N trials a plug-in estimate is off by a / N + b / N^2 (Strong et al. 1998, doi:10.1103/PhysRevLett.80.197;
compared with other corrections in Panzeri et al. 2007, doi:10.1152/jn.00559.2007). Estimates from all trials, from
halves and from quarters of them determine what is left at 1 / N = 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

N_PARTS = 4
_HALVES = ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))  # two quarters make a half, in every way


def require_trials_for_quarters(labels: NDArray[np.integer], n_trials: NDArray[np.integer]) -> None:
    """Refuse classes that cannot be dealt out to four parts.

    Raises
    ------
    InputError
        Naming the class that has too few trials.
    """
    if n_trials.min() < N_PARTS:
        fewest = int(np.argmin(n_trials))
        raise InputError(
            f"quadratic extrapolation deals the trials of each class out to {N_PARTS} parts and needs {N_PARTS} of "
            f"each; class {labels[fewest]} has {n_trials[fewest]}"
        )


def deal_quarters(
    index: NDArray[np.integer], n_classes: int, n_partitions: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Random partitions of the trials into quarters, every class dealt out as evenly as it can be.

    Parameters
    ----------
    index : int array, shape [n_trials]
        Class of each trial, counted from 0.
    n_classes, n_partitions : int
    rng : Generator

    Yields
    ------
    int array, shape [n_trials]
        Quarter of each trial, 0 to 3.

    Examples
    --------
    >>> import numpy as np
    >>> (quarter,) = deal_quarters(np.repeat([0, 1], 4), 2, 1, np.random.default_rng(0))
    >>> sorted(quarter[:4].tolist()), sorted(quarter[4:].tolist())
    ([0, 1, 2, 3], [0, 1, 2, 3])
    """
    first = np.searchsorted(np.sort(index), np.arange(n_classes))
    for _ in range(n_partitions):
        order = np.lexsort((rng.random(len(index)), index))
        # Where a class's trials that are left over go is drawn too.
        offset = rng.integers(0, N_PARTS, n_classes)
        quarter = np.empty(len(index), dtype=np.int64)
        of_class = index[order]
        quarter[order] = (np.arange(len(index)) - first[of_class] + offset[of_class]) % N_PARTS
        yield quarter


def halves(quarters: NDArray[np.integer]) -> NDArray[np.integer]:
    """Counts in halves from counts in quarters, shapes [4, ...] to [6, ...]."""
    return np.stack([quarters[first] + quarters[second] for first, second in _HALVES])


def extrapolate(
    full: NDArray[np.float64], in_halves: NDArray[np.float64], in_quarters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The value at 1 / N = 0 of the parabola in 1 / N through estimates from N, N / 2 and N / 4 trials.

    Examples
    --------
    >>> import numpy as np
    >>> n = np.array([80.0, 40.0, 20.0])
    >>> round(float(extrapolate(*(0.3 + 2 / n - 5 / n**2))), 12)
    0.3
    """
    return (8 * full - 6 * in_halves + in_quarters) / 3


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over parts, by the trials that each rests on; parts without any do not count, and may be NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weights > 0, values * weights, 0.0).sum(axis=0) / weights.sum(axis=0)
