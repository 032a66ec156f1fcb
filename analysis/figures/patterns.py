"""Spike patterns that recur: which signatures are significant, and how the patterns look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .style import DECISION_COLOR, GREY, INK, PALE, from_zero, given_axes, legend_above, new_axes, styled

if TYPE_CHECKING:
    import pandas as pd

N_SHOWN = 10


@styled
def patterns(
    spectrum: pd.DataFrame, found: pd.DataFrame, *, window: str | None = None, axes: Any = None
) -> NDArray[np.object_]:
    """The pattern spectrum, and the significant patterns with the smallest p-values.

    Parameters
    ----------
    spectrum, found : DataFrame
        ``analysis.extras["pattern_spectrum"]`` and ``["patterns"]``.
    window : str, optional
        Name of a window; the first of the spectrum without it.
    axes : sequence of matplotlib Axes, optional
        Two.

    Returns
    -------
    array of matplotlib Axes, shape [2]
        Left, a dot is a signature, its area grows with the number of patterns that have it. Right, a line is a pattern,
        each dot the spike of a unit, by its id.

    Raises
    ------
    InputError
        When no pattern occurred in the window at all.
    """
    window = str(spectrum["window"].iloc[0]) if window is None and len(spectrum) else window
    rows = spectrum[spectrum["window"] == window]
    if not len(rows):
        raise InputError(f"no pattern of spikes occurred in window {window!r}")
    shown = found[found["window"] == window].head(N_SHOWN) if len(found) else found
    if axes is None:
        axes = new_axes(1, 2, width_mm=150, height_mm=max(55, 20 + 7 * len(shown)))
    left, right = given_axes(axes, 2)
    alpha = float(rows["alpha"].iloc[0])
    significant = rows["q_value"].to_numpy() < alpha
    area = 12 * (1 + np.log10(rows["n_patterns"].to_numpy(dtype=np.float64)))
    for chosen, color, label in (
        (~significant, GREY, "not significant"),
        (significant, DECISION_COLOR, f"q < {alpha:g}"),
    ):
        if chosen.any():
            x, y = rows["n_spikes"].to_numpy()[chosen], rows["n_occurrences"].to_numpy()[chosen]
            left.scatter(x, y, s=area[chosen], color=color, linewidth=0, label=label)
    left.set_xticks(np.arange(rows["n_spikes"].min(), rows["n_spikes"].max() + 1))
    left.set_xlim(rows["n_spikes"].min() - 0.6, rows["n_spikes"].max() + 0.6)
    left.set_xlabel("spikes of a pattern")
    left.set_ylabel("occurrences of a pattern")
    from_zero(left)
    legend_above(left)
    places = np.arange(len(shown))[::-1]
    for place, units, lags in zip(places, shown.get("unit_ids", ()), shown.get("lags_ms", ()), strict=True):
        lag = np.array([float(one) for one in lags.split(",")])
        right.plot([lag.min(), lag.max()], [place, place], color=PALE, zorder=0)
        right.plot(lag, np.full(len(lag), place), ".", color=INK)
        names = units.split(",")
        for at in np.unique(lag):
            label = " ".join(name for name, one in zip(names, lag, strict=True) if one == at)
            right.annotate(
                label, (at, place), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=6.5, color=INK
            )
    right.set_yticks(places, [f"{n} times" for n in shown.get("n_occurrences", ())])
    right.set_ylim(-0.6, max(len(shown), 1) - 0.2)
    right.margins(x=0.12)
    right.set_xlabel("lag behind the first spike (ms)")
    if not len(shown):
        right.set_xticks([])
        right.text(0.5, 0.5, "no significant pattern", ha="center", transform=right.transAxes, color=GREY)
    return np.array([left, right], dtype=object)
