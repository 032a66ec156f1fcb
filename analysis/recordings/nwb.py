"""NWB files, through pynwb: Neo's NWBIO fails on files of the DANDI archive and drops unit columns and trials.

Our files hold, besides what every NWB program reads (``units`` with `spike_times`, ``trials`` with `start_time` and
`stop_time`, in seconds), all that makes them read back equal to the last bit, since dividing by 1000 rounds:

- units: each column of the unit table; ragged columns ``time_in_trial`` (ms) and ``trial`` (row), one value a spike;
- trials: each column of the trial table, with `start`, `stop` and `onset` in ms;
- scratch: the header of :mod:`.header` as ``semsync_recording``.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import TRIAL_COLUMNS, UNIT_COLUMNS, SpikeTable
from .column_names import NWB_NAMES, escape
from .files import one_line, require_hdf5, written_beside
from .header import HEADER_NAME, TIME_IN_TRIAL, TRIAL, decode_header, encode_header, restore
from .nwb_foreign import foreign_table, plain_column
from .trials import cut_again

if TYPE_CHECKING:
    import pynwb
    from hdmf.common import DynamicTable


def save_nwb(table: SpikeTable, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a table as an NWB file, which :func:`load_nwb` reads back equal, to the last bit.

    NWB wants to know more than a table does. The annotations `session_description`, `identifier`, `session_start_time`
    (ISO 8601), `session_id`, `experiment_description`, `lab` and `institution` are used where they are there. Without
    them the identifier is a digest of the table's content and the session starts at 1970-01-01, UTC.

    Parameters
    ----------
    table : SpikeTable
    path : str or Path
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        On columns or annotations that files cannot keep, or a `session_start_time` that is no date.
    FileError
        When the file exists already or cannot be written.
    """
    header = encode_header(table)
    session = _session(table, header)
    with written_beside(path, overwrite, _size(table, header)) as partial:
        import pynwb

        nwb = pynwb.NWBFile(**session)
        # A column called `name` or `description` is allowed, but warned of.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            nwb.units = _units(table)
            nwb.trials = _trials(table)
        nwb.add_scratch(header, name=HEADER_NAME, description="what semsync needs to read this file back, JSON")
        with pynwb.NWBHDF5IO(str(partial), "w") as file:
            file.write(nwb)
    return Path(path)


def load_nwb(
    path: str | Path,
    *,
    trials: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read the units and trials of an NWB file, one of ours or any other.

    In a foreign file the trials are the interval table called ``trials``, or the one named. If there is none, the whole
    recording is one trial, and ``annotations['lacks']`` lists the tables that could be named, with their columns.
    Columns with one value a row are kept, in their own units; text that comes as bytes becomes str. `unit_id` is the id
    of the unit, and `area` the location of its electrodes, when the file knows it.

    Parameters
    ----------
    path : str or Path
    trials : str, optional
        Name of an interval table.
    class_column : str, optional
        Column of that table that becomes `stimulus_class`. Values that are not integers >= 0 are numbered in their
        sorted order, and named in ``annotations['class_names']``.
    align : str, optional
        Column of that table with each trial's onset [s]; `start_time` without it. In a file of ours a column in ms.
    window : (float, float), optional
        Cut this window around each onset [ms], and not from `start_time` to `stop_time`.

    Raises
    ------
    FileError
        When the file is missing, truncated, of another kind, damaged, of a newer format version, or without units.
    InputError
        On tables or columns that are not there, and on spike times that are not finite.
    """
    path = require_hdf5(path, "an NWB file")
    if not is_nwb(path):
        raise FileError(f"{path} is an HDF5 file, but not of NWB, expected an NWB file")
    import pynwb

    try:
        # Files in the archive break rules of the schema that do not concern units or trials.
        with warnings.catch_warnings(action="ignore"), pynwb.NWBHDF5IO(str(path), "r") as file:
            nwb = file.read()
            if HEADER_NAME not in (nwb.scratch or {}):
                return foreign_table(nwb, trials, class_column, align, window)
            table = _our_table(nwb)
            return cut_again(table, trials=trials, class_column=class_column, align=align, window=window)
    except SemsyncError as error:
        raise type(error)(f"{path}: {error}") from error
    # hdmf raises its own kinds and plain Exceptions: whatever it is, the file is what is wrong.
    except Exception as error:
        raise FileError(f"{path} cannot be read as an NWB file ({one_line(error)})") from error


def is_nwb(path: Path) -> bool:
    """Whether an HDF5 file says that it is an NWB file."""
    import h5py

    with h5py.File(path, "r") as file:
        return "nwb_version" in file.attrs


def _session(table: SpikeTable, header: str) -> dict[str, Any]:
    optional = ("session_id", "experiment_description", "lab", "institution")
    given = {name: str(table.annotations[name]) for name in optional if name in table.annotations}
    start = str(table.annotations.get("session_start_time", "1970-01-01"))
    try:
        session_start_time = datetime.fromisoformat(start)
    except ValueError as error:
        raise InputError(f"annotation session_start_time must be a date in ISO 8601, got {start!r}") from error
    if session_start_time.tzinfo is None:
        session_start_time = session_start_time.replace(tzinfo=UTC)
    return given | {
        "session_description": str(table.annotations.get("session_description", "spikes of many units in many trials")),
        "identifier": str(table.annotations.get("identifier", _digest(table, header))),
        "session_start_time": session_start_time,
    }


def _digest(table: SpikeTable, header: str) -> str:
    digest = hashlib.sha256(header.encode())
    for array in (table.times, table.unit, table.trial, *table.units.values(), *table.trials.values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _size(table: SpikeTable, header: str) -> int:
    """More than the bytes of the file, half a megabyte of which is the schema."""
    columns = [*table.units.values(), *table.trials.values()]
    return (
        2_000_000 + len(header) + 2 * sum(column.nbytes + 32 * len(column) for column in columns) + 48 * table.n_spikes
    )


def _units(table: SpikeTable) -> pynwb.misc.Units:
    from hdmf.common import ElementIdentifiers
    from pynwb.misc import Units

    absolute = table.trials["onset"][table.trial] + table.times
    order = np.lexsort((absolute, table.unit))
    end = np.searchsorted(table.unit[order], np.arange(table.n_units), side="right")
    columns = _vectors(table.units, UNIT_COLUMNS)
    own_names = [column.name for column in columns]
    columns += _ragged("spike_times", "spike times in the recording [s]", absolute[order] / 1000.0, end)
    columns += _ragged(TIME_IN_TRIAL, "spike times counted from the onset of their trial [ms]", table.times[order], end)
    columns += _ragged(TRIAL, "row of each spike's trial in the table of trials", table.trial[order], end)
    return Units(
        name="units",
        description="units of the recording",
        id=ElementIdentifiers(name="id", data=np.arange(table.n_units)),
        columns=columns,
        colnames=[*own_names, "spike_times", TIME_IN_TRIAL, TRIAL],
    )


def _trials(table: SpikeTable) -> pynwb.epoch.TimeIntervals:
    from hdmf.common import ElementIdentifiers
    from pynwb.epoch import TimeIntervals

    columns = [
        _vector("start_time", "start of the trial in the recording [s]", table.trials["start"] / 1000.0),
        _vector("stop_time", "end of the trial in the recording [s]", table.trials["stop"] / 1000.0),
        *_vectors(table.trials, TRIAL_COLUMNS),
    ]
    return TimeIntervals(
        name="trials",
        description="trials of the recording",
        id=ElementIdentifiers(name="id", data=np.arange(table.n_trials)),
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _vectors(columns: Mapping[str, NDArray[Any]], meanings: Mapping[str, str]) -> list[Any]:
    return [_vector(escape(name, NWB_NAMES), meanings.get(name, name), column) for name, column in columns.items()]


def _vector(name: str, description: str, column: NDArray[Any]) -> Any:
    from hdmf.common import VectorData

    if column.dtype.kind == "U":
        # hdmf takes text as lists, and infers no type of an empty one.
        return VectorData(name=name, description=description, data=column.tolist() or np.empty(0, dtype="S1"))
    return VectorData(name=name, description=description, data=column)


def _ragged(name: str, description: str, values: NDArray[Any], end: NDArray[np.intp]) -> list[Any]:
    from hdmf.common import VectorIndex

    column = _vector(name, description, values)
    return [column, VectorIndex(name=f"{name}_index", target=column, data=end.astype(np.uint64))]


def _our_table(nwb: pynwb.NWBFile) -> SpikeTable:
    header = decode_header(str(nwb.scratch[HEADER_NAME].data))
    units, trials = nwb.units, nwb.trials
    if units is None or trials is None:
        raise FileError(f"the file has a {HEADER_NAME} header, but not both units and trials")
    missing = {TIME_IN_TRIAL, TRIAL} - set(units.colnames)
    if missing:
        raise FileError(f"the file has a {HEADER_NAME} header, but its units lack the columns {sorted(missing)}")
    n_spikes = np.diff(units[TIME_IN_TRIAL].data[:].astype(np.int64), prepend=0)
    return SpikeTable(
        units[TIME_IN_TRIAL].target.data[:],
        np.repeat(np.arange(len(n_spikes), dtype=np.int32), n_spikes),
        units[TRIAL].target.data[:],
        restore(_columns(units, header["units"]), header["units"]),
        restore(_columns(trials, header["trials"]), header["trials"]),
        header["annotations"],
    )


def _columns(table: DynamicTable, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    in_file = {name: escape(name, NWB_NAMES) for name in names}
    return {name: plain_column(table[key].data[:]) for name, key in in_file.items() if key in table.colnames}
