"""Coincidences are counted as a double loop counts them, and their test holds its level and finds what is there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.measures.coincidences import coincidence_test, count_coincidences, find_time_step
from semsync.errors import InputError

SMALL = {"n_sample_trials": 0, "n_permutations": 99}


def by_double_loop(times, unit, trial, n_units, max_lag, stratum):
    counts = np.zeros((max(stratum) + 1, n_units, n_units), dtype=int)
    for i in range(len(times)):
        for j in range(len(times)):
            same = trial[i] == trial[j] and stratum[trial[i]] >= 0
            if same and unit[i] < unit[j] and abs(times[i] - times[j]) <= max_lag:
                counts[stratum[trial[i]], unit[i], unit[j]] += 1
    return counts


@given(
    st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 3), st.integers(0, 2)), max_size=40),
    st.sampled_from([0.0, 1.0, 2.5, 7.0]),
)
def test_counting_is_that_of_a_double_loop(spikes, max_lag):
    times, unit, trial = (np.array([spike[i] for spike in spikes], dtype=int) for i in range(3))
    stratum = [1, -1, 0]
    counts = count_coincidences(times, unit, trial, n_units=4, max_lag=max_lag, stratum=stratum)
    np.testing.assert_array_equal(counts, by_double_loop(times, unit, trial, 4, max_lag, stratum))


def test_counting_in_chunks_is_counting(monkeypatch):
    rng = np.random.default_rng(0)
    times, unit, trial = rng.random(400) * 50, rng.integers(0, 6, 400), rng.integers(0, 3, 400)
    whole = count_coincidences(times, unit, trial, n_units=6, max_lag=4.0)
    monkeypatch.setattr("semsync.analysis.measures.coincidences._CHUNK", 7)
    np.testing.assert_array_equal(count_coincidences(times, unit, trial, n_units=6, max_lag=4.0), whole)
    assert whole.sum() > 1000


def test_rounding_of_times_does_not_decide_what_coincides():
    # 0.3 - 0.1 is more than 0.2, and 3600000.3 - 3600000.1 more still.
    times = np.array([0.1, 0.3, 3_600_000.1, 3_600_000.3])
    assert count_coincidences(times, [0, 1, 0, 1], [0, 0, 0, 0], n_units=2, max_lag=0.2)[0, 0, 1] == 2


def poisson(rng, n_pairs, *, rate=40.0, duration=1000.0, tick=0.0, n_common=0) -> SpikeTable:
    """Pair k spikes in trial k only; `n_common` spikes are put into both of its units."""
    trial = np.repeat(np.arange(2 * n_pairs), rng.poisson(rate * duration / 1000, 2 * n_pairs))
    times, unit, trial = rng.random(len(trial)) * duration, trial, trial // 2
    common = rng.random((n_pairs, n_common)) * duration
    rows = np.repeat(np.arange(n_pairs), n_common)
    times = np.concatenate([times, common.ravel(), common.ravel()])
    unit = np.concatenate([unit, 2 * rows, 2 * rows + 1])
    trial = np.concatenate([trial, rows, rows])
    times = np.floor(times / tick) * tick if tick else times
    start = np.arange(n_pairs) * duration
    return SpikeTable(
        times, unit, trial, {"unit_id": np.arange(2 * n_pairs)}, {"start": start, "stop": start + duration}
    )


def pairs_of(table):
    return np.arange(0, table.n_units, 2), np.arange(1, table.n_units, 2)


def test_expected_coincidences_of_independent_units_are_those_of_their_rates():
    table = poisson(np.random.default_rng(1), 100)
    found = coincidence_test(table, max_lag=2.0, n_surrogates=99, pairs=pairs_of(table), seed=1)
    counts = table.counts().sum(axis=0)
    by_rate = counts[0::2] * counts[1::2] * 4.0 / 1000
    assert found.expected.mean() == pytest.approx(by_rate.mean(), rel=0.03)
    assert abs(found.z.mean()) < 3 / np.sqrt(100)
    np.testing.assert_allclose(found.z, (found.observed - found.expected) / found.sd)
    np.testing.assert_array_equal(found.p_value, (1 + found.n_more + found.n_equal) / 100)


def test_spikes_on_a_grid_have_surrogates_on_it():
    """+-2 ms hold five lags of 1 ms, but only 4 ms of continuous time: off the grid, a fifth would seem too many."""
    table = poisson(np.random.default_rng(2), 150, rate=60.0, tick=1.0)
    found = coincidence_test(table, max_lag=2.0, n_surrogates=49, pairs=pairs_of(table), seed=2)
    assert found.time_step == 1.0
    assert found.observed.sum() == pytest.approx(found.expected.sum(), rel=0.03)


def test_few_independent_pairs_are_significant_and_injected_synchrony_is():
    independent = poisson(np.random.default_rng(3), 200)
    found = coincidence_test(independent, n_surrogates=99, pairs=pairs_of(independent), seed=3)
    assert np.mean(found.p_value <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    common = poisson(np.random.default_rng(4), 50, n_common=20)
    found = coincidence_test(common, n_surrogates=99, pairs=pairs_of(common), seed=3)
    assert np.mean(found.p_value <= 0.05) > 0.9
    kept = 1 - (1 - 2.0 / 50.0) ** 2
    excess = (found.observed - found.expected) / (1 - kept)
    assert excess.mean() == pytest.approx(20, abs=3 * excess.std() / np.sqrt(50))


@pytest.mark.parametrize("step", [1.0, 0.1, 1 / 30])
def test_time_step_is_found_although_onsets_are_off_the_grid(step):
    rng = np.random.default_rng(5)
    onset = rng.random(20) * 1000
    trial = np.repeat(np.arange(20), 100)
    times = np.floor(rng.random(2000) * 900 / step) * step - onset[trial] % 1
    table = SpikeTable(
        times, np.zeros(2000), trial, {"unit_id": [0]}, {"start": onset - 5, "stop": onset + 900, "onset": onset}
    )
    assert find_time_step(table) == pytest.approx(step, rel=1e-6)
    assert np.isnan(
        find_time_step(
            SpikeTable(rng.random(50), np.zeros(50), np.zeros(50), {"unit_id": [0]}, {"start": [0], "stop": [1]})
        )
    )


def test_what_cannot_test_is_refused():
    with pytest.raises(InputError, match="at least 19 are needed"):
        coincidence_test(poisson(np.random.default_rng(0), 1), n_surrogates=10)
    with pytest.raises(InputError, match="twice max_lag"):
        coincidence_test(poisson(np.random.default_rng(0), 1), max_lag=5.0, dither=6.0)


def test_table_of_the_analysis():
    rng = np.random.default_rng(6)
    table = poisson(rng, 1, duration=4000.0, n_common=40)
    two = SpikeTable(
        np.concatenate([table.times, rng.random(40) * 4000]),
        np.concatenate([table.unit, np.full(40, 2)]),
        np.concatenate([table.trial, np.ones(40, dtype=int)]),
        {"unit_id": ["a", "b", "c"], "area": ["X", "X", "Y"]},
        {"start": [0.0, 4000.0], "stop": [4000.0, 8000.0], "stimulus_class": [4, 7]},
    )
    analysis = analyze(two, windows=["all"], also=["coincidences:classes=each,n_surrogates=199"], **SMALL)
    rows = analysis.extras["coincidences"].set_index(["stimulus_class", "unit_id_1", "unit_id_2"])
    assert list(rows.index) == [(c, *pair) for c in (4, 7) for pair in (("a", "b"), ("a", "c"), ("b", "c"))]
    assert rows.loc[(4, "a", "b"), "q_value"] < 0.05
    assert rows["p_value"].isna().sum() == 5  # of the rest, one unit is silent each
    assert rows.loc[(4, "a", "b"), ["name_1", "name_2", "n_trials", "n_surrogates"]].tolist() == ["X", "X", 1, 199]
    within = analyze(two, windows=["all"], also=["coincidences:pairs=between,n_surrogates=199"], **SMALL)
    assert within.extras["coincidences"]["unit_id_2"].tolist() == ["c", "c"]
    with pytest.raises(InputError, match="up to max_units = 2 units"):
        analyze(two, windows=["all"], also=["coincidences:max_units=2"], **SMALL)


def test_macaque_units_coincide_after_the_signal_and_not_before(data_folder):
    from semsync.analysis.recordings import load_recording

    path = data_folder / "recordings" / "riehle1997_winny131_23.gdf"
    table = load_recording(path, window=(-300.0, 600.0))
    extra = "coincidences:n_surrogates=199"
    rows = analyze(table, windows=[(-300, 0), (0, 600)], also=[extra], **SMALL).extras["coincidences"]
    assert rows["time_step_ms"].tolist() == [1.0, 1.0]
    assert rows["p_value"].iloc[0] > 0.1
    assert rows["p_value"].iloc[1] <= 0.01


def test_the_study_of_false_positives_holds_in_small(load_study):
    study = load_study("coincidences")
    for found in (
        study.false_positives(400, 59, study.constant),
        study.false_positives(200, 59, study.bump),
        study.false_positives(200, 59, study.constant, surrogate="jitter_spikes", tick=1.0),
    ):
        assert abs(found["share_randomised"] - 0.05) < 3 * found["standard_error"]
        assert found["share"] <= found["share_randomised"] + 2 * found["standard_error"]
        assert abs(found["mean_z"]) < 3 / np.sqrt(found["n_pairs"])
    found = study.recovery(100, 99, 40, study.constant)
    assert abs(found["mean_estimate"] - 40) < 3 * found["sd_estimate"] / 10
    assert found["share_inside_95_percent_interval"] > 0.9
    found = study.unitary_false_positives(200, 15.0)
    assert found["share_randomised"] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
