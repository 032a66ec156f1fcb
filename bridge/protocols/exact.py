"""The network as it was trained: every neuron fires at most once a trial, at its exact time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import NetworkDescription, Population, Projection
from ..schedule import Schedule, on_grid
from .protocol import Protocol

OUT_OF_REACH = 1e12  # mV; a threshold that nothing crosses
SLICE = 20_000  # connections to read and set at once; NEST's own lists of all of a large network take a gigabyte


class ExactProtocol(Protocol):
    """Precise spikes: ``iaf_psc_exp_ps`` fed by ``spike_train_injector(precise_times=True)``.

    A neuron that fired stays refractory to the end of the trial. Between trials the state is set back: this is exact
    by construction, and an image takes a third (64-3x120-10) to two thirds (784-4x400-10) of the time that it takes
    when every potential must decay to nothing first.

    Raises
    ------
    InputError
        When a population has a refractory period shorter than the trial, and so could fire twice.
    """

    name = "exact"

    def __init__(self, description: NetworkDescription, resolution: float) -> None:
        for population in description.neurons:
            assert population.neuron is not None
            if population.neuron.t_ref < description.trial_duration:
                raise InputError(
                    f"protocol 'exact' lets every neuron fire at most once a trial: t_ref of population "
                    f"{population.name!r} must be >= the trial's {description.trial_duration:g} ms (inf is meant), "
                    f"got {population.neuron.t_ref:g} ms"
                )
        self.schedule = Schedule.of(description, resolution)

    def create_inputs(self, nest: Any, population: Population) -> Any:
        return nest.Create("spike_train_injector", population.size, params={"precise_times": True})

    def create_neurons(self, nest: Any, population: Population) -> Any:
        neuron = population.neuron
        assert neuron is not None
        parameters = {
            "tau_m": neuron.tau_m,
            "tau_syn_ex": neuron.tau_syn,
            "tau_syn_in": neuron.tau_syn,
            "C_m": neuron.C_m,
            "E_L": neuron.E_L,
            "V_m": neuron.E_L,
            "V_th": neuron.V_th,
            "V_reset": neuron.V_reset,
            "t_ref": self.schedule.t_ref,
        }
        return nest.Create("iaf_psc_exp_ps", population.size, params=parameters)

    def connect(
        self, nest: Any, sources: Any, targets: Any, projection: Projection, delay: NDArray[np.float64]
    ) -> None:
        i, j = np.nonzero(projection.weights)
        if not len(i):
            return
        resolution = self.schedule.resolution
        model = "static_synapse" if on_grid(delay[i, j], resolution) else "cont_delay_synapse"
        synapses = {
            "synapse_model": model,
            "weight": projection.weights[i, j],
            "delay": np.round(delay[i, j] / resolution) * resolution,
        }
        # Flat arrays of node ids: thirty times faster than connecting all-to-all and setting weights afterwards.
        nest.Connect(np.asarray(sources.tolist())[i], np.asarray(targets.tolist())[j], "one_to_one", synapses)
        if model == "cont_delay_synapse":
            # Connect rounds delays to the grid without a word; set on the connections they are kept.
            connections = nest.GetConnections(sources, targets, synapse_model=model)
            for start in range(0, len(connections), SLICE):
                part = connections[start : start + SLICE]
                ends = part.get(["source", "target"])
                row = np.asarray(ends["source"]) - sources[0].global_id
                column = np.asarray(ends["target"]) - targets[0].global_id
                part.set(delay=delay[row, column].tolist())

    def set_input_times(self, inputs: Any, input_times: NDArray[np.float64], origin: float) -> None:
        # Times count from the origin, so that a late trial keeps all digits of its spike times.
        shifted = (input_times + self.schedule.resolution).tolist()
        inputs.set([{"origin": origin, "spike_times": [time] if time < np.inf else []} for time in shifted])

    def silence(self, neurons: Any, population: Population) -> None:
        neurons.set(V_th=OUT_OF_REACH)

    def reset(self, neurons: Any, population: Population) -> None:
        assert population.neuron is not None
        neurons.set(V_th=population.neuron.V_th, V_m=population.neuron.E_L, I_syn_ex=0.0, I_syn_in=0.0)
