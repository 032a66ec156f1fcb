from __future__ import annotations

import numpy as np
import pytest
import torch

from semsync import LIFNeuron
from semsync.models.disturbances import DisturbanceConfig, Disturbances
from semsync.models.network import FirstSpikeNetwork, HiddenLayer, NetworkConfig

WHOLE = slice(None)


def disturbances(seed=0, n_samples=30, share=WHOLE, **config):
    return Disturbances(DisturbanceConfig(**config), np.random.default_rng(seed), n_samples, share)


@pytest.fixture(autouse=True)
def _same_numbers_each_time():
    torch.manual_seed(0)


@pytest.fixture
def network():
    config = NetworkConfig(
        hidden=(HiddenLayer(n_E=12, n_I=4),) * 2, dale=True, first_mean=0.5, hidden_mean=0.6, output_mean=0.6
    )
    neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
    return FirstSpikeNetwork.initialise(8, 3, config, neuron, np.random.default_rng(1), trial_duration=60.0)


def test_without_disturbances_nothing_changes(network):
    times = torch.rand(30, 8, dtype=torch.float64) * 10
    for plain, disturbed in zip(network(times), network(times, disturbances=disturbances()), strict=True):
        assert torch.equal(plain, disturbed)


def test_weights_and_thresholds_have_the_spread_asked_for():
    weights = torch.full((400, 500), -2.0, dtype=torch.float64)
    relative = disturbances(weight=0.2).weights(weights) / -2
    assert float(relative.mean()) == pytest.approx(1, abs=4 * 0.2 / np.sqrt(200_000))
    assert float(relative.std()) == pytest.approx(0.2, rel=0.02)
    of_neurons = disturbances(threshold=0.1).weights(weights) / -2
    assert torch.equal(of_neurons[0], of_neurons[-1])
    assert float((1 / of_neurons[0]).log().std()) == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(1000))


def test_a_threshold_is_a_factor_on_the_weights(network):
    """A net whose weights are disturbed fires as the same net does with that threshold: V / (1 + e) reaches 1."""
    from semsync.models.first_spike import first_spike_times

    times = torch.rand(30, 8, dtype=torch.float64) * 10
    weights = network.weights[0].detach()
    scale = disturbances(threshold=0.3).weights(torch.ones_like(weights))[0]
    found = first_spike_times(times, disturbances(threshold=0.3).weights(weights), 10.0, 10.0)
    for j in range(weights.shape[1]):
        alone = first_spike_times(times, weights[:, [j]] * scale[j], 10.0, 10.0)
        np.testing.assert_allclose(found[:, [j]], alone, rtol=1e-12)


def test_hidden_spikes_are_jittered_and_silence_stays_silent(network):
    times = torch.rand(30, 8, dtype=torch.float64) * 10
    plain, disturbed = network(times), network(times, disturbances=disturbances(time=0.5))
    assert torch.equal(plain[0], disturbed[0])  # input spikes have a noise of their own
    assert not torch.equal(plain[1], disturbed[1])
    early = torch.full((30, 4), 0.1, dtype=torch.float64)
    assert (disturbances(time=0.5).times(early) >= 0).all()
    silent = torch.full((30, 4), float("inf"), dtype=torch.float64)
    assert torch.isinf(disturbances(time=0.5).times(silent)).all()


def test_gradients_reach_weights_through_the_disturbances(network):
    times = torch.rand(30, 8, dtype=torch.float64) * 10
    layers = network(times, disturbances=disturbances(threshold=0.1, weight=0.1, time=0.5))
    layers[-1][torch.isfinite(layers[-1])].sum().backward()
    for weights in network.weights:
        assert weights.grad is not None
        assert torch.isfinite(weights.grad).all()
        assert (weights.grad != 0).any()


def test_shares_of_a_batch_are_disturbed_as_the_whole():
    times = torch.rand(30, 8, dtype=torch.float64)
    weights = torch.rand(8, 5, dtype=torch.float64)
    whole, part = disturbances(weight=0.1, time=0.5), disturbances(weight=0.1, time=0.5, share=slice(10, 20))
    assert torch.equal(whole.weights(weights), part.weights(weights))
    assert torch.equal(whole.times(times)[10:20], part.times(times[10:20]))
