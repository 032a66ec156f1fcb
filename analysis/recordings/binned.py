"""Binned spike counts in a numpy archive (npz).

Counts are not spike times. They become a table with every spike at the centre of its bin, and the table says so in
``annotations['bin_edges_ms']``: which units fire in which trial, and how often, is exact; when they fire within a bin
is not known, and :func:`~semsync.analysis.analyze.analyze` computes nothing from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import SpikeTable
from .files import one_line, require_file
from .tables import MS_PER, check_time_unit
from .trials import add_lack, add_note, check_window, foreign_columns, given_trials

BIN_EDGES = "bin_edges_ms"
_EXPECTED = "an npz archive with counts [n_trials, n_units, n_bins] and the edges of the bins"
_EDGES, _SIZES = ("bin_edges", "edges"), ("bin_size", "bin_width", "bin")
_OUR_ANNOTATIONS = (BIN_EDGES, "notes", "lacks", "class_names", "window_ms")
_MAX_SPIKES = 2**31


def load_binned(
    path: str | Path,
    *,
    time_unit: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read binned counts from an npz archive.

    The array ``counts`` has shape [n_trials, n_units, n_bins], or [n_trials, n_units] for one bin a trial. The bins are
    ``bin_edges`` [n_bins + 1], counted from the onset of the trial, or ``bin_size``, one number, and then begin at the
    onset. Arrays as long as there are trials become columns of the trial table (`stimulus_class`, ...), arrays as long
    as there are units columns of the unit table (`area`, ...); where both are equally many, ``unit_...`` is of units.

    Parameters
    ----------
    path : str or Path
    time_unit : {"ms", "s"}, optional
        Unit of the edges and of the onsets, where their names do not end in ``_ms`` or ``_s``.
    class_column : str, optional
        Trial column with the stimulus class.
    align : str, optional
        Trial column with the onset in the recording; the trials are laid end to end without it.
    window : (float, float), optional
        Only the bins within [ms from onset]; it has to begin and end at edges of bins.

    Raises
    ------
    FileError
        When the file is missing, damaged, or has no counts and bins.
    InputError
        On counts that are no counts, on options that do not fit the file, and when nothing says the unit of times.
    """
    if time_unit is not None:
        check_time_unit(time_unit)
    arrays = _read(require_file(path, _EXPECTED))
    annotations: dict[str, Any] = {"source": Path(path).name}
    try:
        return binned_table(
            arrays, annotations, time_unit=time_unit, class_column=class_column, align=align, window=window
        )
    except SemsyncError as error:
        raise type(error)(f"{path}: {error}") from error


def binned_table(
    arrays: Mapping[str, ArrayLike],
    annotations: dict[str, Any] | None = None,
    *,
    time_unit: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Counts as a table, see :func:`load_binned`.

    Examples
    --------
    >>> arrays = {"counts": [[[1, 0], [0, 2]]], "bin_edges_ms": [0, 10, 20], "unit_area": ["V1", "V2"]}
    >>> table = binned_table(arrays)
    >>> table.times, table.unit, table.annotations["bin_edges_ms"]
    (array([ 5., 15., 15.]), array([0, 1, 1], dtype=int32), [0.0, 10.0, 20.0])
    """
    annotations = {} if annotations is None else annotations
    values = {name: np.asarray(array) for name, array in arrays.items()}
    counts = _counts(values)
    edges = _edges(values, counts.shape[2], time_unit, annotations)
    n_trials, n_units = counts.shape[:2]
    trials, units = _columns(values, n_trials, n_units, annotations)
    onset = _onset(trials, n_trials, align, edges, time_unit, annotations)
    first, last = 0, len(edges) - 1
    if window is not None:
        first, last = (_edge(edges, border) for border in check_window(window))
    edges, counts = edges[first : last + 1], counts[:, :, first:last]
    annotations[BIN_EDGES] = edges.tolist()
    width = np.unique(np.diff(edges).round(9))
    bins = (
        f"bins of {width[0]:g} ms" if len(width) == 1 else f"{len(edges) - 1} bins of {width[0]:g} to {width[-1]:g} ms"
    )
    add_lack(
        annotations,
        f"The recording is counts in {bins}, not spike times: nothing that depends on when a spike falls within its "
        "bin (widths of packets, latencies, synchrony of spikes) can be computed; counts and activity can.",
    )
    if np.any(counts > 1):
        add_note(annotations, f"A bin holds up to {int(counts.max())} spikes of one unit.")
    trial, unit, bin_ = np.nonzero(counts)
    n_spikes = counts[trial, unit, bin_].astype(np.int64)
    centre = (edges[:-1] + edges[1:]) / 2
    columns = foreign_columns(trials) | {"start": onset + edges[0], "stop": onset + edges[-1], "onset": onset}
    return given_trials(
        np.repeat(centre[bin_], n_spikes),
        np.repeat(unit, n_spikes),
        np.repeat(trial, n_spikes),
        {"unit_id": np.arange(n_units)} | units,
        columns,
        annotations,
        class_column=class_column,
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # Nothing is unpickled: arrays of Python objects are refused.
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise FileError(f"{path} holds a single array, expected {_EXPECTED}")
            return {name: archive[name] for name in archive.files}
    except FileError:
        raise
    # zipfile, zlib and the header of an array have errors of their own: whatever it is, the file is what is wrong.
    except Exception as error:
        raise FileError(f"{path} cannot be read ({one_line(error)}), expected {_EXPECTED}") from error


def _counts(values: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if "counts" not in values:
        raise FileError(f"there is no array 'counts' but {sorted(values)}, expected {_EXPECTED}")
    counts = values.pop("counts")
    if counts.ndim == 2:
        counts = counts[:, :, None]
    if counts.ndim != 3 or counts.dtype.kind not in "biuf":
        raise InputError(
            f"counts must be numbers of shape [n_trials, n_units, n_bins] or [n_trials, n_units], got "
            f"{counts.dtype.name} of shape {counts.shape}"
        )
    if counts.dtype.kind == "b":
        counts = counts.astype(np.uint8)
    bad = (
        np.argwhere(~np.isfinite(counts) | (counts < 0) | (counts != np.floor(counts)))
        if counts.dtype.kind != "u"
        else np.empty((0, 3), dtype=int)
    )
    if len(bad):
        where = tuple(bad[0].tolist())
        raise InputError(f"counts must be whole numbers >= 0, got {counts[where]} in trial, unit and bin {where}")
    if counts.sum(dtype=np.float64) >= _MAX_SPIKES:
        raise InputError(
            f"counts add up to {counts.sum(dtype=np.float64):g} spikes, expected less than {_MAX_SPIKES:g}"
        )
    return counts


def _edges(
    values: dict[str, NDArray[Any]], n_bins: int, time_unit: str | None, annotations: dict[str, Any]
) -> NDArray[np.float64]:
    """Edges of the bins [ms], shape [n_bins + 1]; what they come from is taken out of `values`."""
    name = _named(values, _EDGES)
    if name is not None:
        edges = _milliseconds(name, values.pop(name), time_unit)
        if edges.shape != (n_bins + 1,) or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
            raise InputError(f"{name} must be {n_bins + 1} ascending times for {n_bins} bins, got shape {edges.shape}")
        return edges
    name = _named(values, _SIZES)
    if name is None:
        raise FileError(
            f"nothing says where the bins lie: there is no bin_edges and no bin_size, only {sorted(values)}"
        )
    size = _milliseconds(name, values.pop(name), time_unit)
    if size.size != 1 or not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"{name} must be one positive number, got {size.ravel()[:3].tolist()} ms")
    add_note(annotations, f"The first bin was taken to begin at the onset of the trial: only {name} is given.")
    # 0.01 s are 10 ms, whatever 0.01 * 1000 gives.
    return np.round(np.arange(n_bins + 1) * float(size.ravel()[0]), 9)


def _named(values: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((n + unit for n in names for unit in ("_ms", "_s", "") if n + unit in values), None)


def _milliseconds(name: str, values: NDArray[Any], time_unit: str | None) -> NDArray[np.float64]:
    ending = re.search(r"_(ms|s)$", name)
    unit = ending[1] if ending else time_unit
    if unit is None:
        raise InputError(f"nothing says whether {name} is in ms or s; pass time_unit (--time-unit ms or --time-unit s)")
    if values.dtype.kind not in "iuf":
        raise InputError(f"{name} must be times, got {values.dtype.name}")
    return values.astype(np.float64) * MS_PER[unit]


def _columns(
    values: Mapping[str, NDArray[Any]], n_trials: int, n_units: int, annotations: dict[str, Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    trials: dict[str, NDArray[Any]] = {}
    units: dict[str, NDArray[Any]] = {}
    others = []
    for name, array in values.items():
        column = np.char.decode(array, errors="replace") if array.dtype.kind == "S" else array
        if column.ndim == 0 and column.dtype.kind in "biufU" and name not in _OUR_ANNOTATIONS:
            annotations[name] = column.item() if column.dtype.kind != "f" or np.isfinite(column) else str(column)
        elif column.ndim != 1 or column.dtype.kind not in "biufU" or len(column) not in (n_trials, n_units):
            others.append(name)
        elif len(column) == n_units and (n_units != n_trials or name.startswith("unit")):
            units["unit_id" if name in ("unit", "units", "unit_id") else name.removeprefix("unit_")] = column
        else:
            trials[name] = column
    if n_trials == n_units and trials:
        add_note(annotations, f"There are as many units as trials; {', '.join(trials)} were taken as of trials.")
    if others:
        add_note(annotations, f"Arrays that are neither of trials nor of units were left out: {', '.join(others)}.")
    return trials, units


def _onset(
    trials: Mapping[str, NDArray[Any]],
    n_trials: int,
    align: str | None,
    edges: NDArray[np.float64],
    time_unit: str | None,
    annotations: dict[str, Any],
) -> NDArray[np.float64]:
    if align is not None:
        if align not in trials or trials[align].dtype.kind not in "iuf":
            raise InputError(f"the trials have no times {align!r} to align to; they have {sorted(trials)}")
        return _milliseconds(align, trials[align], time_unit)
    add_note(annotations, "The trials are laid end to end; align can name their onsets in the recording.")
    return np.arange(n_trials) * float(np.ceil(edges[-1] - edges[0])) - edges[0]


def _edge(edges: NDArray[np.float64], border: float) -> int:
    nearest = int(np.argmin(np.abs(edges - border)))
    if abs(edges[nearest] - border) > 1e-6:
        raise InputError(
            f"a window of counts has to begin and end at edges of bins; {border:g} ms is none, the nearest is "
            f"{edges[nearest]:g} ms"
        )
    return nearest
