"""Responses against a baseline, on recordings whose rates are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from semsync import SpikeTable
from semsync.analysis.baseline import baseline_responses
from semsync.errors import InputError


def poisson(rates: np.ndarray, n_trials: int, rng: np.random.Generator) -> SpikeTable:
    """Units of these rates [Hz] before and after the onset, from -200 to 400 ms; rates have shape [n_units, 2]."""
    durations = np.array([0.2, 0.4])
    n_spikes = rng.poisson(rates * durations, (n_trials, *rates.shape))
    trial, unit, part = (np.repeat(index, n_spikes.ravel()) for index in map(np.ravel, np.indices(n_spikes.shape)))
    times = np.where(part == 0, rng.uniform(-200, 0, len(part)), rng.uniform(0.001, 400, len(part)))
    onset = np.arange(n_trials) * 1000.0
    trials = {"start": onset - 200, "stop": onset + 400, "onset": onset}
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(len(rates))}, trials)


def test_rates_and_their_difference() -> None:
    rates = np.array([[10.0, 30.0], [20.0, 20.0], [25.0, 5.0], [0.0, 0.0]])
    table = poisson(rates, 2000, np.random.default_rng(1))
    found = baseline_responses(table, (-200, 0), [(0.0, 400.0)])
    # Five standard errors of a Poisson count.
    for column, rate, seconds in (("baseline_rate_hz", rates[:, 0], 0.2), ("rate_hz", rates[:, 1], 0.4)):
        assert np.all(np.abs(found[column] - rate) <= 5 * np.sqrt(rate / seconds / 2000))
    np.testing.assert_allclose(found["response_hz"], found["rate_hz"] - found["baseline_rate_hz"], atol=1e-9)
    assert (found["q_value"] < 1e-6).tolist() == [True, False, True, False]
    assert found["p_value"][3] == 1.0


def test_false_positives_are_as_many_as_they_should_be() -> None:
    table = poisson(np.full((2000, 2), 15.0), 60, np.random.default_rng(2))
    p_values = baseline_responses(table, (-200, 0), [(0.0, 400.0)])["p_value"]
    low, high = binom.interval(0.999, 2000, 0.05)
    assert low <= np.count_nonzero(p_values < 0.05) <= high


def test_trials_without_the_whole_baseline_take_no_part() -> None:
    trials = {"start": [-100.0, 950.0], "stop": [100.0, 1100.0], "onset": [0.0, 1000.0]}
    table = SpikeTable([-60.0, 10.0, 20.0], [0, 0, 0], [0, 0, 1], {"unit_id": ["a"]}, trials)
    found = baseline_responses(table, (-100, 0))
    assert found["n_trials"].tolist() == [1]
    assert found["baseline_rate_hz"].tolist() == [10.0]
    with pytest.raises(
        InputError, match="no trial holds the baseline from -500 to 0 ms: they last from -100 to 100 ms"
    ):
        baseline_responses(table, (-500, 0))
    with pytest.raises(InputError, match="t_start < t_stop"):
        baseline_responses(table, (0, 0))
