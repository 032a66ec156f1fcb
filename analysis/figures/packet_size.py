"""How many spikes a pulse packet has, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analyze import Analysis
from .profile import LABELS, draw_comparison
from .series import main_window
from .style import from_zero, given_axes, legend_above, new_axes, styled
from .windows import window_title


@styled
def packet_size(
    trained: Analysis,
    untrained: Analysis | None = None,
    *,
    window: str | None = None,
    labels: tuple[str, str] = LABELS,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Spikes per packet and share of the units that take part, by layer.

    Parameters
    ----------
    trained, untrained, window, labels
        See :func:`packet_width`.
    axes : sequence of matplotlib Axes, optional
        Two, for the number of spikes and the participation.

    Returns
    -------
    array of matplotlib Axes, shape [2]

    Raises
    ------
    InputError
        When the analysis lacks the window.
    """
    window = window or main_window(trained)
    panels = given_axes(new_axes(1, 2, width_mm=130, height_mm=55) if axes is None else axes, 2)
    for ax, column, label in zip(
        panels,
        ("packet_size", "participation"),
        ("spikes per packet", "participation\n(share of units active)"),
        strict=True,
    ):
        draw_comparison(ax, trained, untrained, window, column, labels)
        ax.set_ylabel(label)
        from_zero(ax)
    panels[0].set_title(window_title(window))
    legend_above(panels[1])
    return np.array(panels, dtype=object)
