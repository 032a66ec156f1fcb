"""Continuous recordings cut into trials: the part that every foreign file shares, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable

_OWN_COLUMNS = ("start", "stop", "onset")
_ROW = "row in the file"


def add_note(annotations: dict[str, Any], sentence: str) -> None:
    """Say what a reader assumed or left out, in ``annotations['notes']``."""
    annotations.setdefault("notes", []).append(sentence)


def add_lack(annotations: dict[str, Any], sentence: str) -> None:
    """Say what a recording does not have, in ``annotations['lacks']``."""
    annotations.setdefault("lacks", []).append(sentence)


def cut_trials(
    spiketrains: Sequence[ArrayLike],
    units: Mapping[str, ArrayLike],
    trials: Mapping[str, ArrayLike],
    annotations: dict[str, Any],
    *,
    class_column: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Spikes of a continuous recording, counted from the onset of the trials that they fall into.

    A spike at `stop` belongs to no trial or to the next; a spike in two trials that overlap is counted in both.

    Parameters
    ----------
    spiketrains : sequence of array, shapes [n_spikes_of_unit]
        Times of each unit in the recording [ms]; sorted here, with a note, when they are not.
    units : mapping of str to array, shape [n_units]
    trials : mapping of str to array, shape [n_trials]
        `start`, `stop` and `onset` in the recording [ms], and any other column. Trials without a finite start, stop and
        onset, or that do not last, are left out with a note.
    annotations : dict
        Becomes the table's; `notes` and `lacks` are added to it.
    class_column : str, optional
        Column of `trials` that becomes `stimulus_class`; by default a column of that name. Values that are not integers
        >= 0 are numbered in their sorted order, and named in ``annotations['class_names']``.
    window : (float, float), optional
        Cut from ``onset + window[0]`` to ``onset + window[1]`` [ms] and not from `start` to `stop`.

    Raises
    ------
    InputError
        On spike times that are not finite, an unknown class column, or a window that ends before it begins.
    """
    columns = {name: np.asarray(column) for name, column in trials.items()}
    columns = _classified(columns, class_column, annotations)
    columns |= {name: columns[name].astype(np.float64) for name in _OWN_COLUMNS}
    if window is not None:
        before, after = check_window(window)
        columns["start"], columns["stop"] = columns["onset"] + before, columns["onset"] + after
        annotations["window_ms"] = [before, after]
    columns = _lasting(columns, annotations)

    start, stop, onset = (columns[name] for name in _OWN_COLUMNS)
    times, unit, trial, n_unsorted, last_spike = [], [], [], 0, -np.inf
    for row, spiketrain in enumerate(spiketrains):
        spikes = np.asarray(spiketrain, dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(spikes))
        if len(bad):
            raise InputError(f"spike times must be finite, spike {bad[0]} of unit row {row} is {spikes[bad[0]]}")
        if np.any(np.diff(spikes) < 0):
            n_unsorted += 1
            spikes = np.sort(spikes)
        last_spike = max(last_spike, spikes[-1] if len(spikes) else -np.inf)
        first = np.searchsorted(spikes, start, side="left")
        n_spikes = np.maximum(np.searchsorted(spikes, stop, side="left") - first, 0)
        of_trial = np.repeat(np.arange(len(start)), n_spikes)
        index = np.arange(len(of_trial)) - np.repeat(np.cumsum(n_spikes) - n_spikes - first, n_spikes)
        times.append(spikes[index] - onset[of_trial])
        unit.append(np.full(len(index), row, dtype=np.int32))
        trial.append(of_trial.astype(np.int32))
    n_after = np.count_nonzero(start > last_spike)
    if n_after and np.isfinite(last_spike):
        add_note(annotations, f"{n_after} trials begin after the last spike of the recording; are they of its time?")
    if n_unsorted:
        add_note(annotations, f"The spike times of {n_unsorted} units were not in order and have been sorted.")
    return SpikeTable(
        _joined(times, np.float64),
        _joined(unit, np.int32),
        _joined(trial, np.int32),
        {name: np.asarray(column) for name, column in units.items()},
        columns,
        annotations,
    )


def _joined(parts: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """One array; the parts are let go, as together they are as large."""
    joined = np.concatenate([*parts, np.empty(0, dtype=dtype)])
    parts.clear()
    return joined


def cut_again(
    table: SpikeTable,
    *,
    trials: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """A table of ours with other classes, onsets or windows; without options the table itself.

    A window can only hold spikes that were in a trial before. `align` names a column of `trials` with times in the
    recording [ms]; the parameters are otherwise those of :func:`cut_trials`.
    """
    if trials not in (None, "trials"):
        raise InputError(f"a recording of semsync has one table of trials, called 'trials', not {trials!r}")
    if class_column is None and align is None and window is None:
        return table
    annotations = dict(table.annotations)
    columns = dict(table.trials)
    if class_column is not None:
        columns = _classified(columns, class_column, annotations)
        if len(columns["start"]) < table.n_trials:
            raise InputError(f"class column {class_column!r} has no value in some trials")
    if align is None and window is None:
        return SpikeTable(table.times, table.unit, table.trial, table.units, columns, annotations)
    if align is not None:
        if align not in columns or columns[align].dtype.kind not in "iuf":
            raise InputError(f"the trials have no times {align!r} to align to; they have {sorted(columns)}")
        columns["onset"] = columns[align].astype(np.float64)
    absolute = table.trials["onset"][table.trial] + table.times
    # Once each, though trials that overlap hold a spike twice.
    spiketrains = [np.unique(absolute[table.unit == row]) for row in range(table.n_units)]
    return cut_trials(spiketrains, table.units, columns, annotations, window=window)


def given_trials(
    times: NDArray[np.float64],
    unit: NDArray[Any],
    trial: NDArray[Any],
    units: Mapping[str, ArrayLike],
    trials: Mapping[str, ArrayLike],
    annotations: dict[str, Any],
    *,
    class_column: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """As :func:`cut_trials`, for spikes that are already counted from the onset of their trial.

    Parameters
    ----------
    times : float array, shape [n_spikes]
        From the onset of the trial [ms]. Without a window, spikes outside of their trial are left out, with a note.
    unit, trial : int array, shape [n_spikes]
        Rows of `units` and `trials`.
    """
    columns = {name: np.asarray(column) for name, column in trials.items()}
    columns["start"], columns["stop"], columns["onset"] = (columns[n].astype(np.float64) for n in _OWN_COLUMNS)
    n_trials = len(columns["start"])
    columns[_ROW] = np.arange(n_trials)
    columns = _lasting(_classified(columns, class_column, annotations), annotations)
    lower, upper = columns["start"] - columns["onset"], columns["stop"] - columns["onset"]
    new_row = np.full(n_trials, -1)
    new_row[columns.pop(_ROW)] = np.arange(len(lower))
    row = new_row[trial]
    keep = row >= 0
    if window is not None:
        before, after = check_window(window)
        columns["start"], columns["stop"] = columns["onset"] + before, columns["onset"] + after
        annotations["window_ms"] = [before, after]
        keep &= (times >= before) & (times < after)
    elif len(lower):
        outside = keep & ((times < lower[row]) | (times > upper[row]))
        if outside.any():
            add_note(annotations, f"{np.count_nonzero(outside)} spikes lie outside of their trial: left out.")
        keep &= ~outside
    named_units = {name: np.asarray(column) for name, column in units.items()}
    return SpikeTable(times[keep], unit[keep], row[keep], named_units, columns, annotations)


def one_trial(t_start: float, t_stop: float) -> dict[str, NDArray[Any]]:
    """A trial table of one row, from the first to the last moment of a recording [ms], both included."""
    stop = np.nextafter(max(t_start, t_stop), np.inf)
    return {"start": np.array([t_start]), "stop": np.array([stop]), "onset": np.array([t_start])}


def foreign_columns(columns: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Columns of a foreign trial table; those named as ours, but of unknown meaning, are called ``source_<name>``."""
    return {f"source_{name}" if name in _OWN_COLUMNS else name: np.asarray(column) for name, column in columns.items()}


def check_window(window: tuple[float, float]) -> tuple[float, float]:
    """A window as two floats [ms], or an `InputError`."""
    try:
        before, after = (float(border) for border in window)
    except (TypeError, ValueError):
        raise InputError(f"window must be two times in ms around the onset, got {window!r}") from None
    if not (np.isfinite(before) and np.isfinite(after) and before < after):
        raise InputError(f"window must be two finite times in ms, the first before the second, got {window!r}")
    return before, after


def _lasting(columns: dict[str, NDArray[Any]], annotations: dict[str, Any]) -> dict[str, NDArray[Any]]:
    finite = np.all([np.isfinite(columns[name]) for name in _OWN_COLUMNS], axis=0)
    keep = finite & (columns["stop"] > columns["start"])
    if not keep.all():
        n_left_out = np.count_nonzero(~keep)
        add_note(annotations, f"{n_left_out} trials have no finite start, stop and onset, or do not last: left out.")
    return {name: column[keep] for name, column in columns.items()}


def _classified(
    columns: dict[str, NDArray[Any]], class_column: str | None, annotations: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    others = sorted(columns.keys() - {*_OWN_COLUMNS, _ROW})
    if class_column is None and "stimulus_class" not in columns:
        choice = f"; class_column can name one of {others}" if others else ""
        add_lack(annotations, f"The trials have no stimulus classes{choice}.")
        return columns
    name = class_column or "stimulus_class"
    if name not in columns:
        raise InputError(f"the trials have no column {name!r} to take classes from; they have {others}")
    values = columns[name]
    known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    if not known.all():
        add_note(annotations, f"{np.count_nonzero(~known)} trials have no value in class column {name!r}: left out.")
    columns = {key: column[known] for key, column in columns.items()}
    columns["stimulus_class"] = _class_numbers(values[known], annotations)
    return columns


def _class_numbers(values: NDArray[Any], annotations: dict[str, Any]) -> NDArray[np.int64]:
    if values.dtype.kind in "biuf" and np.all((values >= 0) & (values == np.floor(values)) & (values < 2**31)):
        return values.astype(np.int64)
    names, numbers = np.unique(values, return_inverse=True)
    annotations["class_names"] = [str(name) for name in names]
    return numbers.astype(np.int64)
