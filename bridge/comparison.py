"""Equality of two recordings of one network, spike by spike: the engine that trained it against NEST."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable
from .causes import Causes, GrazingSpike

__all__ = ["Comparison", "GrazingSpike", "compare"]

DEFAULT_RESOLUTION = 0.1  # ms; of a recording that does not say


@dataclass(frozen=True)
class Comparison:
    """How far a recording equals a reference.

    A neuron *differs* in a trial when it fires in only one of them, or at times further apart than the tolerance.

    Attributes
    ----------
    tolerance_ms : float
    n_trials : int
    n_spikes_compared : int
        Spikes of neurons that both have, those touched by a grazing spike left out.
    max_abs_difference_ms : float
        Largest difference among the spikes compared.
    max_abs_difference_ms_by_layer : mapping of int to float
    n_spiking_mismatches : int
        Neurons firing in one and not in the other, for whatever reason.
    n_time_mismatches : int
        Neurons firing at different times, for whatever reason.
    grazing_spikes : tuple of GrazingSpike
        Differences at a peak of the potential so close to threshold that NEST can miss it.
    n_downstream_spikes : int
        Spikes causally downstream of a grazing one in its trial, whether they differ or not.
    n_touched_trials : int
        Trials with a grazing spike that made a difference.
    n_unexplained : int
        Differences that neither graze nor are downstream of one that does.
    n_decision_mismatches : int
        Trials with another decision, for whatever reason.
    n_decision_mismatches_unexplained : int
        Those in trials that no grazing spike touches, simultaneous output spikes left out.
    """

    tolerance_ms: float
    n_trials: int
    n_spikes_compared: int
    max_abs_difference_ms: float
    max_abs_difference_ms_by_layer: Mapping[int, float]
    n_spiking_mismatches: int
    n_time_mismatches: int
    grazing_spikes: tuple[GrazingSpike, ...]
    n_downstream_spikes: int
    n_touched_trials: int
    n_unexplained: int
    n_decision_mismatches: int
    n_decision_mismatches_unexplained: int

    @property
    def equal(self) -> bool:
        """Whether nothing differs that no grazing spike explains."""
        return self.n_unexplained == 0 and self.n_decision_mismatches_unexplained == 0

    @property
    def touched_share(self) -> float:
        """Share of the trials that a grazing spike touches."""
        return self.n_touched_trials / self.n_trials

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["max_abs_difference_ms_by_layer"] = {
            str(layer): value for layer, value in self.max_abs_difference_ms_by_layer.items()
        }
        plain["grazing_spikes"] = [spike._asdict() for spike in self.grazing_spikes]
        return plain | {"n_grazing": len(self.grazing_spikes), "touched_share": self.touched_share, "equal": self.equal}


def compare(
    reference: SpikeTable, recording: SpikeTable, description: NetworkDescription, *, tolerance_ms: float = 1e-9
) -> Comparison:
    """Compare the first spike of every neuron in every trial.

    Parameters
    ----------
    reference, recording : SpikeTable
        Of the same trials; units of all populations of the network in their order, inputs included.
    description : NetworkDescription
    tolerance_ms : float
        Largest difference of spike times that counts as equal [ms]. Spikes within it of the end of the trial may fall
        on either side of the end and are left out.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When the tables are not of this network, of different trials, or of different input spikes.

    Notes
    -----
    NEST's precise neurons look for a crossing of the threshold at the ends of steps and at input spikes. They miss an
    excursion between two such times, whose relative height is below ``h**2 / (8 tau_m tau_syn)``, or about 1e-5 when
    that is more. A difference counts as grazing when the potential, computed in closed form from the input spikes of
    the reference, stays that close to threshold from the spike to the next peak.
    """
    sizes = [population.size for population in description.populations]
    for name, table in (("reference", reference), ("recording", recording)):
        if table.n_units != sum(sizes):
            raise InputError(f"the {name} must have all {sum(sizes)} units of the network, it has {table.n_units}")
    if reference.n_trials != recording.n_trials or not reference.n_trials:
        raise InputError(f"both must have the same trials, got {reference.n_trials} and {recording.n_trials}")
    t_stop = description.trial_duration - tolerance_ms
    expected, found = _first_spikes(reference, t_stop), _first_spikes(recording, t_stop)
    n_inputs = description.input.size
    same_inputs = _equal_times(expected[:, :n_inputs], found[:, :n_inputs], tolerance_ms).all(axis=1)
    if not same_inputs.all():
        raise InputError(f"both must have the same input spikes, trial {same_inputs.argmin()} has others")

    differing = ~_equal_times(expected, found, tolerance_ms)
    touched = np.zeros_like(differing)
    grazing: list[GrazingSpike] = []
    of_all = float(recording.annotations.get("resolution", DEFAULT_RESOLUTION))
    resolution = recording.trials.get("resolution", np.full(recording.n_trials, of_all))
    causes = Causes(description, resolution, tolerance_ms)
    for trial in np.flatnonzero(differing.any(axis=1)):
        spikes, touched[trial] = causes.of_trial(int(trial), expected[trial], found[trial], differing[trial])
        grazing += spikes

    both = np.isfinite(expected) & np.isfinite(found)
    compared = both & ~touched
    compared[:, :n_inputs] = False
    difference = np.zeros_like(expected)
    np.subtract(expected, found, out=difference, where=compared)
    np.abs(difference, out=difference)
    layers = np.repeat([population.layer for population in description.populations], sizes)
    touched_trials = touched.any(axis=1)
    other_decision, tie = _other_decisions(expected[:, -sizes[-1] :], found[:, -sizes[-1] :], tolerance_ms)
    return Comparison(
        tolerance_ms=tolerance_ms,
        n_trials=reference.n_trials,
        n_spikes_compared=int(compared.sum()),
        max_abs_difference_ms=float(difference.max()),
        max_abs_difference_ms_by_layer={
            int(layer): float(difference[:, layers == layer].max()) for layer in np.unique(layers[n_inputs:])
        },
        n_spiking_mismatches=int((differing & ~both).sum()),
        n_time_mismatches=int((differing & both).sum()),
        grazing_spikes=tuple(grazing),
        n_downstream_spikes=int(touched.sum()) - len(grazing),
        n_touched_trials=int(touched_trials.sum()),
        n_unexplained=int((differing & ~touched).sum()),
        n_decision_mismatches=int(other_decision.sum()),
        n_decision_mismatches_unexplained=int((other_decision & ~touched_trials & ~tie).sum()),
    )


def _first_spikes(table: SpikeTable, t_stop: float) -> NDArray[np.float64]:
    first = table.first_spikes()
    first[first > t_stop] = np.inf
    return first


def _equal_times(expected: NDArray[np.float64], found: NDArray[np.float64], tolerance_ms: float) -> NDArray[np.bool_]:
    # Equal first, as inf - inf is not a number.
    with np.errstate(invalid="ignore"):
        return (expected == found) | (np.abs(expected - found) <= tolerance_ms)


def _other_decisions(
    expected: NDArray[np.float64], found: NDArray[np.float64], tolerance_ms: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Trials whose first output spike is another unit's, and those where the two units' spikes are simultaneous."""
    trials = np.arange(len(expected))
    before, after = expected.argmin(axis=1), found.argmin(axis=1)
    other = (before != after) | (np.isfinite(expected.min(axis=1)) != np.isfinite(found.min(axis=1)))
    tie = (before != after) & _equal_times(expected[trials, before], expected[trials, after], tolerance_ms)
    return other, tie
