from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from semsync import SpikeTable


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
