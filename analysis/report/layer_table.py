"""All layers and windows in one table, the recording over its control."""

from __future__ import annotations

from ..analyze import Analysis
from ..figures.series import is_ordered, layer_series, windows
from ..figures.style import readable
from ..figures.windows import window_title
from .section import Section, Table
from .words import Value, number

_PACKETS = {
    "packet_size": ("packet size (spikes)", ""),
    "packet_sd_ms": ("SD (ms)", ""),
    "packet_shortest_half_ms": ("shortest half (ms)", ""),
    "packet_shortest_half_matched_ms": ("shortest half, equal size (ms)", ""),
}
_BY_CELL_TYPE = {
    "information_gain_E": ("information gain, E", ""),
    "information_gain_I": ("information gain, I", ""),
}
_ALL_UNITS = {
    "information_gain": ("information gain", ""),
    "mutual_information_bits": ("mutual information (bits)", ""),
}
_DECODING = {"decoding_accuracy": ("decoding accuracy", "%")}
_RATES = {"rate_hz": ("rate (Hz)", ""), "spike_time_tiling": ("spike time tiling", "")}


def layer_table_section(analysis: Analysis, control: Analysis | None, labels: tuple[str, str]) -> Section:
    """Means with standard errors; columns without any value are left out."""
    information = _BY_CELL_TYPE if _has_values(analysis, "information_gain_E") else _ALL_UNITS
    columns_of = _PACKETS | information | _DECODING | (_RATES if control is None else {})
    shown = {column: head for column, head in columns_of.items() if _has_values(analysis, column)}
    rows: list[list[str | tuple[str, ...]]] = []
    for window in windows(analysis):
        both = [analysis] if control is None or window not in windows(control) else [analysis, control]
        names = layer_series(analysis, window, "packet_size").names
        columns = {column: [layer_series(which, window, column) for which in both] for column in shown}
        for position, name in enumerate(names):
            row: list[str | tuple[str, ...]] = [window_title(window), readable(name)]
            for column, (_, unit) in shown.items():
                cell = []
                for series in columns[column]:
                    of_layer = series.only((name,))
                    value = Value(float(of_layer.values[0]), float(of_layer.sems[0])) if len(of_layer) else float("nan")
                    cell.append(number(value, unit))
                row.append(tuple(cell))
            if position:
                row[0] = ""
            rows.append(row)
    caption = "Means ± standard errors (over trials, units or held-out trials)."
    if control is not None:
        caption += f" Upper line: {labels[0]}; lower line: {labels[1]}."
    head = ["window", "layer" if is_ordered(analysis) else "units", *(title for title, _ in shown.values())]
    return Section("table", "All layers and windows", table=Table(head, rows, caption))


def _has_values(analysis: Analysis, column: str) -> bool:
    return column in analysis.layers and bool(analysis.layers[column].notna().any())
