"""By how much estimates of information are off, against the number of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .style import GREY, SERIES_COLORS, given_axes, new_axes, styled

if TYPE_CHECKING:
    import pandas as pd

_LOOKS = {
    "plugin": (GREY, "o"),
    "miller-madow": (SERIES_COLORS[4], "v"),
    "panzeri-treves": (SERIES_COLORS[2], "s"),
    "shuffle": (SERIES_COLORS[3], "^"),
    "quadratic": (SERIES_COLORS[0], "D"),
}


@styled
def information_bias(table: pd.DataFrame, *, axes: Any = None) -> NDArray[np.object_]:
    """Bias and standard deviation of estimators, one column of panels for each thing that is measured.

    Parameters
    ----------
    table : DataFrame
        A row for each `measure`, `trials_per_class` and `estimator`, with `bias` and `sd`, and the `unit` of both.
    axes : array of matplotlib Axes, optional
        Two for each measure: biases first, then standard deviations.

    Returns
    -------
    array of matplotlib Axes, shape [2, n_measures]
    """
    measures = list(dict.fromkeys(table["measure"]))
    if axes is None:
        axes = new_axes(2, len(measures), height_mm=105, sharex=True)
    panels = np.array(given_axes(axes, 2 * len(measures)), dtype=object).reshape(2, -1)
    ticks = sorted(table["trials_per_class"].unique())
    for column, measure in zip(panels.T, measures, strict=True):
        rows = table[table["measure"] == measure]
        unit = str(rows["unit"].iloc[0])
        for ax, what, words in zip(column, ("bias", "sd"), ("bias", "standard deviation"), strict=True):
            for estimator in dict.fromkeys(rows["estimator"]):
                color, marker = _LOOKS.get(estimator, (SERIES_COLORS[-1], "."))
                of_one = rows[rows["estimator"] == estimator].sort_values("trials_per_class")
                ax.plot(
                    of_one["trials_per_class"], of_one[what], color=color, marker=marker, markersize=3, label=estimator
                )
            ax.set_ylabel(f"{words}{f' ({unit})' if unit else ''}")
            ax.set_xscale("log", base=2)
            ax.set_xticks(ticks, [f"{n:g}" for n in ticks])
            ax.minorticks_off()
        column[0].axhline(0, color=GREY, linewidth=0.6, zorder=0)
        column[0].set_title(measure)
        column[1].set_ylim(bottom=0)
        column[1].set_xlabel("trials of each class")
    panels[0, len(measures) // 2].legend(loc="upper right")
    return panels
