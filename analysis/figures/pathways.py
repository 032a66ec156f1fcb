"""Class-specific excitatory pathways: how selective the weights are, and whether spikes take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..analyze import Analysis
from .profile import LABELS, draw_series, name_layers
from .series import LayerSeries, main_window
from .style import CONTROL, DECISION_COLOR, MAIN, LineStyle, from_zero, given_axes, legend_above, new_axes, styled
from .windows import window_title

_CHANCE = LineStyle(DECISION_COLOR, ":", filled=False)


def pathway_series(
    analysis: Analysis, window: str, column: str, *, network: str = "network", kind: str = "product"
) -> LayerSeries:
    """A column of the table of pathways, by layer; empty when the analysis had no such network."""
    table = analysis.pathways
    if not len(table) or column not in table:
        return LayerSeries((), np.empty(0), np.empty(0))
    chosen = (table["window"] == window) & (table["network"] == network) & (table["kind"] == kind)
    rows = table[chosen].sort_values("layer", kind="stable")
    sems = rows[f"{column}_sem"] if f"{column}_sem" in rows else np.full(len(rows), np.nan)
    return LayerSeries(tuple(rows["name"]), rows[column].to_numpy(dtype=np.float64), np.asarray(sems, dtype=np.float64))


@styled
def pathways(
    analysis: Analysis,
    *,
    window: str | None = None,
    kind: str = "product",
    labels: tuple[str, str] = LABELS,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Selectivity of the pathways by layer, and the share of spikes that lie on the right class's pathway.

    Parameters
    ----------
    analysis : Analysis
        Of a recording whose network was given, with its control where there is one.
    window : str, optional
        See :func:`packet_width`.
    kind : {"product", "direct"}
        See :func:`~semsync.analysis.measures.pathway_strengths`.
    labels : (str, str)
        What the network and the control are called.
    axes : sequence of matplotlib Axes, optional
        Two.

    Returns
    -------
    array of matplotlib Axes, shape [2]

    Raises
    ------
    InputError
        When the analysis has no pathways.
    """
    window = window or main_window(analysis)
    selectivity = pathway_series(analysis, window, "selectivity", kind=kind)
    if not len(selectivity):
        raise InputError("the analysis has no pathways: it was made without the network's description")
    panels = given_axes(new_axes(1, 2, width_mm=140, height_mm=60) if axes is None else axes, 2)
    for ax, column, label in zip(
        panels,
        ("selectivity", "share"),
        ("selectivity of pathway strength", ""),
        strict=True,
    ):
        control = pathway_series(analysis, window, column, network="control", kind=kind)
        draw_series(ax, pathway_series(analysis, window, column, kind=kind), MAIN, label=labels[0])
        if len(control):
            draw_series(ax, control, CONTROL, label=labels[1], shift=0.06)
        name_layers(ax, selectivity.names)
        ax.set_ylabel(label)
    chance = pathway_series(analysis, window, "share_chance", kind=kind)
    if len(chance):
        draw_series(panels[1], chance, _CHANCE, label="chance", shift=-0.06)
    panels[1].set_ylabel(f"share of spikes on the\npathway of the right class\n({window_title(window)})")
    for ax in panels:
        from_zero(ax)
    legend_above(panels[1])
    return np.array(panels, dtype=object)
