"""At the time steps that are called safe, NEST misses no spike, however it grazes."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import simulate

pytest.importorskip("torch")

from semsync.models.network import FirstSpikeNetwork
from semsync.models.training import spike_times
from semsync.pipeline.time_steps import time_steps

TAU = 10.0  # ms
N_TRIALS = 40


def test_spikes_that_a_long_step_misses_are_found_at_the_safe_one(tolerance_ms):
    # Peaks from 2.5e-7 to 1e-2 above threshold, each at many phases of the time step; and one below.
    excess = np.append(np.logspace(-6.6, -2, 30), -1e-6)
    network = NetworkDescription.from_weights(
        [np.diag(np.e * (1 + excess)), np.ones((len(excess), 1))], LIFNeuron(TAU, TAU), trial_duration=50.0
    )
    input_times = np.full((N_TRIALS * len(excess), len(excess)), np.inf)
    which = np.arange(len(input_times)) % len(excess)
    input_times[np.arange(len(input_times)), which] = np.random.default_rng(0).uniform(0, 5, len(input_times))
    expected = np.concatenate(
        [input_times, *spike_times(FirstSpikeNetwork.from_description(network), input_times)], axis=1
    )

    steps = time_steps(network, input_times)
    coarse = simulate(network, input_times, resolution=1.0).first_spikes()
    safe = simulate(network, input_times, resolution=steps).first_spikes()

    assert {0.01, 0.1, 1.0} <= set(steps.tolist())
    assert (np.isinf(coarse) & np.isfinite(expected)).any()
    np.testing.assert_array_equal(np.isfinite(safe), np.isfinite(expected))
    assert np.isfinite(expected[:, len(excess) : -1]).sum() == N_TRIALS * (len(excess) - 1)
    both = np.isfinite(expected)
    assert np.abs(safe[both] - expected[both]).max() <= tolerance_ms


def test_a_step_is_chosen_only_where_the_engine_knows_the_network():
    neuron = LIFNeuron(TAU, TAU)
    network = NetworkDescription.from_weights([[[3.0]]], neuron, trial_duration=50.0)
    assert time_steps(network, np.array([[1.0], [np.inf]])).tolist() == [1.0, 1.0]
    assert time_steps(network, np.array([[1.0]]), "grid") == 0.1
    assert time_steps(network, np.array([[1.0, 2.0]])) == 0.1
    two_neurons = [p if p.name == "input" else type(p)(p.name, 1, 1, LIFNeuron(TAU, 5.0)) for p in network.populations]
    again = [*two_neurons, type(network.output)("more", 1, 2, neuron)]
    chain = [*network.projections, type(network.projections[0])("output", "more", np.ones((1, 1)))]
    assert time_steps(NetworkDescription(again, chain, 50.0), np.array([[1.0]])) == 0.1
