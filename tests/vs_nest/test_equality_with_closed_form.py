"""NEST's spike times are those of the closed form, in every layer, for every kind of network that we train."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import compare, simulate
from semsync.spike_table import SpikeTable

SIZES = (12, 10, 8, 3)
N_TRIALS = 8
TRIAL_DURATION = 60.0  # ms
TAU_SYN = 8.0  # ms


def first_spike(arrivals, weights, tau_m, tau_s):
    """Dense scan and bisection on the sum of post-synaptic potentials; shares no line with the package."""

    def potential(t):
        s = np.clip(np.subtract.outer(t, arrivals), 0, None)
        if tau_m == tau_s:
            shapes = s / tau_m * np.exp(-s / tau_m)
        else:
            shapes = tau_m / (tau_m - tau_s) * (np.exp(-s / tau_m) - np.exp(-s / tau_s))
        return shapes @ weights

    borders = np.unique(np.append(arrivals, TRIAL_DURATION))
    for lower, upper in pairwise(borders):
        t = np.linspace(lower, upper, 400)
        v = potential(t)
        top = int(v.argmax())
        if v[top] < 1 and 0 < top < len(t) - 1:
            peak = minimize_scalar(lambda x: -potential(x), bounds=(t[top - 1], t[top + 1]), method="bounded")
            t, v = np.insert(t, top, peak.x), np.insert(v, top, -peak.fun)
        above = np.flatnonzero(v >= 1)
        if len(above):
            return brentq(lambda x: potential(x) - 1, t[above[0] - 1], t[above[0]], xtol=1e-13, rtol=1e-15)
    return np.inf


def oracle(network, input_times):
    """First spikes of all populations, shape [n_trials, n_units]."""
    spikes = [np.asarray(input_times)]
    for population, projection in zip(network.neurons, network.projections, strict=True):
        neuron = population.neuron
        scaled = projection.weights / neuron.C_m * neuron.tau_syn / (neuron.V_th - neuron.E_L)
        arrivals = spikes[-1][:, :, None] + np.broadcast_to(projection.delay, scaled.shape)
        layer = np.full((len(input_times), population.size), np.inf)
        for trial, unit in np.ndindex(layer.shape):
            causal = arrivals[trial, :, unit] < TRIAL_DURATION
            if causal.any():
                layer[trial, unit] = first_spike(
                    arrivals[trial, causal, unit], scaled[causal, unit], neuron.tau_m, neuron.tau_syn
                )
        spikes.append(layer)
    return np.concatenate(spikes, axis=1)


def random_network(rng, tau_ratio, dale, delays):
    neuron = LIFNeuron(tau_m=tau_ratio * TAU_SYN, tau_syn=TAU_SYN, E_L=-65.0, V_reset=-70.0, V_th=-50.0, C_m=200.0)
    cell_types = [np.full(SIZES[0], "-"), *(np.array(list("EEEEEEEIII"))[-n:] for n in SIZES[1:-1])]
    cell_types.append(np.full(SIZES[-1], "-"))
    weights = []
    for layer, shape in enumerate(pairwise(SIZES)):
        matrix = rng.normal(5 / shape[0], 4 / shape[0], shape)
        if dale and layer:
            matrix = np.abs(matrix) * np.where(cell_types[layer] == "I", -0.5, 1.4)[:, None]
        matrix[rng.random(shape) < 0.1] = 0.0
        weights.append(matrix)
    return NetworkDescription.from_weights(
        weights,
        neuron,
        cell_types=cell_types,
        delays=[draw(rng, matrix.shape) for draw, matrix in zip(delays, weights, strict=True)],
        obeys_dale=[False] + [dale] * (len(weights) - 1),
        trial_duration=TRIAL_DURATION,
    )


DELAYS = {
    "uniform": [lambda rng, shape: 0.0, lambda rng, shape: 0.37, lambda rng, shape: 1.5],
    "continuous": [  # synaptic, axonal, dendritic
        lambda rng, shape: rng.uniform(0, 6, shape),
        lambda rng, shape: rng.uniform(2, 4, (shape[0], 1)),
        lambda rng, shape: rng.uniform(0, 3, (1, shape[1])),
    ],
}


@pytest.mark.parametrize("delays", DELAYS)
@pytest.mark.parametrize("dale", [True, False], ids=["dale", "no dale"])
@pytest.mark.parametrize("tau_ratio", [1.0, 2.0, 5.0])
def test_every_layer_equals_the_closed_form(tau_ratio, dale, delays, tolerance_ms):
    rng = np.random.default_rng([int(tau_ratio), dale, len(delays)])
    network = random_network(rng, tau_ratio, dale, DELAYS[delays])
    input_times = rng.uniform(0, 20, (N_TRIALS, SIZES[0]))
    input_times[rng.random(input_times.shape) < 0.1] = np.inf
    input_times[0, :4] = 0.0  # at the onset, and simultaneous
    expected = oracle(network, input_times)

    recording = simulate(network, input_times)

    columns = {name: recording.trials[name] for name in ("start", "stop")}
    reference = SpikeTable.from_first_spikes([expected], recording.units, columns)
    comparison = compare(reference, recording, network, tolerance_ms=tolerance_ms)
    assert comparison.equal, comparison
    assert comparison.grazing_spikes == ()
    assert comparison.n_spiking_mismatches == comparison.n_time_mismatches == comparison.n_decision_mismatches == 0
    assert comparison.max_abs_difference_ms < tolerance_ms
    # Said by counting, so that a silent network cannot pass.
    np.testing.assert_array_equal(recording.counts() == 1, np.isfinite(expected))
    fired = np.isfinite(expected[:, SIZES[0] :])
    assert comparison.n_spikes_compared == fired.sum()
    assert fired.mean() > 0.5
    assert np.isfinite(expected[:, -SIZES[-1] :]).any()


def test_results_do_not_depend_on_when_a_trial_is_presented():
    rng = np.random.default_rng(7)
    network = random_network(rng, 2.0, True, DELAYS["uniform"])
    stimulus = rng.uniform(0, 20, (1, SIZES[0]))

    many = simulate(network, np.repeat(stimulus, 300, axis=0), chunk_size=300)

    first_spikes = many.first_spikes()
    np.testing.assert_array_equal(first_spikes, np.repeat(first_spikes[:1], 300, axis=0))


@pytest.mark.parametrize("resolution", [0.01, 1.0])
def test_equality_holds_at_other_resolutions(resolution, tolerance_ms):
    rng = np.random.default_rng(3)
    network = random_network(rng, 1.0, True, DELAYS["uniform"])
    input_times = rng.uniform(0, 20, (2, SIZES[0]))

    recording = simulate(network, input_times, resolution=resolution)

    found = recording.first_spikes()
    np.testing.assert_allclose(found, oracle(network, input_times), rtol=0, atol=tolerance_ms)
