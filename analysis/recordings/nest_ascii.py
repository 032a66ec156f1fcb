"""Recorder files of NEST 3 (``record_to="ascii"``): one for each recorder and thread, text with a header.

    # NEST version: 3.10.0
    # RecordingBackendASCII version: 2
    sender<TAB>time_ms                       or   sender<TAB>time_step<TAB>time_offset

NEST calls them ``<prefix><label>-<id>-<thread>.dat``. Neo reads the format of NEST 2 only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import SpikeTable
from .files import one_line, require_file
from .tables import check_time_unit, number_units, read_trials, read_units
from .trials import add_lack, add_note, cut_trials, one_trial

_FIRST_LINE = b"# NEST version"
_NAME = re.compile(r"(?P<recorder>.*-\d+)-(?P<thread>\d+)")
_MILLISECONDS, _STEPS = ["sender", "time_ms"], ["sender", "time_step", "time_offset"]
_WILDCARDS = "*?["


@dataclass(frozen=True)
class _Spikes:
    """Of one file: senders and times [ms], and what the recorder is called."""

    recorder: str
    sender: NDArray[np.int64]
    time: NDArray[np.float64]


def load_nest_ascii(
    path: str | Path,
    *,
    resolution: float | None = None,
    trials: str | Path | None = None,
    units: str | Path | None = None,
    time_unit: str = "ms",
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read what a spike recorder of NEST 3 wrote, of all its threads and ranks together.

    A file is read with those of the other threads of its recorder, which lie beside it. In a folder, or with a
    pattern (``spikes/*.dat``), several recorders can be read; the name of each becomes the `population` of its units.
    A unit that several recorders listen to is taken from the first.

    Parameters
    ----------
    path : str or Path
        A file, a folder, or a pattern with ``*``.
    resolution : float, optional
        Of the simulation [ms]; only needed where times are in steps (``time_in_steps``). A spike is at
        ``time_step * resolution - time_offset``.
    trials, units : str or Path, optional
        Tables beside, see :func:`.spike_list.load_spike_list`; `units` maps the senders (node ids).
    time_unit : {"ms", "s"}
        Unit of the table of trials, where its columns do not say it.
    class_column, align : str, optional
        Columns of the table of trials.
    window : (float, float), optional
        Cut this window around each onset [ms].

    Raises
    ------
    FileError
        When there is no such file, or it is of another kind, of a multimeter, or damaged.
    InputError
        Without the resolution where it is needed, and on columns that are not there.
    """
    if resolution is not None and not (np.isfinite(resolution) and resolution > 0):
        raise InputError(f"resolution must be positive and finite, got {resolution!r} ms")
    check_time_unit(time_unit)
    annotations: dict[str, Any] = {"source": Path(path).name}
    files = recorder_files(path)
    known = None if units is None else read_units(units)
    table_of_trials = None if trials is None else read_trials(trials, time_unit, align, window)
    if align is not None and trials is None:
        raise InputError(f"align={align!r} needs a table of trials, which trials can name")
    if len(files) > 1:
        add_note(annotations, f"{len(files)} files of threads were read together: {_shown([f.name for f in files])}.")
    spikes = _read_all(files, resolution, annotations)
    try:
        sender, time, recorder = _joined(spikes, annotations)
        row, unit_columns = number_units(sender, known, annotations)
        if known is None:
            add_note(annotations, "The units are those that spike; a table of units can name silent ones.")
            population = np.empty(len(unit_columns["unit_id"]), dtype=recorder.dtype)
            population[row] = recorder
            unit_columns = unit_columns | {"population": population}
        if table_of_trials is None:
            table_of_trials = one_trial(0.0, time.max(initial=0.0))
            add_lack(
                annotations,
                "Recorder files know no trials and no end of the simulation, so all up to the last spike is one trial; "
                "trials can name a table of trials.",
            )
        order = np.argsort(row, kind="stable")
        borders = np.searchsorted(row[order], np.arange(1, len(unit_columns["unit_id"])))
        # Files of several threads, and precise spikes within a step, are not in order: no remark on that.
        spiketrains = [np.sort(time[rows]) for rows in np.split(order, borders)]
        return cut_trials(
            spiketrains, unit_columns, table_of_trials, annotations, class_column=class_column, window=window
        )
    except SemsyncError as error:
        raise type(error)(f"{path}: {error}") from error


def is_nest_ascii(path: Path) -> bool:
    """Whether a file begins as NEST's recorder files do."""
    with path.open("rb") as file:
        return file.read(len(_FIRST_LINE)) == _FIRST_LINE


def is_folder_or_pattern(path: Path) -> bool:
    return path.is_dir() or (not path.exists() and any(character in path.name for character in _WILDCARDS))


def recorder_files(path: str | Path) -> list[Path]:
    """The recorder files that a path names: a file and its siblings, a folder's, or those of a pattern.

    Raises
    ------
    FileError
        When there is none.
    """
    path = Path(path)
    if path.is_dir():
        found = [file for file in sorted(path.iterdir()) if file.is_file() and is_nest_ascii(file)]
        if not found:
            raise FileError(
                f"{path} is a folder, expected a recording: a file, or a folder with recorder files of NEST 3"
            )
        return found
    if is_folder_or_pattern(path):
        found = sorted(file for file in path.parent.glob(path.name) if file.is_file())
        if not found:
            raise FileError(f"there is no file {path}, expected a recorder file of NEST 3")
        for file in found:
            _require_nest(file)
        return found
    _require_nest(path)
    named = _NAME.fullmatch(path.stem)
    if named is None:
        return [path]
    beside = [file for file in sorted(path.parent.glob(f"*{path.suffix}")) if _recorder(file) == named["recorder"]]
    return [file for file in beside if is_nest_ascii(file)]


def _require_nest(path: Path) -> None:
    if not is_nest_ascii(require_file(path, "a recorder file of NEST 3")):
        raise FileError(f"{path} is no recorder file of NEST 3: it does not begin with '# NEST version'")


def _recorder(path: Path) -> str:
    """``exc-11`` of ``exc-11-0.dat``."""
    named = _NAME.fullmatch(path.stem)
    return named["recorder"] if named else path.stem


def _read_all(files: list[Path], resolution: float | None, annotations: dict[str, Any]) -> list[_Spikes]:
    spikes, others = [], []
    for file in files:
        columns = _header(file)
        if columns in (_MILLISECONDS, _STEPS):
            spikes.append(_read(file, columns, resolution, annotations))
        else:
            others.append(f"{file.name} ({', '.join(columns[1:])})")
    if not spikes:
        raise FileError(
            f"{files[0].parent} has no spikes: {_shown(others)} are of another recorder than spike_recorder"
        )
    if others:
        add_note(annotations, f"Files without spikes were left out: {_shown(others)}.")
    return spikes


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8") as file:
            line = next((line for line in file if not line.startswith("#")), "")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not a text file ({one_line(error)}), expected a recorder file of NEST 3") from error
    columns = line.split()
    if columns[:1] != ["sender"]:
        raise FileError(f"{path} has no line that names its columns, expected 'sender' and 'time_ms' or 'time_step'")
    return columns


def _read(path: Path, columns: list[str], resolution: float | None, annotations: dict[str, Any]) -> _Spikes:
    if columns == _STEPS and resolution is None:
        raise InputError(
            f"{path}: times are in steps; pass resolution, that of the simulation in ms (--resolution 0.1)"
        )
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")][1:]
    if lines and not text.endswith("\n"):
        lines.pop()
        add_note(
            annotations, f"The last line of {path.name} is not complete, as after a simulation that died: left out."
        )
    try:
        rows = np.loadtxt(lines, dtype=np.float64, ndmin=2) if lines else np.empty((0, len(columns)))
    except ValueError as error:
        raise FileError(f"{path} is damaged ({one_line(error)}), expected {len(columns)} numbers a line") from error
    if rows.shape[1] != len(columns):
        raise FileError(f"{path} has lines of {rows.shape[1]} numbers, expected {len(columns)}: {', '.join(columns)}")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1) | (rows[:, 0] != np.floor(rows[:, 0])) | (rows[:, 0] < 0))
    if len(bad) or np.abs(rows[:, 0]).max(initial=0) >= 2**53:
        row = rows[bad[0]] if len(bad) else rows[np.argmax(rows[:, 0])]
        raise FileError(f"{path} has the sender {row[0]:g} at {row[1]:g}, expected a node id and a finite time")
    time = rows[:, 1] if columns == _MILLISECONDS else rows[:, 1] * float(resolution or 1.0) - rows[:, 2]
    return _Spikes(_recorder(path), rows[:, 0].astype(np.int64), time)


def _joined(
    spikes: list[_Spikes], annotations: dict[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    recorders = list(dict.fromkeys(own.recorder for own in spikes))
    seen: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    kept, n_twice = [], 0
    for recorder in recorders:
        own = [part for part in spikes if part.recorder == recorder]
        sender = np.concatenate([part.sender for part in own])
        twice = np.isin(sender, seen)
        n_twice += len(np.unique(sender[twice]))
        seen = np.union1d(seen, sender)
        kept.append(_Spikes(recorder, sender[~twice], np.concatenate([part.time for part in own])[~twice]))
    if n_twice:
        add_note(annotations, f"{n_twice} units are in the files of several recorders: taken from the first.")
    names = np.repeat(np.array(recorders, dtype=np.str_), [len(own.sender) for own in kept])
    return np.concatenate([own.sender for own in kept]), np.concatenate([own.time for own in kept]), names


def _shown(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:6])} and {len(names) - 6} more"
