"""How measures of a network change along axes of realism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .save import figure_of
from .style import GREY, INK, given_axes, new_axes, styled

ROWS = {
    "accuracy": "accuracy",
    "decision_time_ms": "decision time (ms)",
    "sd_ms": "spread of spike\ntimes (ms)",
    "packet_shortest_half_ms": "shortest half of\nthe packet (ms)",
    "information_gain_E": "information gain,\nexcitatory neurons",
}
_OF_NETWORK = ("accuracy", "decision_time_ms")
_MAX_TICK_LETTERS = 17  # that stand side by side under a panel
_PALETTE = ("#cfe1f2", "#93c3df", "#4a98c9", "#1764ab", "#08306b", "#041d40", "#021226", "#000000")


@styled
def validation_curves(
    results: Mapping[str, Any], *, others: Mapping[str, Mapping[str, Any]] | None = None, axes: Any = None
) -> NDArray[np.object_]:
    """A column for each protocol, a row for each measure.

    Parameters
    ----------
    results : mapping
        As in ``results.json`` of a validation.
    others : mapping of str to mapping, optional
        Results of other networks under the same protocols, by name; their accuracy and decision time are drawn dashed.
    axes : array of matplotlib Axes, optional
        ``len(ROWS)`` rows, one column a curve.

    Returns
    -------
    array of matplotlib Axes, shape [n_rows, n_curves]
        Means over networks, bars are standard deviations over them. Grey lines: the exact network. Layers from light
        to dark.
    """
    curves = [curve for curve in results["curves"] if curve["axis"]]
    n_columns = max(1, len(curves))
    if axes is None:
        axes = new_axes(
            len(ROWS), n_columns, width_mm=max(60.0, 34.0 * n_columns), height_mm=36.0 * len(ROWS), sharey="row"
        )
    panels = np.array(given_axes(axes, len(ROWS) * n_columns), dtype=object).reshape(len(ROWS), n_columns)
    for column, curve in enumerate(curves):
        for row, (key, label) in enumerate(ROWS.items()):
            ax = panels[row, column]
            _draw(ax, curve["points"], results["exact"], key)
            for number, (name, other) in enumerate((others or {}).items() if key in _OF_NETWORK else ()):
                for same in other["curves"]:
                    if (same["protocol"], same["axis"]) == (curve["protocol"], curve["axis"]):
                        _line(
                            ax,
                            same["points"],
                            [p[key] for p in same["points"]],
                            "#d55e00",
                            label=name,
                            linestyle="--",
                            shift=number,
                        )
            if column == 0:
                ax.set_ylabel(label)
            _positions(ax, curve["points"], last=row == len(ROWS) - 1, label=_axis_label(curve))
        panels[0, column].set_title(curve["protocol"].replace("+", " +\n").replace(":", ":\n"))
    for key, panels_of_row in zip(ROWS, panels, strict=True):
        for ax in panels_of_row:
            if key == "accuracy":
                ax.set_ylim(0, 1.02)
            elif key != "information_gain_E":
                ax.set_ylim(bottom=0)
    _legend(panels, results["exact"]["layers"], list(others or {}))
    return panels


def _draw(ax: Any, points: Sequence[Mapping[str, Any]], exact: Mapping[str, Any], key: str) -> None:
    if key in _OF_NETWORK:
        if exact[key]["mean"] is not None:
            ax.axhline(exact[key]["mean"], color=GREY, linewidth=0.7, zorder=0)
        _line(ax, points, [point[key] for point in points], INK)
        return
    n_layers = len(exact["layers"])
    hidden = range(n_layers - 1) if n_layers > 1 else range(n_layers)
    for layer in hidden:
        color = _layer_color(layer, n_layers)
        if key != "sd_ms" and exact["layers"][layer][key]["mean"] is not None:
            ax.axhline(exact["layers"][layer][key]["mean"], color=color, linewidth=0.5, linestyle=":", zorder=0)
        _line(ax, points, [point["layers"][layer][key] for point in points], color)


def _line(
    ax: Any,
    points: Sequence[Any],
    summaries: Sequence[Mapping[str, Any]],
    color: str,
    *,
    label: str = "",
    linestyle: str = "-",
    shift: int = 0,
) -> None:
    x = np.arange(len(points)) + 0.08 * (shift + 1) * (linestyle != "-")
    mean = np.array([np.nan if one["mean"] is None else one["mean"] for one in summaries], dtype=float)
    sd = np.array([np.nan if one["sd"] is None else one["sd"] for one in summaries], dtype=float)
    ax.errorbar(
        x,
        mean,
        np.where(np.isfinite(sd), sd, 0),
        color=color,
        marker="o",
        markersize=3,
        linestyle=linestyle,
        elinewidth=0.8,
        label=label or None,
    )


def _positions(ax: Any, points: Sequence[Mapping[str, Any]], *, last: bool, label: str) -> None:
    ax.set_xticks(range(len(points)))
    names = [f"{point['value']:g}" for point in points] if last else []
    ax.set_xticklabels(names, rotation=0 if sum(map(len, names)) < _MAX_TICK_LETTERS else 60)
    ax.set_xlim(-0.4, len(points) - 0.6)
    if last:
        ax.set_xlabel(label)


def _axis_label(curve: Mapping[str, Any]) -> str:
    name = curve["axis"].rpartition(".")[2]
    return f"{name} ({curve['unit']})" if curve["unit"] else name


def _layer_color(layer: int, n_layers: int) -> str:
    positions = np.linspace(1, len(_PALETTE) - 3, max(2, n_layers - 1)).round().astype(int)
    return _PALETTE[positions[min(layer, len(positions) - 1)]]


def _legend(panels: NDArray[np.object_], layers: Sequence[Mapping[str, Any]], others: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    n_layers = len(layers)
    handles = [
        Line2D(
            [],
            [],
            color=_layer_color(number, n_layers),
            marker="o",
            markersize=3,
            label=layer["name"].replace("_", " "),
        )
        for number, layer in enumerate(layers[:-1] or layers)
    ]
    handles.append(Line2D([], [], color=GREY, linewidth=0.7, label="exact"))
    handles += [
        Line2D([], [], color="#d55e00", linestyle="--", marker="o", markersize=3, label=name) for name in others
    ]
    figure_of(panels[0, 0]).legend(handles=handles, loc="outside upper left", ncols=len(handles))
