"""What a unit's activity tells about the stimulus class.

Two measures for each unit u, A_u being whether it is active in a trial and C the trial's class:

- information gain, IG_u = 1 - H(C | A_u = 1) / H(C): 1 for a unit that is active for one class only
  (Oberste-Frielinghaus et al. 2025, arXiv:2508.12975);
- mutual information I(A_u; C) in bits, which also counts what silence tells and how often either happens.

Estimated from few trials both are too large. The corrections are those of Miller (1955), of Panzeri and Treves
(1996), doi:10.1088/0954-898X/7/1/006, and subtraction of the mean over shuffled classes; compared in Panzeri et al.
(2007), doi:10.1152/jn.00559.2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from ...errors import InputError
from .classes import ClassCounts, count_classes
from .permutation import permute_classes
from .plugin import balanced_conditional_entropy, conditional_entropy, mutual_information_of_counts

CORRECTIONS = ("plugin", "miller-madow", "panzeri-treves", "shuffle")


def class_entropy(n_trials: ArrayLike) -> float:
    """H(C) in bits from the number of trials of each class, shape [n_classes].

    Examples
    --------
    >>> class_entropy([5, 5, 5, 5])
    2.0
    """
    prior = np.asarray(n_trials) / np.sum(n_trials)
    return float(-xlogy(prior, prior).sum() / np.log(2))


def information_gain(
    activity: ArrayLike,
    classes: ArrayLike,
    *,
    balanced: bool = False,
    min_active_trials: int = 10,
    correction: str = "plugin",
    n_permutations: int = 100,
    seed: int | np.random.SeedSequence = 0,
) -> NDArray[np.float64]:
    """Information gain of each unit, 1 - H(C | active) / H(C).

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    balanced : bool
        Weight trials so that all classes are equally frequent. Against the trials' own priors the gain of a unit that
        prefers a rare class can be below 0.
    min_active_trials : int
        Units active in fewer trials get NaN.
    correction : {"plugin", "miller-madow", "panzeri-treves", "shuffle"}
        The plug-in estimate is too large by about (K - 1) (1 / N_active - 1 / N) / (2 ln 2 H(C)) with K classes; the
        term 1 / N stands for the bias of H(C), or, with classes fixed by design, for drawing the active trials without
        replacement. Miller-Madow takes for K the classes seen among the active trials, Panzeri-Treves its Bayesian
        estimate of the classes there are; shuffle subtracts the mean gain over `n_permutations` permutations of the
        classes. With `balanced`, numbers of trials are the effective ones of Kish, (sum w)^2 / sum w^2.
    n_permutations : int
        Only for ``"shuffle"``.
    seed : int or SeedSequence
        Only for ``"shuffle"``.

    Returns
    -------
    float array, shape [n_units]

    Raises
    ------
    InputError
        On shapes that do not fit, fewer than two classes, or an unknown correction.

    Examples
    --------
    >>> activity = [[1, 1], [1, 1], [0, 1], [0, 1]]
    >>> information_gain(activity, [0, 0, 1, 1], min_active_trials=2).tolist()
    [1.0, 0.0]
    """
    _check_correction(correction)
    counts = count_classes(activity, classes)
    entropy = np.log2(len(counts.labels)) if balanced else class_entropy(counts.n_trials)
    conditional = _conditional(counts.n_active, counts.n_trials, balanced)
    if correction == "shuffle":
        total = np.zeros(conditional.shape)
        for permuted in permute_classes(activity, counts, n_permutations, seed):
            total += _conditional(permuted, counts.n_trials, balanced).sum(axis=0)
        gain = (total / n_permutations - conditional) / entropy
    else:
        gain = 1 - (conditional + _entropy_bias(counts, correction, balanced)) / entropy
    gain[counts.n_active.sum(axis=0) < max(min_active_trials, 1)] = np.nan
    return gain


def mutual_information(
    activity: ArrayLike,
    classes: ArrayLike,
    *,
    correction: str = "plugin",
    n_permutations: int = 100,
    seed: int | np.random.SeedSequence = 0,
) -> NDArray[np.float64]:
    """Mutual information I(A_u; C) of each unit's activity and the class [bits].

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    correction : {"plugin", "miller-madow", "panzeri-treves", "shuffle"}
        Bias that is subtracted from the plug-in estimate. Panzeri-Treves:
        ``(sum_c (R_c - 1) - (R - 1)) / (2 N ln 2)``, R_c being the estimated number of responses that class c can
        give. Miller-Madow corrects each of H(A), H(C) and H(A, C) by the outcomes seen; with only two responses the
        Bayesian estimate of R_c is the number seen, and the two agree.
    n_permutations, seed
        Only for ``"shuffle"``.

    Returns
    -------
    float array, shape [n_units]
        Can be slightly below 0 once corrected.

    Raises
    ------
    InputError
        On shapes that do not fit, fewer than two classes, or an unknown correction.

    Examples
    --------
    >>> mutual_information([[1, 1], [1, 1], [0, 1], [0, 1]], [0, 0, 1, 1]).tolist()
    [1.0, 0.0]
    """
    _check_correction(correction)
    counts = count_classes(activity, classes)
    plugin = mutual_information_of_counts(counts.n_active, counts.n_trials)
    if correction == "plugin":
        return plugin
    if correction == "shuffle":
        total = np.zeros(plugin.shape)
        for permuted in permute_classes(activity, counts, n_permutations, seed):
            total += mutual_information_of_counts(permuted, counts.n_trials).sum(axis=0)
        return plugin - total / n_permutations
    n_class = counts.n_trials[:, None]
    responses = (counts.n_active > 0).astype(int) + (counts.n_active < n_class)
    n_active, n_trials = counts.n_active.sum(axis=0), int(counts.n_trials.sum())
    all_responses = (n_active > 0).astype(int) + (n_active < n_trials)
    return plugin - ((responses - 1).sum(axis=0) - (all_responses - 1)) / (2 * n_trials * np.log(2))


def preferred_class(activity: ArrayLike, classes: ArrayLike) -> NDArray[np.int64]:
    """The class in whose trials each unit is most often active, shape [n_units]; -1 for a unit that never is."""
    counts = count_classes(activity, classes)
    best = counts.labels[np.argmax(counts.n_active / counts.n_trials[:, None], axis=0)]
    return np.where(counts.n_active.any(axis=0), best, -1)


def bayesian_count(n_seen: NDArray[np.int64], n_max: int) -> NDArray[np.int64]:
    """Number of outcomes that can occur, estimated from how often each was seen (Panzeri and Treves 1996, section 3).

    Parameters
    ----------
    n_seen : int array, shape [n_outcomes, n_units]
        How often each outcome was seen.
    n_max : int
        The largest possible answer.

    Returns
    -------
    int array, shape [n_units]
        The number of outcomes for which as many distinct ones as were seen would be expected, under a posterior that
        leaves some probability to those unseen; at least the number seen, at most `n_max`.
    """
    n = n_seen.sum(axis=0).astype(np.float64)
    seen = (n_seen > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = _expected_distinct(n_seen / n, n)
        best, smallest = seen.copy(), np.abs(seen - expected)
        searching = n > 0
        for n_extra in range(1, n_max):
            # The unseen outcomes share the mass gamma, and those seen keep (n_i + 1) / (n + R) of the rest.
            gamma = n_extra * (1 - (n / (n + seen)) ** (1 / n))
            known = np.where(n_seen > 0, (1 - gamma) * (n_seen + 1) / (n + seen), 0)
            unknown = np.where(n > 0, n_extra * (1 - (1 - gamma / n_extra) ** n), 0)
            difference = np.abs(seen - _expected_distinct(known, n) - unknown)
            searching &= (difference < smallest) & (seen + n_extra <= n_max)
            if not searching.any():
                break
            best[searching] = (seen + n_extra)[searching]
            smallest[searching] = difference[searching]
    return best


def _expected_distinct(probability: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 - (1 - probability) ** n).sum(axis=0)


def _conditional(n_active: NDArray[np.integer], n_trials: NDArray[np.integer], balanced: bool) -> NDArray[np.float64]:
    return balanced_conditional_entropy(n_active, n_trials) if balanced else conditional_entropy(n_active, n_trials)


def _entropy_bias(counts: ClassCounts, correction: str, balanced: bool) -> NDArray[np.float64] | float:
    """By how much the plug-in H(C | active) is too small compared with H(C) [bits], shape [n_units]."""
    if correction == "plugin":
        return 0.0
    n_outcomes = (
        (counts.n_active > 0).sum(axis=0)
        if correction == "miller-madow"
        else bayesian_count(counts.n_active, len(counts.labels))
    )
    weight = (1 / counts.n_trials if balanced else np.ones(len(counts.labels)))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        n_active, n_all = (
            (weight * n).sum(axis=0) ** 2 / (weight**2 * n).sum(axis=0)
            for n in (counts.n_active, counts.n_trials[:, None])
        )
        return (n_outcomes - 1) * np.maximum(1 / n_active - 1 / n_all, 0) / (2 * np.log(2))


def _check_correction(correction: str) -> None:
    if correction not in CORRECTIONS:
        raise InputError(f"correction must be one of {', '.join(map(repr, CORRECTIONS))}, got {correction!r}")
