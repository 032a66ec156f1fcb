"""Why two simulations of one trial differ: spikes that graze the threshold, and what follows from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..network_description import NetworkDescription
from .potential import next_peak, potential

# iaf_psc_exp_ps misses excursions above threshold of a smaller relative height than this at h = 0.1 ms (measured).
MIN_GRAZING_BOUND = 1e-5


class GrazingSpike(NamedTuple):
    """A spike that one simulation sees and the other may miss.

    Attributes
    ----------
    trial, unit, layer : int
    time : float
        When it happened, in the simulation that saw it first [ms].
    margin : float
        Height above threshold of the potential's peak there, relative to the threshold.
    """

    trial: int
    unit: int
    layer: int
    time: float
    margin: float


class Causes:
    """Finds what the differences of a trial come from.

    Parameters
    ----------
    description : NetworkDescription
    resolution : array, shape [n_trials]
        Step h of each trial of the recording [ms].
    tolerance_ms : float
    """

    def __init__(self, description: NetworkDescription, resolution: NDArray[np.float64], tolerance_ms: float) -> None:
        self._description, self._resolution, self._tolerance_ms = description, resolution, tolerance_ms
        sizes = [population.size for population in description.populations]
        stops = np.cumsum(sizes)
        self._rows = {
            population.name: slice(stop - population.size, stop)
            for population, stop in zip(description.populations, stops, strict=True)
        }
        self._population_of_unit = np.repeat(np.arange(len(sizes)), sizes)

    def of_trial(
        self, trial: int, reference: NDArray[np.float64], recording: NDArray[np.float64], differing: NDArray[np.bool_]
    ) -> tuple[list[GrazingSpike], NDArray[np.bool_]]:
        """Grazing spikes among the differences, and the units they reach.

        Parameters
        ----------
        trial : int
        reference, recording : array, shape [n_units]
            First spikes [ms].
        differing : bool array, shape [n_units]

        Returns
        -------
        grazing : list of GrazingSpike
        touched : bool array, shape [n_units]
            Units that graze or fire causally downstream of one that does.
        """
        first = np.minimum(reference, recording)
        touched = np.zeros(len(first), dtype=bool)
        grazing = []
        units = np.flatnonzero(differing)
        for unit in units[np.argsort(first[units], kind="stable")]:
            if touched[unit]:
                continue
            margin = self._margin(unit, float(first[unit]), reference)
            if abs(margin) < self._bound(trial, unit):
                layer = self._description.populations[self._population_of_unit[unit]].layer
                grazing.append(GrazingSpike(trial, int(unit), layer, float(first[unit]), margin))
                touched[unit] = True
                self._spread(touched, first)
        return grazing, touched

    def _margin(self, unit: int, time: float, reference: NDArray[np.float64]) -> float:
        """The larger of the potential's distance from threshold at `time` and at its next peak."""
        population = self._description.populations[self._population_of_unit[unit]]
        assert population.neuron is not None
        column = unit - self._rows[population.name].start
        arrivals, weights = [np.empty(0)], [np.empty(0)]
        for projection in self._description.projections:
            if projection.target == population.name:
                delay = np.broadcast_to(projection.delay, projection.weights.shape)[:, column]
                arrival = reference[self._rows[projection.source]] + delay
                causal = np.isfinite(arrival) & (projection.weights[:, column] != 0)
                arrivals.append(arrival[causal])
                weights.append(projection.weights[causal, column])
        inputs = np.concatenate(arrivals), np.concatenate(weights)
        at_spike = potential(time, *inputs, population.neuron) - 1.0
        at_peak = next_peak(time, *inputs, population.neuron, self._description.trial_duration) - 1.0
        return max(at_spike, at_peak, key=abs)

    def _bound(self, trial: int, unit: int) -> float:
        neuron = self._description.populations[self._population_of_unit[unit]].neuron
        assert neuron is not None
        return max(MIN_GRAZING_BOUND, float(self._resolution[trial]) ** 2 / (8 * neuron.tau_m * neuron.tau_syn))

    def _spread(self, touched: NDArray[np.bool_], first: NDArray[np.float64]) -> None:
        """Touch every unit that spikes after input from a touched one, until there is none left."""
        n_touched = -1
        while n_touched != touched.sum():
            n_touched = touched.sum()
            for projection in self._description.projections:
                source, target = self._rows[projection.source], self._rows[projection.target]
                rows = np.flatnonzero(touched[source])
                delay = np.broadcast_to(projection.delay, projection.weights.shape)[rows]
                arrival = first[source][rows, None] + delay
                reached = (projection.weights[rows] != 0) & (arrival <= first[target] + self._tolerance_ms)
                touched[target] |= reached.any(axis=0) & np.isfinite(first[target])
