"""Unitary events are those of a plain count in bins, whatever the start of the trials and the width of the bins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, poisson

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.measures.unitary_events import BinnedTrials, unitary_events
from semsync.analysis.report.unitary_events_section import section
from semsync.errors import InputError

SMALL = {"n_sample_trials": 0, "n_permutations": 99}


def recording(seed=0, n_trials=20, n_units=2, t_start=-100.0, t_stop=200.0, rate=40.0, tick=0.0) -> SpikeTable:
    """Independent units, with a joint spike of the first two in every trial, 40 to 45 ms from onset."""
    rng = np.random.default_rng(seed)
    train = np.repeat(np.arange(n_trials * n_units), rng.poisson(rate * (t_stop - t_start) / 1000, n_trials * n_units))
    times = t_start + rng.random(len(train)) * (t_stop - t_start)
    joint = 40 + 5 * np.tile(rng.random(n_trials), 2)
    times = np.concatenate([np.floor(times / tick) * tick if tick else times, joint])
    unit = np.concatenate([train % n_units, np.repeat([0, 1], n_trials)])
    trial = np.concatenate([train // n_units, np.tile(np.arange(n_trials), 2)])
    onset = 1000.0 * np.arange(n_trials) + 500
    trials = {
        "start": onset + t_start,
        "stop": onset + t_stop,
        "onset": onset,
        "stimulus_class": np.arange(n_trials) % 2,
    }
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units) + 5}, trials)


def by_loop(table, units, t_start, bin_size, n_bins):
    """Joint bins, expected joint bins and rates [Hz] of one window, by loops over trials, bins and units."""
    n_emp, n_exp, rate = 0, 0.0, np.zeros(len(units))
    for trial in range(table.n_trials):
        filled = np.zeros((len(units), n_bins), dtype=bool)
        for i, unit in enumerate(units):
            for time in table.times[(table.trial == trial) & (table.unit == unit)]:
                for b in range(n_bins):
                    if t_start + b * bin_size <= time < t_start + (b + 1) * bin_size:
                        filled[i, b] = True
        n_emp += int(filled.all(axis=0).sum())
        n_exp += filled.mean(axis=1).prod() * n_bins
        rate += filled.mean(axis=1) / table.n_trials * 1000 / bin_size
    return n_emp, n_exp, rate


@pytest.mark.parametrize(("bin_size", "units"), [(5.0, (0, 1)), (0.7, (0, 1)), (3.0, (0, 1, 2))])
def test_counts_are_those_of_a_loop(bin_size, units):
    table = recording(n_units=3)
    n_bins = 12
    binned = BinnedTrials(table, bin_size=bin_size, win_size=n_bins * bin_size, win_step=7 * bin_size)
    found = unitary_events(binned, units)
    assert found.t_stop[-1] <= 200.0 + 1e-9
    assert found.t_start[-1] + 7 * bin_size + n_bins * bin_size > 200.0 - bin_size
    for row in range(0, len(found.t_start), 5):
        n_emp, n_exp, rate = by_loop(table, units, -100 + 7 * bin_size * row, bin_size, n_bins)
        assert found.n_emp[row] == n_emp
        assert found.n_exp[row] == pytest.approx(n_exp, rel=1e-5)
        np.testing.assert_allclose(found.rate[row], rate, rtol=1e-5)
    tested = found.n_exp > 0
    np.testing.assert_allclose(found.p_value[tested], poisson.sf(found.n_emp - 1, found.n_exp)[tested], rtol=1e-6)
    assert np.isnan(found.p_value[~tested]).all()
    possible = found.n_emp > 0
    np.testing.assert_allclose(10 ** -found.Js[possible], 1 / (1 / found.p_value[possible] - 1), rtol=1e-9)


def test_spikes_on_the_borders_of_bins_fall_into_the_bin_that_begins_there():
    # 0.3 / 0.1 is 2.9999999999999996.
    table = SpikeTable([0.3, 0.3, 0.75], [0, 1, 0], [0, 0, 0], {"unit_id": [0, 1]}, {"start": [0.0], "stop": [1.0]})
    found = unitary_events(BinnedTrials(table, bin_size=0.1, win_size=0.3, win_step=0.1), (0, 1))
    assert found.n_emp.tolist() == [0, 1, 1, 1, 0, 0, 0, 0]


def test_spikes_that_share_a_bin_count_once_and_are_counted():
    times, unit = [1.0, 2.0, 3.0, 12.0], [0, 0, 1, 0]
    table = SpikeTable(times, unit, [0] * 4, {"unit_id": [0, 1]}, {"start": [0.0], "stop": [20.0]})
    binned = BinnedTrials(table, bin_size=5.0, win_size=20.0, win_step=5.0)
    assert binned.n_clipped.tolist() == [1, 0]
    assert unitary_events(binned, (0, 1)).n_emp.tolist() == [1]


def test_joint_spikes_are_found_where_they_are():
    analysis = analyze(recording(), windows=["all"], also=["unitary-events:win_size=50"], **SMALL)
    rows = analysis.extras["unitary_events"]
    found = rows[rows["q_value"] < 0.05]
    assert len(found) >= 5
    # Bins begin at multiples of 5 ms, so that the joint spikes of all trials are in one bin.
    assert ((found["t_start_ms"] <= 40) & (found["t_stop_ms"] >= 45)).all()
    assert rows["unit_id_1"].unique().tolist() == [5]
    assert rows["n_trials"].unique().tolist() == [20]


def test_classes_apart_and_too_few_trials():
    each = analyze(recording(), windows=["all"], also=["unitary-events:classes=each,min_trials=11"], **SMALL)
    assert "unitary_events" not in each.extras
    assert any("10 trials of class 1, fewer than min_trials = 11" in sentence for sentence in each.lacks)
    each = analyze(recording(), windows=["all"], also=["unitary-events:classes=each"], **SMALL)
    assert each.extras["unitary_events"].groupby("stimulus_class")["n_trials"].unique().tolist() == [[10], [10]]


def test_bins_off_the_grid_of_the_times_are_said():
    table = recording(tick=1.0)
    on_grid = SpikeTable(np.floor(table.times), table.unit, table.trial, table.units, table.trials)
    analysis = analyze(on_grid, windows=["all"], also=["unitary-events:bin_size=2.5"], **SMALL)
    assert any("Spike times lie on a grid of 1 ms, of which bins of 2.5 ms" in sentence for sentence in analysis.lacks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("win_size=98", "win_size must be a multiple of bin_size = 5 ms, got 98 ms"),
        ("win_step=1", "win_step must be a multiple"),
        ("win_size=500", "win_size = 500 ms is longer than what all trials have in common, 300 ms"),
        ("set_size=4", "unitary events of 4 units need as many, and there are 3"),
        ("max_sets=2", "3 units make 3 of 2; choose units"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        analyze(recording(n_units=3), windows=["all"], also=[f"unitary-events:{options}"], **SMALL)


@pytest.mark.parametrize("units", [(0, 1), (0, 1, 2)])
def test_exact_p_values_are_those_of_shuffled_bins(units):
    table = recording(n_units=3, n_trials=6, rate=30.0)
    binned = BinnedTrials(table, bin_size=5.0, win_size=60.0, win_step=60.0)
    found = unitary_events(binned, units, test="exact")
    counts = binned.counts(np.arange(6), units)
    rng = np.random.default_rng(0)
    n_shuffles = 4000
    for window, of_window in enumerate(counts):
        joint = np.zeros(n_shuffles)
        for of_trial in of_window:
            filled = [np.argsort(rng.random((n_shuffles, 12)), axis=1) < n for n in of_trial]
            joint += np.logical_and.reduce(filled).sum(axis=1)
        share = (joint >= found.n_emp[window]).mean()
        assert found.p_value[window] == pytest.approx(share, abs=4 * np.sqrt(0.25 / n_shuffles))
    assert (found.p_value <= unitary_events(binned, units).p_value + 1e-9).mean() > 0.5


def test_exact_level_is_nominal_where_poissons_is_too_low(load_study):
    """With ties broken at random, of 1,200 windows of independent units."""
    study = load_study("coincidences")
    fewest, most = binom.ppf([0.0005, 0.9995], 1200, 0.05) / 1200
    assert fewest <= study.unitary_false_positives(1200, 40.0, "exact")["share_randomised"] <= most
    assert study.unitary_false_positives(1200, 40.0)["share_randomised"] < fewest


def test_exact_test_goes_with_counts_of_trials():
    binned = BinnedTrials(recording(), bin_size=5.0, win_size=50.0, win_step=50.0)
    with pytest.raises(InputError, match="does not go with expectation 'analytic_TrialAverage'"):
        unitary_events(binned, (0, 1), expectation="analytic_TrialAverage", test="exact")
    with pytest.raises(InputError, match="test must be one of poisson, exact, got 'gauss'"):
        unitary_events(binned, (0, 1), test="gauss")
    analysis = analyze(recording(), windows=["all"], also=["unitary-events:test=exact"], **SMALL)
    assert set(analysis.extras["unitary_events"]["test"]) == {"exact"}
    assert "p from the exact distribution" in section(analysis).paragraphs[0]
