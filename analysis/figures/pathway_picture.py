"""Which units drive which class, as one heat map per hidden layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import NetworkDescription
from ..measures import pathway_strengths, top_units
from .profile import LABELS
from .style import FULL_WIDTH_MM, HEAT_MAP, given_axes, new_axes, readable, styled


@styled
def pathway_picture(
    network: NetworkDescription,
    control: NetworkDescription | None = None,
    *,
    kind: str = "product",
    n_top: int = 6,
    labels: tuple[str, str] = LABELS,
    axes: Any = None,
) -> NDArray[np.object_]:
    """The units that drive each class most, sorted by the class that they prefer.

    Parameters
    ----------
    network : NetworkDescription
    control : NetworkDescription, optional
        Shown below, in the same colours.
    kind : {"product", "direct"}
        See :func:`~semsync.analysis.measures.pathway_strengths`.
    n_top : int
        Units shown per class; one that drives several classes is shown once.
    labels : (str, str)
        What the two networks are called.
    axes : array of matplotlib Axes, shape [n_networks, n_layers], optional

    Returns
    -------
    array of matplotlib Axes, shape [n_networks, n_layers]
        One for each hidden layer that reaches the output.

    Raises
    ------
    InputError
        When no hidden layer reaches the output, or the two networks differ in their hidden layers.
    """
    networks = [network] if control is None else [network, control]
    found = [pathway_strengths(which, kind) for which in networks]
    names = [[path.population for path in paths] for paths in found]
    if not names[0] or any(other != names[0] for other in names):
        raise InputError(f"pathways need hidden layers that reach the output, alike in both networks, got {names}")
    shape = (len(networks), len(names[0]))
    if axes is None:
        axes = new_axes(*shape, width_mm=min(FULL_WIDTH_MM, 52.0 * shape[1] + 24), height_mm=72.0 * shape[0])
    panels = np.array(given_axes(axes, shape[0] * shape[1]), dtype=object).reshape(shape)
    shares = [[_shown_shares(path.strength, n_top) for path in paths] for paths in found]
    largest = max(float(share.max()) for row in shares for share in row)
    for row, (label, of_network) in enumerate(zip(labels, shares, strict=False)):
        for ax, name, share in zip(panels[row], names[0], of_network, strict=True):
            image = ax.imshow(share, cmap=HEAT_MAP, vmin=0, vmax=largest, aspect="auto", interpolation="nearest")
            ax.set_title(readable(name))
            n_classes = share.shape[1]
            ax.set_xticks(range(0, n_classes, max(1, n_classes // 10)))
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            ax.tick_params(length=0)
        whose = "" if control is None else f"{label} network\n"
        panels[row, 0].set_ylabel(f"{whose}excitatory units, by preferred class")
    for ax in panels[-1]:
        ax.set_xlabel("class")
    bar = panels[0, 0].figure.colorbar(image, ax=panels, shrink=0.6, pad=0.015)
    bar.set_label("share of a unit's strength")
    bar.outline.set_visible(False)
    return panels


def _shown_shares(strength: NDArray[np.float64], n_top: int) -> NDArray[np.float64]:
    """Share of each class in the strength of the top units, shape [n_shown, n_classes]."""
    shown = top_units(strength, min(n_top, len(strength))).any(axis=1)
    shown &= strength.sum(axis=1) > 0
    share = strength[shown] / strength[shown].sum(axis=1, keepdims=True)
    return share[np.lexsort((-share.max(axis=1), share.argmax(axis=1)))]
