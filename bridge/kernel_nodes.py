"""The nodes and connections that a plan asks for, made in NEST."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network_description import Population
from .protocols import Plan
from .protocols.plan import Synapses, current_step_sd, poisson_weight
from .schedule import MIN_DELAY, on_grid

OUT_OF_REACH = 1e12  # mV; a threshold that nothing crosses
SLICE = 20_000  # connections to read and set at once; NEST's own lists of all of a large network take a gigabyte


def create_inputs(nest: Any, plan: Plan) -> Any:
    """Nodes that emit the spikes they are given."""
    return nest.Create("spike_train_injector", plan.description.input.size, params={"precise_times": not plan.on_grid})


def create_neurons(nest: Any, plan: Plan, population: Population) -> Any:
    """Nodes of one population of neurons, at rest."""
    values = parameters_of(plan, population.name)
    parameters: dict[str, Any] = {name: values[name] for name in ("C_m", "E_L", "V_th", "V_reset", "t_ref")}
    parameters |= {"V_m": initial_potential(plan, population.name), "I_e": values.get("I_e", 0.0)}
    if _is_instantaneous(plan, population.name):
        model = "iaf_psc_delta" if plan.on_grid else "iaf_psc_delta_ps"
        parameters["tau_m"] = values["tau_m"]
    else:
        parameters["tau_syn_ex"] = parameters["tau_syn_in"] = values["tau_syn"]
        if plan.reversal is None:
            model = "iaf_psc_exp" if plan.on_grid else "iaf_psc_exp_ps"
            parameters["tau_m"] = values["tau_m"]
        else:
            model = "iaf_cond_exp"
            parameters["g_L"] = values["C_m"] / values["tau_m"]
            parameters["E_ex"], parameters["E_in"] = plan.reversal
    return nest.Create(model, population.size, params=per_node(parameters, population.size))


def per_node(values: Mapping[str, Any], n_nodes: int) -> dict[str, Any] | list[dict[str, Any]]:
    """Parameters as NEST takes them: one dictionary for all nodes, or a list with one for each where values differ.

    Lists inside one dictionary are refused by MPI ranks, whose nodes are not all their own.
    """
    if not any(isinstance(value, np.ndarray) for value in values.values()):
        return dict(values)
    columns = [np.broadcast_to(value, (n_nodes,)).tolist() for value in values.values()]
    return [dict(zip(values, row, strict=True)) for row in zip(*columns, strict=True)]


def initial_potential(plan: Plan, name: str) -> Any:
    """Potential at the start of a session from which a neuron is at rest at the onset of its first trial; for NEST.

    A constant current flows before the onset too, for as long as the neuron's layer is shifted.
    """
    values = parameters_of(plan, name)
    if "I_e" not in values:
        return values["E_L"]
    moved = values["I_e"] * values["tau_m"] / values["C_m"]
    lead = plan.schedule.warm_up + plan.schedule.shift[name]
    return values["E_L"] + moved * (1 - np.exp(lead / values["tau_m"]))


def parameters_of(plan: Plan, name: str) -> Mapping[str, Any]:
    """The parameters of a population in the plan, as NEST gets them.

    ``iaf_psc_exp_ps`` looks for a crossing until the potential is within 1e-14 mV of threshold. That is next to the
    rounding of potentials of 20 mV: with strong synapses or long steps it searches in vain, and NEST gives up. So
    potentials are scaled down and the capacitance up until the threshold lies 0.5 to 1 mV above rest, by a power of 2,
    which leaves all digits and all currents as they are.
    """
    values = plan.neurons[name]
    if plan.on_grid or _is_instantaneous(plan, name):
        return values
    scale = potential_scale(float(np.max(values["V_th"] - values["E_L"])))
    scaled = {key: values[key] * scale for key in ("E_L", "V_th", "V_reset")}
    return {**values, **scaled, "C_m": values["C_m"] / scale}


def potential_scale(height: float) -> float:
    """The power of 2 that brings a threshold `height` above rest [mV] to 0.5 up to 1 mV."""
    return 2.0 ** -math.frexp(height)[1]


def create_relays(nest: Any, plan: Plan, neurons: Mapping[str, Any]) -> dict[str, Any]:
    """A relay behind every neuron's axon, where the axons' delays vary from trial to trial."""
    if not plan.jitter:
        return {}
    relays = {}
    model, synapse = ("parrot_neuron", "static_synapse") if plan.on_grid else ("parrot_neuron_ps", "cont_delay_synapse")
    sources = {synapses.source for synapses in plan.synapses}
    for name in neurons:
        if name not in sources:
            continue
        relays[name] = nest.Create(model, len(neurons[name]))
        delay = max(MIN_DELAY, round(plan.schedule.relay_delay / plan.resolution) * plan.resolution)
        nest.Connect(neurons[name], relays[name], "one_to_one", {"synapse_model": synapse, "delay": delay})
    return relays


def create_background(nest: Any, plan: Plan, neurons: Mapping[str, Any]) -> list[Any]:
    """Generators of background noise, each independent for all its targets."""
    background = plan.background
    if background is None:
        return []
    generators = []
    for name, targets in neurons.items():
        values = plan.neurons[name]
        if background.kind == "gaussian":
            weights = [current_step_sd(background.sd, values["tau_m"], values["C_m"], background.step)]
            made = [nest.Create("noise_generator", params={"std": 1.0, "dt": background.step})]
            # Normal numbers come in pairs, and NEST keeps a spare one: an odd number of targets would let it reach
            # into the next trial. Each MPI rank draws for its own targets.
            n_targets = np.bincount(np.atleast_1d(targets.vp), minlength=nest.num_processes)
            for mute in nest.Create("iaf_psc_exp", nest.num_processes, params={"V_th": OUT_OF_REACH}):
                if n_targets[mute.vp] % 2:
                    nest.Connect(made[0], mute, syn_spec={"delay": MIN_DELAY})
        else:
            weight = poisson_weight(background.sd, background.rate, values)
            weights = [weight / plan.driving_force[0], -weight / plan.driving_force[1]]
            made = [nest.Create("poisson_generator", params={"rate": background.rate}) for _ in weights]
        for generator, weight in zip(made, weights, strict=True):
            column = np.broadcast_to(weight, (len(targets),))[:, None]
            nest.Connect(generator, targets, "all_to_all", {"weight": column.copy(), "delay": MIN_DELAY})
        generators += made
    return generators


def connect(nest: Any, plan: Plan, sources: Any, targets: Any, synapses: Synapses, delay: NDArray[np.float64]) -> None:
    """All synapses of one projection, with their total delays [ms], shape [n_source, n_target]."""
    i, j = np.nonzero(synapses.weights)
    if not len(i):
        return
    resolution = plan.resolution
    rounded = np.maximum(np.round(delay[i, j] / resolution) * resolution, MIN_DELAY)
    parameters: dict[str, Any] = {"synapse_model": "static_synapse", "weight": synapses.weights[i, j], "delay": rounded}
    if synapses.p_transmit < 1:
        parameters |= {"synapse_model": "bernoulli_synapse", "p_transmit": synapses.p_transmit}
    elif not plan.on_grid and not on_grid(delay[i, j], resolution):
        parameters["synapse_model"] = "cont_delay_synapse"
    # Flat arrays of node ids: thirty times faster than connecting all-to-all and setting weights afterwards.
    nest.Connect(np.asarray(sources.tolist())[i], np.asarray(targets.tolist())[j], "one_to_one", parameters)


def set_continuous_delays(nest: Any, sources: Any, targets: Any, delay: NDArray[np.float64]) -> None:
    """Give the synapses of one projection that have continuous delays the delays meant [ms], [n_source, n_target].

    Connect rounds delays to the grid without a word; set on the connections they are kept. Asked for its connections,
    NEST builds its tables, so this comes when all connections are made.
    """
    connections = nest.GetConnections(sources, targets, synapse_model="cont_delay_synapse")
    for start in range(0, len(connections), SLICE):
        part = connections[start : start + SLICE]
        ends = part.get(["source", "target"])
        row = np.asarray(ends["source"]) - sources[0].global_id
        column = np.asarray(ends["target"]) - targets[0].global_id
        part.set(per_node({"delay": delay[row, column]}, len(part)))


def thresholds(plan: Plan, name: str) -> Any:
    """The thresholds of a population as NEST takes them."""
    return per_node({"V_th": parameters_of(plan, name)["V_th"]}, plan.description[name].size)


def state_at_rest(plan: Plan, name: str) -> Any:
    """What sets a population back to rest, when no spike is under way and no neuron is refractory."""
    parameters = parameters_of(plan, name)
    state: dict[str, Any] = {"V_th": parameters["V_th"], "V_m": initial_potential(plan, name)}
    if keeps_currents(plan):
        state |= {"tau_syn_ex": parameters["tau_syn"], "tau_syn_in": parameters["tau_syn"]}
    return per_node(state | currents_at_rest(plan, name), plan.description[name].size)


def keeps_currents(plan: Plan) -> bool:
    """Whether NEST has no way to set the neurons' synaptic currents: only ``iaf_psc_exp`` hides them."""
    return plan.on_grid and plan.reversal is None and not any(_is_instantaneous(plan, name) for name in plan.neurons)


def currents_at_rest(plan: Plan, name: str) -> dict[str, float]:
    """Parameters of the neurons' synapses in the state of rest, as far as NEST lets us set them."""
    if _is_instantaneous(plan, name) or keeps_currents(plan):
        return {}
    return {"g_ex": 0.0, "g_in": 0.0} if plan.reversal else {"I_syn_ex": 0.0, "I_syn_in": 0.0}


def _is_instantaneous(plan: Plan, name: str) -> bool:
    return not np.any(plan.neurons[name]["tau_syn"])
