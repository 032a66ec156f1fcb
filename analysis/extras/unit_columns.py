"""The columns that say which unit a row is about."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..measures.window_tables import WindowTables


def unit_columns(window: WindowTables) -> dict[str, NDArray[Any]]:
    """`layer` and `name` of the group, `unit_id`, `cell_type` and `area` of each unit; a row a unit, as in `units`."""
    n_units = window.table.n_units
    layer, name = np.zeros(n_units, dtype=np.int64), np.full(n_units, "", dtype=object)
    for group in window.groups:
        layer[group.rows], name[group.rows] = group.layer, group.name
    return {
        "layer": layer,
        "name": name.astype(str),
        "unit_id": window.table.units["unit_id"],
        "cell_type": window.cell_type,
        "area": window.table.units.get("area", np.full(n_units, "")).astype(str),
    }
