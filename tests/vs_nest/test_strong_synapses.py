"""Where potentials rise so fast that rounding hides the crossing, NEST's search for it must still end."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, SpikeTable
from semsync.bridge import compare, export, simulate

torch = pytest.importorskip("torch")

from semsync.models.network import FirstSpikeNetwork  # noqa: E402


@pytest.mark.parametrize("resolution", [0.1, 1.0])
def test_strong_excitation_and_inhibition(resolution, tolerance_ms):
    rng = np.random.default_rng(0)
    n_inputs, n_neurons, n_trials = 60, 100, 10
    # Fast synapses ten times stronger than threshold, balanced within each volley.
    network = FirstSpikeNetwork(
        [torch.from_numpy(rng.normal(0.0, 10.0, (n_inputs, n_neurons)))],
        LIFNeuron(tau_m=10.0, tau_syn=2.0, V_th=30.0),
        [np.full(n_inputs, "-"), np.full(n_neurons, "-")],
        dale=False,
        trial_duration=50.0,
    )
    input_times = rng.uniform(1.0, 20.0, (n_trials, n_inputs))
    description = export(network)

    recording = simulate(description, input_times, resolution=resolution)

    layer = network(torch.from_numpy(input_times))[0].detach().numpy()
    trials = {name: recording.trials[name] for name in ("start", "stop")}
    reference = SpikeTable.from_first_spikes([input_times, layer], recording.units, trials)
    comparison = compare(reference, recording, description, tolerance_ms=tolerance_ms)
    assert comparison.equal, comparison
    assert comparison.n_spikes_compared > 0.9 * n_trials * n_neurons
