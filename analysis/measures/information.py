"""What a unit's activity tells about the stimulus class.

Two measures for each unit u, A_u being whether it is active in a trial and C the trial's class:

- information gain, IG_u = 1 - H(C | A_u = 1) / H(C): 1 for a unit that is active for one class only
  (Oberste-Frielinghaus et al. 2025, arXiv:2508.12975);
- mutual information I(A_u; C) in bits, which also counts what silence tells and how often either happens.

Estimated from few trials both are too large. The corrections are those of Miller (1955), of Panzeri and Treves
(1996), doi:10.1088/0954-898X/7/1/006, subtraction of the mean over shuffled classes, and quadratic extrapolation to
unlimited trials (Strong et al. 1998, doi:10.1103/PhysRevLett.80.197); compared in Panzeri et al. (2007),
doi:10.1152/jn.00559.2007.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from ...errors import InputError
from .classes import ClassCounts, count_classes, one_hot
from .permutation import permute_classes
from .plugin import balanced_conditional_entropy, conditional_entropy, mutual_information_of_counts
from .quadratic import N_PARTS, deal_quarters, extrapolate, halves, require_trials_for_quarters, weighted_mean

CORRECTIONS = ("plugin", "miller-madow", "panzeri-treves", "shuffle", "quadratic")


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
    n_partitions: int = 10,
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
    correction : {"plugin", "miller-madow", "panzeri-treves", "shuffle", "quadratic"}
        The plug-in estimate is too large by about (K - 1) (1 / N_active - 1 / N) / (2 ln 2 H(C)) with K classes; the
        term 1 / N stands for the bias of H(C), or, with classes fixed by design, for drawing the active trials without
        replacement. Miller-Madow takes for K the classes seen among the active trials, Panzeri-Treves its Bayesian
        estimate of the classes there are; shuffle subtracts the mean gain over `n_permutations` permutations of the
        classes. With `balanced`, numbers of trials are the effective ones of Kish, (sum w)^2 / sum w^2. Quadratic
        extrapolation compares the gain with those in halves and quarters of the trials, which have their share of every
        class; it removes the bias of second order too.
    n_permutations : int
        Only for ``"shuffle"``.
    n_partitions : int
        Only for ``"quadratic"``: random partitions into quarters over which it is averaged.
    seed : int or SeedSequence
        Only for ``"shuffle"`` and ``"quadratic"``.

    Returns
    -------
    float array, shape [n_units]

    Raises
    ------
    InputError
        On shapes that do not fit, fewer than two classes, an unknown correction, or fewer than 4 trials of a class for
        ``"quadratic"``.

    Examples
    --------
    >>> activity = [[1, 1], [1, 1], [0, 1], [0, 1]]
    >>> information_gain(activity, [0, 0, 1, 1], min_active_trials=2).tolist()
    [1.0, 0.0]
    """
    check_correction(correction)
    counts = count_classes(activity, classes)
    entropy = np.log2(len(counts.labels)) if balanced else class_entropy(counts.n_trials)
    conditional = _conditional(counts.n_active, counts.n_trials, balanced)
    if correction == "shuffle":
        total = np.zeros(conditional.shape)
        for permuted in permute_classes(activity, counts, n_permutations, seed):
            total += _conditional(permuted, counts.n_trials, balanced).sum(axis=0)
        gain = (total / n_permutations - conditional) / entropy
    elif correction == "quadratic":
        extrapolated = _extrapolated(
            activity,
            counts,
            conditional,
            lambda n_active, n_trials: (
                _conditional(n_active, n_trials, balanced),
                (n_active / n_trials[:, None] if balanced else n_active).sum(axis=0),
            ),
            n_partitions,
            seed,
        )
        gain = 1 - extrapolated / entropy
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
    n_partitions: int = 10,
    seed: int | np.random.SeedSequence = 0,
) -> NDArray[np.float64]:
    """Mutual information I(A_u; C) of each unit's activity and the class [bits].

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]
    correction : {"plugin", "miller-madow", "panzeri-treves", "shuffle", "quadratic"}
        Bias that is subtracted from the plug-in estimate. Panzeri-Treves:
        ``(sum_c (R_c - 1) - (R - 1)) / (2 N ln 2)``, R_c being the estimated number of responses that class c can
        give. Miller-Madow corrects each of H(A), H(C) and H(A, C) by the outcomes seen; with only two responses the
        Bayesian estimate of R_c is the number seen, and the two agree.
    n_permutations, n_partitions, seed
        As in :func:`information_gain`.

    Returns
    -------
    float array, shape [n_units]
        Can be slightly below 0 once corrected.

    Raises
    ------
    InputError
        On shapes that do not fit, fewer than two classes, an unknown correction, or fewer than 4 trials of a class for
        ``"quadratic"``.

    Examples
    --------
    >>> mutual_information([[1, 1], [1, 1], [0, 1], [0, 1]], [0, 0, 1, 1]).tolist()
    [1.0, 0.0]
    """
    check_correction(correction)
    counts = count_classes(activity, classes)
    plugin = mutual_information_of_counts(counts.n_active, counts.n_trials)
    if correction == "plugin":
        return plugin
    if correction == "shuffle":
        total = np.zeros(plugin.shape)
        for permuted in permute_classes(activity, counts, n_permutations, seed):
            total += mutual_information_of_counts(permuted, counts.n_trials).sum(axis=0)
        return plugin - total / n_permutations
    if correction == "quadratic":
        return _extrapolated(
            activity,
            counts,
            plugin,
            lambda n_active, n_trials: (
                mutual_information_of_counts(n_active, n_trials),
                np.full(n_active.shape[1], n_trials.sum()),
            ),
            n_partitions,
            seed,
        )
    n_class = counts.n_trials[:, None]
    responses = (counts.n_active > 0).astype(int) + (counts.n_active < n_class)
    n_active, n_trials = counts.n_active.sum(axis=0), int(counts.n_trials.sum())
    all_responses = (n_active > 0).astype(int) + (n_active < n_trials)
    return plugin - ((responses - 1).sum(axis=0) - (all_responses - 1)) / (2 * n_trials * np.log(2))


def _extrapolated(
    activity: ArrayLike,
    counts: ClassCounts,
    full: NDArray[np.float64],
    measure: Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.number]]],
    n_partitions: int,
    seed: int | np.random.SeedSequence,
) -> NDArray[np.float64]:
    """Quadratic extrapolation of a measure of (active trials, trials) of each class, which gives values and weights."""
    require_trials_for_quarters(counts.labels, counts.n_trials)
    active, n_classes = np.asarray(activity).astype(np.float32), len(counts.labels)
    total = np.zeros(full.shape)
    for quarter in deal_quarters(counts.index, n_classes, n_partitions, np.random.default_rng(seed)):
        members = one_hot(np.where(quarter == np.arange(N_PARTS)[:, None], counts.index, -1), n_classes)
        n_active = (members @ active).astype(np.int64)
        n_trials = members.sum(axis=-1).astype(np.int64)
        parts = []
        for in_parts, of_class in ((halves(n_active), halves(n_trials)), (n_active, n_trials)):
            values, weights = zip(*map(measure, in_parts, of_class), strict=True)
            parts.append(weighted_mean(np.stack(values), np.stack(weights).astype(np.float64)))
        total += extrapolate(full, *parts)
    return total / n_partitions


def preferred_class(activity: ArrayLike, classes: ArrayLike) -> NDArray[np.int64]:
    """The class in whose trials each unit is most often active, shape [n_units]; -1 for a unit that never is."""
    counts = count_classes(activity, classes)
    best = counts.labels[np.argmax(counts.n_active / counts.n_trials[:, None], axis=0)]
    return np.where(counts.n_active.any(axis=0), best, -1)


def bayesian_count(n_seen: NDArray[np.int64], n_max: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of outcomes that can occur, estimated from how often each was seen (Panzeri and Treves 1996, section 3).

    Parameters
    ----------
    n_seen : int array, shape [n_outcomes, n_units]
        How often each outcome was seen.
    n_max : int, or int array of shape [n_units]
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
        for n_extra in range(1, int(np.max(n_max, initial=0))):
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


def check_correction(correction: str) -> None:
    """Raises InputError on a correction that there is not."""
    if correction not in CORRECTIONS:
        raise InputError(f"correction must be one of {', '.join(map(repr, CORRECTIONS))}, got {correction!r}")
