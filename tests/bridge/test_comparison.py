from __future__ import annotations

import json

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.bridge import compare
from semsync.bridge.potential import next_peak, potential, psp
from semsync.errors import InputError

NEURON = LIFNeuron(tau_m=10.0, tau_syn=5.0)
NETWORK = NetworkDescription.from_weights([np.full((2, 3), 3.0), np.full((3, 2), 3.0)], NEURON, trial_duration=50.0)
INF = np.inf
SPIKES = np.array([[1.0, 2.0, 4.0, 4.1, 4.2, 7.0, 8.0], [1.0, INF, 4.0, INF, 4.2, 9.0, INF]])


def table(first_spikes, **annotations):
    n_trials, n_units = first_spikes.shape
    start = 100.0 * np.arange(n_trials)
    return SpikeTable.from_first_spikes(
        [first_spikes], {"unit_id": np.arange(n_units)}, {"start": start, "stop": start + 50.0}, annotations
    )


def changed(trial, unit, time):
    spikes = SPIKES.copy()
    spikes[trial, unit] = time
    return table(spikes)


def test_a_recording_equals_itself():
    comparison = compare(table(SPIKES), table(SPIKES), NETWORK)
    assert comparison.equal
    assert comparison.n_spikes_compared == 8
    assert comparison.max_abs_difference_ms == 0.0
    assert comparison.max_abs_difference_ms_by_layer == {1: 0.0, 2: 0.0}
    assert json.loads(json.dumps(comparison.to_dict()))["equal"] is True


def test_differences_within_the_tolerance_are_measured_by_layer():
    comparison = compare(table(SPIKES), changed(0, 3, 4.1 + 5e-10), NETWORK)
    assert comparison.equal
    assert comparison.max_abs_difference_ms == pytest.approx(5e-10, rel=1e-3)
    assert comparison.max_abs_difference_ms_by_layer[2] == 0.0


@pytest.mark.parametrize(("time", "spiking", "timing"), [(INF, 1, 0), (4.1 + 1e-6, 0, 1)])
def test_differences_that_do_not_graze_are_unexplained(time, spiking, timing):
    comparison = compare(table(SPIKES), changed(0, 3, time), NETWORK)
    assert not comparison.equal
    assert (comparison.n_spiking_mismatches, comparison.n_time_mismatches) == (spiking, timing)
    assert comparison.n_unexplained == 1


def test_another_decision_without_a_cause_is_unexplained():
    comparison = compare(table(SPIKES), changed(0, 6, 6.5), NETWORK)
    assert comparison.n_decision_mismatches == comparison.n_decision_mismatches_unexplained == 1


def test_simultaneous_output_spikes_may_be_decided_either_way():
    spikes = SPIKES.copy()
    spikes[0, 6] = 7.0
    other = spikes.copy()
    other[0, 6] -= 1e-13
    comparison = compare(table(spikes), table(other), NETWORK)
    assert comparison.n_decision_mismatches == 1
    assert comparison.n_decision_mismatches_unexplained == 0


def test_spikes_at_the_very_end_of_a_trial_may_be_cut_off():
    spikes = SPIKES.copy()
    spikes[1, 6] = 50.0
    assert compare(table(spikes), table(SPIKES), NETWORK).equal


def test_what_a_grazing_spike_reaches_is_left_out_and_counted():
    # One input, tuned so that hidden unit 0 peaks a millionth above threshold; outputs 0 and 1 listen to it and to 1.
    peak = next_peak(0.0, np.zeros(1), np.array([NEURON.pA_per_unit_weight]), NEURON, 50.0)
    weights = [np.array([[(1 + 1e-6) / peak, 5.0]]), np.array([[2.0, 0.0], [2.0, 5.0]])]
    network = NetworkDescription.from_weights(weights, NEURON, trial_duration=50.0)
    time = 10 * np.log(2) - 0.01  # just before the peak; within the bound of the threshold
    reference = np.array([[0.0, time, 1.2, 12.0, 4.0]])
    recording = np.array([[0.0, INF, 1.2, 13.0, 4.0]])
    comparison = compare(table(reference), table(recording), network)
    (spike,) = comparison.grazing_spikes
    assert (spike.unit, spike.layer, spike.time) == (1, 1, time)
    assert abs(spike.margin) < 1e-5
    assert comparison.n_downstream_spikes == 1  # output 0; output 1 does not hear it
    assert comparison.n_spikes_compared == 2
    assert comparison.n_touched_trials == 1
    assert comparison.equal


def test_foreign_tables_are_refused():
    with pytest.raises(InputError, match="7 units"):
        compare(table(SPIKES[:, :5]), table(SPIKES), NETWORK)
    with pytest.raises(InputError, match="same trials"):
        compare(table(SPIKES[:1]), table(SPIKES), NETWORK)
    with pytest.raises(InputError, match="trial 1 has others"):
        compare(table(SPIKES), changed(1, 0, 2.0), NETWORK)


@pytest.mark.parametrize("tau_syn", [2.0, 10.0 * (1 - 1e-9), 10.0, 10.0 * (1 + 1e-9), 30.0])
def test_closed_form_solves_the_membrane_equation(tau_syn):
    neuron = LIFNeuron(tau_m=10.0, tau_syn=tau_syn)
    s, ds = 7.0, 1e-4
    derivative = (psp(s + ds, 10.0, tau_syn) - psp(s - ds, 10.0, tau_syn)) / (2 * ds)
    current = np.exp(-s / tau_syn) * 10.0 / tau_syn
    np.testing.assert_allclose(10.0 * derivative, current - psp(s, 10.0, tau_syn), rtol=1e-7)
    arrivals, weights = np.array([0.0, 3.0]), neuron.pA_per_unit_weight * np.array([1.0, 2.0])
    peak = next_peak(3.0, arrivals, weights, neuron, 200.0)
    scan = max(potential(t, arrivals, weights, neuron) for t in np.linspace(3, 60, 5701))
    assert 0 <= peak - scan < 1e-6
