"""Analyses held against each other: model and recording, or any set, judged by how much the members of each differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .comparison_measures import Measure, as_written, find_measures, group_names
from .comparison_notes import notes_on_measures, notes_on_members, notes_on_settings
from .figures.series import windows
from .measures.ensembles import (
    corrected_distance,
    distances,
    interval,
    mean_interval,
    member_distances,
    resample,
    spread_test,
)
from .measures.permutation import q_values

if TYPE_CHECKING:
    import pandas as pd

    from .analyze import Analysis

NAN = float("nan")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Ensemble:
    """Analyses that are alike: seeds of one network, sessions of one kind, or a single one.

    Attributes
    ----------
    name : str
    members : mapping of str to Analysis
        At least one.
    """

    name: str
    members: Mapping[str, Analysis]

    def windows(self) -> list[str]:
        """Windows that every member has."""
        return _common([windows(member) for member in self.members.values()])

    def groups(self, window: str) -> list[str]:
        """Groups of units that some member has, in the order of the first."""
        return list(dict.fromkeys(name for member in self.members.values() for name in group_names(member, window)))


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`compare`, in tidy tables.

    Attributes
    ----------
    values : DataFrame
        One row per ensemble, member, window, group and measure: number of values, mean, SD, and the bootstrap interval
        of the mean.
    distances : DataFrame
        One row per pair of ensembles, window, pair of groups and measure; `docs/comparison.md` defines the columns.
    member_distances : DataFrame
        Wasserstein distance of every two members in each row of `distances`, at equal numbers of values.
    notes : tuple of str
        Sentences on what restricts the comparison.
    settings : mapping
    """

    values: pd.DataFrame
    distances: pd.DataFrame
    member_distances: pd.DataFrame
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {"values": self.values, "distances": self.distances, "member_distances": self.member_distances}


def compare(
    ensembles: Sequence[Ensemble],
    *,
    windows: Sequence[Pair] = (),
    groups: Sequence[Pair] = (),
    measures: Sequence[str] = (),
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare every two ensembles, measure by measure.

    Parameters
    ----------
    ensembles : sequence of Ensemble
        At least two, of different names.
    windows : sequence of (str, str)
        Windows to compare, one of the first and one of the second ensemble, or the other way round; of three and more
        ensembles, two that both have a window are compared in it. Without: windows of the same name.
    groups : sequence of (str, str)
        The same for groups of units, ``("hidden 3", "VISp")``. Without: groups of the same name; where there are none,
        every group with every other.
    measures : sequence of str
        Keys of measures, see :func:`~semsync.analysis.comparison_measures.find_measures`; without, all standard ones
        that two ensembles have in common.
    n_resamples : int
        Of the bootstrap.
    confidence_level : float
        Of the intervals.
    seed : int

    Raises
    ------
    InputError
        When windows, groups or measures are named that there are not, or nothing is common to two ensembles.
    """
    import pandas as pd

    if len(ensembles) < 2:
        raise InputError("a comparison needs at least two ensembles")
    names = [ensemble.name for ensemble in ensembles]
    if len(set(names)) < len(names):
        raise InputError(f"every ensemble needs a name of its own, got {', '.join(map(repr, names))}")
    if not 0.5 <= confidence_level < 1:
        raise InputError(f"confidence_level must lie in 0.5..1, got {confidence_level}")
    analyses = [member for ensemble in ensembles for member in ensemble.members.values()]
    known = find_measures(analyses, measures)
    options = {"n_resamples": n_resamples, "confidence_level": confidence_level, "seed": seed}
    literal = len(ensembles) == 2
    rows: list[dict[str, Any]] = []
    between: list[dict[str, Any]] = []
    used: dict[tuple[str, str, str, str], tuple[Ensemble, Measure]] = {}
    notes: list[str] = [*notes_on_members(ensembles)]
    for first, second in combinations(ensembles, 2):
        of_pair: list[dict[str, Any]] = []
        for window_a, window_b in _windows_of(first, second, windows, literal):
            notes += notes_on_settings(first, second, window_a, window_b)
            pairs = _groups_of(first, second, (window_a, window_b), groups, literal)
            possible, said = notes_on_measures(first, second, window_a, window_b, pairs, known)
            notes += said
            for group_a, group_b in pairs:
                for measure in possible:
                    a = _samples(first, measure, window_a, group_a)
                    b = _samples(second, measure, window_b, group_b)
                    if not a or not b:
                        continue
                    key = {
                        "ensemble_a": first.name, "ensemble_b": second.name, "window_a": window_a,
                        "window_b": window_b, "group_a": group_a, "group_b": group_b, "measure": measure.key,
                        "unit": measure.unit,
                    }  # fmt: skip
                    own_seed = _seed_for(seed, measure.key, group_a, group_b)
                    own = options | {"seed": own_seed}
                    samples = [*a.values(), *b.values()]
                    matrix = member_distances(samples, of_means=not measure.has_distribution, seed=own_seed)
                    of_pair.append(key | _held_against(a, b, measure, matrix, own))
                    who = [(first.name, member) for member in a] + [(second.name, member) for member in b]
                    between += [key | row for row in _member_rows(who, matrix)]
                    used[first.name, window_a, group_a, measure.key] = (first, measure)
                    used[second.name, window_b, group_b, measure.key] = (second, measure)
        if not of_pair:
            raise InputError(f"{first.name} and {second.name} have no measure in common")
        for row, q in zip(of_pair, q_values([row["p_value"] for row in of_pair]), strict=True):
            row["q_value"] = float(q)
        rows += of_pair
    values = [
        {"ensemble": ensemble.name, "member": member, "window": window, "group": group, "measure": key}
        | {"unit": measure.unit, "over": measure.over}
        | _summary(sample, options | {"seed": _seed_for(seed, key, group, member)})
        for (_, window, group, key), (ensemble, measure) in used.items()
        for member, sample in _samples(ensemble, measure, window, group).items()
    ]
    return Comparison(
        pd.DataFrame(values),
        pd.DataFrame(rows),
        pd.DataFrame(between),
        tuple(dict.fromkeys(notes)),
        {
            "ensembles": {ensemble.name: list(ensemble.members) for ensemble in ensembles},
            "windows": [list(pair) for pair in windows],
            "groups": [list(pair) for pair in groups],
            "measures": list(measures),
            **options,
        },
    )


def _common(lists: Sequence[list[str]]) -> list[str]:
    return [name for name in lists[0] if all(name in other for other in lists[1:])]


def _windows_of(first: Ensemble, second: Ensemble, given: Sequence[Pair], literal: bool) -> list[Pair]:
    a, b = first.windows(), second.windows()
    found = _matched(a, b, given, literal) if given else [(name, name) for name in a if name in b]
    if found:
        return found
    have = f"{first.name} has the windows {_listed(a)}, {second.name} has {_listed(b)}"
    if given:
        raise InputError(f"none of the windows that are asked for is in both: {have}")
    raise InputError(
        f"no window is in both: {have}; pair them, as in --window {a[0] if a else 'A'}={b[0] if b else 'B'}"
    )


def _groups_of(first: Ensemble, second: Ensemble, of_windows: Pair, given: Sequence[Pair], literal: bool) -> list[Pair]:
    a, b = first.groups(of_windows[0]), second.groups(of_windows[1])
    if given:
        found = _matched(a, b, [(as_written(left), as_written(right)) for left, right in given], literal)
        if not found:
            asked = " and ".join(f"{left}={right}" for left, right in given)
            have = f"{first.name} has the groups {_listed(a)}, {second.name} has {_listed(b)}"
            raise InputError(f"the map {asked} fits nothing: {have}")
        return found
    same = [(name, name) for name in a if name in b]
    return same or [(one, other) for one in a for other in b]


def _matched(a: list[str], b: list[str], given: Sequence[Pair], literal: bool) -> list[Pair]:
    """Pairs of which the first is in `a` and the second in `b`, turned round where they are written so.

    Unless `literal`, two that have the same name are held against each other in it.
    """
    found = []
    for left, right in given:
        if not literal and left in a and left in b:
            found.append((left, left))
        elif left in a and right in b:
            found.append((left, right))
        elif right in a and left in b:
            found.append((right, left))
        elif not literal and right in a and right in b:
            found.append((right, right))
    return list(dict.fromkeys(found))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _samples(ensemble: Ensemble, measure: Measure, window: str, group: str) -> dict[str, NDArray[np.float64]]:
    """Values of every member that has any."""
    found = {name: measure.take(member, window, group) for name, member in ensemble.members.items()}
    return {name: values for name, values in found.items() if len(values)}


def _summary(sample: NDArray[np.float64], options: Mapping[str, Any]) -> dict[str, Any]:
    low, high = mean_interval(sample, **options)
    return {
        "n": len(sample),
        "mean": float(sample.mean()),
        "sd": float(sample.std(ddof=1)) if len(sample) > 1 else NAN,
        "mean_low": low,
        "mean_high": high,
    }


def _held_against(
    a: Mapping[str, NDArray[np.float64]],
    b: Mapping[str, NDArray[np.float64]],
    measure: Measure,
    matrix: NDArray[np.float64],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    one, other = list(a.values()), list(b.values())
    level = options["confidence_level"]
    means = [np.array([sample.mean() for sample in samples]) for samples in (one, other)]
    observed = distances(one, other)
    test = spread_test(one, other)
    row: dict[str, Any] = {
        "over": measure.over,
        "n_members_a": len(one),
        "n_members_b": len(other),
        "n_a": sum(map(len, one)),
        "n_b": sum(map(len, other)),
        "mean_a": float(means[0].mean()),
        "mean_b": float(means[1].mean()),
        "difference": float(observed.mean),
    }
    intervals = dict.fromkeys(
        (
            "difference_low", "difference_high", "wasserstein", "wasserstein_low", "wasserstein_high",
            "wasserstein_plugin", "ks", "ks_low", "ks_high", "ks_plugin",
        ),
        NAN,
    )  # fmt: skip
    # One value for each member has no distribution; its interval needs members on both sides.
    if measure.over != "members" or min(len(one), len(other)) > 1:
        drawn = resample(one, other, n_resamples=options["n_resamples"], seed=options["seed"])
        intervals["difference_low"], intervals["difference_high"] = interval(drawn.mean, level)
        if measure.has_distribution:
            for name, distance, resampled in (
                ("wasserstein", float(observed.wasserstein), drawn.wasserstein),
                ("ks", float(observed.kolmogorov_smirnov), drawn.kolmogorov_smirnov),
            ):
                found = corrected_distance(distance, resampled, level)
                intervals |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
                intervals[f"{name}_plugin"] = distance
    n = len(one)
    within = np.concatenate([matrix[:n, :n][np.triu_indices(n, 1)], matrix[n:, n:][np.triu_indices(len(other), 1)]])
    between = float(matrix[:n, n:].mean())
    return (
        row
        | intervals
        | {
            "sd_within": test.sd_within,
            "z": test.z,
            "p_value": test.p_value,
            "distance_between_members": between,
            "distance_within_ensembles": float(within.mean()) if len(within) else NAN,
            "distance_ratio": between / float(within.mean()) if len(within) and within.mean() > 0 else NAN,
            "n_distances_within": len(within),
            "share_within_larger": float(np.mean(within >= between)) if len(within) else NAN,
        }
    )


def _member_rows(who: Sequence[Pair], matrix: NDArray[np.float64]) -> list[dict[str, Any]]:
    """One for every two members, from their ensembles and names."""
    return [
        {
            "of_a": who[i][0],
            "member_a": who[i][1],
            "of_b": who[j][0],
            "member_b": who[j][1],
            "member_distance": float(matrix[i, j]),
        }
        for i, j in combinations(range(len(who)), 2)
    ]


def _seed_for(seed: int, *words: str) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, *" ".join(words).encode()])
