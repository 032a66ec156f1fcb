"""When in a trial units tell about the class, and when it can be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .style import GREY, SERIES_COLORS, given_axes, new_axes, readable, styled

if TYPE_CHECKING:
    import pandas as pd

_MOST_GROUPS = len(SERIES_COLORS)


@styled
def time_course(
    table: pd.DataFrame, *, window: str | None = None, alpha: float = 0.05, axes: Any = None
) -> NDArray[np.object_]:
    """Information of units and accuracy of decoding over time, a colour for each group.

    Parameters
    ----------
    table : DataFrame
        ``analysis.extras["time_course"]``; values stand at the middle of their sliding window.
    window : str, optional
        Name of the analysis's window that the sliding windows lie in; the first without it.
    alpha : float
        Accuracies with q <= alpha are filled.
    axes : sequence of matplotlib Axes, optional
        Two: information, then accuracy.

    Returns
    -------
    array of matplotlib Axes, shape [2]
        Means over units with their standard errors, and accuracies with binomial ones above the 95 % quantile of
        permuted classes (broken line).

    Raises
    ------
    InputError
        When the table lacks the window.
    """
    window = str(table["window"].iloc[0]) if window is None and len(table) else window
    rows = table[table["window"] == window]
    if not len(rows):
        raise InputError(f"the table has no window {window!r}")
    if axes is None:
        axes = new_axes(1, 2, height_mm=60)
    panels = given_axes(axes, 2)
    for number, name in enumerate(list(dict.fromkeys(rows["name"]))[:_MOST_GROUPS]):
        of_group = rows[rows["name"] == name].sort_values("t_start_ms")
        middle = (of_group["t_start_ms"] + of_group["t_stop_ms"]).to_numpy() / 2
        color = SERIES_COLORS[number]
        for ax, column in zip(panels, ("information_bits", "accuracy"), strict=True):
            values, sems = (of_group[key].to_numpy(dtype=np.float64) for key in (column, f"{column}_sem"))
            ax.fill_between(middle, values - sems, values + sems, color=color, alpha=0.2, linewidth=0)
            ax.plot(middle, values, color=color, label=readable(str(name)))
        found = of_group["q_value"].to_numpy() <= alpha
        accuracy = of_group["accuracy"].to_numpy(dtype=np.float64)
        for chosen, face in ((found, color), (~found, "white")):
            panels[1].plot(middle[chosen], accuracy[chosen], "o", color=color, markerfacecolor=face, markersize=3)
        panels[1].plot(middle, of_group["permutation_accuracy_95"], color=color, linestyle="--", linewidth=0.8)
    size = float((rows["t_stop_ms"] - rows["t_start_ms"]).iloc[0])
    for ax in panels:
        ax.set_xlabel(f"time from onset (ms), middle of {size:g} ms")
    panels[0].axhline(0, color=GREY, linewidth=0.6, zorder=0)
    panels[0].set_ylabel("information (bits),\nmean over units")
    panels[0].legend(loc="upper right")
    panels[1].set_ylabel("decoding accuracy")
    panels[1].set_title(f"filled: q ≤ {alpha:g}; broken: 95 % of permuted classes")
    panels[1].set_ylim(0, 1.04)
    return np.array(panels, dtype=object)
