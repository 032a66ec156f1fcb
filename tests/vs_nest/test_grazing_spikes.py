"""Where NEST and the closed form may differ: at spikes that graze the threshold, and behind them."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import compare, simulate
from semsync.spike_table import SpikeTable

TAU = 10.0  # ms
ONSET = 0.05  # ms; off the grid, as then is the peak


def grazing_network(excess):
    """Input -> a neuron whose potential peaks `excess` above threshold, and one that fires anyway -> output."""
    to_hidden = np.array([[np.e * (1 + excess), 4.0]])
    to_output = np.array([[1.5, 0.0], [1.5, 4.0]])
    return NetworkDescription.from_weights([to_hidden, to_output], LIFNeuron(TAU, TAU), trial_duration=50.0)


def closed_form(excess):
    """First spikes of the network above: input, hidden and output units; one trial."""

    def crossing(drive):  # of drive * s/tau exp(-s/tau) with 1, on the rising side
        lower, upper = 0.0, TAU
        for _ in range(200):
            middle = (lower + upper) / 2
            lower, upper = (middle, upper) if drive(middle) < 1 else (lower, middle)
        return upper

    shape = lambda s: np.clip(s, 0, None) / TAU * np.exp(-np.clip(s, 0, None) / TAU)  # noqa: E731
    grazing, sure = crossing(lambda s: np.e * (1 + excess) * shape(s)), crossing(lambda s: 4 * shape(s))
    after_sure = crossing(lambda s: 4 * shape(s)) + sure
    both = np.linspace(grazing, 49.0, 400_001)
    driven = both[np.flatnonzero(1.5 * shape(both - grazing) + 1.5 * shape(both - sure) >= 1)]
    return ONSET + np.array([0.0, grazing, sure, driven[0] if len(driven) else np.inf, after_sure])


def test_a_grazing_spike_that_nest_misses_is_listed_with_its_margin(tolerance_ms):
    excess = 1e-8  # above threshold for 2 sqrt(2e-8) tau = 0.003 ms, much less than a step
    network = grazing_network(excess)
    recording = simulate(network, [[ONSET]])
    assert recording.counts()[0].tolist() == [1, 0, 1, 0, 1], "NEST's precise neuron is known to miss this spike"
    reference = SpikeTable.from_first_spikes([[closed_form(excess)]], recording.units, {"start": [0.0], "stop": [50.0]})

    comparison = compare(reference, recording, network, tolerance_ms=tolerance_ms)

    (spike,) = comparison.grazing_spikes
    assert (spike.trial, spike.unit, spike.layer) == (0, 1, 1)
    assert spike.margin == pytest.approx(excess, rel=1e-3)
    assert spike.time == pytest.approx(ONSET + TAU, abs=0.01)
    assert comparison.equal
    assert comparison.touched_share == 1.0
    assert comparison.n_spiking_mismatches >= 1
    assert comparison.n_spikes_compared == 2
    assert comparison.max_abs_difference_ms <= tolerance_ms


def without_unit_1(recording, **columns):
    kept = recording.unit != 1
    spikes = recording.times[kept], recording.unit[kept], recording.trial[kept]
    return SpikeTable(*spikes, recording.units, {**recording.trials, **columns}, recording.annotations)


@pytest.mark.parametrize("step", [1.0, 0.1])
def test_a_missing_spike_is_excused_by_the_step_of_its_own_trial(step):
    network = grazing_network(1e-4)  # a step of 1 ms may miss it, one of 0.1 ms may not
    recording = simulate(network, [[ONSET]])
    assert recording.counts()[0, 1] == 1
    missing = without_unit_1(recording, resolution=np.array([step]))
    assert compare(recording, missing, network).equal == (step == 1.0)


def test_a_sure_spike_that_is_missing_stays_unexplained():
    network = grazing_network(1e-2)
    recording = simulate(network, [[ONSET]])
    assert recording.counts()[0, 1] == 1
    comparison = compare(recording, without_unit_1(recording), network)

    assert not comparison.equal
    assert comparison.n_unexplained == 1
    assert comparison.grazing_spikes == ()
