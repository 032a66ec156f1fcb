"""Spikes as a plain table, one a row: CSV (any separator) and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import SpikeTable
from .tables import (
    TIME_NAMES,
    TRIAL_NAMES,
    UNIT_NAMES,
    Columns,
    check_time_unit,
    constant_columns,
    find_column,
    has_header,
    milliseconds,
    number_units,
    read_table,
    read_trials,
    read_units,
)
from .trials import add_lack, add_note, cut_trials, given_trials, one_trial

_EXPECTED = "a table of spikes: CSV or Parquet, with a unit and a time in each row"


def load_spike_list(
    path: str | Path,
    *,
    trials: str | Path | None = None,
    units: str | Path | None = None,
    time_unit: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read a table of spikes: columns `unit`, `time` and, where spikes are counted within trials, `trial`.

    Names of columns are found in any case, with ``_ms`` or ``_s`` behind them or not; a file without a header has unit,
    time and trial in this order. Other columns that have one value for each unit (`area`, `cell_type`) become
    columns of the unit table, or for each trial (without a table of trials), of the trial table.

    Without a column `trial`, times are those of the recording, and a table of trials cuts it. With one, they are
    counted from the onset of the trial, unless all of them lie in their trial as times of the recording.

    Parameters
    ----------
    path : str or Path
    trials : str or Path, optional
        A table of trials beside: `start`, `stop` (or `duration`), an `onset` where it is not the start, and any other
        column. Its rows are found by a column `trial`, else by their number.
    units : str or Path, optional
        A table of units beside: `unit` and any other column. It can name units that never spike.
    time_unit : {"ms", "s"}, optional
        Unit of all times whose column does not end in ``_ms`` or ``_s``.
    class_column, align : str, optional
        Columns of the table of trials with the stimulus class, and with the onset (a time in the recording).
    window : (float, float), optional
        Cut this window around each onset [ms].

    Raises
    ------
    FileError
        When a file is missing, empty or no such table.
    InputError
        When nothing says which unit the times have, and on columns, units and trials that are not there.
    """
    if time_unit is not None:
        check_time_unit(time_unit)
    annotations: dict[str, Any] = {"source": Path(path).name}
    columns = read_table(path, _EXPECTED)
    names = _names(columns, path)
    known = None if units is None else read_units(units)
    table_of_trials = None if trials is None else read_trials(trials, time_unit, align, window)
    if align is not None and trials is None:
        raise InputError(f"align={align!r} needs a table of trials, which trials can name")
    try:
        time = milliseconds(columns, names["time"], time_unit, "the table of spikes")
        row, unit_columns = number_units(columns[names["unit"]], known, annotations)
        others = {name: column for name, column in columns.items() if name not in names.values()}
        more = constant_columns(others, row, len(unit_columns["unit_id"])) if known is None else {}
        unit_columns = more | unit_columns
        if known is None:
            add_note(annotations, "The units are those that spike; a table of units can name silent ones.")
        if "trial" in names:
            others = {name: column for name, column in others.items() if name not in more}
            return _spikes_in_trials(
                time, row, columns[names["trial"]], unit_columns, table_of_trials, others, annotations, class_column,
                window,
            )  # fmt: skip
        spiketrains = [time[rows] for rows in _rows_of(row, len(unit_columns["unit_id"]))]
        if table_of_trials is None:
            spikes = time[np.isfinite(time)]
            table_of_trials = one_trial(min(0.0, spikes.min(initial=0.0)), spikes.max(initial=0.0))
            add_lack(
                annotations, "There is no table of trials, so the whole recording is one trial; trials can name a file."
            )
        return cut_trials(
            spiketrains, unit_columns, table_of_trials, annotations, class_column=class_column, window=window
        )
    except SemsyncError as error:
        raise type(error)(f"{path}: {error}") from error


def _names(columns: Columns, path: str | Path) -> dict[str, str]:
    """What the columns of units, times and trials are called."""
    if not has_header(columns):
        if len(columns) not in (2, 3):
            raise FileError(
                f"{path} has {len(columns)} columns without a header, expected unit, time and perhaps trial"
            )
        return dict(zip(("unit", "time", "trial"), columns, strict=False))
    found = {
        "unit": find_column(columns, UNIT_NAMES),
        "time": find_column(columns, TIME_NAMES),
        "trial": find_column(columns, TRIAL_NAMES),
    }
    for name in ("unit", "time"):
        if found[name] is None:
            raise FileError(f"{path} has no column {name!r}; it has {sorted(columns)}, expected {_EXPECTED}")
    return {meaning: name for meaning, name in found.items() if name is not None}


def _rows_of(row: NDArray[Any], n_rows: int) -> list[NDArray[np.intp]]:
    order = np.argsort(row, kind="stable")
    return np.split(order, np.searchsorted(row[order], np.arange(1, n_rows)))


def _spikes_in_trials(
    time: NDArray[np.float64],
    unit: NDArray[Any],
    trial_id: NDArray[Any],
    units: Columns,
    trials: Columns | None,
    others: Columns,
    annotations: dict[str, Any],
    class_column: str | None,
    window: tuple[float, float] | None,
) -> SpikeTable:
    bad = np.flatnonzero(~np.isfinite(time))
    if len(bad):
        raise InputError(f"spike times must be finite, spike {bad[0]} is {time[bad[0]]}")
    if trial_id.dtype.kind == "f" and not np.isfinite(trial_id).all():
        raise InputError(f"spike {int(np.flatnonzero(~np.isfinite(trial_id))[0])} has no trial")
    if trials is None:
        ids, trial = np.unique(trial_id, return_inverse=True)
        own = constant_columns(others, trial, len(ids))
        last = np.nextafter(max(0.0, time.max()), np.inf)
        first = min(0.0, time.min())
        length = last - first if window is None else max(last, window[1]) - min(first, window[0])
        onset = np.arange(len(ids)) * np.ceil(length) - (first if window is None else min(first, window[0]))
        trials = own | {"trial_id": ids, "start": onset + first, "stop": onset + last, "onset": onset}
        add_note(annotations, "Spike times were taken as counted from the onset of their trial.")
        if window is None:
            add_lack(
                annotations,
                f"Nothing says how long a trial lasts or which trials have no spikes: all last from {first:g} to "
                f"{last:g} ms, as far as the spikes reach; a window or a table of trials can say it.",
            )
        else:
            trials |= {"start": onset + window[0], "stop": onset + window[1]}
        return given_trials(time, unit, trial, units, trials, annotations, class_column=class_column, window=window)
    trial = _trial_rows(trial_id, trials, annotations)
    start, stop, onset = (trials[name][trial] for name in ("start", "stop", "onset"))
    if np.all((time >= start) & (time <= stop)):
        add_note(annotations, "Spike times were taken as times of the recording: all lie in their trial.")
        time = time - onset
    else:
        add_note(annotations, "Spike times were taken as counted from the onset of their trial.")
    return given_trials(time, unit, trial, units, trials, annotations, class_column=class_column, window=window)


def _trial_rows(trial_id: NDArray[Any], trials: Columns, annotations: dict[str, Any]) -> NDArray[Any]:
    n_trials = len(trials["start"])
    name = find_column(trials, TRIAL_NAMES)
    if name is not None:
        ids = trials[name]
        add = ""
    else:
        first = 1 if trial_id.dtype.kind in "iuf" and trial_id.min() >= 1 and trial_id.max() == n_trials else 0
        ids = np.arange(n_trials) + first
        add = f"Rows of the table of trials were counted from {first}."
    if ids.dtype.kind not in "biuf" or trial_id.dtype.kind not in "biuf":
        ids, trial_id = ids.astype(str), trial_id.astype(str)
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids[order], trial_id), n_trials - 1)
    missing = np.flatnonzero(ids[order][place] != trial_id)
    if len(missing):
        raise InputError(f"the table of trials has no trial {trial_id[missing[0]]!s}, in which there are spikes")
    if add:
        add_note(annotations, add)
    return order[place]
