"""Each rung of the ladder in real NEST, against what it says it does."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, Population, Projection, SpikeTable
from semsync.bridge import simulate
from semsync.bridge.potential import psp

RNG = np.random.default_rng(0)
NEURON = LIFNeuron(tau_m=10.0, tau_syn=5.0)
WEIGHTS = [RNG.normal(0.8, 0.5, (8, 7)), RNG.normal(0.8, 0.5, (7, 3))]
NETWORK = NetworkDescription.from_weights(WEIGHTS, NEURON, trial_duration=40.0)
INPUT_TIMES = RNG.uniform(0, 15, (12, 8))
ALL = "refractory+heterogeneity+delays+jitter+unreliable+noise:sd=3+ongoing:session=2,gap=3"


def one_synapse(weight, n_targets=1, **neuron):
    """One input onto neurons that do not see each other; weight 4 makes a neuron fire 1.4 ms after its input."""
    neuron = LIFNeuron(**{"tau_m": 10.0, "tau_syn": 5.0} | neuron)
    return NetworkDescription.from_weights([np.full((1, n_targets), weight)], neuron, trial_duration=40.0)


def exact():
    return simulate(NETWORK, INPUT_TIMES)


@pytest.mark.parametrize(
    "protocol",
    [
        "refractory:t_ref=1",
        "grid",
        "conductance",
        "heterogeneity:cv=0.2",
        "delays:sd=1",
        "jitter:sd=1",
        "grid+jitter:sd=1",
        "unreliable:p_fail=0.3",
        "noise:sd=4",
        "noise:sd=4,kind=poisson",
        "grid+noise:sd=4",
        "refractory+ongoing:session=2",
        "conductance+noise:kind=poisson,sd=3",
        ALL,
        f"grid+{ALL}",
    ],
)
def test_trials_are_the_same_for_any_number_of_workers(protocol):
    alone = simulate(NETWORK, INPUT_TIMES, protocol, chunk_size=12)
    assert alone.n_spikes > 12 * 8
    assert simulate(NETWORK, INPUT_TIMES, protocol, n_workers=3, chunk_size=2) == alone


@pytest.mark.parametrize("protocol", ["jitter", "unreliable:p_fail=0.3", "noise:sd=4", "heterogeneity"])
def test_another_seed_draws_others(protocol):
    assert simulate(NETWORK, INPUT_TIMES, protocol, seed=1) != simulate(NETWORK, INPUT_TIMES, protocol)


@pytest.mark.parametrize(
    "protocol", ["noise:sd=0", "delays:sd=0", "jitter:sd=0", "heterogeneity:cv=0", "unreliable:p_fail=0"]
)
def test_a_rung_of_size_zero_changes_nothing(protocol):
    assert simulate(NETWORK, INPUT_TIMES, protocol) == exact()


def test_neurons_fire_again_after_their_refractory_period():
    # Between its spikes a neuron integrates what is left of the current from its reset potential: closed form.
    network = one_synapse(30.0, V_reset=5.0)
    times = simulate(network, [[1.0]], "refractory:t_ref=3").times[1:]
    assert len(times) > 2
    current, dimensionless = 30.0, 5.0 / 20.0
    for before, after in pairwise(times):
        free = after - before - 3.0
        left = current * np.exp(-(before + 3.0 - 1.0) / 5.0)
        potential = dimensionless * np.exp(-free / 10.0) + left * psp(free, 10.0, 5.0)
        assert potential == pytest.approx(1.0, abs=1e-9)


def test_first_spikes_do_not_hang_on_refractoriness_in_the_first_layer():
    first = simulate(NETWORK, INPUT_TIMES, "refractory:t_ref=2").first_spikes()
    np.testing.assert_allclose(first[:, 8:15], exact().first_spikes()[:, 8:15], rtol=0, atol=1e-9)


def test_several_spikes_of_an_input_add_up():
    network = one_synapse(1.2)
    start = np.zeros(1)
    table = SpikeTable([2.0, 3.0, 4.5], [0, 0, 0], [0, 0, 0], {"unit_id": [0]}, {"start": start, "stop": start + 40})
    spike = simulate(network, table).times[3:]
    assert len(spike) == 1
    arrivals = np.array([2.0, 3.0, 4.5])
    potential = 1.2 * psp(spike[0] - arrivals, 10.0, 5.0).sum()
    assert potential == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("resolution", [0.05, 0.2, 1.0])
def test_spikes_on_a_grid_lie_on_it_and_come_late(resolution):
    recording = simulate(NETWORK, INPUT_TIMES, f"grid:resolution={resolution}")
    found, expected = recording.first_spikes()[:, 8:], exact().first_spikes()[:, 8:]
    steps = found[np.isfinite(found)] / resolution
    np.testing.assert_allclose(steps, np.round(steps), rtol=0, atol=1e-9)
    both = np.isfinite(found) & np.isfinite(expected)
    lag = (found - expected)[both]
    # Half a step on average in the first layer, more in the second.
    assert 0.3 * resolution < lag.mean() < 1.5 * resolution


def test_conductances_of_far_reversal_potentials_are_currents():
    found = simulate(NETWORK, INPUT_TIMES, "grid:resolution=0.01+conductance:E_ex=1e6,E_in=-1e6").first_spikes()
    expected = simulate(NETWORK, INPUT_TIMES, "grid:resolution=0.01").first_spikes()
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.0101)  # one step
    near = simulate(NETWORK, INPUT_TIMES, "grid:resolution=0.01+conductance").first_spikes()
    assert np.abs(near - expected)[np.isfinite(near) & np.isfinite(expected)].max() > 0.1


def test_jitter_has_the_spread_asked_for():
    n_trials = 400
    network = one_synapse(4.0)
    spikes = simulate(network, np.full((n_trials, 1), 10.0), "jitter:sd=0.5", n_workers=2).first_spikes()[:, 1]
    expected = simulate(network, [[10.0]]).first_spikes()[0, 1]
    # The input's jitter is handed on to the millisecond; cut at 3 SD a normal number has an SD of 0.987.
    assert spikes.mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(n_trials))
    assert spikes.std() == pytest.approx(0.987 * 0.5, abs=4 * 0.5 / np.sqrt(2 * n_trials))
    assert np.abs(spikes - expected).max() <= 1.5 + 1e-9


def test_jitter_of_neurons_adds_to_that_of_inputs():
    n_trials = 400
    neuron = LIFNeuron(tau_m=10.0, tau_syn=5.0)
    network = NetworkDescription.from_weights([[[4.0]], [[4.0]]], neuron, trial_duration=40.0)
    recording = simulate(network, np.full((n_trials, 1), 10.0), "jitter:sd=0.5", n_workers=2).first_spikes()
    difference = recording[:, 2] - recording[:, 1]
    assert difference.std() == pytest.approx(0.987 * 0.5, abs=4 * 0.5 / np.sqrt(2 * n_trials))
    assert abs(np.corrcoef(difference, recording[:, 1])[0, 1]) < 4 / np.sqrt(n_trials)


def test_synapses_fail_as_often_as_asked():
    recording = simulate(one_synapse(4.0, n_targets=200), np.full((50, 1), 10.0), "unreliable:p_fail=0.3")
    fired = np.isfinite(recording.first_spikes()[:, 1:]).mean()
    assert fired == pytest.approx(0.7, abs=4 * np.sqrt(0.3 * 0.7 / 10_000))


def test_ongoing_trials_far_apart_are_trials_after_a_reset():
    apart = simulate(NETWORK, INPUT_TIMES, "refractory:t_ref=2+ongoing:session=4,gap=400")
    reset = simulate(NETWORK, INPUT_TIMES, "refractory:t_ref=2")
    assert apart.n_spikes == reset.n_spikes
    np.testing.assert_allclose(apart.first_spikes(), reset.first_spikes(), rtol=0, atol=1e-9)
    near = simulate(NETWORK, INPUT_TIMES, "refractory:t_ref=2+ongoing:session=4,gap=0").first_spikes()
    changed = (near != reset.first_spikes()).any(axis=1)
    assert changed.tolist() == [trial % 4 != 0 and changed[trial] for trial in range(12)]
    assert changed.any()


@pytest.mark.parametrize("protocol", ["exact", "refractory:t_ref=4", "noise:sd=1e-9"])
def test_a_constant_current_flows_from_the_onset_in_every_layer(protocol):
    """A neuron in current I_e reaches threshold at tau_m ln(V_inf / (V_inf - V_th)), then again from its reset."""
    current = np.array([60.0, 80.0])  # V_inf = I_e tau_m / C_m = 24 and 32 mV
    neuron = LIFNeuron(tau_m=100.0, tau_syn=5.0, V_th=20.0)
    populations = [
        Population("input", 1, 0),
        Population("relay", 1, 1, neuron),
        Population("output", 2, 2, neuron, I_e=current),
    ]
    projections = [
        Projection("input", "relay", np.full((1, 1), 1.0)),
        Projection("relay", "output", np.full((1, 2), 1.0), np.array(0.123)),
    ]
    network = NetworkDescription(populations, projections, trial_duration=400.0)
    recording = simulate(network, np.full((3, 1), np.inf), protocol)
    for unit, v_inf in zip((2, 3), current * 100 / 250, strict=True):
        period = 100 * np.log(v_inf / (v_inf - 20))
        for trial in range(3):
            times = recording.times[(recording.unit == unit) & (recording.trial == trial)]
            expected = period + np.arange(len(times)) * (period + 4.0)
            np.testing.assert_allclose(times, expected, rtol=0, atol=1e-6 if "noise" in protocol else 1e-9)
            assert len(times) == (1 if "refractory" not in protocol else 1 + int((400 - period) / (period + 4.0)))


def test_instantaneous_synapses_add_their_weight_to_the_potential():
    neuron = LIFNeuron(tau_m=10.0, tau_syn=0.0, V_th=20.0)
    populations = [Population("input", 3, 0), Population("output", 1, 1, neuron)]
    network = NetworkDescription(
        populations, [Projection("input", "output", np.array([[12.0], [8.0], [9.0]]))], trial_duration=40.0
    )
    times = [[1.0, 3.0, 4.5], [1.0, 30.0, 39.0]]
    first = simulate(network, times).first_spikes()[:, 3]
    potential = 12 * np.exp(-0.35) + 8 * np.exp(-0.15) + 9
    assert potential > 20 > 12 * np.exp(-0.2) + 8
    assert first[0] == pytest.approx(4.5, abs=1e-9)
    assert first[1] == np.inf


CODE = """
import sys
import numpy as np
from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import Protocol
from semsync.bridge.kernel_network import KernelNetwork
from semsync.bridge.kernel_nodes import parameters_of
from semsync.bridge.nest_kernel import load_nest

protocol, n_neurons = sys.argv[1], 200
neuron = LIFNeuron(tau_m=10.0, tau_syn=5.0, V_th=20.0)
network = NetworkDescription.from_weights([np.zeros((1, n_neurons))], neuron, trial_duration=5000.0)
nest = load_nest()
kernel = KernelNetwork(nest, Protocol.of(protocol).plan(network, 0.1))
kernel._wake = lambda: None  # a free membrane
meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 5.0, "start": 100.0, "stop": 5000.0})
nest.Connect(meter, kernel._neurons["output"])
kernel.present([(np.empty(0), np.empty(0, int))], first_trial=0)
scale = parameters_of(kernel.plan, "output")["V_th"] / neuron.V_th
V = np.asarray(meter.events["V_m"]) / scale
print(V.mean(), V.std())
"""


@pytest.mark.parametrize("protocol", ["noise:sd=2", "noise:sd=2,step=1", "noise:sd=2,kind=poisson", "grid+noise:sd=2"])
def test_noise_moves_a_free_membrane_as_much_as_asked(protocol):
    run = subprocess.run([sys.executable, "-c", CODE, protocol], capture_output=True, text=True, check=True)
    mean, sd = map(float, run.stdout.split()[-2:])
    # 200 neurons x 980 samples, correlated over some 15 ms: about 60,000 independent ones.
    assert mean == pytest.approx(0, abs=4 * 2 / np.sqrt(60_000))
    assert sd == pytest.approx(2, abs=4 * 2 / np.sqrt(2 * 60_000))
