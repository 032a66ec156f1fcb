"""Cross-correlograms of single pairs of units, with what is expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..analyze import Analysis
from .style import DECISION_COLOR, FULL_WIDTH_MM, GREY, INK, PALE, given_axes, new_axes, readable, styled

_BAND = 1.96


@styled
def correlograms(analysis: Analysis, *, window: str | None = None, n_pairs: int = 8, axes: Any = None) -> NDArray[Any]:
    """Counts by lag of the pairs that speak most clearly for a connection, with predictor and 95 % band.

    Parameters
    ----------
    analysis : Analysis
        Made with ``also=["correlograms"]``.
    window : str, optional
        The first that has correlograms without it.
    n_pairs : int
        At most so many panels, the most significant pairs first.
    axes : sequence of matplotlib Axes, optional
        One a pair.

    Returns
    -------
    array of matplotlib Axes, shape [n_pairs]

    Raises
    ------
    InputError
        When the analysis has no correlograms.

    Notes
    -----
    The band is pointwise, 1.96 standard deviations of the null hypothesis on either side. Lags are from the source's
    spike to the target's.
    """
    table = analysis.extras.get("correlograms")
    if table is None or not len(table):
        raise InputError("the analysis has no correlograms: it was made without also=['correlograms']")
    rows = table[table["window"] == (window or table["window"].iloc[0])]
    pairs = [pair for _, pair in rows.groupby("pair", sort=True)][:n_pairs]
    if not pairs:
        raise InputError(f"the analysis has no correlograms in window {window!r}")
    if axes is None:
        n_columns = min(4, len(pairs))
        n_rows = -(-len(pairs) // n_columns)
        width = FULL_WIDTH_MM * (0.25 * n_columns if n_columns > 1 else 0.4)
        grid = new_axes(n_rows, n_columns, width_mm=width, height_mm=8 + 44 * n_rows)
        for spare in grid.ravel()[len(pairs) :]:
            spare.remove()
        axes = grid.ravel()[: len(pairs)]
    panels = given_axes(axes, len(pairs))
    for ax, pair in zip(panels, pairs, strict=True):
        lag, count, expected = (pair[name].to_numpy(dtype=np.float64) for name in ("lag_ms", "count", "expected"))
        sd = pair["expected_sd"].to_numpy(dtype=np.float64)
        bin_size = lag[1] - lag[0] if len(lag) > 1 else 1.0
        ax.bar(lag, count, width=bin_size, color=PALE, edgecolor=GREY, linewidth=0.3, label="counted")
        ax.plot(lag, expected, color=DECISION_COLOR, linewidth=1.1, label="expected")
        for side, label in ((-1, "95 % band"), (1, None)):
            border = np.maximum(expected + side * _BAND * sd, 0)
            ax.plot(lag, border, color=DECISION_COLOR, linewidth=0.7, linestyle="--", label=label)
        ax.axvline(0, color=INK, linewidth=0.6, linestyle=":")
        first = pair.iloc[0]
        ax.set_title(
            f"{readable(str(first['source']))} {first['source_unit']}\n"
            f"to {readable(str(first['target']))} {first['target_unit']}",
            fontsize=7,
        )
        ax.set_xlim(lag[0] - bin_size / 2, lag[-1] + bin_size / 2)
        ax.set_ylim(0, 1.08 * max(1.0, count.max(), (expected + _BAND * sd).max()))
        ax.set_xlabel("lag (ms)")
    panels[0].set_ylabel(f"coincidences\nper {bin_size:g} ms")
    panels[0].legend(loc="upper left", fontsize=5.5, handlelength=1.4, borderaxespad=0.1)
    return np.array(panels, dtype=object)
