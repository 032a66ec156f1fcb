"""How much each unit's responses tell about the class, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .style import GREY, SERIES_COLORS, given_axes, new_axes, readable, styled
from .windows import window_title

if TYPE_CHECKING:
    import pandas as pd

_RESPONSES = {"count": "spike count", "latency": "first-spike latency"}


@styled
def information_by_unit(
    table: pd.DataFrame,
    *,
    window: str | None = None,
    estimator: str = "panzeri_treves",
    alpha: float = 0.05,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Mutual information of count and of latency with the class, units ranked within their group.

    Parameters
    ----------
    table : DataFrame
        ``analysis.extras["information"]``.
    window : str, optional
        Name of a window; the first without it.
    estimator : str
        Ending of the column that is shown.
    alpha : float
        Units with q <= alpha are filled.
    axes : sequence of matplotlib Axes, optional
        One for each response.

    Returns
    -------
    array of matplotlib Axes, shape [n_responses]

    Raises
    ------
    InputError
        When the table lacks the window or the estimator.
    """
    column = f"information_bits_{estimator}"
    if column not in table:
        known = [name.removeprefix("information_bits_") for name in map(str, table) if name.startswith("information_")]
        raise InputError(f"the table has no estimator {estimator!r}; it has {', '.join(known)}")
    window = str(table["window"].iloc[0]) if window is None else window
    rows = table[table["window"] == window]
    if not len(rows):
        raise InputError(f"the table has no window {window!r}")
    responses = list(dict.fromkeys(rows["response"]))
    if axes is None:
        axes = new_axes(1, len(responses), width_mm=30 + 75 * len(responses), height_mm=62, sharey=True)
    panels = given_axes(axes, len(responses))
    for ax, response in zip(panels, responses, strict=True):
        shown = rows[rows["response"] == response].sort_values("layer", kind="stable")
        left = 0
        for number, name in enumerate(dict.fromkeys(shown["name"])):
            of_group = shown[(shown["name"] == name) & np.isfinite(shown["p_value"])]
            of_group = of_group.sort_values(column, ascending=False)
            color = SERIES_COLORS[number % len(SERIES_COLORS)]
            place, found = left + np.arange(len(of_group)), of_group["q_value"].to_numpy() <= alpha
            bits = of_group[column].to_numpy(dtype=np.float64)
            ax.plot(place[~found], bits[~found], "o", color=color, markerfacecolor="white", markersize=2.5)
            label = f"{readable(str(name))}, {found.sum()} of {len(of_group)} units"
            ax.plot(place[found], bits[found], "o", color=color, markersize=2.5, label=label)
            left += len(of_group) + max(2, len(shown) // 40)
        ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
        ax.set_xticks([])
        ax.set_xlabel(f"units, ranked within their group (filled: q ≤ {alpha:g})")
        ax.set_title(_RESPONSES.get(response, response))
        ax.legend(loc="upper right")
    panels[0].set_ylabel(f"information about the class (bits)\n({window_title(window)})")
    return np.array(panels, dtype=object)
