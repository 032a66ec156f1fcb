from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.bridge import deviations
from semsync.errors import InputError

NETWORK = NetworkDescription.from_weights(
    [np.ones((1, 3)), np.ones((3, 2))], LIFNeuron(10.0, 10.0), trial_duration=50.0
)
INF = np.inf


def table(hidden, output, extra=()):
    hidden, output = np.asarray(hidden, dtype=float), np.asarray(output, dtype=float)
    start = 50.0 * np.arange(len(hidden))
    trials = {"start": start, "stop": start + 50, "decision_time": output.min(axis=1)}
    first = SpikeTable.from_first_spikes([np.ones((len(hidden), 1)), hidden, output], NETWORK.unit_table(), trials)
    if not extra:
        return first
    old = first.times, first.unit, first.trial
    times, unit, trial = (np.concatenate(both) for both in zip(old, zip(*extra, strict=True), strict=True))
    return SpikeTable(times, unit, trial, first.units, first.trials)


REFERENCE = table([[5.0, 6.0, INF], [5.0, INF, 7.0]], [[20.0, INF], [INF, 30.0]])


def test_equal_recordings_do_not_deviate():
    for layer in deviations(REFERENCE, REFERENCE, NETWORK):
        assert (layer.missing, layer.additional, layer.shift_ms, layer.sd_ms) == (0, 0, 0, 0)
        assert layer.spikes_per_active == 1


def test_what_moved_came_and_went_is_told_apart():
    moved = table([[6.0, INF, 8.0], [7.0, INF, 7.0]], [[20.0, INF], [INF, 30.0]], extra=[(9.0, 1, 0), (11.0, 1, 0)])
    hidden, output = deviations(REFERENCE, moved, NETWORK)
    assert (hidden.layer, hidden.name, hidden.n_expected) == (1, "hidden_1", 4)
    assert hidden.missing == pytest.approx(1 / 4)
    assert hidden.additional == pytest.approx(1 / 4)
    assert hidden.shift_ms == pytest.approx(np.mean([1.0, 2.0, 0.0]))
    assert hidden.sd_ms == pytest.approx(np.std([1.0, 2.0, 0.0]))
    assert hidden.spikes_per_active == pytest.approx(6 / 4)
    assert output.shift_ms == 0


def test_spikes_up_to_the_decision_count_where_both_decide():
    late = table([[5.5, 25.0, INF], [5.0, INF, 7.0]], [[20.0, INF], [INF, INF]])
    hidden, _ = deviations(REFERENCE, late, NETWORK, until_decision=True)
    # The second trial has no decision; in the first, one neuron fires only after it.
    assert hidden.n_expected == 2
    assert hidden.missing == 0.5
    assert hidden.shift_ms == 0.5


def test_silence_has_nothing_to_compare():
    silent = table([[INF] * 3] * 2, [[INF] * 2] * 2)
    hidden, _ = deviations(silent, silent, NETWORK)
    assert hidden.n_expected == 0
    assert np.isnan([hidden.missing, hidden.shift_ms, hidden.spikes_per_active]).all()


def test_other_units_or_trials_are_refused():
    with pytest.raises(InputError, match="both must have the same trials, got 2 and 1"):
        deviations(REFERENCE, table([[5.0, 6.0, INF]], [[20.0, INF]]), NETWORK)
    start = np.zeros(1)
    foreign = SpikeTable([], [], [], {"unit_id": [0]}, {"start": start, "stop": start + 50})
    with pytest.raises(InputError, match="the recording must have all 6 units of the network, it has 1"):
        deviations(REFERENCE, foreign, NETWORK)
