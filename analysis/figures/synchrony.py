"""Synchrony of each group of units beside that of its surrogates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..analyze import Analysis
from .profile import name_layers
from .series import main_window
from .style import GREY, INK, MAIN, PALE, from_zero, given_axes, legend_above, new_axes, readable, styled
from .windows import window_title

if TYPE_CHECKING:
    import pandas as pd

_PANELS = {
    "packet_shortest_half_ms": "shortest half (ms)",
    "packet_width_ms": "width on a constant\nbackground, SD (ms)",
    "complexity": "coincident units\n(mean of filled bins)",
}
_MOST_GROUPS = 8


@styled
def synchrony_against_surrogates(
    analysis: Analysis, *, window: str | None = None, axes: Any = None
) -> NDArray[np.object_]:
    """Width of packets and number of coincident units by group, observed and in surrogates.

    Parameters
    ----------
    analysis : Analysis
        With the table `synchrony` among its `extras`.
    window : str, optional
        Name of a window; the one up to the decision without it, where there is one.
    axes : sequence of matplotlib Axes, optional
        Three.

    Returns
    -------
    array of matplotlib Axes, shape [3]
        Open symbols are means over surrogates, bars two standard deviations of them; stars mark q < alpha.

    Raises
    ------
    InputError
        When the analysis has no such table or window.
    """
    rows = synchrony_rows(analysis, "synchrony", window)
    alpha = float(analysis.settings.get("alpha", 0.05))
    panels = given_axes(new_axes(1, 3, height_mm=60) if axes is None else axes, 3)
    for ax, (measure, label) in zip(panels, _PANELS.items(), strict=True):
        of_measure = rows[rows["measure"] == measure].sort_values("layer", kind="stable")
        x = np.arange(len(of_measure))
        observed = of_measure["observed"].to_numpy(dtype=np.float64)
        mean, sd = (of_measure[name].to_numpy(dtype=np.float64) for name in ("surrogate_mean", "surrogate_sd"))
        ax.errorbar(
            x + 0.1, mean, 2 * np.nan_to_num(sd), color=GREY, linestyle="none", marker="s", markerfacecolor="white",
            capsize=2, elinewidth=0.9, label="surrogates, ± 2 SD",
        )  # fmt: skip
        ax.plot(x - 0.1, observed, color=MAIN.color, linestyle="none", marker="o", label="observed")
        for position, value, q in zip(x, observed, of_measure["q_value"], strict=True):
            if q < alpha:
                ax.annotate("*", (position - 0.1, value), (0, 3), textcoords="offset points", ha="center", fontsize=9)
        name_layers(ax, tuple(of_measure["name"]))
        ax.set_ylabel(label)
        from_zero(ax)
    panels[0].set_title(window_title(rows["window"].iloc[0]))
    legend_above(panels[2])
    return np.array(panels, dtype=object)


@styled
def complexity_distributions(analysis: Analysis, *, window: str | None = None, axes: Any = None) -> NDArray[np.object_]:
    """In how many bins how many units spike together, for each group, observed and in surrogates.

    Parameters
    ----------
    analysis : Analysis
        With the table `complexity` among its `extras`.
    window : str, optional
        Name of a window; the one up to the decision without it, where there is one.
    axes : sequence of matplotlib Axes, optional
        One for each of the groups with any coincidence, of which the first eight are shown.

    Returns
    -------
    array of matplotlib Axes
        Bands are two standard deviations over surrogates.

    Raises
    ------
    InputError
        When the analysis has no such table or window, or there are no coincidences.
    """
    from matplotlib.ticker import MaxNLocator

    rows = synchrony_rows(analysis, "complexity", window)
    together = rows[(rows["n_coincident"] > 1) & (rows["n_bins"] + rows["surrogate_mean"] > 0)]
    names = list(dict.fromkeys(together.sort_values("layer", kind="stable")["name"]))[:_MOST_GROUPS]
    if not names:
        raise InputError(f"no two units of any group spike in one bin of window {rows['window'].iloc[0]!r}")
    if axes is None:
        n_columns = min(4, len(names))
        n_rows = -(-len(names) // n_columns)
        made = new_axes(n_rows, n_columns, width_mm=max(70, 45 * n_columns), height_mm=12 + 46 * n_rows)
        for spare in made.ravel()[len(names) :]:
            spare.remove()
        axes = made.ravel()[: len(names)]
    panels = given_axes(axes, len(names))
    for ax, name in zip(panels, names, strict=True):
        of_group = rows[(rows["name"] == name) & (rows["n_coincident"] > 0)]
        x, seen, mean, sd = (
            of_group[column].to_numpy(dtype=np.float64)
            for column in ("n_coincident", "n_bins", "surrogate_mean", "surrogate_sd")
        )
        ax.fill_between(x, np.maximum(mean - 2 * sd, 0), mean + 2 * sd, color=PALE, linewidth=0)
        ax.plot(x, np.where(mean > 0, mean, np.nan), color=GREY, linestyle="--", label="surrogates, ± 2 SD")
        few = len(x) <= 25  # many points would be one zigzag
        ax.plot(
            x, np.where(seen > 0, seen, np.nan), color=INK, marker="o", markersize=3 if few else 1.8,
            linestyle="-" if few else "none", label="observed",
        )  # fmt: skip
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.5)
        ax.set_xlim(0.5, max(2.5, float(x.max(initial=1)) + 0.5))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.set_title(readable(str(name)))
        ax.set_xlabel("coincident units")
        ax.set_ylabel(f"bins of {rows['bin_size_ms'].iloc[0]:g} ms")
    panels[0].legend()
    return np.array(panels, dtype=object)


def synchrony_rows(analysis: Analysis, name: str, window: str | None) -> pd.DataFrame:
    """The rows of one window in a table of the analysis of synchrony.

    Raises
    ------
    InputError
        When there are none.
    """
    if name not in analysis.extras:
        raise InputError(f"the analysis has no table {name!r}; ask for it with `--also synchrony`")
    table = analysis.extras[name]
    if window is None:
        has = list(dict.fromkeys(table["window"]))
        window = main_window(analysis) if main_window(analysis) in has else has[0]
    rows = table[table["window"] == window]
    if not len(rows):
        raise InputError(f"the table {name!r} has no window {window!r}")
    return rows
