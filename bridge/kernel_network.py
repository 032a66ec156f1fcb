"""One network in one NEST kernel, trial after trial."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network_description import NetworkDescription
from .protocols.protocol import Protocol
from .schedule import MIN_DELAY


class KernelNetwork:
    """Builds a network once and presents trials to it, each the same to the last bit wherever it comes.

    Parameters
    ----------
    nest : module
    description : NetworkDescription
    protocol : Protocol
    seed : int
        Of NEST's random generators.
    """

    def __init__(self, nest: Any, description: NetworkDescription, protocol: Protocol, seed: int) -> None:
        self._nest, self._description, self._protocol = nest, description, protocol
        schedule = protocol.schedule
        nest.ResetKernel()
        nest.set(resolution=schedule.resolution, local_num_threads=1, rng_seed=seed + 1)
        nest.set(min_delay=MIN_DELAY, max_delay=schedule.max_delay)
        nodes = {description.input.name: protocol.create_inputs(nest, description.input)}
        for population in description.neurons:
            nodes[population.name] = protocol.create_neurons(nest, population)
        for projection, delay in zip(description.projections, schedule.delays, strict=True):
            protocol.connect(nest, nodes[projection.source], nodes[projection.target], projection, delay)
        self._recorder = nest.Create("spike_recorder", params={"time_in_steps": True})
        for population in description.neurons:
            nest.Connect(nodes[population.name], self._recorder)
        for collection in nodes.values():
            # Otherwise NodeCollection.set asks each node anew, at 10 us each.
            vars(collection)["local"] = np.atleast_1d(collection.local).tolist()
        self._nodes = nodes
        self._shift = np.repeat(
            [schedule.shift[population.name] for population in description.populations],
            [population.size for population in description.populations],
        )
        self._n_presented = 0

    def present(self, input_times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Run one trial from the state of rest.

        Parameters
        ----------
        input_times : array, shape [n_inputs]
            [ms] from the onset, ``inf`` for a silent input.

        Returns
        -------
        times : array, shape [n_spikes]
            [ms] from the onset, as the description counts: without the shift of the layers.
        unit : int array, shape [n_spikes]
            Row among the units of all populations, inputs included.
        """
        nest, protocol, schedule = self._nest, self._protocol, self._protocol.schedule
        origin = self._n_presented * schedule.trial_period
        protocol.set_input_times(self._nodes[self._description.input.name], input_times, origin)
        nest.Simulate(schedule.recording_duration)
        for population in self._description.neurons:
            protocol.silence(self._nodes[population.name], population)
        nest.Simulate(schedule.trial_period - schedule.recording_duration)
        for population in self._description.neurons:
            protocol.reset(self._nodes[population.name], population)
        self._n_presented += 1
        return self._read(origin)

    def _read(self, origin: float) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        events = self._recorder.events
        self._recorder.n_events = 0
        unit = np.asarray(events["senders"], dtype=np.int32) - 1  # node ids count from 1, inputs first
        resolution = self._protocol.schedule.resolution
        steps = np.asarray(events["times"]) - round(origin / resolution)
        times = steps * resolution - np.asarray(events["offsets"]) - self._shift[unit]
        within = times <= self._description.trial_duration
        return times[within], unit[within]
