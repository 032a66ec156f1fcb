"""Permutation tests of selectivity, for all units at once, and control of false discoveries over units."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .classes import ClassCounts, count_classes, one_hot
from .plugin import mutual_information_of_counts

_CHUNK = 4_000_000  # numbers in the class matrix of one chunk of permutations
TIE = 1e-9  # bits; permuted information closer than this to the observed one is equal to it up to rounding


def permutation_p_values(
    activity: ArrayLike,
    classes: ArrayLike,
    *,
    n_permutations: int = 1000,
    alpha: float = 0.05,
    seed: int | np.random.SeedSequence = 0,
) -> NDArray[np.float64]:
    """p-value of each unit's mutual information with the class, under permutation of classes over trials.

    ``p = (1 + #{permuted >= observed}) / (1 + n_permutations)``, which is never 0 (Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585).

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    n_permutations : int
    alpha : float
        The level that the p-values will be held against.
    seed : int or SeedSequence

    Returns
    -------
    float array, shape [n_units]

    Raises
    ------
    InputError
        When so few permutations could never give a p-value of `alpha`, or shapes do not fit.
    """
    require_permutations(n_permutations, alpha)
    counts = count_classes(activity, classes)
    observed = mutual_information_of_counts(counts.n_active, counts.n_trials)
    n_reached = np.zeros(len(observed), dtype=np.int64)
    for permuted in permute_classes(activity, counts, n_permutations, seed):
        n_reached += (mutual_information_of_counts(permuted, counts.n_trials) >= observed - TIE).sum(axis=0)
    return (1 + n_reached) / (1 + n_permutations)


def permute_classes(
    activity: ArrayLike, counts: ClassCounts, n_permutations: int, seed: int | np.random.SeedSequence
) -> Iterator[NDArray[np.int32]]:
    """Counts of active trials by class, with classes permuted over trials, a chunk of permutations at a time.

    Yields
    ------
    int array, shape [n_permutations_in_chunk, n_classes, n_units]
    """
    rng = np.random.default_rng(seed)
    active = np.asarray(activity).astype(np.float32)
    n_trials, n_classes = len(counts.index), len(counts.labels)
    chunk = max(1, _CHUNK // max(1, n_classes * max(n_trials, active.shape[1])))
    for start in range(0, n_permutations, chunk):
        n_now = min(chunk, n_permutations - start)
        index = rng.permuted(np.tile(counts.index, (n_now, 1)), axis=1)
        members = one_hot(index, n_classes).reshape(n_now * n_classes, n_trials)
        yield (members @ active).astype(np.int32).reshape(n_now, n_classes, -1)


def require_permutations(n_permutations: int, alpha: float, *, name: str = "n_permutations") -> None:
    """Refuse a number of permutations, or surrogates, that can call nothing at all.

    The smallest possible p-value is 1 / (1 + n). Where it lies above `alpha`, no correction for several tests changes
    that: Benjamini-Hochberg gives q = 1 / (1 + n) when every test has that p-value, and more otherwise.

    Parameters
    ----------
    n_permutations : int
    alpha : float
    name : str
        What the argument is called.

    Raises
    ------
    InputError
        With the number that is needed.
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}")
    if 1 / (1 + n_permutations) > alpha:
        raise InputError(
            f"{name} = {n_permutations} cannot give a p-value of {alpha:g}: "
            f"at least {ceil(1 / alpha - 1 - 1e-9)} are needed"
        )


def say_if_few_permutations(
    n_permutations: int,
    alpha: float,
    n_tests: int,
    *,
    tests: str = "tested units",
    where: str = "",
    name: str = "permutations",
) -> list[str]:
    """Refuse a number of permutations that can call nothing; a sentence if it can call only many tests together.

    Between the two, a test with the smallest possible p-value, 1 / (1 + n), is called by Benjamini-Hochberg only if
    enough others have it too. That is no error where many tests may well be significant, and is said wherever it takes
    more than one test in twenty.

    Parameters
    ----------
    n_permutations : int
        Or surrogates.
    alpha : float
        False discovery rate.
    n_tests : int
        Tests that are corrected together.
    tests, where, name : str
        Words for the sentence: what is tested, in what, and what was drawn.

    Returns
    -------
    list of str
        For `lacks`; empty when all is well.

    Raises
    ------
    InputError
        As :func:`require_permutations`.

    Examples
    --------
    >>> say_if_few_permutations(99, 0.05, 66)
    ['With 99 permutations, q <= 0.05 takes at least 14 of 66 tested units together; one alone needs 1319.']
    >>> say_if_few_permutations(1319, 0.05, 66)
    []
    """
    require_permutations(n_permutations, alpha, name=f"n_{name}")
    needed = n_discoveries_needed(n_tests, n_permutations, alpha)
    if needed <= max(1, 0.05 * n_tests):
        return []
    alone = ceil(n_tests / alpha - 1 - 1e-9)
    return [
        f"With {n_permutations} {name}, q <= {alpha:g}{' ' * bool(where)}{where} takes at least {needed} of {n_tests} "
        f"{tests} together; one alone needs {alone}."
    ]


def q_values(p_values: ArrayLike) -> NDArray[np.float64]:
    """Benjamini-Hochberg q-values over the units with a p-value, shape as given; NaN stays NaN.

    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x, through SciPy.

    Examples
    --------
    >>> q_values([0.01, 0.02, float("nan"), 0.9]).tolist()
    [0.03, 0.03, nan, 0.9]
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=np.float64)
    q = np.full(p.shape, np.nan)
    tested = np.isfinite(p)
    if tested.any():
        q[tested] = false_discovery_control(p[tested])
    return q


def n_discoveries_needed(n_units: int, n_permutations: int, alpha: float) -> int:
    """How many units must share the smallest possible p-value before Benjamini-Hochberg can call any of them.

    Examples
    --------
    >>> n_discoveries_needed(n_units=400, n_permutations=999, alpha=0.05)
    8
    """
    return max(1, ceil(n_units / (1 + n_permutations) / alpha - 1e-9))
