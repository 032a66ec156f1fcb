"""Inspection of NWB and NIX files, through HDF5 and without their libraries: spikes are counted, not read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from .column_names import unescape
from .header import HEADER_NAME, decode_header
from .inspection import Inspection, TrialTable, describe_trials, require_units, units_lack
from .nwb_foreign import plain_column
from .suggestion import suggest

if TYPE_CHECKING:
    import h5py

_MS_PER_S = 1000.0
_MS_PER_UNIT = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6, "min": 60_000.0, "h": 3_600_000.0}
_ALL_SPIKES = 2_000_000  # up to so many are read, for the first and the last; of more, those of each unit
_NOT_TRIAL_COLUMNS = ("id", "start_time", "stop_time", "start", "stop", "onset", "tags", "timeseries")
_NOT_UNIT_COLUMNS = ("id", "spike_times", "electrodes", "electrode_group", "obs_intervals", "time_in_trial", "trial")
_NOT_UNIT_ANNOTATIONS = (
    "nix_name",
    "neo_name",
    "t_start",
    "t_stop",
    "sampling_rate",
    "left_sweep",
    "time_in_trial",
    "trial",
)


def inspect_nwb(path: Path) -> Inspection:
    """An NWB file, see :func:`.inspection.inspect_recording`."""
    import h5py

    with h5py.File(path, "r") as file:
        if "units/spike_times" not in file or "units/spike_times_index" not in file:
            raise FileError(f"{path}: the file has no units with spike_times")
        units = file["units"]
        end = np.asarray(units["spike_times_index"][:], dtype=np.int64)
        n_spikes = np.diff(end, prepend=0)
        if np.any(n_spikes < 0) or (len(end) and end[-1] > len(units["spike_times"])):
            raise FileError(f"{path} is damaged: the index of its spike times does not fit them")
        require_units(path, len(end))
        columns = _columns(units, _NOT_UNIT_COLUMNS, len(end))
        columns.setdefault("unit_id", np.asarray(units["id"][:]))
        areas = _areas(file, len(end))
        if areas is not None:
            columns.setdefault("area", areas)
        t_start, t_stop = _ends(units["spike_times"], end, n_spikes)
        header = _header_of(file)
        tables = tuple(_interval_table(name, group) for name, group in _interval_groups(file).items())
        observed = "obs_intervals" in units
    notes, lacks = _told(header)
    options, remarks = suggest(tables, named=header is None)
    lacks += units_lack(columns)
    if not tables:
        lacks.append("The file has no tables of intervals: the whole recording is one trial.")
    elif header is None and "trials" not in {table.name for table in tables}:
        lacks.append("No table of intervals is called trials: --trials names one.")
    if header is None and not observed:
        lacks.append("The file does not say when units were observed (obs_intervals): all the time is assumed.")
    t_start = min(0.0, t_start)
    return Inspection(
        path, "NWB", header is not None, columns, n_spikes, t_stop - t_start, t_start, t_stop, tables,
        notes=tuple(notes), lacks=tuple(lacks), options=options, remarks=tuple(remarks),
    )  # fmt: skip


def inspect_nix(path: Path) -> Inspection:
    """A NIX file of Neo's layout, see :func:`.inspection.inspect_recording`."""
    import h5py

    with h5py.File(path, "r") as file:
        blocks = list(file["data"].values()) if "data" in file else []
        if not blocks:
            raise FileError(f"{path} is a NIX file without a Block, expected one with spike trains")
        block = blocks[0]
        tags = list(block["multi_tags"].values()) if "multi_tags" in block else []
        trains = [tag for tag in tags if _text(tag.attrs.get("type")) == "neo.spiketrain"]
        epochs = [tag for tag in tags if _text(tag.attrs.get("type")) == "neo.epoch"]
        events = [_properties(tag).get("neo_name") for tag in tags if _text(tag.attrs.get("type")) == "neo.event"]
        n_segments = len(block["groups"]) if "groups" in block else 0
        properties = [_properties(train) for train in trains]
        n_spikes = np.array([train["positions/data"].shape[0] for train in trains], dtype=np.int64)
        borders = [_borders(train, own) for train, own in zip(trains, properties, strict=True)]
        name = _text(block.attrs.get("name"))
        text = _properties_of(file, f"metadata/{name}").get(HEADER_NAME)
        header = None if text is None else decode_header(str(text))
        # The labels of our own Epochs are the numbers of the trials.
        tables = tuple(_epoch_table(epoch, with_labels=header is None) for epoch in epochs)
    require_units(path, len(trains))
    notes, lacks = _told(header)
    if len(blocks) > 1:
        notes.append(f"The file holds {len(blocks)} Blocks, of which the first is read.")
    units = _shared(properties)
    units.setdefault("unit_id", np.arange(len(trains)))
    lacks += units_lack(units)
    start, stop = min(border[0] for border in borders), max(border[1] for border in borders)
    options: dict[str, str] = {}
    remarks: list[str] = []
    if n_segments > 1:
        notes.append(f"{n_segments} Segments are a trial each; units are counted here for each of them.")
    else:
        options, remarks = suggest(tables, named=header is None)
        if "trials" in options and len(tables) == 1:
            del options["trials"]
        if not tables:
            lacks.append("There is no Epoch of trials: the whole recording is one trial.")
    if any(events):
        names = ", ".join(sorted({str(name) for name in events if name}))
        remarks.append(f"Events that --trials can name, with a --span around them: {names}.")
    return Inspection(
        path, "NIX", header is not None, units, n_spikes, stop - start, start, stop, tables,
        notes=tuple(notes), lacks=tuple(lacks), options=options, remarks=tuple(remarks),
    )  # fmt: skip


def _told(header: dict[str, Any] | None) -> tuple[list[str], list[str]]:
    """What a file of ours says was assumed and is lacking."""
    annotations = {} if header is None else header["annotations"]
    return list(annotations.get("notes", ())), list(annotations.get("lacks", ()))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _header_of(file: h5py.File) -> dict[str, Any] | None:
    if f"scratch/{HEADER_NAME}" not in file:
        return None
    return decode_header(_text(file[f"scratch/{HEADER_NAME}"][()]))


def _columns(group: h5py.Group, without: tuple[str, ...], n_rows: int) -> dict[str, NDArray[Any]]:
    """Columns of one plain value a row."""
    import h5py

    columns = {}
    # HDF5 sorts by name; `colnames` has the order of the table.
    order = [_text(name) for name in np.ravel(group.attrs.get("colnames", ()))]
    for name in sorted(group, key=lambda name: order.index(name) if name in order else len(order)):
        data = group[name]
        plain = isinstance(data, h5py.Dataset) and data.shape == (n_rows,) and not name.endswith("_index")
        if not plain or name in without or f"{name}_index" in group or "table" in data.attrs:
            continue
        values = data[:]
        if h5py.check_ref_dtype(data.dtype) is None and (
            values.dtype.kind in "biufSU"
            or (values.dtype.kind == "O" and all(isinstance(value, bytes | str) for value in values.tolist()))
        ):
            columns[unescape(name)] = plain_column(values)
    return columns


def _areas(file: h5py.File, n_units: int) -> NDArray[np.str_] | None:
    location = "general/extracellular_ephys/electrodes/location"
    if "units/electrodes" not in file or location not in file:
        return None
    locations, rows = plain_column(file[location][:]), np.asarray(file["units/electrodes"][:], dtype=np.int64)
    if len(rows) and (rows.min() < 0 or rows.max() >= len(locations)):
        return None
    places = locations[rows]
    if "units/electrodes_index" not in file:
        return places if len(places) == n_units else None
    parts = np.split(places, np.asarray(file["units/electrodes_index"][:], dtype=np.int64))[:n_units]
    return np.array(["+".join(sorted(set(part.tolist()))) or "-" for part in parts], dtype=np.str_)


def _ends(spike_times: h5py.Dataset, end: NDArray[np.int64], n_spikes: NDArray[np.int64]) -> tuple[float, float]:
    """First and last spike [ms]."""
    if len(spike_times) <= _ALL_SPIKES:
        times = spike_times[:]
    else:
        spiking = n_spikes > 0
        rows = np.concatenate([(end - n_spikes)[spiking], end[spiking] - 1]).tolist()
        times = np.array([spike_times[row] for row in rows])
    times = times[np.isfinite(times)]
    if not len(times):
        return 0.0, 0.0
    return float(times.min()) * _MS_PER_S, float(times.max()) * _MS_PER_S


def _interval_groups(file: h5py.File) -> dict[str, h5py.Group]:
    if "intervals" not in file:
        return {}
    return {
        name: group
        for name, group in file["intervals"].items()
        # pynwb keeps the times at which data are not valid in a table of this name.
        if "start_time" in group and "stop_time" in group and name != "invalid_times"
    }


def _interval_table(name: str, group: h5py.Group) -> TrialTable:
    start = np.asarray(group["start_time"][:], dtype=np.float64) * _MS_PER_S
    stop = np.asarray(group["stop_time"][:], dtype=np.float64) * _MS_PER_S
    return describe_trials(name, start, stop, _columns(group, _NOT_TRIAL_COLUMNS, len(start)), _MS_PER_S)


def _properties(tag: h5py.Group, arrays: bool = False) -> dict[str, Any]:
    return _read_properties(tag["metadata"], arrays) if "metadata" in tag else {}


def _properties_of(file: h5py.File, name: str) -> dict[str, Any]:
    return _read_properties(file[name]) if name in file else {}


def _read_properties(section: h5py.Group, arrays: bool = False) -> dict[str, Any]:
    """Properties of one value as such; array annotations, which are as long as the tag, as arrays or not at all."""
    found: dict[str, Any] = {}
    for name, data in section["properties"].items() if "properties" in section else ():
        shape = getattr(data, "shape", ())
        if not shape or (shape != (1,) and not arrays):
            continue
        if _text(data.attrs.get("type")) == "ARRAYANNOTATION":
            if arrays:
                found[name] = plain_column(data[:])
        elif shape == (1,):
            value = data[0]
            found[name] = _text(value) if isinstance(value, bytes | str) else value.item()
    return found


def _ms_per_unit(array: h5py.Group) -> float:
    """Of the times in a NIX DataArray, whose unit is a name of quantities."""
    unit = _text(array.attrs.get("unit"))
    if unit not in _MS_PER_UNIT:
        raise FileError(f"times are in {unit!r}, expected one of {', '.join(_MS_PER_UNIT)}")
    return _MS_PER_UNIT[unit]


def _borders(train: h5py.Group, properties: dict[str, Any]) -> tuple[float, float]:
    """Start and end of a spike train [ms], by its annotations or its spikes."""
    positions = train["positions"]
    scale = _ms_per_unit(positions)
    if "t_start" in properties and "t_stop" in properties:
        return float(properties["t_start"]) * scale, float(properties["t_stop"]) * scale
    times = positions["data"]
    return (float(times[0]) * scale, float(times[-1]) * scale) if len(times) else (0.0, 0.0)


def _shared(properties: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    columns = {}
    for name in properties[0]:
        values = [own.get(name) for own in properties]
        if name not in _NOT_UNIT_ANNOTATIONS and all(isinstance(value, str | bool | int | float) for value in values):
            columns[unescape(name)] = np.array(values)
    return columns


def _epoch_table(epoch: h5py.Group, with_labels: bool) -> TrialTable:
    start = np.asarray(epoch["positions/data"][:], dtype=np.float64) * _ms_per_unit(epoch["positions"])
    duration = np.asarray(epoch["extents/data"][:], dtype=np.float64) * _ms_per_unit(epoch["extents"])
    properties = _properties(epoch, arrays=True)
    columns = {
        unescape(name): values
        for name, values in properties.items()
        if isinstance(values, np.ndarray) and len(values) == len(start) and name not in _NOT_TRIAL_COLUMNS
    }
    labels = epoch.get("positions/dimensions/1/labels")
    if with_labels and labels is not None and len(labels) == len(start):
        columns.setdefault("label", plain_column(labels[:]))
    name = properties.get("neo_name")
    return describe_trials(str(name or _text(epoch.attrs.get("name"))), start, start + duration, columns, 1.0)
