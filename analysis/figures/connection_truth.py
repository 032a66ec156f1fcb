"""Connections that were found, against the weights of the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..analyze import Analysis
from .style import GREY, given_axes, new_axes, readable, styled

# Okabe and Ito's palette, from dark to light.
_COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


@styled
def precision_recall(analysis: Analysis, *, window: str | None = None, axes: Any = None) -> NDArray[Any]:
    """Precision against recall, from the most certain pair on, for each two groups that the network connects.

    Parameters
    ----------
    analysis : Analysis
        Made with ``also=["connections"]`` and the network's description.
    window : str, optional
        The first that has connections without it.
    axes : sequence of matplotlib Axes, optional
        One for each criterion: any synapse, and the strongest ones.

    Returns
    -------
    array of matplotlib Axes, shape [n_criteria]
        Circles: pairs with q below alpha. Dashes: precision of pairs drawn at random whose sign is always right.

    Raises
    ------
    InputError
        When the analysis has no true weights.
    """
    curves = analysis.extras.get("connection_curve")
    if curves is None or not len(curves):
        raise InputError("the analysis has no true connections: it was made without the network's description")
    window = window or str(curves["window"].iloc[0])
    curves = curves[curves["window"] == window]
    truth = analysis.extras["connection_truth"]
    truth = truth[truth["window"] == window]
    criteria = list(dict.fromkeys(curves["criterion"]))
    if axes is None:
        axes = new_axes(1, len(criteria), width_mm=62 * len(criteria) + 36, height_mm=62, sharey=True)
    panels = given_axes(axes, len(criteria))
    for ax, criterion in zip(panels, criteria, strict=True):
        of_criterion = curves[curves["criterion"] == criterion]
        for number, ((source, target), curve) in enumerate(of_criterion.groupby(["source", "target"], sort=False)):
            color = _COLORS[number % len(_COLORS)]
            row = truth[
                (truth["source"] == source) & (truth["target"] == target) & (truth["criterion"] == criterion)
            ].iloc[0]
            label = f"{readable(str(source))} to {readable(str(target))}"
            ax.plot(curve["recall"], curve["precision"], color=color, label=label)
            ax.plot(row["recall"], row["precision"], "o", color=color, markerfacecolor="white", zorder=3)
            ax.axhline(row["prevalence"], color=color if row["prevalence"] < 1 else GREY, linewidth=0.6, linestyle="--")
        ax.set_title(str(criterion))
        ax.set_xlabel("recall")
        ax.set_xlim(0, 1.02)
        ax.set_ylim(0, 1.02)
    panels[0].set_ylabel("precision")
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0)
    return np.array(panels, dtype=object)
