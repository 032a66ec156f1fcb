"""What is inside a recording file, told without analysing it, and the command to try next.

NWB and NIX are looked at through HDF5: spikes are counted by the sizes of arrays and not read. Other formats are lists
that have to be read to be counted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import SpikeTable
from .files import one_line

MAX_VALUES = 12  # that are listed of a column
_OWN_TIMES = ("start", "stop", "onset")


@dataclass(frozen=True)
class Column:
    """A column of a table of trials.

    Attributes
    ----------
    name : str
    kind : {"numbers", "text", "flags"}
    n_missing : int
        Rows without a value (NaN, or "").
    n_values : int
        Number of different values.
    counts : tuple of (value, int)
        How often each occurs, in sorted order; of the first `MAX_VALUES`.
    smallest, largest : float
        Of numbers; NaN without any.
    is_event : bool
        Whether it holds times within the trials that `align` can take.
    """

    name: str
    kind: str
    n_missing: int
    n_values: int
    counts: tuple[tuple[Any, int], ...]
    smallest: float = float("nan")
    largest: float = float("nan")
    is_event: bool = False

    @property
    def min_count(self) -> int:
        """Rows of the rarest value, as far as values are listed."""
        return min((n for _, n in self.counts), default=0)


@dataclass(frozen=True)
class TrialTable:
    """A table of trials: its name, how long trials last [ms], and its columns."""

    name: str
    n_trials: int
    median_duration_ms: float
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Inspection:
    """What :func:`inspect_recording` found.

    Attributes
    ----------
    path : Path
    format : str
    is_ours : bool
        Whether semsync wrote it.
    units : mapping of str to array, shape [n_units]
    n_spikes_of_unit : int array, shape [n_units]
    recorded_ms : float
        Time that rates refer to: the recording, or all its trials together.
    t_start_ms, t_stop_ms : float
        First and last moment that the file speaks of.
    trial_tables : tuple of TrialTable
    events : mapping of int to int
        Codes of a GDF file, and how often each occurs.
    notes, lacks : tuple of str
        What was assumed, and what the file does not have.
    options : mapping of str to str
        Options of ``semsync analyze`` to begin with.
    remarks : tuple of str
        Why these options, and what else there is.
    """

    path: Path
    format: str
    is_ours: bool
    units: Mapping[str, NDArray[Any]]
    n_spikes_of_unit: NDArray[np.int64]
    recorded_ms: float
    t_start_ms: float
    t_stop_ms: float
    trial_tables: tuple[TrialTable, ...] = ()
    events: Mapping[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def n_units(self) -> int:
        return len(self.n_spikes_of_unit)

    @property
    def n_spikes(self) -> int:
        return int(self.n_spikes_of_unit.sum())

    @property
    def rates_hz(self) -> NDArray[np.float64]:
        """Shape [n_units]; NaN where no time was recorded."""
        if not self.recorded_ms > 0:
            return np.full(self.n_units, np.nan)
        return self.n_spikes_of_unit.astype(np.float64) * 1000.0 / self.recorded_ms

    @property
    def command(self) -> str:
        """The command to try next, for a shell."""
        words = ["semsync", "analyze", str(self.path)]
        for name, value in self.options.items():
            words += [f"--{name.replace('_', '-')}", value]
        return shlex.join(words)

    def count_of(self, column: str) -> dict[str, int]:
        """Number of units for each value of a unit column; empty without it."""
        if column not in self.units:
            return {}
        values, n_units = np.unique(self.units[column].astype(str), return_counts=True)
        return dict(zip(values.tolist(), n_units.tolist(), strict=True))


def inspect_recording(path: str | Path, **options: Any) -> Inspection:
    """Look into a recording file.

    Parameters
    ----------
    path : str or Path
        As :func:`.registry.load_recording` takes it.
    **options
        Options of the reader (`trials`, `units`, `time_unit`, `resolution`, `align`, ...): they stand in the command,
        and formats that have to be read are read with them.

    Raises
    ------
    FileError
        When the file is missing, of an unknown format, or cannot be read.
    InputError
        On options that the format does not have, or that do not fit the file.
    """
    from .inspect_hdf5 import inspect_nix, inspect_nwb
    from .inspect_text import inspect_by_reading, texts_of
    from .registry import format_of, named_packages

    path = Path(path)
    with named_packages(path):
        name = "Neo" if "io" in options else format_of(path)
        if name not in ("NIX", "NWB"):
            return inspect_by_reading(path, name, options)
        try:
            found = inspect_nwb(path) if name == "NWB" else inspect_nix(path)
            return replace(found, options={**found.options, **texts_of(options)}) if options else found
        except ModuleNotFoundError:
            raise
        except SemsyncError as error:
            raise (error if str(path) in str(error) else type(error)(f"{path}: {error}")) from error
        # h5py has many kinds of errors for what is damaged, or not as the format has it.
        except Exception as error:
            raise FileError(f"{path} cannot be read as a {name} file ({one_line(error)})") from error


def describe_table(table: SpikeTable) -> dict[str, Any]:
    """The attributes of an :class:`Inspection` that a table tells."""
    trials = {name: column for name, column in table.trials.items() if name not in _OWN_TIMES}
    start, stop = table.trials["start"], table.trials["stop"]
    return {
        "units": table.units,
        "n_spikes_of_unit": np.bincount(table.unit, minlength=table.n_units),
        "recorded_ms": float((stop - start).sum()),
        "t_start_ms": float(start.min(initial=np.inf)) if len(start) else 0.0,
        "t_stop_ms": float(stop.max(initial=-np.inf)) if len(stop) else 0.0,
        "trial_tables": (describe_trials("trials", start, stop, trials, 1.0),),
        "notes": tuple(table.annotations.get("notes", ())),
        "lacks": tuple(table.annotations.get("lacks", ())),
    }


def describe_trials(
    name: str, start: NDArray[Any], stop: NDArray[Any], columns: Mapping[str, NDArray[Any]], ms_per_unit: float
) -> TrialTable:
    """A table of trials from its columns; `start`, `stop` [ms], and times in columns in units of `ms_per_unit`."""
    finite = np.isfinite(start) & np.isfinite(stop)
    duration = stop[finite] - start[finite]
    described = tuple(
        describe_column(key, np.asarray(values), start / ms_per_unit, stop / ms_per_unit)
        for key, values in columns.items()
    )
    return TrialTable(name, len(start), float(np.median(duration)) if len(duration) else float("nan"), described)


def describe_column(name: str, values: NDArray[Any], start: NDArray[Any], stop: NDArray[Any]) -> Column:
    """What a column holds; an event is a number of which nearly all lie in their trial, and that is no class.

    Examples
    --------
    >>> start, stop = np.arange(3) * 10.0, np.arange(3) * 10.0 + 10
    >>> describe_column("side", np.array(["left", "right", "left"]), start, stop).counts
    (('left', 2), ('right', 1))
    >>> describe_column("go", np.array([2.0, 13.0, 21.0]), start, stop).is_event
    True
    """
    if values.dtype.kind == "b":
        kind, missing = "flags", np.zeros(len(values), dtype=bool)
    elif values.dtype.kind in "iuf":
        kind, missing = "numbers", ~np.isfinite(values.astype(np.float64))
    else:
        kind, values = "text", values.astype(str)
        missing = values == ""
    there = values[~missing]
    found, n_rows = np.unique(there, return_counts=True)
    counts = tuple(zip(found[:MAX_VALUES].tolist(), n_rows[:MAX_VALUES].tolist(), strict=True))
    smallest = largest = float("nan")
    is_event = False
    if kind == "numbers" and len(there):
        smallest, largest = float(there.min()), float(there.max())
        inside = (there >= start[~missing]) & (there <= stop[~missing])
        is_event = len(found) > 0.5 * len(there) and float(np.mean(inside)) >= 0.9 and len(there) >= 2
    return Column(name, kind, int(missing.sum()), len(found), counts, smallest, largest, is_event)


def units_lack(units: Mapping[str, NDArray[Any]]) -> list[str]:
    """Sentences on what is not known of units."""
    lacks = []
    if "area" not in units and "layer" not in units:
        lacks.append("The units have neither areas nor layers.")
    if not set(units.get("cell_type", np.array([])).astype(str).tolist()) & {"E", "I"}:
        lacks.append("The units have no cell types (a column cell_type with E and I).")
    return lacks


def require_units(path: Path, n_units: int) -> None:
    if not n_units:
        raise InputError(f"{path} has no units")
