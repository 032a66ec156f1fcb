"""Inspection of formats that have to be read to be counted: GDF, NEST, CSV, Parquet, binned counts, others of Neo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .inspection import Inspection, describe_table, require_units, units_lack
from .suggestion import suggest, suggest_codes

_NEST_RESOLUTION = 0.1
_NAMES_OF_OPTIONS = {"window": "span"}


def inspect_by_reading(path: Path, name: str, options: dict[str, Any]) -> Inspection:
    """Read a file as ``semsync analyze`` would, with what is not given assumed and said."""
    from .registry import load_recording

    options = dict(options)
    assumed: dict[str, Any] = {}
    notes: list[str] = []
    try:
        table = load_recording(path, **options)
    except InputError as error:
        assumed, reason = _missing_option(path, name, options, str(error))
        if not assumed:
            raise
        table = load_recording(path, **options, **assumed)
        notes.append(reason)
    require_units(path, table.n_units)
    about = describe_table(table)
    about["notes"] = (*notes, *about["notes"])
    about["lacks"] = (*about["lacks"], *units_lack(table.units))
    suggested, remarks = suggest(about["trial_tables"], named=False)
    events = {}
    if name == "GDF":
        from .gdf import FIRST_EVENT_CODE, gdf_codes

        events = gdf_codes(path)
        if table.n_trials == 1 and not options:
            suggested = suggest_codes(events, FIRST_EVENT_CODE)
    if name == "counts":
        # A window of counts has to lie at edges of bins, and the trials are as long as the counts.
        suggested.pop("span", None)
        onset = next((key for key in table.trials if re.search(r"onset.*_m?s$", key)), None)
        if onset is not None and "align" not in options:
            suggested = {"align": onset} | suggested
    if name in ("CSV", "Parquet", "NEST") and table.n_trials == 1:
        suggested.pop("span", None)
    given = texts_of(options | assumed)
    return Inspection(
        path, name, False, events=events, options=given | {k: v for k, v in suggested.items() if k not in given},
        remarks=tuple(remarks), **about,
    )  # fmt: skip


def _missing_option(path: Path, name: str, options: dict[str, Any], message: str) -> tuple[dict[str, Any], str]:
    """An option without which the file cannot be read, as it is most likely."""
    if name == "NEST" and "resolution" not in options and "pass resolution" in message:
        return {"resolution": _NEST_RESOLUTION}, (
            f"Times are in steps, and the file does not say of which resolution: {_NEST_RESOLUTION} ms was taken, the "
            "default of NEST."
        )
    if name in ("CSV", "Parquet", "counts") and "time_unit" not in options and "pass time_unit" in message:
        unit = _likely_unit(path, name)
        return {"time_unit": unit}, (
            f"The file does not say the unit of its times: they look like {unit}. Check that before all else."
        )
    return {}, ""


def _likely_unit(path: Path, name: str) -> str:
    """Spikes of a unit are rarely less than 1 ms and rarely more than a minute apart."""
    if name == "counts":
        with np.load(path, allow_pickle=False) as archive:
            sizes = [np.diff(archive[key]) for key in ("bin_edges", "edges") if key in archive]
            sizes += [np.ravel(archive[key]) for key in ("bin_size", "bin_width", "bin") if key in archive]
        return "ms" if sizes and np.median(sizes[0]) >= 1 else "s"
    from .tables import TIME_NAMES, UNIT_NAMES, find_column, has_header, read_table

    columns = read_table(path, "a table of spikes")
    unit, time = ("0", "1") if not has_header(columns) else (
        find_column(columns, UNIT_NAMES), find_column(columns, TIME_NAMES),
    )  # fmt: skip
    times = columns[time or ""].astype(np.float64)
    if np.all(times == np.floor(times)):
        return "ms"
    finite = np.isfinite(times)
    times, units = times[finite], columns[unit or ""][finite]
    order = np.lexsort((times, units))
    intervals = np.diff(times[order])[units[order][1:] == units[order][:-1]]
    intervals = intervals[intervals > 0]
    # Refractoriness: in ms no interval of a unit is below 1, in s most are.
    return "ms" if len(intervals) and np.quantile(intervals, 0.01) >= 0.5 else "s"


def texts_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of a reader as the command line writes them."""
    return {_NAMES_OF_OPTIONS.get(key, key): _text(value) for key, value in options.items()}


def _text(value: Any) -> str:
    return (
        ",".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
        if isinstance(value, list | tuple)
        else str(value)
    )
