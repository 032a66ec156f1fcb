"""Slopes at the spikes, against differences of the potential."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from semsync import LIFNeuron
from semsync.models.network import FirstSpikeNetwork
from semsync.models.neuron import psp
from semsync.models.spike_slopes import spike_slopes
from semsync.models.training import spike_times

SIZES = (12, 40, 20)


@pytest.mark.parametrize("delays", ["none", "axonal and dendritic", "synaptic"])
@pytest.mark.parametrize("tau_ratio", [0.7, 1.0, 2.0])
def test_slopes_are_those_of_the_potential_before_the_spike(tau_ratio, delays):
    rng = np.random.default_rng(0)
    neuron = LIFNeuron(tau_m=10.0 * tau_ratio, tau_syn=10.0)
    network = FirstSpikeNetwork(
        [torch.from_numpy(rng.normal(6 / n, 12 / n, (n, m))) for n, m in pairwise(SIZES)],
        neuron,
        [np.full(n, "-") for n in SIZES],
        dale=False,
        trial_duration=50.0,
        axonal=[torch.from_numpy(rng.uniform(0.1, 3.0, n)) for n in SIZES[:-1]] if "axonal" in delays else (),
        dendritic=[torch.from_numpy(rng.uniform(0.1, 3.0, n)) for n in SIZES[1:]] if "dendritic" in delays else (),
        synaptic=[torch.from_numpy(rng.uniform(0.1, 6.0, n)) for n in pairwise(SIZES)] if delays == "synaptic" else (),
    )
    times = rng.uniform(1.0, 20.0, (7, SIZES[0]))
    times[0, :3] = np.inf

    spikes, slopes = spike_slopes(network, times, batch_size=3)

    for found, expected in zip(spikes, spike_times(network, times), strict=True):
        np.testing.assert_array_equal(found, expected)
    total = network.delays or [np.zeros((1, 1))] * 2
    before = [times, *spikes]
    for k, weights in enumerate(network.weights):
        fired = np.isfinite(spikes[k])
        assert fired.mean() > 0.3
        assert np.isposinf(slopes[k][~fired]).all()
        arrival = before[k][:, :, None] + np.broadcast_to(total[k], weights.shape)

        def potential(t, arrival=arrival, weights=weights):
            age = t[:, None, :] - arrival
            response = psp(torch.from_numpy(np.where(age > 0, age, 0.0)), neuron.tau_m, neuron.tau_syn)
            return (response.numpy() * weights.detach().numpy()).sum(axis=1)

        at = np.where(fired, spikes[k], 0.0)
        last = np.where(arrival < at[:, None, :], arrival, 0.0).max(axis=1)
        gap = np.minimum(at - last, 1e-4)
        # One-sided and of second order: between the last input and the spike the potential is smooth.
        clear = fired & (gap > 1e-6)
        gap[~clear] = 1.0
        measured = (3 * potential(at) - 4 * potential(at - gap / 2) + potential(at - gap)) / gap
        np.testing.assert_allclose(slopes[k][clear], measured[clear], rtol=1e-4, atol=1e-6)
