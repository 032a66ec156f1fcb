"""Connections that were found, held against the weights of the network that was recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import NetworkDescription
from ...spike_table import SpikeTable


def true_weights(
    table: SpikeTable, description: NetworkDescription, sources: NDArray[np.intp], targets: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Weights from each source to each target, 0 without a synapse, as in the network; shape [n_sources, n_targets].

    Raises
    ------
    InputError
        When the recording's units cannot be found in the network.
    """
    population, place = _places(table, description)
    weights = np.zeros((len(sources), len(targets)))
    for projection in description.projections:
        i = np.flatnonzero(population[sources] == projection.source)
        j = np.flatnonzero(population[targets] == projection.target)
        if len(i) and len(j):
            weights[np.ix_(i, j)] += projection.weights[np.ix_(place[sources[i]], place[targets[j]])]
    return weights


def _places(table: SpikeTable, description: NetworkDescription) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Population of each unit, and its number in it."""
    if "population" not in table.units:
        raise InputError("the unit column 'population' is needed to find the network's units in the recording")
    names = table.units["population"].astype(str)
    place = np.zeros(table.n_units, dtype=np.int64)
    first = 0
    for population in description.populations:
        rows = np.flatnonzero(names == population.name)
        if len(rows) == population.size:
            place[rows] = np.arange(population.size)
        elif len(rows):
            # Some units were left out: the others are known by their number in the network.
            ids = table.units["unit_id"][rows]
            known = ids.dtype.kind in "iu" and bool(np.all((ids >= first) & (ids < first + population.size)))
            if not known:
                raise InputError(
                    f"population {population.name!r} has {population.size} units in the network, but {len(rows)} in "
                    f"the recording, whose unit_id are not the network's"
                )
            place[rows] = ids - first
        first += population.size
    return names, place


@dataclass(frozen=True)
class Agreement:
    """How well connections that were found agree with weights.

    Attributes
    ----------
    n_tested, n_true, n_found, n_right : int
        Pairs; a pair is true where it meets the criterion, and right where it is true, found, and of the weight's sign.
    precision, recall : float
        ``n_right / n_found`` and ``n_right / n_true``.
    prevalence : float
        ``n_true / n_tested``: the precision of finding pairs at random, signs granted.
    auc : float
        Area under the receiver operating characteristic of the size of the score for true against other pairs.
    """

    n_tested: int
    n_true: int
    n_found: int
    n_right: int
    precision: float
    recall: float
    prevalence: float
    auc: float


def agreement(
    score: NDArray[np.float64], found: NDArray[np.bool_], weights: NDArray[np.float64], smallest: float
) -> Agreement:
    """Agreement of tested pairs with the criterion ``|weight| >= smallest`` and not 0.

    Parameters
    ----------
    score : float array, shape [n_pairs]
        Positive for excitation, negative for inhibition, larger where more certain.
    found : bool array, shape [n_pairs]
    weights : float array, shape [n_pairs]
    smallest : float

    Examples
    --------
    >>> score, weights = np.array([9.0, -7.0, 0.2, 3.0]), np.array([1.0, -1.0, 1.0, 0.0])
    >>> result = agreement(score, np.abs(score) > 2, weights, 0.5)
    >>> result.precision, result.recall, result.auc
    (0.6666666666666666, 0.6666666666666666, 0.6666666666666666)
    """
    true = (np.abs(weights) >= smallest) & (weights != 0)
    right = true & found & (np.sign(score) == np.sign(weights))
    n_true, n_found, n_right = int(true.sum()), int(found.sum()), int(right.sum())
    return Agreement(
        len(score),
        n_true,
        n_found,
        n_right,
        n_right / n_found if n_found else np.nan,
        n_right / n_true if n_true else np.nan,
        n_true / len(score) if len(score) else np.nan,
        ranking_auc(np.abs(score), true),
    )


def ranking_auc(score: NDArray[np.float64], true: NDArray[np.bool_]) -> float:
    """Probability that a true pair has a higher score than another one, ties counted half; NaN without either."""
    from scipy.stats import rankdata

    n_true, n_other = int(true.sum()), int((~true).sum())
    if not n_true or not n_other:
        return float("nan")
    return float((rankdata(score)[true].sum() - n_true * (n_true + 1) / 2) / (n_true * n_other))


def rank_correlation(score: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Spearman's correlation of score and weight; NaN where either is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(score), rankdata(weights)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def precision_recall_curve(
    score: NDArray[np.float64], weights: NDArray[np.float64], smallest: float, n_points: int = 60
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Recall, precision and size of the score, for finding the 1, 2, ... pairs of largest score.

    Returns
    -------
    float arrays, shape [at most n_points]
        At numbers of found pairs that are evenly spaced on a logarithmic axis; empty without true pairs.
    """
    true = (np.abs(weights) >= smallest) & (weights != 0)
    if not true.any():
        return np.empty(0), np.empty(0), np.empty(0)
    order = np.argsort(-np.abs(score), kind="stable")
    right = np.cumsum((true & (np.sign(score) == np.sign(weights)))[order])
    n_found = np.unique(np.geomspace(1, len(order), n_points).round().astype(np.int64))
    return right[n_found - 1] / true.sum(), right[n_found - 1] / n_found, np.abs(score)[order][n_found - 1]
