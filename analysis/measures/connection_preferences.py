"""Whether connections join units that prefer the same class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 4_000_000  # pairs times permutations that are compared at a time
_N_STRATA = 10


def preferred_by_count(counts: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class in whose trials each unit spikes most, shape [n_units]; -1 where several share the first place.

    Parameters
    ----------
    counts : int array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]

    Examples
    --------
    >>> preferred_by_count(np.array([[3, 1, 0], [2, 1, 0]]), np.array([5, 8])).tolist()
    [5, -1, -1]
    """
    labels, index, n_trials = np.unique(classes, return_inverse=True, return_counts=True)
    total = np.zeros((len(labels), counts.shape[1]))
    np.add.at(total, index, counts)
    mean = total / n_trials[:, None]
    unique = np.count_nonzero(mean == mean.max(axis=0), axis=0) == 1
    return np.where(unique, labels[mean.argmax(axis=0)], -1)


@dataclass(frozen=True)
class EqualPreference:
    """Share of connections that join units of equal preference.

    Attributes
    ----------
    n : int
        Connections whose units both have a preference.
    share : float
    chance : float
        Mean share with preferences permuted over the units of each group.
    p_value : float
        Probability of a share so large under these permutations.
    share_matched : float
        Share among tested pairs, weighted to have as many expected coincidences as the connections: units of equal
        preference fire in the same trials, and what fires together is easier to test.
    """

    n: int
    share: float
    chance: float
    p_value: float
    share_matched: float


def equal_preference(
    found: NDArray[np.bool_],
    tested: NDArray[np.bool_],
    expected: NDArray[np.float64],
    source_class: NDArray[np.int64],
    target_class: NDArray[np.int64],
    *,
    same_group: bool,
    n_permutations: int,
    seed: int | np.random.SeedSequence = 0,
) -> EqualPreference:
    """Compare connections with permutations of preferences over units.

    Parameters
    ----------
    found, tested : bool array, shape [n_sources, n_targets]
    expected : float array, shape [n_sources, n_targets]
        Expected coincidences of each pair.
    source_class, target_class : int array, shape [n_sources], [n_targets]
        Preferred classes, -1 without one.
    same_group : bool
        Whether sources and targets are the same units, whose preferences are then permuted together.
    n_permutations : int
    seed : int or SeedSequence

    Examples
    --------
    >>> everything = np.ones((6, 6), dtype=bool)
    >>> classes = np.array([0, 0, 0, 1, 1, 1])
    >>> found = classes[:, None] == classes
    >>> result = equal_preference(
    ...     found, everything, everything * 9.0, classes, classes, same_group=False, n_permutations=199
    ... )
    >>> result.share, round(result.chance, 1), round(result.share_matched, 1)
    (1.0, 0.5, 0.5)
    """
    prefers = (source_class >= 0)[:, None] & (target_class >= 0)
    i, j = np.nonzero(found & prefers)
    equal = source_class[:, None] == target_class
    if not len(i):
        return EqualPreference(0, np.nan, np.nan, np.nan, np.nan)
    share = float(equal[i, j].mean())
    rng = np.random.default_rng(seed)
    sources, targets = np.flatnonzero(source_class >= 0), np.flatnonzero(target_class >= 0)
    shares = np.empty(n_permutations)
    chunk = max(1, _CHUNK // len(i))
    for start in range(0, n_permutations, chunk):
        n_now = min(chunk, n_permutations - start)
        of_source = np.tile(source_class, (n_now, 1))
        of_source[:, sources] = rng.permuted(of_source[:, sources], axis=1)
        of_target = of_source
        if not same_group:
            of_target = np.tile(target_class, (n_now, 1))
            of_target[:, targets] = rng.permuted(of_target[:, targets], axis=1)
        shares[start : start + n_now] = (of_source[:, i] == of_target[:, j]).mean(axis=1)
    p_value = (1 + np.count_nonzero(shares >= share - 1e-12)) / (1 + n_permutations)
    pairs = tested & prefers
    matched = _matched_share(expected[i, j], expected[pairs], equal[pairs])
    return EqualPreference(len(i), share, float(shares.mean()), p_value, matched)


def _matched_share(
    expected_found: NDArray[np.float64], expected_tested: NDArray[np.float64], equal: NDArray[np.bool_]
) -> float:
    """Share of equal pairs in each tenth of the tested pairs, weighted by where the connections lie."""
    edges = np.quantile(expected_tested, np.linspace(0, 1, _N_STRATA + 1)[1:-1])
    stratum = np.searchsorted(edges, expected_tested, side="right")
    n_tested = np.bincount(stratum, minlength=_N_STRATA)
    n_equal = np.bincount(stratum, equal, minlength=_N_STRATA)
    weight = np.bincount(np.searchsorted(edges, expected_found, side="right"), minlength=_N_STRATA)
    return float((weight * n_equal / np.maximum(n_tested, 1)).sum() / weight.sum())
