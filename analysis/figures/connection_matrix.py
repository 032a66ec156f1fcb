"""Which classes functional connections join."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..analyze import Analysis
from .style import FULL_WIDTH_MM, HEAT_MAP, PALE, given_axes, new_axes, readable, styled

_MAX_PANELS = 4


def connected_groups(analysis: Analysis, window: str | None = None) -> list[tuple[str, str]]:
    """Pairs of groups with excitatory connections between units that prefer a class, those with most first."""
    table = analysis.extras.get("connection_classes")
    if table is None or not len(table):
        return []
    rows = table[table["window"] == (window or table["window"].iloc[0])]
    total = rows.groupby(["source", "target"], sort=False)["n_excitatory"].sum()
    total = total[total > 0].sort_values(ascending=False, kind="stable")
    return [(str(source), str(target)) for source, target in total.index]


def _in_order(analysis: Analysis) -> list[tuple[str, str]]:
    table = analysis.extras.get("connection_classes")
    if table is None:
        return []
    return list(dict.fromkeys(zip(table["source"], table["target"], strict=True)))


@styled
def connection_matrix(
    analysis: Analysis,
    *,
    window: str | None = None,
    groups: list[tuple[str, str]] | None = None,
    axes: Any = None,
) -> NDArray[Any]:
    """Share of the tested pairs with a significant excitatory connection, by the classes that both units prefer.

    Parameters
    ----------
    analysis : Analysis
        Made with ``also=["connections"]``, of a recording with classes.
    window : str, optional
        The first that has connections without it.
    groups : list of (str, str), optional
        Source and target of each panel; the four of :func:`connected_groups` with most connections without it.
    axes : sequence of matplotlib Axes, optional
        One for each.

    Returns
    -------
    array of matplotlib Axes, shape [n_panels]
        Connections that join units of equal preference lie on the diagonal. Grey: no tested pair.

    Raises
    ------
    InputError
        When the analysis has no such connections.
    """
    most = connected_groups(analysis, window)[:_MAX_PANELS]
    chosen = groups or [pair for pair in _in_order(analysis) if pair in most]
    if not chosen:
        raise InputError("the analysis has no significant excitatory connections between units that prefer a class")
    table = analysis.extras["connection_classes"]
    table = table[table["window"] == (window or table["window"].iloc[0])]
    if axes is None:
        width = min(FULL_WIDTH_MM, 48.0 * len(chosen) + 8)
        axes = new_axes(1, len(chosen), width_mm=width, height_mm=width / len(chosen) + 17)
    panels = given_axes(axes, len(chosen))
    for number, (ax, (source, target)) in enumerate(zip(panels, chosen, strict=True)):
        rows = table[(table["source"] == source) & (table["target"] == target)]
        if not len(rows):
            raise InputError(f"no connections from {source!r} to {target!r} were tested")
        cells = rows.pivot(index="source_class", columns="target_class", values=["n_excitatory", "n_tested"])
        excitatory, tested = (cells[name].to_numpy(dtype=np.float64) for name in ("n_excitatory", "n_tested"))
        share = 100 * np.divide(excitatory, tested, out=np.full_like(tested, np.nan), where=tested > 0)
        ax.set_facecolor(PALE)
        image = ax.imshow(share, cmap=HEAT_MAP, vmin=0, interpolation="nearest")
        labels = [f"{label:g}" for label in cells.index]
        ticks = np.arange(len(labels))[:: max(1, len(labels) // 10)]
        ax.set_xticks(ticks, [labels[tick] for tick in ticks])
        ax.set_yticks(ticks, [labels[tick] for tick in ticks])
        ax.set_xlabel(f"class preferred in\n{readable(target)}")
        ax.set_ylabel(f"{'class preferred in ' if number == 0 else ''}{readable(source)}")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = ax.figure.colorbar(image, ax=ax, location="top", shrink=0.9, pad=0.03, aspect=25)
        bar.set_label("connected pairs (%)" if number == 0 else " ")
        bar.outline.set_visible(False)
    return np.array(panels, dtype=object)
