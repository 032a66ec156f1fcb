"""A measure drawn across layers, the panel that most figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..analyze import Analysis
from .series import LayerSeries, layer_series
from .style import CONTROL, GREY, MAIN, LineStyle, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = ("trained", "untrained")
_MAX_TRIALS = 500


def draw_series(
    ax: Axes, series: LayerSeries, style: LineStyle, *, label: str = "", color: str | None = None, shift: float = 0.0
) -> None:
    """Means with their standard errors; a line joins layers, but not areas."""
    color = color or style.color
    x = np.arange(len(series)) + shift
    defined = np.isfinite(series.values)
    ax.errorbar(
        x[defined],
        series.values[defined],
        np.where(np.isfinite(series.sems), series.sems, 0.0)[defined],
        color=color,
        linestyle=style.linestyle if series.ordered else "none",
        marker="o",
        markerfacecolor=color if style.filled else "white",
        markeredgecolor=color,
        capsize=2,
        elinewidth=0.9,
        label=label or "_nolegend_",
        zorder=3 if style.filled else 2,
    )


def draw_comparison(
    ax: Axes, trained: Analysis, untrained: Analysis | None, window: str, column: str, labels: tuple[str, str] = LABELS
) -> None:
    """The measure `column` of a recording and of its control."""
    series = layer_series(trained, window, column)
    if untrained is None and (not series.ordered or len(series) == 1):
        _draw_trials(ax, trained, window, column, series.names)
    draw_series(ax, series, MAIN, label=labels[0] if untrained is not None else "")
    if untrained is not None:
        draw_series(ax, layer_series(untrained, window, column), CONTROL, label=labels[1], shift=0.06)
    name_layers(ax, series.names)


def _draw_trials(ax: Axes, analysis: Analysis, window: str, column: str, names: tuple[str, ...]) -> None:
    """Single trials behind the means of areas, of which there are few."""
    if column not in analysis.packets:
        return
    of_window = analysis.packets[analysis.packets["window"] == window]
    for x, name in enumerate(names):
        values = of_window.loc[of_window["name"] == name, column].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        shown = values[np.linspace(0, len(values) - 1, min(len(values), _MAX_TRIALS)).astype(np.intp)]
        offset = ((np.arange(len(shown)) * 0.618) % 1 - 0.5) * 0.3
        ax.plot(x + offset, shown, ".", color=GREY, alpha=0.35, markersize=2.5, markeredgewidth=0, rasterized=True)


def name_layers(ax: Axes, names: tuple[str, ...]) -> None:
    """Write the layers' names under the x axis, slanted where they would run into each other."""
    labels = [readable(name) for name in names]
    crowded = len(names) > 4 or max(map(len, labels), default=0) > 9
    ax.set_xticks(range(len(names)), labels, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    ax.set_xlim(-0.4, len(names) - 0.6)
