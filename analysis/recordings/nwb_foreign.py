"""NWB files of other programs, as tables; :func:`.nwb.load_nwb` says how they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import FileError, InputError
from ...spike_table import SpikeTable
from .trials import add_lack, add_note, cut_trials, foreign_columns, one_trial

if TYPE_CHECKING:
    import pynwb
    from hdmf.common import DynamicTable

_MS_PER_S = 1000.0
_SPIKE_COLUMNS = ("spike_times", "electrodes", "obs_intervals")


def foreign_table(
    nwb: pynwb.NWBFile,
    trials: str | None,
    class_column: str | None,
    align: str | None,
    window: tuple[float, float] | None,
) -> SpikeTable:
    """The table of an open NWB file; parameters and errors as of :func:`.nwb.load_nwb`."""
    units = nwb.units
    if units is None or "spike_times" not in units.colnames:
        raise FileError("the file has no units with spike_times")
    annotations: dict[str, Any] = {
        name: str(getattr(nwb, name))
        for name in ("identifier", "session_description", "session_id", "lab", "institution")
        if getattr(nwb, name)
    }
    annotations["session_start_time"] = nwb.session_start_time.isoformat()

    spikes, spiketrains = _spiketrains(units)

    unit_columns, left_out = _row_columns(units, _SPIKE_COLUMNS)
    unit_columns.setdefault("unit_id", np.asarray(units.id[:]))
    if left_out:
        add_note(annotations, f"Columns of the units with several values a row were not read: {', '.join(left_out)}.")
    areas = _areas(units, annotations)
    if areas is not None:
        unit_columns.setdefault("area", areas)

    table = _choose_trials(nwb, trials)
    if table is None:
        if align is not None:
            raise InputError(f"align={align!r} needs a table of trials, which trials can name: {_tables_in_words(nwb)}")
        spike_times = spikes[np.isfinite(spikes)]
        columns = one_trial(min(0.0, spike_times.min(initial=0.0)), spike_times.max(initial=0.0))
        add_lack(
            annotations,
            f"No table of trials was named and none is called trials, so the whole recording is one trial; "
            f"{_tables_in_words(nwb)}.",
        )
    else:
        columns, left_out = _row_columns(table, ("start_time", "stop_time"))
        start = np.asarray(table["start_time"].data[:], dtype=np.float64) * _MS_PER_S
        stop = np.asarray(table["stop_time"].data[:], dtype=np.float64) * _MS_PER_S
        onset = start
        if align is not None and align != "start_time":
            if align not in columns or columns[align].dtype.kind not in "iuf":
                raise InputError(f"table {table.name!r} has no times {align!r} to align to; it has {sorted(columns)}")
            onset = columns[align].astype(np.float64) * _MS_PER_S
        columns = foreign_columns(columns) | {"start": start, "stop": stop, "onset": onset}
        annotations["trials"] = table.name
        _note_unobserved(units, columns, annotations)
    return cut_trials(spiketrains, unit_columns, columns, annotations, class_column=class_column, window=window)


def _spiketrains(units: DynamicTable) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """All spike times [ms], and those of each unit."""
    index = units["spike_times"]
    if not hasattr(index, "target"):
        raise FileError("the units have spike_times without an index that says which spikes are of which unit")
    spikes = np.asarray(index.target.data[:], dtype=np.float64) * _MS_PER_S
    end = np.asarray(index.data[:], dtype=np.int64)
    if len(end) != len(units) or np.any(np.diff(end, prepend=0) < 0) or (len(end) and end[-1] > len(spikes)):
        raise FileError("the index of the spike times does not fit them")
    return spikes, np.split(spikes, end)[: len(units)]


def _note_unobserved(units: DynamicTable, trials: dict[str, NDArray[Any]], annotations: dict[str, Any]) -> None:
    """Say where the file says that a unit was not observed in a trial, in which it is silent here."""
    index = units["obs_intervals"] if "obs_intervals" in units.colnames else None
    if index is None or not hasattr(index, "target"):
        return
    intervals = np.asarray(index.target.data[:], dtype=np.float64).reshape(-1, 2) * _MS_PER_S
    n_units, n_trials = 0, 0
    for own in np.split(intervals, np.asarray(index.data[:], dtype=np.int64))[: len(units)]:
        if len(own):
            # In ms, so that a trial that ends with the observation lies within it.
            inside = (trials["start"][:, None] >= own[:, 0] - 1) & (trials["stop"][:, None] <= own[:, 1] + 1)
            n_outside = int(np.count_nonzero(~inside.any(axis=1)))
            n_units, n_trials = n_units + (n_outside > 0), n_trials + n_outside
    if n_units:
        add_note(
            annotations,
            f"{n_units} units were not observed throughout (obs_intervals), all in all in {n_trials} trials: they "
            "count as silent there.",
        )


def plain_column(values: ArrayLike) -> NDArray[Any]:
    """A column of HDF5 as numpy has it: text as str, whatever it came as."""
    column = np.asarray(values)
    if column.dtype.kind not in "OS":
        return column
    texts = [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in column.tolist()]
    return np.array(texts, dtype=np.str_)


def _row_columns(table: DynamicTable, without: tuple[str, ...]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Columns with one plain value a row, and the names of the others."""
    columns: dict[str, NDArray[Any]] = {}
    others = []
    for name in table.colnames:
        if name in without:
            continue
        column = table[name]
        values = np.asarray(column.data[:])
        # A ragged column is its index (with a target); a reference to rows has a table.
        if hasattr(column, "target") or hasattr(column, "table") or not _is_plain(values):
            others.append(name)
        else:
            columns[name] = plain_column(values)
    return columns, others


def _is_plain(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "O":
        return values.ndim == 1 and all(isinstance(value, bytes | str) for value in values.tolist())
    return values.ndim == 1 and values.dtype.kind in "biufSU"


def _areas(units: DynamicTable, annotations: dict[str, Any]) -> NDArray[Any] | None:
    """Where each unit's electrodes are; several places joined by ``+``, ``-`` without electrodes."""
    if "electrodes" not in units.colnames:
        return None
    column = units["electrodes"]
    region = getattr(column, "target", column)
    if "location" not in region.table.colnames:
        return None
    location = plain_column(region.table["location"].data[:])
    rows = np.asarray(region.data[:], dtype=np.int64)
    if len(rows) and (rows.min() < 0 or rows.max() >= len(location)):
        add_note(annotations, "The units name electrodes that the table of electrodes lacks: areas were not read.")
        return None
    places = location[rows]
    if region is column:
        return places
    parts = np.split(places, np.asarray(column.data[:], dtype=np.int64))[: len(units)]
    return np.array(["+".join(sorted(set(part.tolist()))) or "-" for part in parts], dtype=np.str_)


def _choose_trials(nwb: pynwb.NWBFile, name: str | None) -> DynamicTable | None:
    tables = _tables(nwb)
    if name is not None and name not in tables:
        raise InputError(f"there is no table of intervals {name!r} to take trials from; {_tables_in_words(nwb)}")
    return tables.get(name or "trials")


def _tables(nwb: pynwb.NWBFile) -> dict[str, DynamicTable]:
    own = {"trials": nwb.trials, "epochs": nwb.epochs}
    return {name: table for name, table in own.items() if table is not None} | dict(nwb.intervals or {})


def _tables_in_words(nwb: pynwb.NWBFile) -> str:
    tables = _tables(nwb)
    if not tables:
        return "the file has no tables of intervals"
    return "the file has " + ", ".join(f"{name} ({', '.join(table.colnames)})" for name, table in tables.items())
