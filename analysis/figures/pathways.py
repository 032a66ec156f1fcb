"""Class-specific excitatory pathways: how selective the weights are, and whether spikes take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import NetworkDescription
from ..analyze import Analysis
from ..measures import pathway_strengths, top_units
from .profile import LABELS, draw_series, name_layers
from .series import LayerSeries, main_window
from .style import (
    CONTROL,
    DECISION_COLOR,
    FULL_WIDTH_MM,
    HEAT_MAP,
    MAIN,
    LineStyle,
    given_axes,
    new_axes,
    readable,
    styled,
)
from .windows import window_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
        ("selectivity of pathway strength", "share of spikes on the\npathway of the right class"),
        strict=True,
    ):
        control = pathway_series(analysis, window, column, network="control", kind=kind)
        draw_series(ax, pathway_series(analysis, window, column, kind=kind), MAIN, label=labels[0])
        if len(control):
            draw_series(ax, control, CONTROL, label=labels[1], shift=0.06)
        name_layers(ax, selectivity.names)
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0)
    chance = pathway_series(analysis, window, "share_chance", kind=kind)
    if len(chance):
        draw_series(panels[1], chance, _CHANCE, label="chance", shift=-0.06)
    panels[1].set_title(window_title(window))
    panels[1].legend(loc="best")
    return np.array(panels, dtype=object)


@styled
def pathway_picture(
    description: NetworkDescription, *, kind: str = "product", n_top: int = 6, axes: Any = None
) -> NDArray[np.object_]:
    """The units that drive each class most, sorted by the class that they prefer, one heat map per hidden layer.

    Parameters
    ----------
    description : NetworkDescription
    kind : {"product", "direct"}
        See :func:`~semsync.analysis.measures.pathway_strengths`.
    n_top : int
        Units shown per class; one that drives several classes is shown once.
    axes : sequence of matplotlib Axes, optional
        One per hidden layer that reaches the output.

    Returns
    -------
    array of matplotlib Axes, shape [n_layers]

    Raises
    ------
    InputError
        When no hidden layer reaches the output.
    """
    found = pathway_strengths(description, kind)
    if not found:
        raise InputError("the network has no hidden layer with an excitatory pathway to the output")
    if axes is None:
        axes = new_axes(1, len(found), width_mm=min(FULL_WIDTH_MM, 52.0 * len(found) + 22), height_mm=80)
    panels = given_axes(axes, len(found))
    shares = [_shown_shares(path.strength, n_top) for path in found]
    largest = max(float(share.max()) for share in shares)
    for ax, path, share in zip(panels, found, shares, strict=True):
        image = ax.imshow(
            share, cmap=HEAT_MAP, vmin=0, vmax=largest, aspect="auto", interpolation="nearest", origin="upper"
        )
        ax.set_title(readable(path.population))
        ax.set_xlabel("class")
        n_classes = share.shape[1]
        ax.set_xticks(range(0, n_classes, max(1, n_classes // 10)))
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    panels[0].set_ylabel("excitatory units, by preferred class")
    _strength_bar(panels, image)
    return np.array(panels, dtype=object)


def _strength_bar(panels: list[Axes], image: Any) -> None:
    bar = panels[-1].figure.colorbar(image, ax=panels, shrink=0.75, pad=0.015)
    bar.set_label("share of a unit's strength")
    bar.outline.set_visible(False)  # type: ignore[operator]


def _shown_shares(strength: NDArray[np.float64], n_top: int) -> NDArray[np.float64]:
    """Share of each class in the strength of the top units, shape [n_shown, n_classes]."""
    shown = top_units(strength, min(n_top, len(strength))).any(axis=1)
    shown &= strength.sum(axis=1) > 0
    share = strength[shown] / strength[shown].sum(axis=1, keepdims=True)
    return share[np.lexsort((-share.max(axis=1), share.argmax(axis=1)))]
