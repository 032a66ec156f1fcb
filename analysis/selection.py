"""Which trials and units of a recording are analysed: conditions and quality criteria, and what they dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..spike_table import SpikeTable
from .expressions import matching_rows
from .recordings.binned import BIN_EDGES
from .recordings.trials import add_note

N_BLOCKS = 10  # of recorded time, for the presence ratio
REFRACTORY_MS = 1.5
_MS_PER_S = 1000.0


@dataclass(frozen=True)
class Criteria:
    """What trials and units have to fulfil to be analysed; nothing is asked by default.

    Trials are chosen first; the criteria of units are then judged in the trials that are left.

    Attributes
    ----------
    where : str, optional
        Condition on columns of the trial table, see :func:`~semsync.analysis.expressions.matching_rows`.
    units_where : str, optional
        Condition on columns of the unit table.
    trial_rate : (float, float)
        Mean rate of all units in a trial, smallest and largest [Hz].
    unit_rate : (float, float)
        Mean rate of a unit over all trials, smallest and largest [Hz].
    min_presence : float
        Smallest presence ratio of a unit: the share of ten stretches of the recorded time, equally long, in which it
        spikes. A unit that drifts away loses stretches.
    max_isi_violations : float
        Largest share of a unit's interspike intervals, within trials, that are shorter than `refractory`. A high share
        says that spikes of several neurons were sorted into one unit.
    refractory : float
        [ms]

    Raises
    ------
    InputError
        Naming the criterion and what was expected.
    """

    where: str | None = None
    units_where: str | None = None
    trial_rate: tuple[float, float] = (0.0, np.inf)
    unit_rate: tuple[float, float] = (0.0, np.inf)
    min_presence: float = 0.0
    max_isi_violations: float = 1.0
    refractory: float = REFRACTORY_MS

    def __post_init__(self) -> None:
        for name in ("trial_rate", "unit_rate"):
            smallest, largest = getattr(self, name)
            if not smallest <= largest:
                raise InputError(
                    f"{name} must be a smallest and a largest rate in Hz, got {smallest:g} and {largest:g}"
                )
        for name in ("min_presence", "max_isi_violations"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be a share between 0 and 1, got {getattr(self, name)!r}")
        if not (np.isfinite(self.refractory) and self.refractory > 0):
            raise InputError(f"refractory must be a positive time in ms, got {self.refractory!r}")


@dataclass(frozen=True)
class Dropped:
    """What one criterion dropped.

    Attributes
    ----------
    what : {"trials", "units"}
    criterion : str
        In words, with its numbers.
    n_before : int
        How many there were when it was applied.
    dropped : tuple
        Numbers of the trials in the recording, from 0, or ids of the units.
    """

    what: str
    criterion: str
    n_before: int
    dropped: tuple[Any, ...]

    def sentence(self) -> str:
        if not self.dropped:
            return f"All {self.n_before} {self.what} fulfil: {self.criterion}."
        return f"{len(self.dropped)} of {self.n_before} {self.what} dropped, which do not fulfil: {self.criterion}."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "criterion": self.criterion,
            "n_before": self.n_before,
            "n_dropped": len(self.dropped),
            "dropped": list(self.dropped),
        }


def select(table: SpikeTable, criteria: Criteria) -> tuple[SpikeTable, tuple[Dropped, ...]]:
    """Only the trials and units that fulfil the criteria.

    Returns
    -------
    SpikeTable
        With a sentence for each criterion in ``annotations['notes']``.
    tuple of Dropped
        One for each criterion that was asked for, in the order in which they were applied.

    Raises
    ------
    InputError
        On criteria that the recording cannot be judged by, or that leave no trial or no unit.

    Examples
    --------
    >>> trials = {"start": [0.0, 50.0], "stop": [50.0, 100.0], "choice": [1, 2]}
    >>> table = SpikeTable([1.0, 9.0, 2.0], [0, 0, 1], [0, 0, 1], {"unit_id": [7, 8]}, trials)
    >>> chosen, dropped = select(table, Criteria(where="choice == 1", unit_rate=(1, 100)))
    >>> chosen
    SpikeTable(2 spikes, 1 units, 1 trials)
    >>> [step.sentence() for step in dropped]  # doctest: +NORMALIZE_WHITESPACE
    ['1 of 2 trials dropped, which do not fulfil: choice == 1.',
     '1 of 2 units dropped, which do not fulfil: mean rate of the unit 1 to 100 Hz.']
    """
    steps: list[Dropped] = []
    numbers = np.arange(table.n_trials)
    if criteria.where is not None:
        table, numbers = _keep_trials(
            table, numbers, matching_rows(criteria.where, table.trials), criteria.where, steps
        )
    if criteria.trial_rate != (0.0, np.inf):
        table, numbers = _keep_trials(
            table,
            numbers,
            _within(trial_rates(table), criteria.trial_rate),
            f"mean rate of all units in the trial {_range(criteria.trial_rate)} Hz",
            steps,
        )
    if criteria.units_where is not None:
        table = _keep_units(
            table, matching_rows(criteria.units_where, table.units, "units"), criteria.units_where, steps
        )
    if criteria.unit_rate != (0.0, np.inf):
        table = _keep_units(
            table,
            _within(unit_rates(table), criteria.unit_rate),
            f"mean rate of the unit {_range(criteria.unit_rate)} Hz",
            steps,
        )
    if criteria.min_presence > 0:
        table = _keep_units(
            table,
            presence_ratios(table) >= criteria.min_presence,
            f"the unit spikes in a share of at least {criteria.min_presence:g} of {N_BLOCKS} stretches of the "
            "recorded time (presence ratio)",
            steps,
        )
    if criteria.max_isi_violations < 1:
        share = isi_violations(table, criteria.refractory)
        table = _keep_units(
            table,
            # A unit without any interval violates nothing.
            ~(share > criteria.max_isi_violations),
            f"at most a share of {criteria.max_isi_violations:g} of the unit's interspike intervals is shorter than "
            f"{criteria.refractory:g} ms",
            steps,
        )
    if not steps:
        return table, ()
    annotations = {**table.annotations, "notes": list(table.annotations.get("notes", ()))}
    for step in steps:
        add_note(annotations, step.sentence())
    return replace(table, annotations=annotations), tuple(steps)


def trial_rates(table: SpikeTable) -> NDArray[np.float64]:
    """Rate of each trial, mean over units [Hz], shape [n_trials]; NaN without units or for a trial without duration."""
    n_spikes = np.bincount(table.trial, minlength=table.n_trials)
    return _ratio(n_spikes * _MS_PER_S, (table.t_stop - table.t_start) * table.n_units)


def unit_rates(table: SpikeTable) -> NDArray[np.float64]:
    """Rate of each unit over all trials [Hz], shape [n_units]; NaN without any recorded time."""
    n_spikes = np.bincount(table.unit, minlength=table.n_units)
    duration = np.full(table.n_units, (table.t_stop - table.t_start).sum())
    return _ratio(n_spikes * _MS_PER_S, duration)


def presence_ratios(table: SpikeTable, n_blocks: int = N_BLOCKS) -> NDArray[np.float64]:
    """Share of equally long stretches of the recorded time in which each unit spikes, shape [n_units].

    The recorded time is that of all trials, laid end to end in their order in the recording.
    """
    duration = table.t_stop - table.t_start
    order = np.argsort(table.trials["start"], kind="stable")
    offset = np.empty(table.n_trials)
    offset[order] = np.cumsum(duration[order]) - duration[order]
    total = float(duration.sum())
    if total <= 0:
        return np.full(table.n_units, np.nan)
    position = (offset - table.t_start)[table.trial] + table.times
    block = np.clip((position / total * n_blocks).astype(np.int64), 0, n_blocks - 1)
    present = np.zeros((table.n_units, n_blocks), dtype=bool)
    present[table.unit, block] = True
    return present.mean(axis=1)


def isi_violations(table: SpikeTable, refractory: float = REFRACTORY_MS) -> NDArray[np.float64]:
    """Share of each unit's interspike intervals within trials below `refractory` [ms], shape [n_units].

    NaN for a unit without any interval.

    Raises
    ------
    InputError
        For counts in bins, which have no intervals.
    """
    if BIN_EDGES in table.annotations:
        raise InputError("counts in bins have no interspike intervals: max_isi_violations cannot be asked of them")
    order = np.lexsort((table.times, table.trial, table.unit))
    unit, trial, times = table.unit[order], table.trial[order], table.times[order]
    within = (np.diff(unit) == 0) & (np.diff(trial) == 0)
    short = within & (np.diff(times) < refractory)
    n_intervals = np.bincount(unit[1:][within], minlength=table.n_units)
    return _ratio(np.bincount(unit[1:][short], minlength=table.n_units), n_intervals)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    result = np.full(len(numerator), np.nan)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def _within(values: NDArray[np.float64], borders: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= borders[0]) & (values <= borders[1])


def _range(borders: tuple[float, float]) -> str:
    smallest, largest = borders
    if np.isinf(largest):
        return f"at least {smallest:g}"
    return f"{smallest:g} to {largest:g}"


def _keep_trials(
    table: SpikeTable, numbers: NDArray[np.intp], keep: NDArray[np.bool_], criterion: str, steps: list[Dropped]
) -> tuple[SpikeTable, NDArray[np.intp]]:
    steps.append(Dropped("trials", criterion, table.n_trials, tuple(numbers[~keep].tolist())))
    _require_some(keep, steps[-1])
    return (table, numbers) if keep.all() else (table.select(trials=keep), numbers[keep])


def _keep_units(table: SpikeTable, keep: NDArray[np.bool_], criterion: str, steps: list[Dropped]) -> SpikeTable:
    steps.append(Dropped("units", criterion, table.n_units, tuple(table.units["unit_id"][~keep].tolist())))
    _require_some(keep, steps[-1])
    return table if keep.all() else table.select(units=keep)


def _require_some(keep: Sequence[bool] | NDArray[np.bool_], step: Dropped) -> None:
    if not np.any(keep):
        raise InputError(f"none of the {step.n_before} {step.what} fulfils: {step.criterion}")
