"""Groups of units that are analysed together: layers, areas, populations, or what any column of the units says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable


@dataclass(frozen=True)
class UnitGroup:
    """Units that form one population in the sense of an analysis.

    Attributes
    ----------
    layer : int
        Number of the layer, or of the group in alphabetical order when grouped by name.
    name : str
        Name of the population or area, or value of the column, ``"layer 2"`` where several populations share a layer.
    rows : int array, shape [n_units]
        Rows in the table's `units`.
    """

    layer: int
    name: str
    rows: NDArray[np.intp]


def find_groups(table: SpikeTable, by: str | None = None) -> list[UnitGroup]:
    """Split the units of a table.

    Parameters
    ----------
    table : SpikeTable
    by : str, optional
        Column of the unit table to split by, one group for each of its values: ``"layer"``, ``"area"``,
        ``"population"`` or any other. Without it: the layer where there is one, else the area, else one group
        ``"all units"``.

    Raises
    ------
    InputError
        When the table lacks the column that was asked for.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> units = {"unit_id": [7, 8, 9], "area": ["VISp", "LGd", "VISp"]}
    >>> table = SpikeTable([], [], [], units, {"start": [0.0], "stop": [1.0]})
    >>> [(group.name, group.rows.tolist()) for group in find_groups(table)]
    [('LGd', [1]), ('VISp', [0, 2])]
    """
    if by is not None and by not in table.units:
        raise InputError(f"units cannot be grouped by {by!r}: the unit table has only {sorted(table.units)}")
    if by is None:
        by = next((column for column in ("layer", "area") if column in table.units), None)
    if by is None:
        return [UnitGroup(0, "all units", np.arange(table.n_units))]
    column = table.units[by] if by == "layer" else table.units[by].astype(str)
    values, member = np.unique(column, return_inverse=True)
    groups = []
    for number, value in enumerate(values):
        rows = np.flatnonzero(member == number)
        if by == "layer":
            groups.append(UnitGroup(int(value), _name_of_layer(table, int(value), rows), rows))
        else:
            groups.append(UnitGroup(number, str(value), rows))
    return groups


def _name_of_layer(table: SpikeTable, layer: int, rows: NDArray[np.intp]) -> str:
    if "population" in table.units:
        names = np.unique(table.units["population"][rows].astype(str))
        if len(names) == 1:
            return str(names[0])
    return f"layer {layer}"
