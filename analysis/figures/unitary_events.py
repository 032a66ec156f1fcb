"""Joint spikes of a set of units in sliding windows, as unitary events are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .style import DECISION_COLOR, GREY, INK, from_zero, given_axes, legend_above, new_axes, styled

if TYPE_CHECKING:
    import pandas as pd

_COLORS = (INK, "#0072b2", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9")
_HIGHEST = 6.0  # joint surprise of p = 1e-6; higher values are drawn there


@styled
def unitary_events(
    table: pd.DataFrame,
    *,
    window: str | None = None,
    units: tuple[Any, ...] | None = None,
    stimulus_class: int | None = None,
    axes: Any = None,
) -> NDArray[np.object_]:
    """Rates, joint spikes and joint surprise of one set of units over time.

    Parameters
    ----------
    table : DataFrame
        ``analysis.extras["unitary_events"]``.
    window : str, optional
        Name of a window; the first of the table without it.
    units : tuple, optional
        Ids of the units; without it the set with the highest joint surprise.
    stimulus_class : int, optional
        Likewise, the first of the table without it.
    axes : sequence of matplotlib Axes, optional
        Three.

    Returns
    -------
    array of matplotlib Axes, shape [3]
        Values stand at the middle of the sliding window. The dashed line is the joint surprise of p = alpha; windows
        above it are marked, without correction for their number.

    Raises
    ------
    InputError
        When the table has no such rows.
    """
    ids = [name for name in table.columns if name.startswith("unit_id_")]
    rows = table
    for column, value in (("window", window), ("stimulus_class", stimulus_class)):
        wanted = rows[column].iloc[0] if value is None and len(rows) else value
        rows = rows[rows[column] == wanted]
    if units is None and len(rows):
        best = int(np.argmax(np.nan_to_num(rows["Js"].to_numpy(dtype=np.float64), nan=-np.inf)))
        units = tuple(rows[name].iloc[best] for name in ids)
    for name, value in zip(ids, units or (), strict=False):
        rows = rows[rows[name] == value]
    if not len(rows):
        raise InputError(f"the table has no unitary events of units {units} in window {window!r}")
    panels = given_axes(new_axes(3, 1, width_mm=95, height_mm=110, sharex=True) if axes is None else axes, 3)
    time = (rows["t_start_ms"] + rows["t_stop_ms"]).to_numpy() / 2
    for i, name in enumerate(ids):
        label = f"unit {rows[name].iloc[0]}"
        panels[0].plot(time, rows[f"rate_{i + 1}_hz"], color=_COLORS[i % len(_COLORS)], label=label)
    panels[0].set_ylabel("rate (Hz)")
    panels[1].plot(time, rows["n_emp"], color=INK, label="observed")
    panels[1].plot(time, rows["n_exp"], color=GREY, linestyle="--", label="expected")
    width = rows["t_stop_ms"].iloc[0] - rows["t_start_ms"].iloc[0]
    panels[1].set_ylabel(f"joint spikes in\n{width:g} ms, {rows['n_trials'].iloc[0]} trials")
    surprise = np.clip(rows["Js"].to_numpy(dtype=np.float64), -_HIGHEST, _HIGHEST)
    alpha = float(rows["alpha"].iloc[0])
    level = float(np.log10((1 - alpha) / alpha))
    panels[2].axhline(level, color=GREY, linewidth=0.8, linestyle="--", label=f"p = {alpha:g}")
    panels[2].axhline(0, color=GREY, linewidth=0.5)
    panels[2].plot(time, surprise, color=INK)
    above = np.where(surprise > level, surprise, np.nan)
    panels[2].fill_between(time, level, above, color=DECISION_COLOR, alpha=0.6, linewidth=0)
    panels[2].set_ylabel("joint surprise")
    panels[2].set_xlabel("middle of the window (ms from onset)")
    for ax in panels[:2]:
        from_zero(ax)
    for ax in panels:
        legend_above(ax)
    return np.array(panels, dtype=object)
