"""What can be compared between analyses: measures as samples over trials or units, out of the tables of an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from .analyze import Analysis

FloatArray = NDArray[np.float64]
Take = Callable[["Analysis", str, str], FloatArray]


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes
    ----------
    key : str
        Its column, where it is one.
    label : str
        On axes and in tables.
    unit : str
    over : {"trials", "units", "members"}
        What its sample is of; of "members" there is one value for each.
    take : callable
        From an analysis, a window and a group to the finite values, none where the analysis lacks the measure.
    has_distribution : bool
        False where the sample only tells how well its mean is known: shares, and one value for each member.
    """

    key: str
    label: str
    unit: str
    over: str
    take: Take
    has_distribution: bool = True


def as_written(name: str) -> str:
    """``hidden_3`` as people write it."""
    return name.replace("_", " ")


def group_names(analysis: Analysis, window: str) -> list[str]:
    """Names of the groups of a window, as people write them, in the order of the analysis."""
    rows = analysis.layers[analysis.layers["window"] == window].sort_values("layer", kind="stable")
    return [as_written(str(name)) for name in rows["name"]]


def class_entropy(analysis: Analysis, window: str) -> float:
    """Of the stimulus classes over the trials of a window [bits]; NaN where they are not known."""
    table = analysis.packets
    if not len(table) or "stimulus_class" not in table:
        return float("nan")
    table = table[table["window"] == window]
    of_trial = table.drop_duplicates("trial")["stimulus_class"]
    share = of_trial.value_counts(normalize=True).to_numpy(dtype=np.float64)
    return float(-(share * np.log2(share)).sum()) if (of_trial >= 0).any() else float("nan")


def find_measures(analyses: Sequence[Analysis], keys: Sequence[str] = ()) -> list[Measure]:
    """Measures by their keys; without keys the standard ones, and what additional analyses of all of them add.

    Parameters
    ----------
    analyses : sequence of Analysis
    keys : sequence of str
        Of :data:`MEASURES`, or ``TABLE.COLUMN`` of an additional analysis.

    Raises
    ------
    InputError
        When there is no such measure.
    """
    tables = [analysis.extras for analysis in analyses]
    extras = {f"{table}.{column}": (table, column) for table, column in _shared_columns(tables)}
    standard = {measure.key: measure for measure in MEASURES}
    if not keys:
        return [*MEASURES, *(extra_measure(*extras[key], tables[0]) for key in _EXTRA_KEYS if key in extras)]
    for key in keys:
        if key not in standard and key not in extras:
            known = [*standard, *extras]
            raise InputError(f"there is no measure {key!r}; all analyses have {', '.join(known)}")
    return [standard[key] if key in standard else extra_measure(*extras[key], tables[0]) for key in keys]


def _shared_columns(tables: Sequence[Mapping[str, pd.DataFrame]]) -> list[tuple[str, str]]:
    """Tables and columns of numbers that all analyses have, with one value for each unit, trial or group."""
    found = []
    for name, table in tables[0].items():
        by = next((key for key in ("unit_id", "trial", "name") if key in table), None)
        if by is None or "window" not in table or (by == "name" and table.duplicated(["window", "name"]).any()):
            continue
        for column in table.select_dtypes("number").columns:
            if column not in _KEYS and all(name in other and column in other[name] for other in tables):
                found.append((name, str(column)))
    return found


def extra_measure(table: str, column: str, tables: Mapping[str, pd.DataFrame]) -> Measure:
    """A column of the table of an additional analysis; over units or trials where it has a row for each."""
    example = tables[table]
    over = "units" if "unit_id" in example else "trials" if "trial" in example else "members"

    def take(analysis: Analysis, window: str, group: str) -> FloatArray:
        frame = analysis.extras.get(table)
        if frame is None or column not in frame:
            return np.empty(0)
        frame = frame[frame["window"] == window]
        if "unit_id" in frame:
            return _finite(frame.loc[frame["unit_id"].isin(_units(analysis, window, group)["unit_id"]), column])
        return _finite(frame.loc[_is_named(frame["name"], group), column])

    return Measure(f"{table}.{column}", column.replace("_", " "), "", over, take, over != "members")


def _is_named(names: pd.Series, group: str) -> NDArray[np.bool_]:
    return np.array([as_written(str(name)) == group for name in names], dtype=bool)


def _layer_row(analysis: Analysis, window: str, group: str) -> pd.DataFrame:
    rows = analysis.layers[analysis.layers["window"] == window]
    return rows[_is_named(rows["name"], group)]


def _units(analysis: Analysis, window: str, group: str) -> pd.DataFrame:
    row = _layer_row(analysis, window, group)
    units = analysis.units
    return units[(units["window"] == window) & units["layer"].isin(row["layer"])]


def _finite(values: object) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def _of_units(column: str) -> Take:
    def take(analysis: Analysis, window: str, group: str) -> FloatArray:
        units = _units(analysis, window, group)
        return _finite(units[column]) if column in units else np.empty(0)

    return take


def _of_trials(column: str) -> Take:
    def take(analysis: Analysis, window: str, group: str) -> FloatArray:
        packets = analysis.packets
        if not len(packets) or column not in packets:
            return np.empty(0)
        of_group = packets["layer"].isin(_layer_row(analysis, window, group)["layer"])
        return _finite(packets.loc[(packets["window"] == window) & of_group, column])

    return take


def _of_layers(column: str) -> Take:
    def take(analysis: Analysis, window: str, group: str) -> FloatArray:
        row = _layer_row(analysis, window, group)
        return _finite(row[column]) if column in row else np.empty(0)

    return take


def _active_share(analysis: Analysis, window: str, group: str) -> FloatArray:
    n_trials = _of_layers("n_trials")(analysis, window, group)
    return _of_units("n_active_trials")(analysis, window, group) / n_trials if len(n_trials) else np.empty(0)


def _information_share(analysis: Analysis, window: str, group: str) -> FloatArray:
    entropy = class_entropy(analysis, window)
    return _of_units("information_bits")(analysis, window, group) / entropy if entropy > 0 else np.empty(0)


def _informative(analysis: Analysis, window: str, group: str) -> FloatArray:
    """1 for each informative unit; units that could not be tested are none."""
    units = _units(analysis, window, group)
    if "q_value" not in units or not np.isfinite(_of_layers("fraction_informative")(analysis, window, group)).any():
        return np.empty(0)
    return (units["q_value"].to_numpy(dtype=np.float64) < float(analysis.settings["alpha"])).astype(np.float64)


def _decoding_above_chance(analysis: Analysis, window: str, group: str) -> FloatArray:
    """A value for each held-out trial, whose mean is (accuracy - chance) / (1 - chance)."""
    accuracy, sem, chance, n_trials = (
        _of_layers(column)(analysis, window, group)
        for column in ("decoding_accuracy", "decoding_accuracy_sem", "chance_accuracy", "n_trials")
    )
    if not (len(accuracy) and len(chance)) or not chance[0] < 1:
        return np.empty(0)
    # Classes with too few trials were left out of decoding: the binomial standard error tells how many are left.
    n = accuracy[0] * (1 - accuracy[0]) / sem[0] ** 2 if len(sem) and sem[0] > 0 else n_trials[0]
    n_decoded = round(float(n))
    correct = (np.arange(n_decoded) < round(float(accuracy[0]) * n_decoded)).astype(np.float64)
    return (correct - chance[0]) / (1 - chance[0])


MEASURES = (
    Measure("rate_hz", "rate", "Hz", "units", _of_units("rate_hz")),
    Measure("active_share", "active trials of a unit", "share", "units", _active_share),
    Measure("packet_size", "spikes per packet", "", "trials", _of_trials("packet_size")),
    Measure("participation", "participation", "share of units", "trials", _of_trials("participation")),
    Measure("packet_sd_ms", "SD of spike times", "ms", "trials", _of_trials("packet_sd_ms")),
    Measure("packet_shortest_half_ms", "shortest half", "ms", "trials", _of_trials("packet_shortest_half_ms")),
    Measure(
        "packet_shortest_half_matched_ms",
        "shortest half, equal size",
        "ms",
        "trials",
        _of_trials("packet_shortest_half_matched_ms"),
    ),
    Measure("information_gain", "information gain", "", "units", _of_units("information_gain")),
    Measure("information_bits", "mutual information", "bits", "units", _of_units("information_bits")),
    Measure("information_share", "mutual information / class entropy", "", "units", _information_share),
    Measure("fraction_informative", "informative units", "share", "units", _informative, False),
    Measure("decoding_above_chance", "decoding above chance", "", "trials", _decoding_above_chance, False),
    Measure("jaccard_auc", "Jaccard AUC of classes", "", "members", _of_layers("jaccard_auc"), False),
)

_EXTRA_KEYS = ("sparseness_units.lifetime_sparseness", "sparseness.population_sparseness")
_KEYS = ("window", "unit_id", "layer", "trial", "stimulus_class", "preferred_class")
_LABELS = {measure.key: measure.label for measure in MEASURES}


def find_title(key: str, unit: str = "") -> str:
    """How people call a measure, of additional analyses too.

    Examples
    --------
    >>> find_title("packet_sd_ms", "ms"), find_title("sparseness_units.lifetime_sparseness")
    ('SD of spike times (ms)', 'lifetime sparseness')
    """
    label = _LABELS.get(key, key.rpartition(".")[2].replace("_", " "))
    return f"{label} ({unit})" if unit else label
