"""How sharply the spikes of a layer are timed in single trials, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analyze import Analysis
from .profile import LABELS, draw_comparison, draw_series
from .series import layer_series, main_window
from .style import LineStyle, from_zero, given_axes, legend_above, new_axes, styled
from .windows import window_title

_PANELS = {
    "packet_sd_ms": "SD of spike times (ms)",
    "packet_shortest_half_ms": "shortest half (ms)",
    "packet_shortest_half_matched_ms": "shortest half,\nequal size (ms)",
}
_SHUFFLED = LineStyle("#cc79a7", ":", filled=False)


@styled
def packet_width(
    trained: Analysis,
    untrained: Analysis | None = None,
    *,
    window: str | None = None,
    labels: tuple[str, str] = LABELS,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Width of pulse packets by layer, three ways, beside a control.

    Parameters
    ----------
    trained : Analysis
        The recording.
    untrained : Analysis, optional
        Its control.
    window : str, optional
        Name of a window; the one up to the decision without it, where there is one.
    labels : (str, str)
        What the two are called.
    axes : sequence of matplotlib Axes, optional
        Three, for the standard deviation, the shortest half, and that of packets subsampled to equal size.

    Returns
    -------
    array of matplotlib Axes, shape [3]
        Means over trials; bars are standard errors. In the window up to the decision, the shortest half also with
        decision times shuffled over trials.

    Raises
    ------
    InputError
        When the analysis lacks the window.
    """
    window = window or main_window(trained)
    panels = given_axes(new_axes(1, 3, height_mm=55) if axes is None else axes, 3)
    for ax, (column, label) in zip(panels, _PANELS.items(), strict=True):
        draw_comparison(ax, trained, untrained, window, column, labels)
        ax.set_ylabel(label)
        if column == "packet_shortest_half_ms":
            shuffled = layer_series(trained, window, "packet_shortest_half_shuffled_ms")
            if np.isfinite(shuffled.values).any():
                draw_series(ax, shuffled, _SHUFFLED, label="shuffled decisions", shift=-0.06)
        from_zero(ax)
    panels[0].set_title(window_title(window))
    legend_above(panels[1])
    return np.array(panels, dtype=object)
