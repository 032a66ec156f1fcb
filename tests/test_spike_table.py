from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.spike_table import _sorted


@given(n_spikes=st.integers(0, 60), n_units=st.integers(1, 5), n_trials=st.integers(1, 4), seed=st.integers(0, 1000))
def test_first_spikes_are_the_first_of_many(n_spikes, n_units, n_trials, seed):
    rng = np.random.default_rng(seed)
    times, unit = rng.uniform(0, 10, n_spikes), rng.integers(0, n_units, n_spikes)
    trial = rng.integers(0, n_trials, n_spikes)
    trials = {"start": 20.0 * np.arange(n_trials), "stop": 20.0 * np.arange(n_trials) + 10}
    first = SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units)}, trials).first_spikes()
    for k in range(n_trials):
        for u in range(n_units):
            assert first[k, u] == min(times[(trial == k) & (unit == u)], default=np.inf)


@given(data=st.data(), n_spikes=st.integers(0, 40))
def test_spikes_are_sorted_by_trial_then_time_then_unit(data, n_spikes):
    def column(elements):
        return data.draw(st.lists(elements, min_size=n_spikes, max_size=n_spikes))

    # Few values, so that spikes share times, and negative and tiny ones among them.
    times = np.array(column(st.sampled_from([-3.0, -1e-300, 0.0, 1e-300, 1.0, 1.0 + 2**-52, 9.0])), dtype=np.float64)
    unit, trial = np.array(column(st.integers(0, 3)), dtype=int), np.array(column(st.integers(0, 3)), dtype=int)
    trials = {"start": 20.0 * np.arange(4), "onset": 20.0 * np.arange(4) + 3, "stop": 20.0 * np.arange(4) + 15}
    table = SpikeTable(times, unit, trial, {"unit_id": np.arange(4)}, trials)
    rows = sorted(zip(trial.tolist(), times.tolist(), unit.tolist(), strict=True))
    assert list(zip(table.trial.tolist(), table.times.tolist(), table.unit.tolist(), strict=True)) == rows
    assert (table.times.dtype, table.unit.dtype, table.trial.dtype) == (np.float64, np.int32, np.int32)


@pytest.mark.parametrize("largest", [2**20, 2**31 - 1])
def test_spikes_are_sorted_however_many_units_and_trials_there_are(largest):
    rng = np.random.default_rng(0)
    times = rng.integers(0, 50, 1000).astype(np.float64)
    unit, trial = (np.append(rng.integers(0, 4, 999), largest).astype(np.int32) for _ in range(2))
    order = np.lexsort((unit, times, trial))
    for found, column in zip(_sorted(times, unit, trial), (times, unit, trial), strict=True):
        np.testing.assert_array_equal(found, column[order])
