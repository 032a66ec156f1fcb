"""NIR's equations, integrated as they stand in its documentation, against what NEST makes of the network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.bridge import read_nir, simulate, write_nir
from semsync.bridge.potential import potential
from semsync.errors import InputError

nir = pytest.importorskip("nir")

TAU_MEM, TAU_SYN, R, W_IN, V_LEAK, V_THRESHOLD = 0.012, 0.004, 2.5, 0.7, -0.3, 0.9
SPIKES = ((0.001, 0.4), (0.006, -0.25))  # time [s], weight


def cuba(n=1, **changes):
    values = {"tau_mem": TAU_MEM, "tau_syn": TAU_SYN, "r": R, "v_leak": V_LEAK, "v_threshold": V_THRESHOLD}
    values |= {"v_reset": V_LEAK, "w_in": W_IN} | changes
    return nir.CubaLIF(**{name: np.full(n, value) for name, value in values.items()})


def lif(n=1, **changes):
    values = {"tau": TAU_MEM, "r": R, "v_leak": V_LEAK, "v_threshold": V_THRESHOLD, "v_reset": V_LEAK} | changes
    return nir.LIF(**{name: np.full(n, value) for name, value in values.items()})


def graph(path, *nodes):
    nir.write(path, nir.NIRGraph.from_list(*nodes, type_check=False))
    return path


@pytest.mark.parametrize(("dt", "spikes"), [(0.01, "pulse"), (0.1, "pulse"), (None, "jump")])
def test_a_spike_moves_the_potential_as_nir_says(tmp_path, dt, spikes):
    path = graph(tmp_path / "a.nir", nir.Linear(np.array([[weight for _, weight in SPIKES]])), cuba())
    description = read_nir(path, trial_duration=50.0, dt=dt, spikes=spikes)
    pulses = [(start, start + dt / 1000, weight) for start, weight in SPIKES] if dt else []

    def change(t, state):
        v, current = state
        total = sum(weight for start, stop, weight in pulses if start <= t < stop)
        return (V_LEAK - v + R * current) / TAU_MEM, (W_IN * total - current) / TAU_SYN

    # A jump of the current, or a pulse of height 1 that lasts dt: integrated from edge to edge.
    edges = sorted({0.0, 0.02, *(t for t, _ in SPIKES), *(stop for _, stop, _ in pulses)})
    state = np.array([V_LEAK, 0.0])
    for start, stop in itertools.pairwise(edges):
        if not dt:
            state[1] += sum(W_IN * weight for t, weight in SPIKES if t == start)
        inside = start + 1e-9, stop - 1e-9  # where the pulses do not change
        state = solve_ivp(change, inside, state, rtol=1e-10, atol=1e-13, method="DOP853").y[:, -1]
    expected = (state[0] - V_LEAK) / (V_THRESHOLD - V_LEAK)
    times, weights = np.array([1.0, 6.0]), description.projections[0].weights[:, 0]
    centre = times + (dt / 2 if dt else 0.0)  # of the pulse, whose width is of second order
    assert potential(20.0, centre, weights, description.output.neuron) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_without_synaptic_time_constant_a_spike_moves_the_potential_at_once(tmp_path, dt):
    pytest.importorskip("nest")
    # The step of Euler's method: v += dt / tau (v_leak - v + r w).
    jump = dt / 1000 / TAU_MEM * R / (V_THRESHOLD - V_LEAK)
    path = graph(tmp_path / "a.nir", nir.Linear(np.array([[0.99 / jump, 0.02 / jump]])), lif())
    description = read_nir(path, trial_duration=20.0, dt=dt)
    np.testing.assert_allclose(description.projections[0].weights[:, 0], [19.8, 0.4], rtol=1e-12)  # mV
    # 0.99 and 0.02 reach the threshold together; 0.99 decays below 0.98 within 12 ms ln(0.99 / 0.98).
    stimuli = [[1.0, 1.0 + factor * 12 * np.log(0.99 / 0.98)] for factor in (0.99, 1.01)]
    recording = simulate(description, stimuli, "refractory")
    assert recording.counts()[:, -1].tolist() == [1, 0]
    assert recording.first_spikes()[0, -1] == pytest.approx(stimuli[0][1], abs=1e-9)


def test_a_bias_is_a_constant_current(tmp_path):
    pytest.importorskip("nest")
    bias = np.array([0.3, 0.7])  # r b + v_leak = 0.45 and 1.45: the second alone crosses the threshold
    path = graph(tmp_path / "a.nir", nir.Affine(np.zeros((2, 1)), bias), lif(2))
    description = read_nir(path, trial_duration=100.0, dt=1.0)
    recording = simulate(description, [[np.inf]], "refractory")
    period = -TAU_MEM * 1000 * np.log(1 - (V_THRESHOLD - V_LEAK) / (R * bias[1]))
    times = recording.times[recording.unit == 2]
    assert not np.any(recording.unit == 1)
    # Reset after every spike, and one step of 0.1 ms refractory.
    np.testing.assert_allclose(times, period * np.arange(1, len(times) + 1) + 0.1 * np.arange(len(times)), atol=1e-9)
    assert len(times) == int(100 / (period + 0.1))


def test_a_bias_that_synapses_filter_is_refused_or_taken_as_settled(tmp_path):
    path = graph(tmp_path / "a.nir", nir.Affine(np.ones((2, 1)), np.array([0.0, 0.4])), cuba(2))
    with pytest.raises(InputError, match=r"node 'cubalif' \(CubaLIF\) does not map: the bias .* settled_bias=True"):
        read_nir(path, trial_duration=100.0, dt=1.0)
    description = read_nir(path, trial_duration=100.0, dt=1.0, settled_bias=True)
    neuron = description.output.neuron
    potential_at_rest = description.output.I_e * neuron.tau_m / neuron.C_m / (neuron.V_th - neuron.E_L)
    np.testing.assert_allclose(potential_at_rest, [0.0, R * W_IN * 0.4 / (V_THRESHOLD - V_LEAK)], rtol=1e-12)


def test_parameters_of_a_unit_become_weights_where_they_can(tmp_path):
    r, w_in, v_threshold = np.array([1.0, 2.0]), np.array([1.0, 0.5]), np.array([1.0, 4.0])
    node = nir.CubaLIF(
        tau_mem=np.full(2, 0.01), tau_syn=np.full(2, 0.005), r=r, w_in=w_in, v_threshold=v_threshold,
        v_leak=np.zeros(2), v_reset=np.zeros(2),
    )  # fmt: skip
    description = read_nir(graph(tmp_path / "a.nir", nir.Linear(np.ones((2, 1))), node), trial_duration=9.0, dt=1.0)
    weights = description.projections[0].weights[0]
    np.testing.assert_allclose(weights[1] / weights[0], r[1] * w_in[1] / v_threshold[1], rtol=1e-12)


def test_delays_come_out_of_nest_as_they_went_into_nir(tmp_path):
    pytest.importorskip("nest")
    rng = np.random.default_rng(5)
    neuron = LIFNeuron(tau_m=20.0, tau_syn=5.0, E_L=-70.0, V_th=-55.0, V_reset=-70.0, t_ref=2.0)
    axonal, dendritic = rng.uniform(0, 4, (6, 1)), rng.uniform(0, 4, (1, 5))
    description = NetworkDescription.from_weights(
        [rng.normal(0.8, 0.5, (6, 5)), rng.normal(1.0, 0.5, (5, 3))],
        neuron,
        delays=[axonal + dendritic, rng.uniform(0, 3, (5, 1))],
        trial_duration=60.0,
    )
    again = read_nir(write_nir(description, tmp_path / "a.nir"))
    stimuli = SpikeTable(
        rng.uniform(0, 40, 40), rng.integers(0, 6, 40), np.repeat([0, 1], 20), {"unit_id": np.arange(6)},
        {"start": [0.0, 60.0], "stop": [60.0, 120.0]},
    )  # fmt: skip
    expected, found = (simulate(network, stimuli, "refractory") for network in (description, again))
    assert expected.n_spikes > 60
    np.testing.assert_array_equal(found.unit, expected.unit)
    np.testing.assert_allclose(found.times, expected.times, atol=1e-9)
