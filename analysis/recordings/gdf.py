"""GDF: two columns of text, a code and a time in ticks, with spikes and events in one list."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError
from ...spike_table import SpikeTable
from .files import is_hdf5, one_line, require_file
from .trials import add_lack, add_note, check_window, cut_trials, one_trial

# The delayed-pointing task of Riehle et al. (1997): trial start, then the preparatory signal of each of four delays.
# Each code of three digits stands beside one of two digits, without the delay, at the same tick.
RIEHLE_TRIAL_CODES = (701, 702, 703, 704)
RIEHLE_ALIGN_CODES = (111, 112, 113, 114)
FIRST_EVENT_CODE = 100


def load_gdf(
    path: str | Path,
    *,
    align: Iterable[int] | int | None = None,
    window: tuple[float, float] | None = None,
    unit_codes: Iterable[int] | int | None = None,
    trial_codes: Iterable[int] | int | None = None,
    tick: float = 1.0,
) -> SpikeTable:
    """Read a GDF file.

    A trial begins at one of `trial_codes` and lasts to its last event, or where it has no other event to the next trial
    or the end of the recording. Its onset is the first of the `align` codes in it, and which one is its
    `stimulus_class`: 0 for the first of `align`; ``annotations['class_names']`` has the codes. Trials without such an
    event are left out.

    Without options a file with the codes of Riehle et al. (1997) [1]_ is aligned to the preparatory signal (111-114,
    one for each delay) in the trials that 701-704 begin. Its units are the codes below 100 that do not always stand at
    the tick of a code of 100 or more. In any other file all codes are units, and the recording is one trial.
    ``annotations['notes']`` and ``annotations['lacks']`` say what was assumed.

    Parameters
    ----------
    path : str or Path
    align : int or several, optional
        Event codes that spike times are counted from.
    window : (float, float), optional
        Cut this window around each onset [ms], and not the whole trial. Trials whose window reaches beyond the
        recording are left out.
    unit_codes : int or several, optional
        Codes that are units, in the order of the unit table.
    trial_codes : int or several, optional
        Event codes that begin a trial; the `align` codes without them.
    tick : float
        Unit of the file's times [ms].

    Raises
    ------
    FileError
        When the file is missing, empty, cut short, or no table of two numbers a line.
    InputError
        On codes that are not in the file, and options that are not numbers.

    References
    ----------
    .. [1] Riehle, Grün, Diesmann, Aertsen (1997), Spike synchronization and rate modulation differentially involved in
       motor cortical function, Science 278:1950. doi:10.1126/science.278.5345.1950
    """
    if not (np.isfinite(tick) and tick > 0):
        raise InputError(f"tick must be positive and finite, got {tick!r} ms")
    annotations: dict[str, Any] = {"source": Path(path).name}
    code, time = _read(require_file(path, "a GDF file"), annotations)
    time = time * tick
    known = set(code.tolist())
    riehle = known.issuperset(RIEHLE_ALIGN_CODES) and not known.isdisjoint(RIEHLE_TRIAL_CODES)

    align_codes = _codes("align", align, known)
    start_codes = _codes("trial_codes", trial_codes, known)
    if not start_codes and riehle:
        start_codes = [c for c in RIEHLE_TRIAL_CODES if c in known]
        align_codes = align_codes or list(RIEHLE_ALIGN_CODES)
        add_note(
            annotations,
            f"The file has the codes of Riehle et al. (1997): trials begin at {start_codes}, and are aligned to the "
            f"codes {align_codes}, which are the classes.",
        )
    start_codes = start_codes or align_codes
    units = _codes("unit_codes", unit_codes, known)
    if not units:
        units = _default_units(code, time, [*start_codes, *align_codes], annotations)
    spiketrains = [time[code == unit] for unit in units]

    if start_codes:
        is_event = ~np.isin(code, units)
        trials = _trials(code[is_event], time[is_event], start_codes, align_codes, time[-1], annotations)
        if window is not None:
            trials = _inside(trials, window, time[0], time[-1], annotations)
        if align_codes:
            annotations["class_names"] = [str(c) for c in align_codes]
    else:
        trials = one_trial(min(0.0, time[0]), time[-1])
        add_lack(
            annotations,
            "No event codes begin a trial, so the whole recording is one trial; trial_codes and align can name some.",
        )
    return cut_trials(spiketrains, {"unit_id": np.array(units)}, trials, annotations, window=window)


def gdf_codes(path: str | Path) -> dict[int, int]:
    """The codes of a GDF file, and how often each occurs."""
    codes, n_rows = np.unique(_read(require_file(path, "a GDF file"), {})[0], return_counts=True)
    return dict(zip(codes.tolist(), n_rows.tolist(), strict=True))


def _read(path: Path, annotations: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Codes and times [ticks], in order of time."""
    if is_hdf5(path):
        raise FileError(f"{path} is an HDF5 file, expected a GDF file: text with a code and a time on each line")
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            rows = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise FileError(
            f"{path} is not a GDF file ({one_line(error)}), expected a code and a time on each line"
        ) from error
    if rows.shape[0] == 0 or rows.shape[1] != 2:
        raise FileError(
            f"{path} has {rows.shape[0]} lines of {rows.shape[1]} numbers, expected a code and a time on each"
        )
    code, time = rows.T
    bad = np.flatnonzero(~np.isfinite(time) | ~(np.abs(code) < 2**53) | (code != np.floor(code)))
    if len(bad):
        raise FileError(
            f"{path} has the code {code[bad[0]]:g} and the time {time[bad[0]]:g} in row {bad[0] + 1}, "
            "expected a whole number and a finite time"
        )
    n_unsorted = np.count_nonzero(np.diff(time) < 0)
    if n_unsorted:
        add_note(annotations, f"{n_unsorted} rows were earlier than the row before; all have been sorted by time.")
    order = np.argsort(time, kind="stable")
    return code[order].astype(np.int64), time[order]


def _codes(option: str, codes: Iterable[int] | int | None, known: set[int]) -> list[int]:
    if codes is None:
        return []
    try:
        chosen = [int(c) for c in (codes if isinstance(codes, Iterable) else [codes])]
    except (TypeError, ValueError):
        raise InputError(f"{option} must be one code or several, got {codes!r}") from None
    missing = [c for c in chosen if c not in known]
    if missing:
        there = sorted(known)
        shown = f"{there[:20]} and {len(there) - 20} more" if len(there) > 20 else there
        raise InputError(f"the file has no code {missing[0]} that {option} names; it has {shown}")
    return chosen


def _default_units(
    code: NDArray[np.int64], time: NDArray[np.float64], event_codes: list[int], annotations: dict[str, Any]
) -> list[int]:
    codes = [int(c) for c in np.unique(code)]
    if not event_codes:
        add_note(annotations, f"All {len(codes)} codes were taken as units.")
        return codes
    event_times = np.unique(time[code >= FIRST_EVENT_CODE])
    small = [c for c in codes if c < FIRST_EVENT_CODE and c not in event_codes]
    units = [c for c in small if not np.all(np.isin(time[code == c], event_times))]
    add_note(
        annotations,
        f"The codes {units} were taken as units: they are below {FIRST_EVENT_CODE} and do not always stand at the tick "
        f"of a code of {FIRST_EVENT_CODE} or more; all other codes are events.",
    )
    return units


def _trials(
    code: NDArray[np.int64],
    time: NDArray[np.float64],
    start_codes: list[int],
    align_codes: list[int],
    t_stop: float,
    annotations: dict[str, Any],
) -> dict[str, NDArray[Any]]:
    """The trial table, from events in order of time [ms]."""
    begin = np.unique(time[np.isin(code, start_codes)])
    trial_of_event = np.searchsorted(begin, time, side="right") - 1
    in_trial = trial_of_event >= 0
    last_event = begin.copy()
    np.maximum.at(last_event, trial_of_event[in_trial], time[in_trial])
    following = np.append(begin[1:], np.nextafter(t_stop, np.inf))
    stop = np.where(last_event > begin, last_event, following)
    if not align_codes:
        return {"start": begin, "stop": stop, "onset": begin}

    aligned = in_trial & np.isin(code, align_codes)
    rows, first = np.unique(trial_of_event[aligned], return_index=True)
    n_left_out = len(begin) - len(rows)
    if n_left_out:
        add_note(annotations, f"{n_left_out} of {len(begin)} trials have none of the codes {align_codes}: left out.")
    number = {c: row for row, c in enumerate(align_codes)}
    return {
        "start": begin[rows],
        "stop": stop[rows],
        "onset": time[aligned][first],
        "stimulus_class": np.array([number[c] for c in code[aligned][first].tolist()], dtype=np.int64),
    }


def _inside(
    trials: dict[str, NDArray[Any]],
    window: tuple[float, float],
    t_start: float,
    t_stop: float,
    annotations: dict[str, Any],
) -> dict[str, NDArray[Any]]:
    before, after = check_window(window)
    keep = (trials["onset"] + before >= t_start) & (trials["onset"] + after <= t_stop)
    if not keep.all():
        add_note(annotations, f"The window of {np.count_nonzero(~keep)} trials reaches beyond the recording: left out.")
    return {name: column[keep] for name, column in trials.items()}
