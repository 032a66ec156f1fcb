"""Spikes of many units in many trials, in columns: the type that every recording, simulated or real, becomes once.

Numpy only: every room of semsync can import this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

UNIT_COLUMNS = {
    "unit_id": "name or number of the unit in its source",
    "population": "name of the population",
    "layer": "0 for inputs, then counted along the pathway",
    "area": "brain area",
    "cell_type": "'E', 'I' or '-' (unknown)",
}
TRIAL_COLUMNS = {
    "start": "start of the trial in the recording [ms]",
    "stop": "end of the trial in the recording [ms]",
    "onset": "time in the recording that spike times are counted from [ms]; the start without it",
    "stimulus_class": "class of the stimulus, an integer >= 0",
    "decision_time": "first output spike, counted from onset [ms]; inf without one",
    "decision": "class decided for, -1 without a decision",
}


@dataclass(frozen=True)
class SpikeTable:
    """Columnar spikes with a unit table and a trial table.

    Attributes
    ----------
    times : float array, shape [n_spikes]
        Spike times [ms], counted from the onset of the spike's trial.
    unit, trial : int array, shape [n_spikes]
        Row of the spike's unit in `units` and of its trial in `trials`.
    units : mapping of str to array, shape [n_units]
        One row a unit. Columns with a meaning of their own: ``UNIT_COLUMNS``; `unit_id` is always there.
    trials : mapping of str to array, shape [n_trials]
        One row a trial. Columns with a meaning of their own: ``TRIAL_COLUMNS``; `start`, `stop` and `onset` are always
        there. A recording without classes has no column `stimulus_class`.
    annotations : mapping
        Plain JSON values about the whole recording.

    Spikes are sorted by trial, then time, then unit; the constructor sorts them.

    Raises
    ------
    InputError
        On lengths that differ, times that are not finite, rows that do not exist, or spikes outside their trial.
    """

    times: NDArray[np.float64]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]
    units: Mapping[str, NDArray[Any]]
    trials: Mapping[str, NDArray[Any]]
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=np.float64)
        unit = np.asarray(self.unit, dtype=np.int32)
        trial = np.asarray(self.trial, dtype=np.int32)
        units = {name: np.asarray(column) for name, column in self.units.items()}
        trials = {name: np.asarray(column) for name, column in self.trials.items()}
        _require_columns("unit table", units, ("unit_id",))
        _require_columns("trial table", trials, ("start", "stop"))
        trials.setdefault("onset", trials["start"])
        for name in ("start", "stop", "onset"):
            trials[name] = trials[name].astype(np.float64)
            if not np.all(np.isfinite(trials[name])):
                row = int(np.flatnonzero(~np.isfinite(trials[name]))[0])
                raise InputError(f"{name} of every trial must be finite, trial {row} has {trials[name][row]} ms")
        _validate_spikes(times, unit, trial, units, trials)
        if not _in_order(times, unit, trial):
            times, unit, trial = _sorted(times, unit, trial)
        for name, value in (("times", times), ("unit", unit), ("trial", trial), ("units", units), ("trials", trials)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "annotations", dict(self.annotations))

    @property
    def n_spikes(self) -> int:
        return len(self.times)

    @property
    def n_units(self) -> int:
        return len(self.units["unit_id"])

    @property
    def n_trials(self) -> int:
        return len(self.trials["start"])

    @property
    def t_start(self) -> NDArray[np.float64]:
        """Start of each trial, counted from its onset [ms], shape [n_trials]."""
        return self.trials["start"] - self.trials["onset"]

    @property
    def t_stop(self) -> NDArray[np.float64]:
        """End of each trial, counted from its onset [ms], shape [n_trials]."""
        return self.trials["stop"] - self.trials["onset"]

    def __repr__(self) -> str:
        return f"SpikeTable({self.n_spikes:,} spikes, {self.n_units:,} units, {self.n_trials:,} trials)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpikeTable):
            return NotImplemented
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ("times", "unit", "trial"))
            and _equal_columns(self.units, other.units)
            and _equal_columns(self.trials, other.trials)
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def from_first_spikes(
        cls,
        first_spikes: Sequence[ArrayLike],
        units: Mapping[str, ArrayLike],
        trials: Mapping[str, ArrayLike],
        annotations: Mapping[str, Any] | None = None,
    ) -> SpikeTable:
        """At most one spike per unit and trial, from one array per population.

        Parameters
        ----------
        first_spikes : sequence of array, shapes [n_trials, n_0], [n_trials, n_1], ...
            Spike times [ms]; ``inf`` for a silent neuron.
        units, trials : mapping
            See :class:`SpikeTable`; units in the order of the arrays' columns, joined.

        Examples
        --------
        >>> from semsync import SpikeTable
        >>> table = SpikeTable.from_first_spikes(
        ...     [[[1.0, 2.0], [float("inf"), 3.0]]], {"unit_id": [0, 1]}, {"start": [0.0, 10.0], "stop": [10.0, 20.0]}
        ... )
        >>> table
        SpikeTable(3 spikes, 2 units, 2 trials)
        """
        joined = np.concatenate([np.asarray(array, dtype=np.float64) for array in first_spikes], axis=1)
        if np.isnan(joined).any():
            row, column = np.argwhere(np.isnan(joined))[0]
            raise InputError(f"spike times must not be NaN, got one in trial {row}, unit {column} (silent is inf)")
        trial, unit = np.nonzero(np.isfinite(joined))
        return cls(
            joined[trial, unit],
            unit.astype(np.int32),
            trial.astype(np.int32),
            {name: np.asarray(column) for name, column in units.items()},
            {name: np.asarray(column) for name, column in trials.items()},
            annotations or {},
        )

    def first_spikes(self) -> NDArray[np.float64]:
        """First spike of each unit in each trial [ms], ``inf`` where it is silent; shape [n_trials, n_units]."""
        first = np.full(self.n_trials * self.n_units, np.inf)
        # Spikes are in order, and of several values for one place the last stays: backwards, the first spike.
        first[(self.trial.astype(np.int64) * self.n_units + self.unit)[::-1]] = self.times[::-1]
        return first.reshape(self.n_trials, self.n_units)

    def counts(self) -> NDArray[np.int64]:
        """Number of spikes of each unit in each trial, shape [n_trials, n_units]."""
        flat = self.trial.astype(np.int64) * self.n_units + self.unit
        return np.bincount(flat, minlength=self.n_trials * self.n_units).reshape(self.n_trials, self.n_units)

    def window(self, t_start: ArrayLike = -np.inf, t_stop: ArrayLike = np.inf) -> SpikeTable:
        """Only the spikes with ``t_start <= time <= t_stop`` [ms]; scalars or one value per trial."""
        lower = np.broadcast_to(np.asarray(t_start, dtype=np.float64), (self.n_trials,))
        upper = np.broadcast_to(np.asarray(t_stop, dtype=np.float64), (self.n_trials,))
        keep = (self.times >= lower[self.trial]) & (self.times <= upper[self.trial])
        return SpikeTable(
            self.times[keep], self.unit[keep], self.trial[keep], self.units, self.trials, self.annotations
        )

    def select(self, units: ArrayLike | None = None, trials: ArrayLike | None = None) -> SpikeTable:
        """Only some units and trials, by boolean mask or by row numbers (whose order is kept)."""
        unit_rows = _rows(units, self.n_units, "unit")
        trial_rows = _rows(trials, self.n_trials, "trial")
        new_unit = np.full(self.n_units, -1, dtype=np.int32)
        new_unit[unit_rows] = np.arange(len(unit_rows), dtype=np.int32)
        new_trial = np.full(self.n_trials, -1, dtype=np.int32)
        new_trial[trial_rows] = np.arange(len(trial_rows), dtype=np.int32)
        unit, trial = new_unit[self.unit], new_trial[self.trial]
        keep = (unit >= 0) & (trial >= 0)
        return SpikeTable(
            self.times[keep],
            unit[keep],
            trial[keep],
            {name: column[unit_rows] for name, column in self.units.items()},
            {name: column[trial_rows] for name, column in self.trials.items()},
            self.annotations,
        )


def _require_columns(where: str, columns: Mapping[str, NDArray[Any]], names: Sequence[str]) -> None:
    for name in names:
        if name not in columns:
            raise InputError(f"the {where} lacks the column {name!r}; it has {sorted(columns)}")
    n_rows = len(columns[names[0]])
    for name, column in columns.items():
        if column.ndim != 1 or len(column) != n_rows:
            raise InputError(f"column {name!r} of the {where} must have shape ({n_rows},), got {column.shape}")


def _validate_spikes(
    times: NDArray[np.float64],
    unit: NDArray[np.int32],
    trial: NDArray[np.int32],
    units: Mapping[str, NDArray[Any]],
    trials: Mapping[str, NDArray[Any]],
) -> None:
    if not times.ndim == unit.ndim == trial.ndim == 1 or not len(times) == len(unit) == len(trial):
        raise InputError(
            f"times, unit and trial must be vectors of one length, got {times.shape}, {unit.shape}, {trial.shape}"
        )
    if not len(times):
        return
    if not np.all(np.isfinite(times)):
        row = int(np.flatnonzero(~np.isfinite(times))[0])
        raise InputError(f"spike times must be finite, spike {row} (unit {unit[row]}) has {times[row]} ms")
    for name, rows, n_rows in (("unit", unit, len(units["unit_id"])), ("trial", trial, len(trials["start"]))):
        if rows.min() < 0 or rows.max() >= n_rows:
            bad = int(rows.min() if rows.min() < 0 else rows.max())
            raise InputError(f"{name} of every spike must be a row in 0..{n_rows - 1}, got {bad}")
    # A spike exactly at a border may come to lie outside by the rounding of the long recording's clock.
    slack = 1e-9 + 4 * np.spacing(np.maximum(np.abs(trials["start"]), np.abs(trials["stop"])))
    lower = (trials["start"] - trials["onset"] - slack)[trial]
    upper = (trials["stop"] - trials["onset"] + slack)[trial]
    outside = np.flatnonzero((times < lower) | (times > upper))
    if len(outside):
        row = int(outside[0])
        raise InputError(
            f"{len(outside)} spikes lie outside their trial, the first at {times[row]} ms of trial {trial[row]}, "
            f"which lasts from {lower[row]:g} to {upper[row]:g} ms"
        )


def _in_order(times: NDArray[np.float64], unit: NDArray[np.int32], trial: NDArray[np.int32]) -> bool:
    """Whether spikes are sorted by trial, then time, then unit."""
    step_trial, step_time, step_unit = np.diff(trial), np.diff(times), np.diff(unit)
    in_order = (step_trial > 0) | ((step_trial == 0) & ((step_time > 0) | ((step_time == 0) & (step_unit >= 0))))
    return bool(in_order.all())


def _sorted(
    times: NDArray[np.float64], unit: NDArray[np.int32], trial: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Spikes sorted by trial, then time, then unit."""
    by_time = np.argsort(times)
    distinct = times[by_time]
    new = np.concatenate([[True], distinct[1:] != distinct[:-1]])
    distinct = distinct[new]
    bits_time, bits_unit = len(distinct).bit_length(), int(unit.max()).bit_length()
    if int(trial.max()).bit_length() + bits_time + bits_unit > 63:
        order = np.lexsort((unit, times, trial))
        return times[order], unit[order], trial[order]
    # The rank of a time is an integer, so that a spike is one: a plain sort of numbers takes a tenth of a lexsort.
    key = np.empty(len(times), dtype=np.int64)
    key[by_time] = np.cumsum(new)
    del by_time, new
    key |= trial.astype(np.int64) << bits_time
    key <<= bits_unit
    key |= unit
    key.sort()
    unit = (key & ((1 << bits_unit) - 1)).astype(np.int32)
    key >>= bits_unit
    times = distinct[(key & ((1 << bits_time) - 1)) - 1]
    return times, unit, (key >> bits_time).astype(np.int32)


def _rows(choice: ArrayLike | None, n_rows: int, what: str) -> NDArray[np.intp]:
    if choice is None:
        return np.arange(n_rows)
    chosen = np.asarray(choice)
    if chosen.dtype == bool:
        if chosen.shape != (n_rows,):
            raise InputError(f"a mask of {what}s must have shape ({n_rows},), got {chosen.shape}")
        return np.flatnonzero(chosen)
    rows = chosen.astype(np.intp)
    if len(rows) and (rows.min() < 0 or rows.max() >= n_rows):
        raise InputError(f"{what} rows must lie in 0..{n_rows - 1}, got {rows.min()}..{rows.max()}")
    return rows


def _equal_columns(left: Mapping[str, NDArray[Any]], right: Mapping[str, NDArray[Any]]) -> bool:
    return left.keys() == right.keys() and all(_equal_column(left[name], right[name]) for name in left)


def _equal_column(left: NDArray[Any], right: NDArray[Any]) -> bool:
    # A column of a real recording may have gaps (NaN), which are equal to themselves here.
    return np.array_equal(left, right, equal_nan=left.dtype.kind == right.dtype.kind == "f")


def decisions(first_output: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Time and row of the first output spike of each trial; inf and -1 without one.

    Parameters
    ----------
    first_output : float array, shape [n_trials, n_classes]
        First spikes of the output units [ms], inf where silent.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync.spike_table import decisions
    >>> decisions(np.array([[7.0, 5.0], [np.inf, np.inf]]))
    (array([ 5., inf]), array([ 1, -1]))
    """
    time = first_output.min(axis=1)
    return time, np.where(np.isfinite(time), first_output.argmin(axis=1), -1)
