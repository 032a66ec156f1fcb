"""Axonal, dendritic and synaptic delays: exact gradients, kept above a minimum, learned and resumed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semsync import LIFNeuron, NetworkDescription
from semsync.errors import InputError
from semsync.models.datasets.dataset import Dataset, Split
from semsync.models.encoding import LatencyEncoder
from semsync.models.first_spike import first_spike_times
from semsync.models.network import DelayConfig, FirstSpikeNetwork, HiddenLayer, NetworkConfig
from semsync.models.training import TrainingConfig, train

NEURON = LIFNeuron(tau_m=10.0, tau_syn=5.0)


def network_with(kind: str, seed: int = 0, minimum: float = 0.1) -> FirstSpikeNetwork:
    config = NetworkConfig(
        hidden=(HiddenLayer(n_untyped=7),),
        dale=False,
        delays=DelayConfig(kind=kind, mean=2.0, sd=1.0, minimum=minimum),
        first_mean=1.0,
        first_sd=0.5,
        output_mean=1.0,
        output_sd=0.5,
    )
    rng = np.random.default_rng(seed)
    return FirstSpikeNetwork.initialise(5, 3, config, NEURON, rng, trial_duration=60.0)


def input_times(n: int = 4) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).uniform(0, 10, (n, 5)))


@pytest.mark.parametrize("kind", ["axonal", "dendritic", "both", "synaptic"])
def test_delays_are_those_of_every_synapse_on_its_own(kind):
    network = network_with(kind)
    times = input_times()
    for found, weights, delay in zip(network(times), network.weights, network.delays, strict=True):
        delay = torch.from_numpy(np.broadcast_to(delay, weights.shape).copy())
        for j in range(weights.shape[1]):
            # One neuron alone, its inputs shifted synapse by synapse.
            alone = first_spike_times(times + delay[:, j], weights[:, j : j + 1], NEURON.tau_m, NEURON.tau_syn)
            assert torch.allclose(found[:, j], alone[:, 0], rtol=0, atol=1e-12)
        times = found.detach()


@pytest.mark.parametrize("kind", ["axonal", "dendritic", "both", "synaptic"])
def test_gradients_of_delays(kind):
    network = network_with(kind)
    delays = network.delay_parameters
    names = [name for name, _ in network.named_parameters() if "weights" not in name]
    times = input_times(2)

    def output(*values: torch.Tensor) -> torch.Tensor:
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(network, parameters, (times,))[-1]

    assert torch.isfinite(output(*delays)).all()
    assert torch.autograd.gradcheck(output, tuple(delays), eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["both", "synaptic"])
def test_training_learns_delays_above_the_minimum_and_resumes(tmp_path, kind):
    rng = np.random.default_rng(2)
    split = Split(rng.random((60, 5)), rng.integers(0, 3, 60))
    dataset = Dataset("random", 3, split, split, split)

    def trained(epochs: int, folder: str) -> FirstSpikeNetwork:
        network = network_with(kind, minimum=1.5)
        config = TrainingConfig(epochs=epochs, batch_size=20, delay_learning_rate=0.5, silent_neurons="push")
        path = tmp_path / folder / "checkpoint.safetensors"
        path.parent.mkdir(exist_ok=True)
        train(network, dataset, LatencyEncoder(), config, seed=0, checkpoint=path)
        return network

    whole = trained(4, "whole")
    trained(2, "parts")
    resumed = trained(4, "parts")
    for expected, found in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(expected, found)
    initial = network_with(kind, minimum=1.5)
    for delay, before in zip(whole.delay_parameters, initial.delay_parameters, strict=True):
        assert (delay >= 1.5).all()
        assert not torch.equal(delay, before)


@pytest.mark.parametrize("kind", ["none", "axonal", "dendritic", "both", "synaptic"])
def test_a_description_gives_the_same_network_again(kind):
    from semsync.bridge import export

    network = network_with(kind)
    again = FirstSpikeNetwork.from_description(export(network))
    for expected, found in zip(network(input_times()), again(input_times()), strict=True):
        assert torch.allclose(expected, found, rtol=0, atol=1e-12)


def synaptic_layer(seed, n_samples=7, n_in=9, n_out=11, ratio=2.0):
    rng = np.random.default_rng(seed)
    times = rng.uniform(0, 20, (n_samples, n_in))
    times[rng.random(times.shape) < 0.2] = np.inf
    weights = rng.normal(1.5, 1.5, (n_in, n_out))
    weights[:, 0] = -weights[:, 0] / 3
    return times, weights, rng.uniform(0, 8, (n_in, n_out)), 10.0 * ratio, 10.0


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0, 0.5, 1.001])
@pytest.mark.parametrize(("guard", "late"), [(np.inf, 0.0), (0.3, 0.0), (np.inf, 5000.0)])
def test_synaptic_delays_in_both_engines(ratio, guard, late):
    """Also where one input comes so `late` [ms] that exp() of the trial's length overflows."""
    times, weights, delays, tau_m, tau_syn = synaptic_layer(0, ratio=ratio)
    times[:, 2] += late
    found = {}
    for engine in ("kernel", "reference"):
        t, w, d = (torch.tensor(x, requires_grad=True) for x in (times, weights, delays))
        t_out = first_spike_times(t, w, tau_m, tau_syn, delays=d, engine=engine, max_weight_gradient=guard)
        t_out.backward(torch.tensor(np.random.default_rng(1).normal(size=t_out.shape)))
        found[engine] = [t_out.detach().numpy(), *(x.grad.numpy() for x in (t, w, d))]
    assert np.isfinite(found["kernel"][0]).sum() > 30
    assert np.isinf(found["kernel"][0]).any()
    np.testing.assert_allclose(found["kernel"][0], found["reference"][0], rtol=1e-12)
    for kernel, reference in zip(found["kernel"][1:], found["reference"][1:], strict=True):
        np.testing.assert_allclose(kernel, reference, rtol=1e-9, atol=1e-9 * np.abs(reference).max())


@pytest.mark.parametrize("n_in", [1, 100, 300])
@pytest.mark.parametrize("crowded", [False, True])
def test_equal_synaptic_delays_are_a_shift(n_in, crowded):
    """Also where most arrivals fall together, and are sorted another way."""
    rng = np.random.default_rng(n_in)
    times = rng.uniform(0, 20, (5, n_in))
    if crowded:
        times[:, 1:] = times[:, 1:] * 1e-3 + 3.0
    times, weights = torch.tensor(times), torch.tensor(rng.normal(3.0, 5.0, (n_in, 20)) / n_in**0.5)
    shifted = first_spike_times(times + 1.5, weights, 20.0, 10.0)
    delayed = first_spike_times(times, weights, 20.0, 10.0, delays=torch.full_like(weights, 1.5))
    torch.testing.assert_close(delayed, shifted, rtol=1e-12, atol=0)
    assert torch.isfinite(delayed).any()


@pytest.mark.parametrize(
    ("delays", "message"),
    [
        (torch.ones(2, 3, dtype=torch.float64), r"delays must be like weights, \(5, 3\).* got \(2, 3\)"),
        (torch.full((5, 3), -1.0, dtype=torch.float64), "delays must be finite and >= 0 ms"),
        (torch.full((5, 3), float("nan"), dtype=torch.float64), "delays must be finite and >= 0 ms"),
    ],
)
def test_bad_synaptic_delays(delays, message):
    with pytest.raises(InputError, match=message):
        first_spike_times(input_times(), torch.ones(5, 3, dtype=torch.float64), 10.0, 10.0, delays=delays)


def test_delays_of_every_synapse_are_those_of_a_description():
    delay = np.random.default_rng(3).uniform(1, 2, (5, 3))
    description = NetworkDescription.from_weights([np.ones((5, 3))], NEURON, delays=[delay], trial_duration=50.0)
    network = FirstSpikeNetwork.from_description(description)
    np.testing.assert_array_equal(network.synaptic[0].detach().numpy(), delay)
