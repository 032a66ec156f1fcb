"""Cross-correlograms against plain loops and Elephant, predictors against surrogates that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.measures import correlogram_predictors, correlograms
from semsync.analysis.measures.binned_spikes import bin_spikes
from semsync.analysis.measures.connections import ConnectionTest, find_connections
from semsync.analysis.measures.correlogram_predictors import (
    convolution_prediction,
    hollow_gaussian,
    jitter_prediction,
    shuffle_prediction,
)
from semsync.analysis.measures.correlograms import count_coincidences, cross_correlograms
from semsync.analysis.measures.count_tails import lower_tail, nearer_tail, upper_tail
from semsync.analysis.measures.latency_alignment import align_trials, trial_latencies
from semsync.errors import InputError


def random_table(seed: int, n_units: int = 6, n_trials: int = 9, n_spikes: int = 900) -> SpikeTable:
    """Trials of unequal length that begin before the onset."""
    rng = np.random.default_rng(seed)
    start = np.arange(n_trials) * 200.0
    stop = start + rng.uniform(60, 120, n_trials)
    onset = start + 20
    trial = rng.integers(0, n_trials, n_spikes)
    times = rng.uniform(0, 1, n_spikes) * (stop - start)[trial] + (start - onset)[trial]
    trials = {"start": start, "stop": stop, "onset": onset, "stimulus_class": np.arange(n_trials) % 3}
    return SpikeTable(times, rng.integers(0, n_units, n_spikes), trial, {"unit_id": np.arange(n_units)}, trials)


def first_spike_table(seed: int, n_units: int = 4, n_trials: int = 60) -> SpikeTable:
    rng = np.random.default_rng(seed)
    first = 10 + rng.normal(0, 2, (n_trials, n_units)) + np.arange(n_trials)[:, None] % 2
    first = np.where(rng.random(first.shape) < 0.8, first, np.inf)
    start = np.arange(n_trials) * 30.0
    trials = {"start": start, "stop": start + 30, "stimulus_class": np.arange(n_trials) % 2}
    return SpikeTable.from_first_spikes([first], {"unit_id": np.arange(n_units)}, trials)


def loop_counts(table: SpikeTable, i: int, j: int, bin_size: float, n_lags: int) -> np.ndarray:
    counts = np.zeros(2 * n_lags + 1, dtype=int)
    origin = table.t_start.min()
    for trial in range(table.n_trials):
        in_trial = table.trial == trial
        for a in table.times[in_trial & (table.unit == i)]:
            for b in table.times[in_trial & (table.unit == j)]:
                lag = int(np.floor((b - origin) / bin_size)) - int(np.floor((a - origin) / bin_size))
                if abs(lag) <= n_lags:
                    counts[lag + n_lags] += 1
    return counts


@pytest.mark.parametrize("chunk", [7, 2_000_000])
def test_counts_are_those_of_a_double_loop(chunk, monkeypatch):
    monkeypatch.setattr(correlograms, "_CHUNK", chunk)
    table = random_table(0)
    found = cross_correlograms(table, [0, 1, 5], [2, 5], bin_size=2.0, max_lag=14.0)
    assert found.lags_ms.tolist() == list(np.arange(-7, 8) * 2.0)
    for a, i in enumerate([0, 1, 5]):
        for b, j in enumerate([2, 5]):
            np.testing.assert_array_equal(found.counts[a, b], loop_counts(table, i, j, 2.0, 7))


def test_counts_are_those_of_elephant():
    """Its convention: bin of the second train minus bin of the first, positive where the second fires later."""
    neo = pytest.importorskip("neo")
    pytest.importorskip("elephant")
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import cross_correlation_histogram

    rng = np.random.default_rng(1)
    unit = np.repeat([0, 1], 150)
    times = np.concatenate([rng.uniform(0, 400, 150), rng.uniform(0, 400, 150)])
    table = SpikeTable(times, unit, 0 * unit, {"unit_id": [0, 1]}, {"start": [0.0], "stop": [400.0]})
    found = cross_correlograms(table, [0], [1], bin_size=1.0, max_lag=25.0)
    binned = [
        BinnedSpikeTrain(
            neo.SpikeTrain(np.sort(times[unit == u]), units="ms", t_stop=400.0), bin_size=1 * pq.ms, t_stop=400 * pq.ms
        )
        for u in (0, 1)
    ]
    histogram, lags = cross_correlation_histogram(*binned, window=[-25, 25], border_correction=False)
    np.testing.assert_array_equal(found.lags_ms, lags)
    np.testing.assert_array_equal(found.counts[0, 0], histogram.magnitude.ravel())
    assert found.counts.sum() > 100


def test_rate_of_the_target_is_corrected_for_where_trials_end():
    """Constant rates give a flat correlogram, though long lags leave short trials."""
    rng = np.random.default_rng(2)
    n_trials, rate = 4000, 0.05
    n = rng.poisson(2 * n_trials * 40 * rate)
    trials = {"start": np.arange(n_trials) * 50.0, "stop": np.arange(n_trials) * 50.0 + 40}
    table = SpikeTable(
        rng.uniform(0, 40, n), rng.integers(0, 2, n), rng.integers(0, n_trials, n), {"unit_id": [0, 1]}, trials
    )
    found = cross_correlograms(table, [0], [1], max_lag=30.0)
    assert found.counts[0, 0, 0] < 0.4 * found.counts[0, 0, 30]
    error = 50 / np.sqrt(found.counts[0, 0])
    assert np.all(np.abs(found.rate_hz[0, 0] - 50) < 4 * error)


@pytest.mark.parametrize("kind", ["many spikes, cut intervals", "first spikes"])
def test_jitter_predicts_what_jittered_spikes_show(kind):
    table = first_spike_table(2, n_trials=90) if kind == "first spikes" else random_table(3, n_units=2, n_spikes=700)
    spikes = bin_spikes(table, 1.0)
    source, target = spikes.select(np.array([0])), spikes.select(np.array([1]))
    prediction = jitter_prediction(source, target, -2, 4, 6)
    rng = np.random.default_rng(0)
    lower = np.maximum(target.bin // 6 * 6, target.first[target.trial])
    upper = np.minimum(target.bin // 6 * 6 + 5, target.last[target.trial])
    drawn = []
    for _ in range(2000):
        bins = rng.integers(lower, upper + 1)
        order = np.lexsort((bins, target.trial))
        jittered = type(target)(bins[order], target.unit, target.trial, target.first, target.last, 1, 1.0)
        drawn.append(count_coincidences(source, jittered, -2, 4)[0, 0])
    sd = np.std(drawn, axis=0)
    assert np.all(np.abs(np.mean(drawn, axis=0) - prediction.expected[0, 0]) < 4 * sd / np.sqrt(2000))
    if kind == "first spikes":
        np.testing.assert_allclose(np.sqrt(prediction.variance[0, 0]), sd, rtol=0.07)
    np.testing.assert_array_equal(prediction.counts, count_coincidences(source, target, -2, 4))


@pytest.mark.parametrize("held", [5, 4_000_000])
def test_shuffling_predicts_what_shuffled_trials_show(held, monkeypatch):
    monkeypatch.setattr(correlogram_predictors, "_HISTOGRAM", held)
    table = first_spike_table(0)
    spikes = bin_spikes(table, 1.0)
    source, target = spikes.select(np.array([0])), spikes.select(np.array([1]))
    classes = table.trials["stimulus_class"]
    prediction = shuffle_prediction(source, target, -2, 3, classes)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(3000):
        trial_of = np.arange(table.n_trials)
        for label in (0, 1):
            trial_of[classes == label] = rng.permutation(trial_of[classes == label])
        trial = trial_of[target.trial]
        order = np.lexsort((target.bin, trial))
        shuffled = type(target)(target.bin[order], target.unit, trial[order], target.first, target.last, 1, 1.0)
        drawn.append(count_coincidences(source, shuffled, -2, 3)[0, 0])
    sd = np.std(drawn, axis=0)
    assert np.all(np.abs(np.mean(drawn, axis=0) - prediction.expected[0, 0]) < 4 * sd / np.sqrt(3000))
    np.testing.assert_allclose(np.sqrt(prediction.variance[0, 0]), sd, rtol=0.06)


def test_convolution_leaves_out_the_middle():
    kernel = hollow_gaussian(4.0)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[12] == pytest.approx(0.4 * kernel[11], rel=0.05)
    table = random_table(4)
    spikes = bin_spikes(table, 1.0)
    source, target = spikes.select(np.array([0, 1])), spikes.select(np.array([2, 3, 4]))
    wide = count_coincidences(source, target, -14, 17)
    found = convolution_prediction(source, target, -2, 5, 4.0)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(found.expected[i, j], np.convolve(wide[i, j], kernel, mode="valid"))
    np.testing.assert_array_equal(found.counts, wide[..., 12:-12])


@pytest.mark.parametrize("count", [0, 1, 4, 12, 30])
def test_tails_are_those_of_scipy(count):
    from scipy.stats import binom, nbinom, poisson

    def mid(distribution) -> float:
        return float(distribution.sf(count) + distribution.pmf(count) / 2)

    assert upper_tail(count, 7.3, 7.3) == pytest.approx(mid(poisson(7.3)), rel=1e-9)
    assert upper_tail(count, 7.5, 7.5 * 0.7) == pytest.approx(mid(binom(25, 0.3)), rel=1e-9)
    assert upper_tail(count, 6.0, 9.0) == pytest.approx(mid(nbinom(12, 2 / 3)), rel=1e-9)
    for variance in (7.3, 5.0, 9.0):
        assert lower_tail(count, 7.3, variance) == pytest.approx(1 - upper_tail(count, 7.3, variance), abs=1e-12)


def test_tails_at_the_ends():
    assert upper_tail([0, 1], 0.0, 0.0).tolist() == [0.5, 0.0]
    # All of 10 certain coincidences are there: neither many nor few.
    assert upper_tail(10, 10.0, 0.0) == pytest.approx(0.5, abs=1e-3)
    assert upper_tail(30, 10.0, 5.0) == 0.0
    assert 0 < lower_tail(0, 90.0, 90.0) < 1e-38
    tail, above = nearer_tail(np.array([3, 12]), np.array([7.0, 7.0]), np.array([7.0, 7.0]))
    assert above.tolist() == [False, True]
    assert tail.tolist() == [lower_tail(3, 7.0, 7.0), upper_tail(12, 7.0, 7.0)]


def test_latency_that_all_units_share_is_taken_out():
    table = first_spike_table(1, n_units=40)
    rng = np.random.default_rng(0)
    late = rng.normal(0, 2, table.n_trials)
    shifted = SpikeTable(
        table.times + late[table.trial] + 10,
        table.unit,
        table.trial,
        table.units,
        {**table.trials, "stop": table.trials["stop"] + 20, "start": table.trials["start"]},
    )
    found = trial_latencies(shifted, np.arange(40))
    for label in (0, 1):
        member = table.trials["stimulus_class"] == label
        assert np.std((found - late)[member]) < 0.6
    aligned = align_trials(shifted, found)
    np.testing.assert_allclose(aligned.times + found[aligned.trial], shifted.times)
    np.testing.assert_array_equal(aligned.trials["start"], shifted.trials["start"])


def test_a_unit_is_not_tested_with_itself():
    table = random_table(5)
    found = find_connections(table, np.arange(6), np.arange(6), ConnectionTest(min_expected=0))
    assert np.isnan(np.diag(found.p_value)).all()
    assert np.isfinite(found.p_value[~np.eye(6, dtype=bool)]).all()


def test_blocks_of_sources_change_nothing(monkeypatch):
    from semsync.analysis.measures import connections

    table = random_table(6)
    whole = find_connections(table, np.arange(6), np.arange(6))
    monkeypatch.setattr(connections, "_BLOCK", 1)
    for name in ("p_value", "efficacy", "sign", "peak_lag_ms", "expected"):
        np.testing.assert_array_equal(
            getattr(find_connections(table, np.arange(6), np.arange(6)), name), getattr(whole, name)
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictor": "magic"}, "predictor must be one of 'jitter'"),
        ({"bin_size": 0}, "bin_size must be positive"),
        ({"min_lag": 1.2, "max_lag": 1.8}, "no bin of 1 ms is centred between"),
        ({"time_scale": 1.0}, "at least 2 bins"),
        ({"time_scale": 2.5}, "whole ones, got 2.5 ms"),
    ],
)
def test_tests_that_cannot_be_made_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ConnectionTest(**options)


def test_trials_that_cannot_be_counted_in_are_refused():
    table = random_table(7)
    with pytest.raises(InputError, match="max_lag must be a multiple of bin_size"):
        cross_correlograms(table, [0], [1], bin_size=2.0, max_lag=5.0)
    with pytest.raises(InputError, match="no trials"):
        bin_spikes(table.select(trials=[]), 1.0)
    with pytest.raises(InputError, match="a class that has at least two"):
        find_connections(table.select(trials=[0, 1]), [0], [1], ConnectionTest(predictor="shuffle"))
