"""One measure across the layers of a recording, out of the tables of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

if TYPE_CHECKING:
    from ..analyze import Analysis

_UNITS = ("_ms", "_bits", "_hz")


@dataclass(frozen=True)
class LayerSeries:
    """Values of one measure in one window, in the order of the layers.

    Attributes
    ----------
    names : tuple of str
        Of the layers, areas or populations.
    values, sems : float array, shape [n_layers]
        NaN where the measure is not defined.
    ordered : bool
        Whether the order means something: layers have one, areas do not.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    sems: NDArray[np.float64]
    ordered: bool = True

    def defined(self) -> LayerSeries:
        """Only the layers that have a value."""
        keep = np.isfinite(self.values)
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        return LayerSeries(names, self.values[keep], self.sems[keep], self.ordered)

    def only(self, names: tuple[str, ...]) -> LayerSeries:
        """Only the layers of these names."""
        rows = [row for row, name in enumerate(self.names) if name in names]
        return LayerSeries(tuple(self.names[row] for row in rows), self.values[rows], self.sems[rows], self.ordered)

    def __len__(self) -> int:
        return len(self.names)


def sem_column(column: str) -> str:
    """Name of the column with a measure's standard error.

    Examples
    --------
    >>> sem_column("packet_sd_ms"), sem_column("decoding_accuracy")
    ('packet_sd_sem_ms', 'decoding_accuracy_sem')
    """
    for unit in _UNITS:
        if column.endswith(unit):
            return f"{column.removesuffix(unit)}_sem{unit}"
    return f"{column}_sem"


def windows(analysis: Analysis) -> list[str]:
    """Names of the windows of an analysis, in its order."""
    return list(dict.fromkeys(analysis.layers["window"])) if len(analysis.layers) else []


def main_window(analysis: Analysis) -> str:
    """The window that a figure shows unless told: up to the decision, where there is one."""
    found = windows(analysis)
    return "decision" if "decision" in found else found[0]


def layer_series(analysis: Analysis, window: str, column: str) -> LayerSeries:
    """A measure across layers.

    Parameters
    ----------
    analysis : Analysis
    window : str
    column : str
        Of ``analysis.layers``; all values are NaN when there is no such column.

    Raises
    ------
    InputError
        When the analysis has no such window.
    """
    require_window(analysis, window)
    rows = analysis.layers[analysis.layers["window"] == window].sort_values("layer", kind="stable")
    nothing = np.full(len(rows), np.nan)

    def values(name: str) -> NDArray[np.float64]:
        return rows[name].to_numpy(dtype=np.float64) if name in rows else nothing

    return LayerSeries(tuple(rows["name"]), values(column), values(sem_column(column)), is_ordered(analysis))


def require_window(analysis: Analysis, window: str) -> None:
    """Raises InputError when the analysis has no such window."""
    if window not in windows(analysis):
        raise InputError(f"the analysis has no window {window!r}; it has {', '.join(map(repr, windows(analysis)))}")


def is_ordered(analysis: Analysis) -> bool:
    """Whether units were grouped by layer, whose numbers are an order."""
    by = analysis.settings.get("by")
    if by is not None:
        return bool(by == "layer")
    areas = set(analysis.units["area"]) if "area" in analysis.units else set()
    return not set(analysis.layers["name"]) <= areas
