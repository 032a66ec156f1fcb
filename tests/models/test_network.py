"""Feed-forward networks: Dale's law, and gradients through several layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.func import functional_call

from semsync import LIFNeuron
from semsync.models.network import FirstSpikeNetwork, HiddenLayer, NetworkConfig

NEURON = LIFNeuron(tau_m=10.0, tau_syn=10.0)


def initialise(config, n_inputs=5, n_classes=3, seed=0):
    return FirstSpikeNetwork.initialise(
        n_inputs, n_classes, config, NEURON, np.random.default_rng(seed), trial_duration=50.0
    )


def test_initial_weights_have_the_asked_moments():
    hidden = (HiddenLayer(n_untyped=300), HiddenLayer(n_untyped=200))
    config = NetworkConfig(
        hidden=hidden, dale=False, first_mean=0.3, first_sd=0.1, hidden_mean=-0.1, hidden_sd=0.5, output_mean=2.0
    )
    network = initialise(config, n_inputs=200, n_classes=50)
    assert [tuple(w.shape) for w in network.weights] == [(200, 300), (300, 200), (200, 50)]
    for weights, mean, sd in zip(network.weights, (0.3, -0.1, 2.0), (0.1, 0.5, 0.8), strict=True):
        n = weights.numel()
        assert weights.mean().item() == pytest.approx(mean, abs=5 * sd / n**0.5)
        assert weights.std().item() == pytest.approx(sd, rel=5 / (2 * n) ** 0.5)


def test_dale_zeroes_wrong_signs_and_leaves_right_ones():
    config = NetworkConfig(hidden=(HiddenLayer(n_E=6, n_I=4, n_untyped=3), HiddenLayer(n_E=5, n_I=2)))
    free, network = (initialise(config.model_copy(update={"dale": dale})) for dale in (False, True))
    assert network.obeys_dale == [False, True, True]
    assert free.obeys_dale == [False, False, False]
    torch.testing.assert_close(network.weights[0], free.weights[0], rtol=0, atol=0)
    for index in (1, 2):
        before, after, cell_type = free.weights[index], network.weights[index], network.cell_types[index]
        for unit, kind in enumerate(cell_type):
            expected = {"E": before[unit].clamp(min=0), "I": before[unit].clamp(max=0), "-": before[unit]}[kind]
            assert torch.equal(after[unit], expected)
    assert (free.weights[1][:6] < 0).any()
    assert (free.weights[1][6:10] > 0).any()


def test_layers_feed_the_next(engine):
    config = NetworkConfig(hidden=(HiddenLayer(n_E=8),), first_mean=1.5, output_mean=1.5)
    network = initialise(config)
    times = torch.rand(4, 5, dtype=torch.float64) * 20
    hidden, output = network(times, engine=engine)
    alone = FirstSpikeNetwork(
        [network.weights[1].detach()], NEURON, network.cell_types[1:], dale=False, trial_duration=50.0
    )
    assert (hidden.shape, output.shape) == ((4, 8), (4, 3))
    assert torch.isfinite(output).any()
    torch.testing.assert_close(alone(hidden, engine=engine)[0], output, rtol=0, atol=0)


def test_gradients_through_three_layers(engine):
    rng = np.random.default_rng(5)
    config = NetworkConfig(hidden=(HiddenLayer(n_E=4, n_I=2),) * 2, first_mean=1.5, hidden_mean=1.0, output_mean=1.5)
    network = initialise(config, seed=1)
    times = torch.from_numpy(rng.uniform(1, 15, (2, 5))).requires_grad_()
    fired = torch.isfinite(network(times, engine=engine)[-1])
    assert fired.sum() >= 3

    def outputs(times, *weights):
        named = {f"weights.{layer}": values for layer, values in enumerate(weights)}
        return functional_call(network, named, times, {"engine": engine})[-1][fired]

    parameters = [w.detach().clone().requires_grad_() for w in network.weights]
    assert torch.autograd.gradcheck(outputs, (times, *parameters), eps=1e-6, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": ({"n_E": -1},)},
        {"hidden": ({"n_E": 3, "n_X": 1},)},
        {"hidden": ({"n_E": 3},), "first_sd": 0.0},
        {"hidden": ({"n_E": 3},), "first_mean": np.nan},
    ],
)
def test_bad_configurations_are_refused(settings):
    with pytest.raises(ValidationError):
        NetworkConfig(**settings)
