"""How much single units tell about the class, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..analyze import Analysis
from .profile import LABELS, draw_series, name_layers
from .series import layer_series, main_window, require_window
from .style import (
    CELL_TYPE_COLORS,
    CELL_TYPE_NAMES,
    CONTROL,
    GREY,
    MAIN,
    LineStyle,
    given_axes,
    legend_above,
    new_axes,
    styled,
)
from .windows import window_title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SIDE = 0.17


def cell_types(analysis: Analysis) -> list[str]:
    """Panels of :func:`information_gain`: excitatory and inhibitory where told apart, else all units together."""
    found = set(analysis.units["cell_type"]) if "cell_type" in analysis.units else set()
    return [kind for kind in ("E", "I") if kind in found] or ["-"]


@styled
def information_gain(
    trained: Analysis,
    untrained: Analysis | None = None,
    *,
    window: str | None = None,
    labels: tuple[str, str] = LABELS,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Information gain of units by layer, excitatory and inhibitory, beside a control.

    Parameters
    ----------
    trained, untrained, window, labels
        See :func:`packet_width`.
    axes : sequence of matplotlib Axes, optional
        One for each of :func:`cell_types`.

    Returns
    -------
    array of matplotlib Axes, shape [n_panels]
        A dot is a unit, a circle the mean over units with its standard error. Layers in which no unit has an
        information gain are left out.

    Raises
    ------
    InputError
        When the analysis lacks the window.
    """
    window = window or main_window(trained)
    require_window(trained, window)
    kinds = cell_types(trained)
    if axes is None:
        axes = new_axes(1, len(kinds), width_mm=75 * len(kinds) + 30, height_mm=65, sharey=True)
    panels = given_axes(axes, len(kinds))
    shown = _shown_layers(trained, window, kinds)
    for ax, kind in zip(panels, kinds, strict=True):
        color = CELL_TYPE_COLORS[kind]
        side = 0.0 if untrained is None else _SIDE
        _draw(ax, trained, window, kind, shown, color, MAIN, side, "" if untrained is None else labels[0])
        if untrained is not None:
            _draw(ax, untrained, window, kind, shown, GREY, CONTROL, -side, labels[1])
        name_layers(ax, tuple(shown))
        ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
        ax.set_title(f"{CELL_TYPE_NAMES[kind]} units" if kind != "-" else "all units", color=color)
        legend_above(ax)
    panels[0].set_ylabel(f"information gain\n({window_title(window)})")
    return np.array(panels, dtype=object)


def _column(kind: str) -> str:
    return "information_gain" if kind == "-" else f"information_gain_{kind}"


def _shown_layers(analysis: Analysis, window: str, kinds: list[str]) -> dict[str, int]:
    """Names and numbers of the layers where some unit has an information gain."""
    rows = analysis.layers[analysis.layers["window"] == window].sort_values("layer", kind="stable")
    defined = np.isfinite(rows[[_column(kind) for kind in kinds]].to_numpy(dtype=np.float64)).any(axis=1)
    return dict(zip(rows["name"][defined], rows["layer"][defined], strict=True))


def _draw(
    ax: Axes,
    analysis: Analysis,
    window: str,
    kind: str,
    shown: dict[str, int],
    color: str,
    style: LineStyle,
    side: float,
    label: str,
) -> None:
    for x, layer in enumerate(shown.values()):
        values = _values_of_units(analysis.units, window, layer, kind)
        # Golden-ratio steps fill the column evenly, and alike in every run.
        offset = ((np.arange(len(values)) * 0.618) % 1 - 0.5) * 0.22
        ax.plot(
            x + side + offset, values, ".", color=color, alpha=0.45, markersize=3, markeredgewidth=0, rasterized=True
        )
    series = layer_series(analysis, window, _column(kind)).only(tuple(shown))
    draw_series(ax, series, style, label=label, color=color, shift=side)


def _values_of_units(units: pd.DataFrame, window: str, layer: int, kind: str) -> NDArray[np.float64]:
    chosen = (units["window"] == window) & (units["layer"] == layer)
    if kind != "-":
        chosen &= units["cell_type"] == kind
    gain = units.loc[chosen, "information_gain"].to_numpy(dtype=np.float64)
    return gain[np.isfinite(gain)]
