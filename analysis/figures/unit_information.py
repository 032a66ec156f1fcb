"""The information of every unit, sorted, with those marked that permutations cannot explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ..analyze import Analysis
from .series import main_window, require_window
from .style import FULL_WIDTH_MM, GREY, INK, legend_above, new_axes, readable, styled
from .windows import window_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOR = "#d55e00"


@styled
def unit_information(
    analysis: Analysis, *, window: str | None = None, alpha: float | None = None, ax: Axes | None = None
) -> Axes:
    """Mutual information of every unit's activity with the class, group by group, largest first.

    Parameters
    ----------
    analysis : Analysis
    window : str, optional
        The one up to the decision without it, where there is one.
    alpha : float, optional
        Level of the marks; that of the analysis without.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        Filled: q < alpha (false discovery rate over all units of the window). Open: p < alpha. Under each group the
        number of units with q < alpha.

    Raises
    ------
    InputError
        When the analysis lacks the window, or no unit has an information.
    """
    window = window or main_window(analysis)
    require_window(analysis, window)
    alpha = float(analysis.settings["alpha"]) if alpha is None else alpha
    units = analysis.units[analysis.units["window"] == window]
    if not np.isfinite(units["information_bits"].to_numpy(dtype=np.float64)).any():
        raise InputError(f"no unit has an information in the window {window!r}: the recording has no classes")
    groups = analysis.layers[analysis.layers["window"] == window].sort_values("layer", kind="stable")
    width = float(np.clip(40 + 1.5 * len(units), 85, FULL_WIDTH_MM))
    ax = new_axes(width_mm=width, height_mm=62)[0, 0] if ax is None else ax
    assert ax is not None
    gap = max(3.0, 0.03 * len(units))
    size = 4.0 if len(units) <= 400 else 2.5
    ticks, labels, x = [], [], 0.0
    for name, layer in zip(groups["name"], groups["layer"], strict=True):
        rows = units[units["layer"] == layer].sort_values("information_bits", ascending=False, na_position="last")
        bits, p, q = (rows[key].to_numpy(dtype=np.float64) for key in ("information_bits", "p_value", "q_value"))
        place = x + np.arange(len(rows))
        found, only_p = q < alpha, (p < alpha) & ~(q < alpha)
        neither = ~found & ~only_p
        look: dict[str, Any] = {"linestyle": "none", "rasterized": len(units) > 2000}
        ax.plot(place[neither], bits[neither], "o", color=GREY, markersize=0.7 * size, markeredgewidth=0, **look)
        ax.plot(place[only_p], bits[only_p], "o", color=_COLOR, markerfacecolor="white", markersize=size - 0.5, **look)
        ax.plot(place[found], bits[found], "o", color=_COLOR, markersize=size, markeredgewidth=0, **look)
        ticks.append(x + (len(rows) - 1) / 2)
        labels.append(f"{readable(str(name))}\n{int(found.sum())} of {len(rows)}")
        x += len(rows) + gap
    for marks, label in (
        ({"marker": "o", "color": _COLOR, "markeredgewidth": 0}, f"q < {alpha:g}"),
        ({"marker": "o", "color": _COLOR, "markerfacecolor": "white"}, f"p < {alpha:g} only"),
        ({"marker": "o", "color": GREY, "markeredgewidth": 0}, "neither"),
    ):
        ax.plot([], [], linestyle="none", markersize=4, label=label, **marks)
    ax.axhline(0, color=INK, linewidth=0.5, zorder=0)
    ax.set_xticks(ticks, labels)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-gap / 2, x - gap / 2)
    ax.set_xlabel(f"units, sorted (number with q < {alpha:g})")
    ax.set_ylabel(f"mutual information (bits)\n({window_title(window)})")
    legend_above(ax)
    return ax
