"""NEST's spike times are those of the engine that trains: the whole way from torch to NEST and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, SpikeTable
from semsync.bridge import compare, export, simulate

torch = pytest.importorskip("torch")

from semsync.models.network import FirstSpikeNetwork  # noqa: E402

TRIAL_DURATION = 50.0  # ms
N_TRIALS = 20


@pytest.mark.parametrize("delays", ["none", "axonal and dendritic", "synaptic"])
@pytest.mark.parametrize("dale", [True, False], ids=["dale", "no dale"])
@pytest.mark.parametrize("tau_ratio", [1.0, 2.0, 5.0])
def test_engine_and_nest_agree(tau_ratio, dale, delays, tolerance_ms):
    rng = np.random.default_rng([int(tau_ratio), dale])
    sizes = (20, 24, 24, 4)
    cell_types = [np.full(20, "-"), np.repeat(["E", "I"], [18, 6]), np.repeat(["E", "I"], [18, 6]), np.full(4, "-")]
    weights = [torch.from_numpy(rng.normal(6 / n, 12 / n, (n, m))) for n, m in pairwise(sizes)]
    network = FirstSpikeNetwork(
        weights,
        LIFNeuron(tau_ratio * 10.0, 10.0),
        cell_types,
        dale=dale,
        trial_duration=TRIAL_DURATION,
        axonal=[torch.from_numpy(rng.uniform(0.1, 3.0, n)) for n in sizes[:-1]] if "axonal" in delays else (),
        dendritic=[torch.from_numpy(rng.uniform(0.1, 3.0, n)) for n in sizes[1:]] if "dendritic" in delays else (),
        synaptic=[torch.from_numpy(rng.uniform(0.1, 6.0, n)) for n in pairwise(sizes)] if "synaptic" in delays else (),
    )
    if dale:
        network.project_onto_dale()
    # As in the recipe: one volley of ink, and a background whose spikes come late and all at once.
    input_times = np.where(rng.random((N_TRIALS, 20)) < 0.6, rng.uniform(1.5, 8.0, (N_TRIALS, 20)), 20.0)

    description = export(network)
    recording = simulate(description, input_times)
    with torch.no_grad():
        layers = [input_times, *(layer.numpy() for layer in network(torch.from_numpy(input_times)))]
    first_spikes = np.concatenate(layers, axis=1)
    first_spikes[first_spikes > TRIAL_DURATION] = np.inf
    trials = {name: recording.trials[name] for name in ("start", "stop")}
    reference = SpikeTable.from_first_spikes([first_spikes], recording.units, trials)

    comparison = compare(reference, recording, description, tolerance_ms=tolerance_ms)

    assert comparison.equal, comparison
    assert comparison.max_abs_difference_ms <= tolerance_ms
    assert comparison.n_spikes_compared > 0.3 * N_TRIALS * sum(sizes[1:])
