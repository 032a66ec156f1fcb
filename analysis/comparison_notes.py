"""What restricts a comparison, in sentences: single members, settings that differ, measures that one side lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .comparison_measures import Measure, as_written, class_entropy
from .figures.series import require_window
from .figures.windows import window_title

if TYPE_CHECKING:
    from .analyze import Analysis
    from .comparison import Ensemble

_SETTINGS = {
    "correction": "bias correction",
    "spike_mode": "spikes of a packet",
    "min_active_trials": "min_active_trials",
    "n_splits": "folds of cross-validation",
    "alpha": "alpha",
}
_MATCHED = "packet_shortest_half_matched_ms"


def notes_on_members(ensembles: Sequence[Ensemble]) -> list[str]:
    """How much each ensemble can say about the spread of its members."""
    notes = []
    single = [ensemble.name for ensemble in ensembles if len(ensemble.members) == 1]
    if single:
        are = "is a single analysis" if len(single) == 1 else "are single analyses"
        notes.append(
            f"{_and(single)} {are}: nothing tells how much another session or seed would differ, and intervals hold "
            "the sampling of units and trials alone."
        )
    if len(single) == len(ensembles):
        notes.append("Without an ensemble there is no z, no p-value and no distance within: the bootstrap is all.")
    few = [f"{len(one.members)} members of {one.name}" for one in ensembles if 1 < len(one.members) < 10]
    if few:
        notes.append(
            f"From {_and(few)} a spread is known roughly: read z with the degrees of freedom of the t-test, and take "
            "intervals of the bootstrap over members as too narrow."
        )
    return notes


def notes_on_settings(first: Ensemble, second: Ensemble, window_a: str, window_b: str) -> list[str]:
    """What was computed in different ways."""
    notes = []
    if window_a != window_b:
        notes.append(f"Windows differ: {first.name} {window_title(window_a)}, {second.name} {window_title(window_b)}.")
    elif window_a == "all":
        spans = [
            _values(one, lambda member: str(_reading(member).get("span", "the whole trial"))) for one in (first, second)
        ]
        if spans[0] != spans[1]:
            notes.append(
                f"The window 'all' is that of the trials read: {_and(spans[0])} of {first.name}, {_and(spans[1])} of "
                f"{second.name}."
            )
    lasting = [
        _values(one, lambda member, w=w: _duration(member, w)) for one, w in ((first, window_a), (second, window_b))
    ]
    if lasting[0] != lasting[1] and "" not in (*lasting[0], *lasting[1]):
        durations = f"{_and(lasting[0])} ms in {first.name} and {_and(lasting[1])} ms in {second.name}"
        notes.append(f"A window lasts {durations} on average.")
    for key, title in _SETTINGS.items():
        found = [_values(one, lambda member, key=key: str(member.settings.get(key))) for one in (first, second)]
        if found[0] != found[1] or len(found[0]) > 1:
            notes.append(f"The {title} differs: {_and(found[0])} in {first.name}, {_and(found[1])} in {second.name}.")
    return notes


def notes_on_measures(
    first: Ensemble,
    second: Ensemble,
    window_a: str,
    window_b: str,
    pairs: Sequence[tuple[str, str]],
    measures: Sequence[Measure],
) -> tuple[list[Measure], list[str]]:
    """Measures that both ensembles have, and what keeps them from being alike."""
    sides = ((first, window_a, {a for a, _ in pairs}), (second, window_b, {b for _, b in pairs}))
    notes, possible = [], []
    lacking: dict[str, list[str]] = {first.name: [], second.name: []}
    for measure in measures:
        has = [
            any(len(measure.take(member, window, group)) for member in one.members.values() for group in sorted(groups))
            for one, window, groups in sides
        ]
        if all(has):
            possible.append(measure)
        for (one, _, _), there in zip(sides, has, strict=True):
            if not there and any(has):
                lacking[one.name].append(measure.label)
    for name, labels in lacking.items():
        if labels:
            notes.append(f"{name} has no {'; no '.join(labels)}.")
    keys = {measure.key for measure in possible}
    sizes = [_values(one, lambda m, w=window: f"{_first(m, w, 'matched_size'):g}") for one, window, _ in sides]
    if _MATCHED in keys and (sizes[0] != sizes[1] or len(sizes[0]) > 1):
        possible = [measure for measure in possible if measure.key != _MATCHED]
        notes.append(
            f"Packets were cut to {_and(sizes[0])} spikes in {first.name} and to {_and(sizes[1])} in {second.name}: "
            "their shortest halves are not compared; --matched-size of the analysis makes them equal."
        )
    if keys & {"packet_size", "packet_shortest_half_ms"} and _n_units(*sides[0]) != _n_units(*sides[1]):
        notes.append(
            f"Groups of {first.name} and {second.name} differ in their number of units, on which the spikes per packet "
            "depend, and through them the shortest half: read participation and SD."
        )
    entropies = [_values(one, lambda m, w=window: f"{class_entropy(m, w):.2f}") for one, window, _ in sides]
    if "information_bits" in keys and entropies[0] != entropies[1]:
        notes.append(
            f"The classes have {_and(entropies[0])} bits in {first.name} and {_and(entropies[1])} in {second.name}: "
            "read the mutual information as a share of them."
        )
    return possible, notes


def _values(ensemble: Ensemble, of_member: Any) -> list[str]:
    return sorted({of_member(member) for member in ensemble.members.values()})


def _reading(member: Analysis) -> dict[str, Any]:
    return dict(member.settings.get("reading") or {})


def _duration(member: Analysis, window: str) -> str:
    """Mean duration of a window, from sizes of packets and rates; "" where they are not known."""
    rows = member.layers[member.layers["window"] == window]
    if not {"packet_size", "rate_hz", "n_units"} <= set(rows.columns):
        return ""
    n_spikes, rate = (
        rows["packet_size"].to_numpy(dtype=float),
        (rows["rate_hz"] * rows["n_units"]).to_numpy(dtype=float),
    )
    known = (rate > 0) & (n_spikes > 0)
    if not known.any():
        return ""
    three_digits = f"{1000 * n_spikes[known][0] / rate[known][0]:.3g}"
    return f"{float(three_digits):g}"  # 1000, not 1e+03


def _first(member: Analysis, window: str, column: str) -> float:
    require_window(member, window)
    rows = member.layers[member.layers["window"] == window]
    return float(rows[column].iloc[0]) if column in rows and len(rows) else float("nan")


def _n_units(ensemble: Ensemble, window: str, groups: set[str]) -> set[int]:
    found: set[int] = set()
    for member in ensemble.members.values():
        rows = member.layers[member.layers["window"] == window]
        found |= {int(n) for name, n in zip(rows["name"], rows["n_units"], strict=True) if as_written(name) in groups}
    return found


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
