"""Named windows of a trial: every measure is computed for one, and says which.

Over all spikes a late volley can hide what happened before the decision, so `all` and `decision` stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable

WindowSpec = str | tuple[float, float]
SPIKE_MODES = ("every", "first")


@dataclass(frozen=True)
class Window:
    """A stretch of every trial.

    Attributes
    ----------
    name : str
        ``"all"``, ``"decision"`` or, for a window of the user's, ``"20..80 ms"``.
    t_start, t_stop : float array, shape [n_trials]
        Borders [ms], counted from onset; both belong to the window.
    included : bool array, shape [n_trials]
        False for the trials that do not have this window.
    """

    name: str
    t_start: NDArray[np.float64]
    t_stop: NDArray[np.float64]
    included: NDArray[np.bool_]

    @property
    def n_excluded(self) -> int:
        """Number of trials without this window."""
        return int(np.count_nonzero(~self.included))


def find_window(table: SpikeTable, spec: WindowSpec) -> Window:
    """The window that a name or a pair of times stands for.

    Parameters
    ----------
    table : SpikeTable
    spec : str or (float, float)
        ``"all"``: the whole trial. ``"decision"``: from the start of the trial up to and including its
        `decision_time`; trials without a decision are excluded. A pair: ``(t_start, t_stop)`` [ms] from onset.

    Raises
    ------
    InputError
        When the name is unknown, the pair is not increasing, or the recording cannot have the window.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> trials = {"start": [0.0, 50.0], "stop": [50.0, 100.0], "decision_time": [7.5, float("inf")]}
    >>> table = SpikeTable([1.0, 9.0, 2.0], [0, 0, 0], [0, 0, 1], {"unit_id": [0]}, trials)
    >>> window = find_window(table, "decision")
    >>> window.t_stop[0].item(), window.n_excluded
    (7.5, 1)
    >>> apply_window(table, window)
    SpikeTable(1 spikes, 1 units, 1 trials)
    """
    everywhere = np.ones(table.n_trials, dtype=bool)
    if not isinstance(spec, str):
        t_start, t_stop = (float(border) for border in spec)
        if not t_start < t_stop:
            raise InputError(f"a window must be (t_start, t_stop) in ms with t_start < t_stop, got {spec!r}")
        name = f"{t_start:g}..{t_stop:g} ms"
        return Window(name, np.maximum(table.t_start, t_start), np.minimum(table.t_stop, t_stop), everywhere)
    if spec == "all":
        return Window(spec, table.t_start, table.t_stop, everywhere)
    if spec == "decision":
        if "decision_time" not in table.trials:
            raise InputError("the recording has no decision times (trial column 'decision_time'): no decision window")
        decision_time = table.trials["decision_time"].astype(np.float64)
        decided = np.isfinite(decision_time)
        if not decided.any():
            raise InputError(f"none of the {table.n_trials} trials has a decision: no decision window")
        until = np.where(decided, np.minimum(decision_time, table.t_stop), table.t_start)
        return Window(spec, table.t_start, until, decided)
    raise InputError(f"a window must be 'all', 'decision' or (t_start, t_stop) in ms, got {spec!r}")


def find_windows(table: SpikeTable, specs: Iterable[WindowSpec]) -> tuple[list[Window], list[str]]:
    """The windows that a recording has, and a sentence for each one it lacks.

    Raises
    ------
    InputError
        For what no recording could have: an unknown name or a pair that is not increasing.
    """
    windows, lacks = [], []
    for spec in specs:
        try:
            windows.append(find_window(table, spec))
        except InputError as error:
            if spec != "decision":
                raise
            lacks.append(str(error))
    return windows, lacks


def apply_window(table: SpikeTable, window: Window, *, spike_mode: str = "every") -> SpikeTable:
    """The spikes inside a window, of the trials that have it; `start` and `stop` become the window's borders.

    Parameters
    ----------
    table : SpikeTable
    window : Window
        Of this table.
    spike_mode : {"every", "first"}
        Every spike, or only the first of each unit in each trial's window.

    Raises
    ------
    InputError
        On another `spike_mode`, or when no trial has the window.
    """
    if spike_mode not in SPIKE_MODES:
        raise InputError(f"spike_mode must be 'every' or 'first', got {spike_mode!r}")
    if not window.included.any():
        raise InputError(f"no trial has the window {window.name!r}")
    inside = (
        window.included[table.trial]
        & (table.times >= window.t_start[table.trial])
        & (table.times <= window.t_stop[table.trial])
    )
    if spike_mode == "first":
        rows = np.flatnonzero(inside)
        inside[rows] = _is_first(table.trial[rows], table.unit[rows], table.n_trials, table.n_units)
    if inside.all() and window.name == "all":
        return table
    included = window.included
    new_trial = (np.cumsum(included) - 1).astype(np.int32)
    trials = {name: column[included] for name, column in table.trials.items()}
    if window.name != "all":
        trials["start"] = trials["onset"] + window.t_start[included]
        trials["stop"] = trials["onset"] + np.maximum(window.t_stop, window.t_start)[included]
    return SpikeTable(
        table.times[inside],
        table.unit[inside],
        new_trial[table.trial[inside]],
        table.units,
        trials,
        table.annotations,
    )


def _is_first(trial: NDArray[np.int32], unit: NDArray[np.int32], n_trials: int, n_units: int) -> NDArray[np.bool_]:
    """Whether each spike is the first of its unit in its trial; spikes are sorted by time within a trial."""
    flat = trial.astype(np.int64) * n_units + unit
    row = np.arange(len(flat))
    first = np.empty(n_trials * n_units, dtype=np.int64)
    first[flat[::-1]] = row[::-1]  # the last value given stays
    return first[flat] == row
