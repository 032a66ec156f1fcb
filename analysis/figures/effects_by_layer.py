"""The measures behind the claims of a reproduction, layer by layer, over seeds and beside every control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analyze import Analysis
from .pathways import pathway_series
from .profile import draw_series, name_layers
from .save import figure_of
from .series import LayerSeries, layer_series, windows
from .style import CONTROL, MAIN, LineStyle, from_zero, given_axes, new_axes, styled

_PANELS = {
    "packet_shortest_half_ms": "shortest half of the packet (ms)",
    "information_gain_E": "information gain,\nexcitatory neurons",
    "information_gain_I": "information gain,\ninhibitory neurons",
    "decoding_accuracy": "decoding accuracy",
    "selectivity": "selectivity of pathways",
    "share": "share of spikes on the\npathway of the right class",
}
_STYLES = (MAIN, CONTROL, LineStyle("#cc79a7", ":", filled=False), LineStyle("#009e73", "-.", filled=True))


@styled
def effects_by_layer(
    conditions: Mapping[str, Sequence[Analysis]], *, window: str = "decision", axes: Any = None
) -> NDArray[np.object_]:
    """Six measures by layer, a line for each condition.

    Parameters
    ----------
    conditions : mapping of str to sequence of Analysis
        The trained networks first, one analysis a seed; then every control.
    window : str
    axes : sequence of matplotlib Axes, optional
        Six.

    Returns
    -------
    array of matplotlib Axes, shape [6]
        Means over seeds; bars are standard deviations over seeds, where there are several.
    """
    panels = given_axes(new_axes(2, 3, height_mm=112) if axes is None else axes, len(_PANELS))
    for ax, (column, label) in zip(panels, _PANELS.items(), strict=True):
        names: tuple[str, ...] = ()
        for number, (condition, analyses) in enumerate(conditions.items()):
            series = over_seeds(analyses, window, column)
            style = _STYLES[number % len(_STYLES)]
            draw_series(ax, series, style, label=condition, shift=0.06 * number)
            names = names or series.names
        name_layers(ax, tuple(name.replace("hidden_", "h") for name in names))
        ax.set_ylabel(label)
        from_zero(ax)
    handles, labels = panels[0].get_legend_handles_labels()
    figure_of(panels[0]).legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return np.array(panels, dtype=object)


def over_seeds(analyses: Sequence[Analysis], window: str, column: str) -> LayerSeries:
    """Mean and standard deviation over seeds of a measure in the layers before the output."""
    of_pathways = column in ("selectivity", "share")
    found = []
    for analysis in analyses:
        if window in windows(analysis):
            series = pathway_series(analysis, window, column) if of_pathways else layer_series(analysis, window, column)
            found.append(series if of_pathways else series.only(series.names[:-1]))
    found = [series.defined() for series in found if len(series.defined())]
    if not found:
        return LayerSeries((), np.empty(0), np.empty(0))
    names = found[0].names
    values = np.array([series.only(names).values for series in found if series.names == names])
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(len(names), np.nan)
    return LayerSeries(names, values.mean(axis=0), spread)
