"""Spikes that enter a network, checked: what NEST would drop without a word is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable


@dataclass(frozen=True)
class Stimuli:
    """Input spikes of all trials, in the order of trials, then units, then time.

    Attributes
    ----------
    times : array, shape [n_spikes]
        [ms] from the onset of the trial.
    unit, trial : int array, shape [n_spikes]
        Rows of the input population and of the trials.
    n_trials : int
    """

    times: NDArray[np.float64]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]
    n_trials: int

    @classmethod
    def of(cls, description: NetworkDescription, given: ArrayLike | SpikeTable) -> Stimuli:
        """Stimuli from one spike time per input and trial (``inf``: silent), or from a table of the inputs' spikes.

        Raises
        ------
        InputError
            On a wrong shape, or spike times that are negative, NaN or after the end of the trial.
        """
        if isinstance(given, SpikeTable):
            return cls._of_table(description, given)
        try:
            times = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"stimuli must be an array of numbers [n_trials, n_inputs]: {error}") from error
        n_inputs = description.input.size
        if times.ndim != 2 or times.shape[1] != n_inputs or not len(times):
            raise InputError(
                f"stimuli must have shape [n_trials, {n_inputs}] with at least one trial, got {times.shape}"
            )
        rows, columns = np.broadcast_arrays(np.arange(len(times))[:, None], np.arange(n_inputs))
        _check(times, rows, columns, description.trial_duration, silent=True)
        trial, unit = np.nonzero(np.isfinite(times))
        return cls(times[trial, unit], unit.astype(np.int32), trial.astype(np.int32), len(times))

    @classmethod
    def _of_table(cls, description: NetworkDescription, table: SpikeTable) -> Stimuli:
        if table.n_units != description.input.size:
            raise InputError(
                f"stimuli must have the {description.input.size} units of the input population, got {table.n_units}"
            )
        if not table.n_trials:
            raise InputError("stimuli must have at least one trial, got none")
        order = np.lexsort((table.times, table.unit, table.trial))
        times, unit, trial = table.times[order], table.unit[order], table.trial[order]
        _check(times, trial, unit, description.trial_duration, silent=False)
        return cls(times, unit.astype(np.int32), trial.astype(np.int32), table.n_trials)

    def of_trial(self, trial: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Times [ms] and units of one trial's spikes."""
        start, stop = np.searchsorted(self.trial, [trial, trial + 1])
        return self.times[start:stop], self.unit[start:stop]


def _check(
    times: NDArray[np.float64],
    trial: NDArray[Any],
    unit: NDArray[Any],
    trial_duration: float,
    *,
    silent: bool,
) -> None:
    good = (times >= 0) & (times <= trial_duration)
    if silent:
        good |= times == np.inf
    bad = np.flatnonzero(~good.ravel())
    if len(bad):
        where = f"trial {trial.ravel()[bad[0]]}, input {unit.ravel()[bad[0]]}"
        raise InputError(
            f"stimuli must lie in 0..{trial_duration:g} ms (the trial){', or be inf for a silent input' * silent}; "
            f"{where} has {times.ravel()[bad[0]]} ({len(bad)} in all)"
        )
