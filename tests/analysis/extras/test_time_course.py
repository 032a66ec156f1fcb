from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.measures import count_responses, decode, q_values, response_information
from semsync.analysis.measures.sliding import sliding_windows, window_starts
from semsync.analysis.recordings.binned import binned_table
from semsync.errors import InputError


def test_counts_of_sliding_windows_by_a_loop():
    rng = np.random.default_rng(0)
    start = np.arange(6) * 200.0
    length = np.array([100.0, 100, 80, 100, 55, 100])
    trial = rng.integers(0, 6, 900)
    times = np.round(rng.random(900) * length[trial], 0)  # many on borders
    table = SpikeTable(
        times, rng.integers(0, 4, 900), trial, {"unit_id": np.arange(4)}, {"start": start, "stop": start + length}
    )
    found = list(sliding_windows(table, 20, 10))
    assert [window.t_start for window in found] == [0, 10, 20, 30, 40, 50, 60, 70, 80]
    for window in found:
        a, b = window.t_start, window.t_stop
        assert window.trials.tolist() == [t for t in range(6) if length[t] >= b]
        for row, t in enumerate(window.trials):
            for u in range(4):
                mine = table.times[(table.trial == t) & (table.unit == u)]
                expected = np.count_nonzero((mine >= a) & ((mine < b) | (mine == length[t]) & (b == length[t])))
                assert window.counts[row, u] == expected
    # Windows beside each other count every spike of the trials that they hold once.
    beside = list(sliding_windows(table, 20, 20))
    whole = length == 100
    assert sum(window.counts[np.isin(window.trials, np.flatnonzero(whole))].sum() for window in beside) == sum(
        whole[table.trial]
    )


def test_windows_that_do_not_fit():
    assert len(window_starts(0, 1, win_size=0.1, win_step=0.1)) == 10
    with pytest.raises(InputError, match="a window of 120 ms does not fit into the 100 ms of the trials"):
        window_starts(0, 100, 120, 10)


@pytest.fixture(scope="module")
def late() -> SpikeTable:
    """Unit 0 tells the class from 50 ms on, unit 1 never; 60 trials of 100 ms, 2 classes."""
    rng = np.random.default_rng(1)
    classes = np.arange(60) % 2
    times, unit, trial = [], [], []
    for t, k in enumerate(classes):
        for u, spikes in enumerate(
            (
                [*rng.uniform(0, 50, rng.poisson(3)), *rng.uniform(50, 100, rng.poisson(1 + 6 * k))],
                rng.uniform(0, 100, rng.poisson(6)),
            )
        ):
            times += list(spikes)
            unit += [u] * len(spikes)
            trial += [t] * len(spikes)
    start = np.arange(60) * 100.0
    trials = {"start": start, "stop": start + 100, "stimulus_class": classes}
    return SpikeTable(times, unit, trial, {"unit_id": [0, 1], "area": ["A", "B"]}, trials)


def time_course(table: SpikeTable, options: str = "", **settings) -> Analysis:
    also = ["time-course" + options]
    return analyze(table, windows=["all"], also=also, n_permutations=99, n_sample_trials=0, n_repeats=1, **settings)


def test_information_and_decoding_begin_when_they_were_made_to(late):
    result = time_course(late, ":win_size=25,win_step=25")
    units, groups = result.extras["time_course_units"], result.extras["time_course"]
    assert units["t_start_ms"].tolist() == [0, 0, 25, 25, 50, 50, 75, 75]
    telling = units[units["unit_id"] == 0]
    assert (telling["information_bits"].iloc[:2].abs() < 0.1).all()
    assert (telling["information_bits"].iloc[2:] > 0.25).all()
    assert (telling["p_value"].iloc[2:] == 0.01).all()
    assert (telling["q_value"].iloc[:2] > 0.05).all()
    np.testing.assert_array_equal(units["q_value"], q_values(units["p_value"]))
    np.testing.assert_array_equal(groups["q_value"], q_values(groups["p_value"]))
    decoded = groups[groups["name"] == "A"]
    assert (decoded["accuracy"].iloc[2:] > decoded["permutation_accuracy_95"].iloc[2:]).all()
    assert decoded["fraction_informative"].tolist() == [0, 0, 1, 1]
    assert groups[groups["name"] == "B"]["fraction_informative"].tolist() == [0] * 4
    # One window, once more by hand.
    (window,) = (w for w in sliding_windows(late, 25, 25) if w.t_start == 50)
    classes = late.trials["stimulus_class"]
    expected = response_information(count_responses(window.counts), classes, n_permutations=0).bits["panzeri-treves"]
    np.testing.assert_allclose(units.loc[units["t_start_ms"] == 50, "information_bits"], expected)
    accuracy = decode(window.counts[:, [0]], classes).accuracy
    assert decoded["accuracy"].iloc[2] == accuracy


def test_default_windows_are_a_tenth_of_the_trial_and_overlap_by_half(late):
    result = time_course(late, ":response=activity")
    groups = result.extras["time_course"]
    assert groups["t_start_ms"].drop_duplicates().tolist() == [5.0 * k for k in range(19)]
    assert ((groups["t_stop_ms"] - groups["t_start_ms"]) == 10).all()
    units = result.extras["time_course_units"]
    rare = units["n_active_trials"] < 10
    np.testing.assert_array_equal(units["p_value"].isna(), rare)


def test_trials_that_have_ended_are_left_out():
    rng = np.random.default_rng(0)
    start, length = np.arange(40) * 100.0, np.repeat([100.0, 50.0], 20)
    trial = rng.integers(0, 40, 2000)
    classes = np.r_[np.arange(20) % 2, np.zeros(20, dtype=int)]
    trials = {"start": start, "stop": start + length, "stimulus_class": classes}
    table = SpikeTable(rng.random(2000) * length[trial], trial * 0, trial, {"unit_id": [0]}, trials)
    groups = time_course(table, ":win_size=25,win_step=25").extras["time_course"]
    assert groups["n_trials"].tolist() == [40, 40, 20, 20]
    short = SpikeTable(
        table.times, table.unit, table.trial, table.units, {**trials, "stimulus_class": np.repeat([0, 1], 20)}
    )
    result = time_course(short, ":win_size=25,win_step=25")
    assert result.extras["time_course"]["accuracy"].isna().tolist() == [False, False, True, True]
    assert result.extras["time_course_units"]["information_bits"].isna().tolist() == [False, False, True, True]


def test_windows_of_counts_are_whole_bins():
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 2
    counts = rng.poisson(1 + classes[:, None, None], (60, 3, 12))
    table = binned_table({"counts": counts, "bin_size_ms": 10.0, "stimulus_class": classes}, class_column=None)
    groups = time_course(table).extras["time_course"]
    assert (groups["t_stop_ms"] - groups["t_start_ms"]).unique().tolist() == [10.0]
    assert len(groups) == 12
    groups = time_course(table, ":win_size=40").extras["time_course"]
    assert groups["t_start_ms"].tolist() == [0, 20, 40, 60, 80]
    with pytest.raises(InputError, match="a window of counts has to begin and end at edges of bins; 15 ms is none"):
        time_course(table, ":win_size=15,win_step=10")
