"""The spikes of one trial, layer upon layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...spike_table import SpikeTable
from ..measures import find_groups
from .class_distances import class_labels
from .style import CELL_TYPE_COLORS, CELL_TYPE_NAMES, DECISION_COLOR, PALE, legend_above, new_axes, readable, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 0.14  # between bands, in bands
_MAX_VECTOR_SPIKES = 6000


@styled
def raster(
    table: SpikeTable,
    trial: int = 0,
    *,
    by: str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Raster of one trial through the layers.

    Layers are bands of equal height, the first at the bottom, each with its excitatory units below the inhibitory ones.

    Parameters
    ----------
    table : SpikeTable
    trial : int
        Row of the trial table.
    by : {"layer", "area", "population"}, optional
        What the bands are; see :func:`~semsync.analysis.measures.find_groups`.
    t_start, t_stop : float, optional
        Time shown [ms]; the whole trial without them.
    title : str
        Goes before the trial's class and decision.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        When there is no such trial.
    """
    from matplotlib.collections import LineCollection

    if not 0 <= trial < table.n_trials:
        raise InputError(f"trial must lie in 0..{table.n_trials - 1}, got {trial}")
    ax = new_axes(height_mm=95)[0, 0] if ax is None else ax
    assert ax is not None
    first, last = np.searchsorted(table.trial, [trial, trial + 1])
    times, unit = table.times[first:last], table.unit[first:last]
    cell_type = _cell_types(table)
    groups = find_groups(table, by)
    height = np.full(table.n_units, np.nan)
    tick = np.zeros(table.n_units)
    for band, group in enumerate(groups):
        order = group.rows[np.argsort(cell_type[group.rows] == "I", kind="stable")]
        height[order] = band + _GAP / 2 + (np.arange(len(order)) + 0.5) / len(order) * (1 - _GAP)
        # Of few units the ticks would be pillars, of many they would vanish.
        tick[order] = np.clip((1 - _GAP) / len(order), 0.04, 0.07)
        if band:
            ax.axhline(band, color=PALE, linewidth=0.6, zorder=0)
    for kind, color in CELL_TYPE_COLORS.items():
        chosen = cell_type[unit] == kind
        if not chosen.any():
            continue
        x, y, half = times[chosen], height[unit[chosen]], tick[unit[chosen]] / 2
        segments = np.stack([np.column_stack([x, y - half]), np.column_stack([x, y + half])], axis=1)
        ax.add_collection(
            LineCollection(
                list(segments),
                colors=color,
                linewidths=1.2,
                label=CELL_TYPE_NAMES[kind],
                rasterized=last - first > _MAX_VECTOR_SPIKES,
            )
        )
    ax.set_yticks(np.arange(len(groups)) + 0.5, [f"{readable(g.name)}\n{len(g.rows)} units" for g in groups])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(0, len(groups))
    ax.set_xlim(table.t_start[trial] if t_start is None else t_start, table.t_stop[trial] if t_stop is None else t_stop)
    ax.set_xlabel("time from onset (ms)")
    ax.set_title(", ".join(filter(None, [title, *_trial_words(table, trial)])))
    _mark_decision(ax, table, trial)
    if set(cell_type) & {"E", "I"}:
        legend_above(ax)
    return ax


def _cell_types(table: SpikeTable) -> np.ndarray:
    column = table.units.get("cell_type")
    if column is None:
        return np.full(table.n_units, "-")
    return np.where(np.isin(column.astype(str), ["E", "I"]), column.astype(str), "-")


def _trial_words(table: SpikeTable, trial: int) -> list[str]:
    words = []
    if "stimulus_class" in table.trials:
        words.append(f"class {class_labels(table, table.trials['stimulus_class'][[trial]])[0]}")
    if "decision" in table.trials:
        decision = int(table.trials["decision"][trial])
        words.append(f"decided for {decision}" if decision >= 0 else "no decision")
    return words or [f"trial {trial}"]


def _mark_decision(ax: Axes, table: SpikeTable, trial: int) -> None:
    if "decision_time" not in table.trials:
        return
    time = float(table.trials["decision_time"][trial])
    if np.isfinite(time):
        ax.axvline(time, color=DECISION_COLOR, linewidth=1.0, zorder=1, label=f"decision, {time:.2f} ms")
