"""Pathways through a network's weights: how strongly excitatory units drive each output, and whether spikes take them.

The idea of class-specific excitatory pathways is that of Oberste-Frielinghaus et al. (2025), arXiv:2508.12975. A
product of non-negative matrices grows class-specific with depth even in an untrained network, so every number here
wants the same number of a control beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ...errors import InputError
from ...network_description import EXCITATORY, UNTYPED, NetworkDescription, Population
from ...spike_table import SpikeTable

KINDS = ("direct", "product")


@dataclass(frozen=True)
class PathwayStrength:
    """How strongly the excitatory units of one population drive each output unit.

    Attributes
    ----------
    population : str
    layer : int
    kind : {"direct", "product"}
    units : int array, shape [n_excitatory]
        Positions within the population.
    strength : float array, shape [n_excitatory, n_classes]
        Non-negative; output unit k stands for class k. Only ratios within one population mean something: every
        matrix is divided by its mean before it is multiplied.
    """

    population: str
    layer: int
    kind: str
    units: NDArray[np.intp]
    strength: NDArray[np.float64]


def pathway_strengths(description: NetworkDescription, kind: str = "product") -> list[PathwayStrength]:
    """Strength of every excitatory hidden unit towards each output unit.

    Parameters
    ----------
    description : NetworkDescription
    kind : {"direct", "product"}
        ``"direct"``: positive part of the weights onto the output. ``"product"``: products of the excitatory-to-
        excitatory matrices down to the output, summed over all projections that lead there.

    Returns
    -------
    list of PathwayStrength
        One per hidden population that reaches the output, in the order of the layers. Units without a cell type
        count as excitatory, with the positive part of their weights.

    Raises
    ------
    InputError
        On an unknown kind.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import LIFNeuron, NetworkDescription
    >>> weights = [np.ones((2, 2)), np.diag([2.0, 2.0]), np.array([[3.0, -1.0], [0.0, 1.0]])]
    >>> network = NetworkDescription.from_weights(weights, LIFNeuron(tau_m=10.0, tau_syn=10.0), trial_duration=50.0)
    >>> [(path.population, path.strength.tolist()) for path in pathway_strengths(network)]
    [('hidden_1', [[6.0, 0.0], [0.0, 2.0]]), ('hidden_2', [[3.0, 0.0], [0.0, 1.0]])]
    """
    if kind not in KINDS:
        raise InputError(f"kind of pathway must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    n_classes = description.output.size
    reach: dict[str, NDArray[np.float64]] = {description.output.name: np.eye(n_classes)}
    pathways = []
    for population in reversed(description.populations[1:-1]):
        excitatory = _excitatory(population)
        strength = np.zeros((population.size, n_classes))
        for projection in description.projections:
            if projection.source != population.name or projection.target not in reach:
                continue
            if kind == "direct" and projection.target != description.output.name:
                continue
            weights = np.maximum(projection.weights, 0.0)
            scale = weights.mean() or 1.0
            strength[excitatory] += weights[excitatory] / scale @ reach[projection.target]
        if strength.any():
            reach[population.name] = strength
            pathways.append(PathwayStrength(population.name, population.layer, kind, excitatory, strength[excitatory]))
    return pathways[::-1]


def pathway_selectivity(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - H(share of each class in a unit's strength) / log2(n_classes), shape [n_units].

    1 for a unit that drives a single output, 0 for one that drives all alike, NaN for one that drives none.

    Examples
    --------
    >>> import numpy as np
    >>> pathway_selectivity(np.array([[2.0, 0.0], [1.0, 1.0]])).tolist()
    [1.0, 0.0]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = strength / strength.sum(axis=1, keepdims=True)
    return 1 + xlogy(share, share).sum(axis=1) / np.log(strength.shape[1])


def top_units(strength: NDArray[np.float64], n_top: int) -> NDArray[np.bool_]:
    """The `n_top` units that drive each class most strongly, shape [n_units, n_classes]; ties go to the first unit.

    Raises
    ------
    InputError
        When `n_top` is not in 1..n_units.
    """
    if not 1 <= n_top <= len(strength):
        raise InputError(f"n_top must lie in 1..{len(strength)}, the number of excitatory units, got {n_top}")
    order = np.argsort(-strength, axis=0, kind="stable")[:n_top]
    top = np.zeros(strength.shape, dtype=bool)
    np.put_along_axis(top, order, True, axis=0)
    return top


def top_overlap(top: NDArray[np.bool_]) -> float:
    """Mean share of top units that two classes have in common, over pairs of classes; 0: disjoint, 1: the same.

    `n_top` / `n_units` is expected of random choices.
    """
    members = top.astype(np.float64)
    common = members.T @ members / members.sum(axis=0)
    return float(common[np.triu_indices(len(common), k=1)].mean())


@dataclass(frozen=True)
class PathwayShare:
    """Share of a trial's spikes on the pathway of a class.

    Attributes
    ----------
    right, other : float array, shape [n_trials]
        Share of the excitatory spikes that come from the top units of the trial's class, and mean of that share over
        the other classes; NaN in a trial without an excitatory spike.
    chance : float
        Mean of `right` with the classes permuted over trials.
    p_value : float
        One-sided, of mean(right) against those permutations.
    """

    right: NDArray[np.float64]
    other: NDArray[np.float64]
    chance: float
    p_value: float


def pathway_share(
    counts: NDArray[np.integer],
    top: NDArray[np.bool_],
    classes: NDArray[np.int64],
    *,
    n_permutations: int = 1000,
    seed: int | np.random.SeedSequence = 0,
) -> PathwayShare:
    """How much of a trial's spikes lies on the pathway of the right class.

    Parameters
    ----------
    counts : int array, shape [n_trials, n_excitatory]
        Spikes of the excitatory units.
    top : bool array, shape [n_excitatory, n_classes]
        From :func:`top_units`.
    classes : int array, shape [n_trials]
        Columns of `top`.
    n_permutations : int
    seed : int or SeedSequence

    Raises
    ------
    InputError
        When a trial's class has no column.
    """
    if classes.max(initial=0) >= top.shape[1]:
        raise InputError(f"the network has {top.shape[1]} outputs, but there is a stimulus class {classes.max()}")
    n_spikes = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts @ top, n_spikes, out=np.full((len(counts), top.shape[1]), np.nan), where=n_spikes > 0)
    rows = np.arange(len(classes))
    right = share[rows, classes]
    other = (share.sum(axis=1) - right) / (top.shape[1] - 1)
    defined = np.isfinite(right)
    if not defined.any():
        return PathwayShare(right, other, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    of_trial, n_defined = classes[defined], int(defined.sum())
    permuted = np.empty(n_permutations)
    for i in range(n_permutations):
        permuted[i] = share[defined][np.arange(n_defined), rng.permutation(of_trial)].mean()
    reached = np.count_nonzero(permuted >= right[defined].mean() - 1e-12)
    return PathwayShare(right, other, float(permuted.mean()), float((1 + reached) / (1 + n_permutations)))


def rows_of_populations(table: SpikeTable, description: NetworkDescription) -> Mapping[str, NDArray[np.intp]]:
    """Rows of the unit table of each population, in the order of the network's units.

    Raises
    ------
    InputError
        When the table has no populations, or their sizes are not the network's.
    """
    if "population" not in table.units:
        raise InputError("pathways need the unit column 'population', to find the network's units in the recording")
    names = table.units["population"].astype(str)
    rows = {population.name: np.flatnonzero(names == population.name) for population in description.populations[1:-1]}
    for name, found in rows.items():
        if len(found) != description[name].size:
            raise InputError(
                f"population {name!r} has {description[name].size} units in the network, "
                f"but {len(found)} in the recording"
            )
    return rows


def _excitatory(population: Population) -> NDArray[np.intp]:
    return np.flatnonzero((population.cell_type == EXCITATORY) | (population.cell_type == UNTYPED))
