from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from semsync import LIFNeuron, NetworkDescription, Population, Projection
from semsync.errors import FileError, InputError

NEURON = LIFNeuron(tau_m=20.0, tau_syn=5.0, E_L=-65.0, V_th=-50.0, V_reset=-65.0)
INSTANTANEOUS = LIFNeuron(tau_m=20.0, tau_syn=0.0, E_L=-65.0, V_th=-50.0, V_reset=-60.0, t_ref=2.0)


def network(neuron=NEURON, **of_output):
    return NetworkDescription(
        [Population("input", 2, 0), Population("output", 3, 1, neuron, **of_output)],
        [Projection("input", "output", [[1.5, 0.1, 0.0], [2.0, -3.0, 1.0]], [[0.1, 1.0, 2.0]])],
        trial_duration=50.0,
        encoding={"t_late": 20.0},
        metadata={"seed": 3},
    )


def header(path):
    with safe_open(path, framework="np") as file:
        return file.metadata()


@pytest.mark.parametrize(
    ("description", "version"),
    [
        (network(), "1"),
        (network(I_e=[1.0, 0.0, -2.0 / 3]), "2"),
        (network(INSTANTANEOUS), "2"),
    ],
)
def test_a_file_has_the_lowest_version_that_says_it_all(tmp_path, description, version):
    path = description.save(tmp_path / "network.safetensors")
    assert header(path)["format_version"] == version
    found = NetworkDescription.load(path)
    for a, b in zip(description.populations, found.populations, strict=True):
        assert (a.name, a.size, a.layer, a.neuron) == (b.name, b.size, b.layer, b.neuron)
        np.testing.assert_array_equal(a.I_e, b.I_e)
    np.testing.assert_array_equal(found.projections[0].weights, description.projections[0].weights)
    np.testing.assert_array_equal(found.projections[0].delay, description.projections[0].delay)
    assert (found.trial_duration, found.encoding, found.metadata) == (50.0, {"t_late": 20.0}, {"seed": 3})


def test_files_of_the_first_version_have_no_current(tmp_path):
    path = network().save(tmp_path / "network.safetensors")
    with safe_open(path, framework="np") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    assert not [key for key in tensors if key.startswith("population.")]
    assert "I_e" not in json.loads(header(path)["description"])["populations"][1]
    assert not NetworkDescription.load(path).output.I_e.any()


def test_a_newer_file_is_refused(tmp_path):
    path = network().save(tmp_path / "network.safetensors")
    save_file({"a": np.zeros(1)}, path, metadata={**header(path), "format_version": "3"})
    with pytest.raises(FileError, match="format_version 3, this semsync reads up to 2; please upgrade"):
        NetworkDescription.load(path)


def test_a_current_may_be_one_for_all_units():
    np.testing.assert_array_equal(network(I_e=2.5).output.I_e, [2.5, 2.5, 2.5])
    np.testing.assert_array_equal(network().output.I_e, np.zeros(3))


@pytest.mark.parametrize(
    ("current", "sentence"),
    [
        ([1.0, 2.0], r"I_e of population 'output' must have shape \(3,\), got \(2,\)"),
        ([1.0, np.nan, 0.0], "I_e of population 'output' must be finite, unit 1 has nan"),
    ],
)
def test_bad_currents_are_refused(current, sentence):
    with pytest.raises(InputError, match=sentence):
        network(I_e=current)


def test_an_input_takes_no_current():
    with pytest.raises(InputError, match="population 'input' only relays spikes and takes no current"):
        Population("input", 2, 0, I_e=1.0)


def test_weights_of_instantaneous_synapses_are_jumps_of_the_potential():
    assert INSTANTANEOUS.unit_weight == 15.0  # mV from rest to threshold
    assert NEURON.unit_weight == NEURON.pA_per_unit_weight == 250.0 * 15.0 / 5.0
    with pytest.raises(InputError, match="weights in mV, none in pA"):
        _ = INSTANTANEOUS.pA_per_unit_weight
    description = NetworkDescription.from_weights([[[0.5, 2.0]]], INSTANTANEOUS, trial_duration=50.0)
    np.testing.assert_array_equal(description.projections[0].weights, [[7.5, 30.0]])


@pytest.mark.parametrize("tau_syn", [-1.0, np.inf, np.nan])
def test_bad_synaptic_time_constants_are_refused(tau_syn):
    with pytest.raises(InputError, match=r"tau_syn of a neuron must be positive and finite, or 0 for instantaneous"):
        LIFNeuron(tau_m=10.0, tau_syn=tau_syn)


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        (network(INSTANTANEOUS), r"those of population 'output' are instantaneous \(tau_syn = 0\)"),
        (network(I_e=1.0), "no constant current; population 'output' is given I_e"),
    ],
)
def test_the_first_spike_engine_refuses_what_it_cannot_run(description, sentence):
    pytest.importorskip("torch")
    from semsync.models.network import FirstSpikeNetwork

    with pytest.raises(InputError, match=sentence):
        FirstSpikeNetwork.from_description(description)
