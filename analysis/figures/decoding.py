"""How well the class can be read from a layer, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..analyze import Analysis
from .profile import LABELS, draw_comparison
from .series import layer_series, main_window
from .style import DECISION_COLOR, legend_above, new_axes, styled
from .windows import window_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def decoding_accuracy(
    trained: Analysis,
    untrained: Analysis | None = None,
    *,
    window: str | None = None,
    labels: tuple[str, str] = LABELS,
    ax: Axes | None = None,
) -> Axes:
    """Cross-validated accuracy of a nearest-class-mean decoder of which units are active, by layer.

    Parameters
    ----------
    trained, untrained, window, labels
        See :func:`packet_width`.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        When the analysis lacks the window.
    """
    window = window or main_window(trained)
    ax = new_axes(width_mm=85, height_mm=60)[0, 0] if ax is None else ax
    assert ax is not None
    chance = layer_series(trained, window, "chance_accuracy").values
    chance = chance[np.isfinite(chance)]
    if len(chance):
        ax.axhline(float(chance.mean()), color=DECISION_COLOR, linewidth=0.9, linestyle=":", label="chance")
    draw_comparison(ax, trained, untrained, window, "decoding_accuracy", labels)
    ax.set_ylim(0, 1.04)
    ax.set_ylabel(f"decoding accuracy\n({window_title(window)})")
    legend_above(ax)
    return ax
