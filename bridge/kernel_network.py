"""One network in one NEST kernel, session after session."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernel_nodes
from .protocols import Plan
from .schedule import MIN_DELAY, cut_normal

INSTANT = 0.01  # ms; a time constant with which a current is gone by the end of a slice

Stimulus = tuple[NDArray[np.float64], NDArray[np.int32]]


class KernelNetwork:
    """Builds a network once and presents trials to it, each the same to the last bit wherever it comes.

    Parameters
    ----------
    nest : module
    plan : Plan
    """

    def __init__(self, nest: Any, plan: Plan) -> None:
        self.plan = plan
        self._nest, self._description, self._schedule = nest, plan.description, plan.schedule
        nest.ResetKernel()
        nest.set(resolution=plan.resolution, local_num_threads=1, rng_seed=plan.seed + 1)
        nest.set(min_delay=MIN_DELAY, max_delay=self._schedule.max_delay)
        self._inputs = kernel_nodes.create_inputs(nest, plan)
        self._neurons = {p.name: kernel_nodes.create_neurons(nest, plan, p) for p in plan.description.neurons}
        self._recorder = nest.Create("spike_recorder", params={"time_in_steps": True})
        for neurons in self._neurons.values():
            nest.Connect(neurons, self._recorder)
        nodes = {plan.description.input.name: self._inputs} | self._neurons
        self._relays = kernel_nodes.create_relays(nest, plan, self._neurons)
        ends = [(self._relays.get(s.source, nodes[s.source]), nodes[s.target]) for s in plan.synapses]
        for (sources, targets), synapses, delay in zip(ends, plan.synapses, self._schedule.delays, strict=True):
            kernel_nodes.connect(nest, plan, sources, targets, synapses, delay)
        self._background = kernel_nodes.create_background(nest, plan, self._neurons)
        for (sources, targets), delay in zip(ends, self._schedule.delays, strict=True):
            kernel_nodes.set_continuous_delays(nest, sources, targets, delay)
        # Of MPI ranks each has a share of the axons.
        self._axons = {name: nest.GetConnections(self._neurons[name], relay) for name, relay in self._relays.items()}
        self._axon_rows = {
            name: np.atleast_1d(np.asarray(axons.source, dtype=int)) - self._neurons[name][0].global_id
            for name, axons in self._axons.items()
        }
        for collection in (*nodes.values(), *self._background):
            # Otherwise NodeCollection.set asks each node anew, at 10 us each.
            vars(collection)["local"] = np.atleast_1d(collection.local).tolist()
        self._shift = np.repeat(
            [self._schedule.shift[population.name] for population in plan.description.populations],
            [population.size for population in plan.description.populations],
        )
        # The same after every session, so made once.
        self._thresholds = {name: kernel_nodes.thresholds(plan, name) for name in self._neurons}
        self._at_rest = {name: kernel_nodes.state_at_rest(plan, name) for name in self._neurons}
        self._clock = 0.0

    def present(
        self, stimuli: Sequence[Stimulus], first_trial: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int_]]:
        """Run the trials of one session, from the state of rest.

        Parameters
        ----------
        stimuli : sequence of (times, unit)
            For each trial the times of the input spikes [ms] from its onset, and their inputs.
        first_trial : int
            Number of the first trial, which random numbers depend on.

        Returns
        -------
        times : array, shape [n_spikes]
            [ms] from the onset of the spike's trial, as the description counts: without the shift of the layers.
        unit : int array, shape [n_spikes]
            Row among the units of all populations, inputs included.
        trial : int array, shape [n_spikes]
            Row among the stimuli.
        """
        nest, schedule = self._nest, self._schedule
        rng = self.plan.generator("trials", first_trial)
        if self.plan.is_random:
            nest.rng_seed = int(rng.integers(1, 2**31))
        self._set_inputs(stimuli, rng)
        if schedule.warm_up:
            self._start_background(len(stimuli))
            self._silence()
            nest.Simulate(schedule.warm_up)
            self._wake()
        for row in range(len(stimuli)):
            self._draw_axons(rng)
            last = row == len(stimuli) - 1
            nest.Simulate(schedule.recording_duration if last else schedule.onset_interval)
        self._silence()
        self._drain()
        nest.Simulate(schedule.wait)
        self._rest()
        spikes = self._read(len(stimuli))
        self._clock += schedule.session_duration(len(stimuli))
        return spikes

    def _set_inputs(self, stimuli: Sequence[Stimulus], rng: np.random.Generator) -> None:
        schedule, n_inputs = self._schedule, len(self._inputs)
        times, units = [], []
        for row, (of_trial, unit) in enumerate(stimuli):
            sent = of_trial + schedule.shift[self._description.input.name]
            if schedule.jitter:
                sent = sent + schedule.jitter * cut_normal(rng, n_inputs)[unit]
            times.append(sent + (schedule.warm_up + row * schedule.onset_interval))
            units.append(unit)
        all_times, all_units = np.concatenate(times), np.concatenate(units)
        if self.plan.on_grid:
            all_times = np.round(all_times / schedule.resolution) * schedule.resolution
        order = np.lexsort((all_times, all_units))
        stops = np.searchsorted(all_units[order], np.arange(n_inputs + 1)).tolist()
        sorted_times = all_times[order].tolist()
        # Times count from the origin, so that a late trial keeps all digits of its spike times.
        self._inputs.set(
            [{"origin": self._clock, "spike_times": sorted_times[start:stop]} for start, stop in pairwise(stops)]
        )

    def _start_background(self, n_trials: int) -> None:
        schedule = self._schedule
        stop = schedule.session_duration(n_trials) - schedule.wait
        for generator in self._background:
            generator.set(origin=self._clock, start=0.0, stop=stop)

    def _draw_axons(self, rng: np.random.Generator) -> None:
        schedule = self._schedule
        for name, axons in self._axons.items():
            drawn = cut_normal(rng, len(self._neurons[name]))
            delay = schedule.relay_delay + schedule.jitter * drawn[self._axon_rows[name]]
            if self.plan.on_grid:
                delay = np.round(delay / schedule.resolution) * schedule.resolution
            axons.set(kernel_nodes.per_node({"delay": np.maximum(delay, MIN_DELAY)}, len(axons)))

    def _silence(self) -> None:
        """Let no neuron start another spike."""
        for neurons in self._neurons.values():
            neurons.set(V_th=kernel_nodes.OUT_OF_REACH)

    def _wake(self) -> None:
        for name, neurons in self._neurons.items():
            neurons.set(self._thresholds[name])

    def _drain(self) -> None:
        """Have currents gone by the end of the wait, where NEST does not let us set them."""
        if kernel_nodes.keeps_currents(self.plan):
            for neurons in self._neurons.values():
                neurons.set(tau_syn_ex=INSTANT, tau_syn_in=INSTANT)

    def _rest(self) -> None:
        """When no spike is under way and no neuron is refractory: back to the state of rest."""
        for name, neurons in self._neurons.items():
            neurons.set(self._at_rest[name])

    def _read(self, n_trials: int) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int_]]:
        events = self._recorder.events
        self._recorder.n_events = 0
        schedule = self._schedule
        unit = np.asarray(events["senders"], dtype=np.int32) - 1  # node ids count from 1, inputs first
        onset = round((self._clock + schedule.warm_up) / schedule.resolution)
        steps = np.asarray(events["times"]) - onset
        times = steps * schedule.resolution - np.asarray(events["offsets"]) - self._shift[unit]
        trial = np.clip(np.floor(times / schedule.onset_interval).astype(int), 0, n_trials - 1)
        # Delays that vary may let a spike come before the onset: it counts as at the onset.
        times = np.maximum(times - trial * schedule.onset_interval, 0.0)
        within = times <= schedule.trial_duration
        return times[within], unit[within], trial[within]
