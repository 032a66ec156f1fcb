"""Axonal and dendritic delays: shifts of spikes with exact gradients, kept above a minimum, learned and resumed."""

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


@pytest.mark.parametrize("kind", ["axonal", "dendritic", "both"])
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


@pytest.mark.parametrize("kind", ["axonal", "dendritic", "both"])
def test_gradients_of_delays(kind):
    network = network_with(kind)
    delays = [*network.axonal, *network.dendritic]
    names = [name for name, _ in network.named_parameters() if "weights" not in name]
    times = input_times(2)

    def output(*values: torch.Tensor) -> torch.Tensor:
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(network, parameters, (times,))[-1]

    assert torch.isfinite(output(*delays)).all()
    assert torch.autograd.gradcheck(output, tuple(delays), eps=1e-6, atol=1e-7)


def test_training_learns_delays_above_the_minimum_and_resumes(tmp_path):
    rng = np.random.default_rng(2)
    split = Split(rng.random((60, 5)), rng.integers(0, 3, 60))
    dataset = Dataset("random", 3, split, split, split)

    def trained(epochs: int, folder: str) -> FirstSpikeNetwork:
        network = network_with("both", minimum=1.5)
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
    initial = network_with("both", minimum=1.5)
    for delay, before in zip([*whole.axonal, *whole.dendritic], [*initial.axonal, *initial.dendritic], strict=True):
        assert (delay >= 1.5).all()
        assert not torch.equal(delay, before)


@pytest.mark.parametrize("kind", ["none", "axonal", "dendritic", "both"])
def test_a_description_gives_the_same_network_again(kind):
    from semsync.bridge import export

    network = network_with(kind)
    again = FirstSpikeNetwork.from_description(export(network))
    for expected, found in zip(network(input_times()), again(input_times()), strict=True):
        assert torch.allclose(expected, found, rtol=0, atol=1e-12)


def test_delays_that_are_no_such_sums_are_refused():
    delay = np.random.default_rng(3).uniform(1, 2, (5, 3))
    description = NetworkDescription.from_weights([np.ones((5, 3))], NEURON, delays=[delay], trial_duration=50.0)
    with pytest.raises(InputError, match="not sums of one for each source and one for each target unit"):
        FirstSpikeNetwork.from_description(description)
