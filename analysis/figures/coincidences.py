"""Coincidences of pairs of units beside what surrogates make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from .style import DECISION_COLOR, GREY, INK, PALE, legend_above, new_axes, styled
from .windows import window_title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

N_BY_NAME = 16  # more pairs than these are points of a cloud


def rows_of_window(table: pd.DataFrame, window: str | None) -> pd.DataFrame:
    """The tested rows of one window of a table; its first window without a name.

    Raises
    ------
    InputError
        When there are none.
    """
    window = table["window"].iloc[0] if window is None and len(table) else window
    rows = table[(table["window"] == window) & np.isfinite(table["p_value"])]
    if not len(rows):
        raise InputError(f"the table has no tested rows in window {window!r}")
    return rows


def pair_names(rows: pd.DataFrame) -> list[str]:
    """``"3–7"``, with the class where classes are apart."""
    return [
        f"{one}–{two}" + (f", class {label}" if label >= 0 else "")
        for one, two, label in zip(rows["unit_id_1"], rows["unit_id_2"], rows["stimulus_class"], strict=True)
    ]


@styled
def coincidences(table: pd.DataFrame, *, window: str | None = None, ax: Axes | None = None) -> Axes:
    """Observed coincidences against the mean of the surrogates.

    Parameters
    ----------
    table : DataFrame
        ``analysis.extras["coincidences"]``.
    window : str, optional
        Name of a window; the first without it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        A few pairs by name, each with the range of 95 % of its surrogates (mean and 1.96 standard deviations); many as
        points. Coloured where q is below alpha.

    Raises
    ------
    InputError
        When no pair was tested in the window.
    """
    rows = rows_of_window(table, window)
    few = len(rows) <= N_BY_NAME
    if ax is None:
        ax = new_axes(width_mm=100, height_mm=22 + 7 * len(rows) if few else 75)[0, 0]
        assert ax is not None
    found = rows["q_value"].to_numpy() < rows["alpha"].to_numpy()
    observed, expected = (rows[name].to_numpy(dtype=np.float64) for name in ("observed", "expected"))
    lag = f"within ±{rows['max_lag_ms'].iloc[0]:g} ms"
    label = f"q < {rows['alpha'].iloc[0]:g}"
    if few:
        ax.use_sticky_edges = False  # bars of a bar chart would otherwise begin at the border
        place = np.arange(len(rows))[::-1]
        reach = 1.96 * rows["expected_sd"].to_numpy(dtype=np.float64)
        ax.barh(place, 2 * reach, left=expected - reach, height=0.5, color=PALE, label="surrogates, 95 %")
        ax.plot(expected, place, "|", color=GREY, markersize=9)
        for chosen, color, name in ((found, DECISION_COLOR, f"observed, {label}"), (~found, INK, "observed")):
            if chosen.any():
                face = color if name != "observed" else "white"
                ax.plot(observed[chosen], place[chosen], "o", color=color, markerfacecolor=face, label=name)
        ax.set_yticks(place, pair_names(rows))
        ax.set_ylim(-0.7, len(rows) - 0.3)
        ax.margins(x=0.08)
        ax.set_ylabel("units")
        ax.set_xlabel(f"coincidences {lag} ({window_title(str(rows['window'].iloc[0]))})")
    else:
        top = float(max(observed.max(), expected.max()))
        ax.plot([0, top], [0, top], color=GREY, linewidth=0.7, zorder=0)
        for chosen, color, name in ((~found, GREY, "pairs of units"), (found, DECISION_COLOR, label)):
            ax.plot(
                expected[chosen],
                observed[chosen],
                ".",
                color=color,
                markersize=3,
                label=name,
                rasterized=len(rows) > 5000,
            )
        ax.set_xlabel("expected by surrogates")
        ax.set_ylabel(f"coincidences {lag}\n({window_title(str(rows['window'].iloc[0]))})")
    legend_above(ax)
    return ax
