"""Plain tables on disk (CSV and its kin, Parquet) as columns, and what their columns mean: times, trials, units."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError, MissingDependencyError
from .files import is_hdf5, one_line, require_file
from .trials import add_note, foreign_columns

Columns = dict[str, NDArray[Any]]

MS_PER = {"ms": 1.0, "s": 1000.0}
UNIT_NAMES = ("unit", "unit_id", "neuron", "neuron_id", "cell", "cluster", "cluster_id", "sender", "id")
TIME_NAMES = ("time", "times", "spike_time", "spike_times", "t")
TRIAL_NAMES = ("trial", "trial_id", "trial_number")
START_NAMES = ("start", "start_time", "t_start", "begin")
STOP_NAMES = ("stop", "stop_time", "t_stop", "end", "end_time")
ONSET_NAMES = ("onset", "onset_time", "stimulus_onset", "stim_onset")
DURATION_NAMES = ("duration", "trial_duration")
PARQUET = (".parquet", ".pq")


def read_table(path: str | Path, what: str) -> Columns:
    """The columns of a file of text, or of a Parquet file.

    Text is split at the first of tab, semicolon, comma that its first line has, else at spaces; lines that begin with
    ``#`` are comments. A first line of numbers alone is no header: such columns are called ``0``, ``1``, ...
    Text columns are str, with "" where nothing stands.

    Parameters
    ----------
    path : str or Path
    what : str
        What the file should be, with its article, for messages.

    Raises
    ------
    FileError
        When the file is missing, empty or no such table.
    MissingDependencyError
        For Parquet without pyarrow.
    """
    path = require_file(path, what)
    if path.suffix.lower() in PARQUET:
        frame = _read_parquet(path, what)
    elif is_hdf5(path):
        raise FileError(f"{path} is an HDF5 file, expected {what}")
    else:
        frame = _read_text(path, what)
    columns = {}
    for number, name in enumerate(map(str, frame.columns)):
        if name.strip() in columns:
            raise FileError(f"{path} has two columns called {name.strip()!r}")
        columns[name.strip()] = _plain(path, name, frame.iloc[:, number])
    if not len(frame):
        raise FileError(f"{path} has no rows, expected {what}")
    return columns


def has_header(columns: Mapping[str, Any]) -> bool:
    return "0" not in columns


def find_column(columns: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The column with the first of these names, in any case, and with ``_ms`` or ``_s`` behind or not."""
    found = {name.lower(): name for name in reversed(list(columns))}
    return next((found[n + unit] for n in names for unit in ("", "_ms", "_s") if n + unit in found), None)


def milliseconds(columns: Columns, name: str, time_unit: str | None, where: str) -> NDArray[np.float64]:
    """A column of times [ms]; its unit is what its name ends in (``_ms``, ``_s``), else `time_unit`.

    Raises
    ------
    InputError
        When the column holds no numbers, or nothing says which unit they have.
    """
    if columns[name].dtype.kind not in "iuf":
        raise InputError(f"{where}: column {name!r} must hold times, {_no_number(columns[name])}")
    ending = re.search(r"_(ms|s)$", name.lower())
    unit = ending[1] if ending else time_unit
    if unit is None:
        raise InputError(
            f"{where}: nothing says whether the times in column {name!r} are in ms or s; "
            "pass time_unit (--time-unit ms or --time-unit s)"
        )
    return columns[name].astype(np.float64) * MS_PER[check_time_unit(unit)]


def _no_number(column: NDArray[Any]) -> str:
    """What keeps a column from being one of numbers."""
    for row, value in enumerate(column.tolist(), start=1):
        try:
            float(value)
        except (TypeError, ValueError):
            return f"row {row} has {value!r}"
    return f"got values of type {column.dtype.name}"


def check_time_unit(time_unit: str) -> str:
    if time_unit not in MS_PER:
        raise InputError(f"time_unit must be 'ms' or 's', got {time_unit!r}")
    return time_unit


def read_trials(path: str | Path, time_unit: str | None, align: str | None, window: object) -> Columns:
    """A table of trials: `start`, `stop` and `onset` [ms], and all other columns as they are.

    A trial begins at `start` and ends at `stop`, or `duration` later. Its onset is `align`, else `onset`, else `start`.
    With a window, an onset is enough.
    """
    columns = read_table(path, "a table of trials: CSV or Parquet, with columns start and stop")
    where = str(path)
    start, stop, duration, onset = (
        find_column(columns, names) for names in (START_NAMES, STOP_NAMES, DURATION_NAMES, ONSET_NAMES)
    )
    if align is not None:
        if align not in columns:
            raise InputError(f"{where}: the trials have no times {align!r} to align to; they have {sorted(columns)}")
        onset = align
    found = f"it has {sorted(columns)}" if has_header(columns) else "it has no header"
    if start is None and (onset is None or window is None):
        raise FileError(f"{where} is no table of trials: it needs a column start, or an onset and a window; {found}")
    begin = milliseconds(columns, start or str(onset), time_unit, where)
    if stop is not None:
        end = milliseconds(columns, stop, time_unit, where)
    elif duration is not None:
        end = begin + milliseconds(columns, duration, time_unit, where)
    elif window is not None:
        end = np.nextafter(begin, np.inf)  # the window will say
    else:
        raise FileError(f"{where} does not say when trials end: it needs a column stop or duration, or a window")
    times = {"start": begin, "stop": end, "onset": milliseconds(columns, onset, time_unit, where) if onset else begin}
    own = {start, stop, duration, None if onset == align else onset}
    others = {name: column for name, column in columns.items() if name not in own}
    return foreign_columns(others) | times


def read_units(path: str | Path) -> Columns:
    """A table of units: `unit_id`, and all other columns as they are."""
    columns = read_table(path, "a table of units: CSV or Parquet, with a column unit")
    name = find_column(columns, UNIT_NAMES)
    if name is None:
        raise FileError(f"{path} is no table of units: it needs a column unit; it has {sorted(columns)}")
    unit_id = columns.pop(name)
    if len(np.unique(unit_id)) < len(unit_id):
        raise FileError(f"{path} lists a unit twice")
    return {"unit_id": unit_id} | columns


def number_units(
    values: NDArray[Any], known: Columns | None, annotations: dict[str, Any]
) -> tuple[NDArray[Any], Columns]:
    """Row of each spike's unit, and the unit table: the one given, or the values that occur, in sorted order.

    Raises
    ------
    InputError
        On a unit that the given table lacks.
    """
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InputError(f"spike {int(np.flatnonzero(~np.isfinite(values))[0])} has no unit")
        if np.all(values == np.floor(values)) and np.abs(values).max(initial=0) < 2**53:
            values = values.astype(np.int64)
    found, row = np.unique(values, return_inverse=True)
    if known is None:
        return row, {"unit_id": found}
    ids = known["unit_id"]
    if ids.dtype.kind != found.dtype.kind:
        ids, found = ids.astype(str), found.astype(str)
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids[order], found), len(ids) - 1)
    missing = found[ids[order][place] != found]
    if len(missing):
        raise InputError(f"the table of units lacks {len(missing)} units that spike, as {missing[0]!s}")
    n_silent = len(ids) - len(found)
    if n_silent:
        add_note(annotations, f"{n_silent} of the {len(ids)} units in the table of units never spike.")
    return order[place][row], known


def constant_columns(columns: Columns, row: NDArray[Any], n_rows: int) -> Columns:
    """Columns with one value for each of `n_rows` rows (units, trials), as columns of that table."""
    first = np.zeros(n_rows, dtype=np.intp)
    first[row[::-1]] = np.arange(len(row))[::-1]
    return {name: column[first] for name, column in columns.items() if np.array_equal(column[first][row], column)}


def _read_text(path: Path, what: str) -> Any:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            line = next((line for line in file if line.strip() and not line.startswith("#")), "")
        separator = next((character for character in "\t;," if character in line), r"\s+")
        names = [name for name in re.split(separator, line.strip()) if name]
        numbers = all(_is_number(name) for name in names)
        twice = [name for name in names if names.count(name) > 1]
        if twice and not numbers:
            raise ValueError(f"two columns are called {twice[0]!r}")
        # pandas would only warn of lines that are longer than the header, and drop what is over.
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            return pd.read_csv(
                path,
                sep=separator,
                header=None if numbers else 0,
                comment="#",
                skipinitialspace=True,
                index_col=False,
                encoding="utf-8-sig",
                on_bad_lines="error",
            )
    # pandas has many kinds of errors for what is no table: whatever it is, the file is what is wrong.
    except Exception as error:
        raise FileError(f"{path} cannot be read as a table ({one_line(error)}), expected {what}") from error


def _read_parquet(path: Path, what: str) -> Any:
    import pandas as pd

    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading {path} needs the package pyarrow; pip install 'semsync[analysis]' brings it"
        ) from error
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except Exception as error:
        raise FileError(f"{path} cannot be read as a Parquet file ({one_line(error)}), expected {what}") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(path: Path, name: str, column: Any) -> NDArray[Any]:
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    missing = column.isna().to_numpy()
    texts = column.to_numpy(dtype=object)
    if not all(isinstance(text, str | bool | np.bool_) for text in texts[~missing]):
        numbers = [float(value) if isinstance(value, int | float | np.number) else None for value in texts[~missing]]
        if None in numbers:
            raise FileError(f"{path}: column {name!r} is neither numbers nor text")
        filled = np.full(len(texts), np.nan)
        filled[~missing] = numbers
        return filled
    return np.array(["" if gap else str(text) for text, gap in zip(texts, missing, strict=True)], dtype=np.str_)
