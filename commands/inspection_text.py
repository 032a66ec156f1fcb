"""An inspection as text for a terminal, in aligned columns."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..analysis.recordings import Inspection
    from ..analysis.recordings.inspection import Column, TrialTable

_WIDTH = 12  # of the names at the left
_MAX_CODES = 60


def inspection_lines(found: Inspection) -> list[str]:
    """What `semsync inspect` prints."""
    made_by = "of semsync" if found.is_ours else "of another program"
    kind = f"{found.format} file {made_by}" if found.format in ("NIX", "NWB") else _KINDS[found.format]
    lines = [f"{found.path.name}: {kind}", ""]
    lines += _field("units", f"{found.n_units:,}")
    lines += _field("spikes", f"{found.n_spikes:,}")
    lines += _field("duration", f"{_time(found.t_stop_ms - found.t_start_ms)}, from {_time(found.t_start_ms)}")
    if abs(found.recorded_ms - (found.t_stop_ms - found.t_start_ms)) > 1e-3 * found.recorded_ms:
        lines += _field("in trials", _time(found.recorded_ms))
    for name in ("area", "layer", "population", "cell_type"):
        counts = found.count_of(name)
        if counts:
            shown = [f"{value} {n}" for value, n in list(counts.items())[:8]]
            more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
            lines += _field(_TITLES[name], ", ".join(shown) + more)
    lines += _field("rates", _rates(found))
    others = sorted(set(found.units) - {*_TITLES, "unit_id"})
    if others:
        lines += _field("also known", ", ".join(others))
    if found.events:
        codes = [f"{code} ({n})" for code, n in list(found.events.items())[:_MAX_CODES]]
        more = f" and {len(found.events) - _MAX_CODES} more" if len(found.events) > _MAX_CODES else ""
        lines += _field("codes", ", ".join(codes) + more)
    for table in found.trial_tables:
        lines += ["", *_table(table)]
    for title, sentences in (("assumed", found.notes), ("lacking", found.lacks), ("remarks", found.remarks)):
        if sentences:
            lines.append("")
            for number, sentence in enumerate(sentences):
                lines += _field(title if not number else "", sentence)
    return [*lines, "", "try", f"  {found.command}"]


_KINDS = {
    "GDF": "GDF, a list of codes and times",
    "NEST": "recorder files of NEST 3",
    "CSV": "a table of spikes (CSV)",
    "Parquet": "a table of spikes (Parquet)",
    "counts": "binned counts, no spike times",
    "Neo": "read by Neo",
}
_TITLES = {"area": "areas", "layer": "layers", "population": "populations", "cell_type": "cell types"}


def _field(title: str, text: str) -> list[str]:
    """Wrapped at words, with the name at the left."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > 100 - _WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return [f"{title if not row else '':<{_WIDTH}}{line}" for row, line in enumerate(lines)]


def _rates(found: Inspection) -> str:
    rates = found.rates_hz
    if not np.isfinite(rates).all():
        return "unknown"
    n_silent = int(np.count_nonzero(found.n_spikes_of_unit == 0))
    silent = f"; {n_silent} without spikes" if n_silent else ""
    return f"{rates.min():.3g} to {rates.max():.3g} Hz, median {np.median(rates):.3g} Hz{silent}"


def _table(table: TrialTable) -> list[str]:
    lines = [f"{table.name}: {table.n_trials:,} trials of {_time(table.median_duration_ms)} (median)"]
    width = min(28, max((len(column.name) for column in table.columns), default=0))
    return lines + [f"  {column.name:<{width}}  {_column(column)}" for column in table.columns]


def _column(column: Column) -> str:
    missing = f"; {column.n_missing} missing" if column.n_missing else ""
    if not column.n_values:
        return "no values" + missing
    if column.is_event:
        return f"event, {column.smallest:.6g} to {column.largest:.6g}{missing}"
    if column.n_values <= len(column.counts):
        listed = ", ".join(f"{_value(value)} ({n})" for value, n in column.counts)
        return listed + missing
    if column.kind == "numbers":
        return f"{column.n_values} values, {column.smallest:.6g} to {column.largest:.6g}{missing}"
    return f"{column.n_values} texts, as {_value(column.counts[0][0])}{missing}"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return shlex.quote(value) if isinstance(value, str) else str(value)


def _time(milliseconds: float) -> str:
    if not np.isfinite(milliseconds):
        return "unknown"
    if abs(milliseconds) >= 10_000:
        return f"{milliseconds / 1000:,.6g} s"
    return f"{milliseconds:.6g} ms"
