"""Measures of synchrony of many recordings at once: equal to Elephant's and to plain loops over each of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.measures import (
    Sample,
    Surrogates,
    joined_spiketrains,
    mean_complexity,
    pulse_packets,
)
from semsync.analysis.measures.complexity import complexity_distribution, mean_number_of_coincident_units
from semsync.analysis.measures.contrast import spike_contrasts
from semsync.analysis.measures.packet_fit import fit_packets
from semsync.analysis.measures.spike_batch import SpikeBatch, observed_batch, surrogate_batch
from semsync.analysis.measures.synchrony import (
    PopulationSample,
    against_surrogates,
    many_coincident_units,
    synchrony_of,
    two_sided_p_values,
)
from semsync.analysis.measures.tiling import draw_pairs, spike_time_tiling_coefficients

N_TRIALS, N_UNITS = 8, 6


def recording(seed=0, n_spikes=400, offset=0.0, onset=20.0, duration=50.0, grid=None) -> SpikeTable:
    rng = np.random.default_rng(seed)
    start = offset + np.arange(N_TRIALS) * (duration + 30.0)
    times = rng.uniform(0, duration, n_spikes)
    if grid:
        times = np.round(times / grid) * grid
    trials = {"start": start, "stop": start + duration, "onset": start + onset}
    return SpikeTable(
        times - onset, rng.integers(0, N_UNITS, n_spikes), rng.integers(0, N_TRIALS, n_spikes),
        {"unit_id": np.arange(N_UNITS)}, trials,
    )  # fmt: skip


def surrogate_tables(table: SpikeTable, n: int = 6) -> tuple[SpikeBatch, list[SpikeTable]]:
    maker = Surrogates(table, "jitter_spikes", dither=5.0)
    rng = np.random.default_rng(3)
    return surrogate_batch(maker, n, np.random.default_rng(3)), [maker.draw_table(rng) for _ in range(n)]


@pytest.mark.parametrize("grid", [None, 0.25, 1.0])
def test_complexity_distribution_is_elephants(grid):
    elephant = pytest.importorskip("elephant.statistics")
    import quantities as pq

    table = recording(grid=grid, offset=1e6)
    batch, tables = surrogate_tables(table)
    ours = np.concatenate([complexity_distribution(observed_batch(table)), complexity_distribution(batch)])
    sample = Sample(np.arange(N_TRIALS), np.arange(N_UNITS))
    for distribution, one in zip(ours, [table, *tables], strict=True):
        trains = joined_spiketrains(one, sample.trials, sample.units, bin_size=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = elephant.Complexity(trains, bin_size=1 * pq.ms).complexity_histogram
        assert distribution.tolist() == [*theirs, *[0] * (N_UNITS + 1 - len(theirs))]
        assert mean_number_of_coincident_units(distribution[None])[0] == pytest.approx(mean_complexity(one, sample))


def test_spike_contrast_is_elephants():
    elephant = pytest.importorskip("elephant.spike_train_synchrony")
    import quantities as pq

    batch, tables = surrogate_tables(recording())
    for min_bin in (0.5, 3.0):
        ours = spike_contrasts(batch, min_bin=min_bin)
        for value, one in zip(ours, tables, strict=True):
            trains = joined_spiketrains(one, np.arange(N_TRIALS), np.arange(N_UNITS))
            assert value == pytest.approx(elephant.spike_contrast(list(trains), min_bin=min_bin * pq.ms), rel=1e-9)


def test_spike_contrast_where_elephant_fails():
    lonely = SpikeTable([3.0, 5.0], [0, 1], [0, 0], {"unit_id": [0, 1]}, {"start": [0.0], "stop": [50.0]})
    assert np.isnan(spike_contrasts(observed_batch(lonely))).all()
    one_unit = SpikeTable([3.0, 5.0], [0, 0], [0, 0], {"unit_id": [0]}, {"start": [0.0], "stop": [50.0]})
    assert np.isnan(spike_contrasts(observed_batch(one_unit))).all()


def tiling_by_definition(a, b, dt, start, stop):
    """Cutts and Eglen (2014), with the tiled time as a union of intervals."""

    def tiled(train):
        covered, reached = 0.0, start
        for t in sorted(train):
            lower, upper = max(t - dt, reached, start), min(t + dt, stop)
            covered += max(0.0, upper - lower)
            reached = max(reached, upper)
        return covered / (stop - start)

    def share(train, other):
        return np.mean([any(abs(t - s) <= dt + 1e-9 for s in other) for t in train])

    def term(p, t):
        return 1.0 if p * t == 1 else (p - t) / (1 - p * t)

    return 0.5 * (term(share(a, b), tiled(b)) + term(share(b, a), tiled(a)))


@pytest.mark.parametrize("late", [0.0, 1e6])
def test_tiling_by_definition_however_late(late):
    # The trial itself begins early and its spikes come late: times from onset are large, as in a continuous recording.
    rng = np.random.default_rng(1)
    duration = late + 60.0
    times = late + rng.uniform(0, 60, 120)
    trials = {"start": np.array([0.0, 2e6]), "stop": np.array([0.0, 2e6]) + duration}
    table = SpikeTable(times, rng.integers(0, 4, 120), rng.integers(0, 2, 120), {"unit_id": range(4)}, trials)
    pairs = np.array([[0, 1], [1, 3], [2, 0]])
    for dt in (1.0, 2.5):
        ours = spike_time_tiling_coefficients(observed_batch(table), pairs, dt=dt)
        for row, (a, b) in enumerate(pairs):
            for trial in range(2):
                in_trial = table.trial == trial
                trains = [table.times[in_trial & (table.unit == unit)] for unit in (a, b)]
                expected = tiling_by_definition(*trains, dt, 0.0, duration)
                assert ours[row, trial] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_tiling_is_elephants_early_and_elephants_is_wrong_late():
    elephant = pytest.importorskip("elephant.spike_train_correlation")
    import neo
    import quantities as pq

    def both(offset):
        a, b = np.array([10.0, 30.0, 45.0]) + offset, np.array([10.5, 39.0, 20.0]) + offset
        trains = [neo.SpikeTrain(np.sort(t), units="ms", t_start=offset, t_stop=offset + 50) for t in (a, b)]
        theirs = elephant.spike_time_tiling_coefficient(*trains, dt=1 * pq.ms)
        table = SpikeTable(
            np.r_[a, b], [0, 0, 0, 1, 1, 1], [0] * 6, {"unit_id": [0, 1]},
            {"start": [offset], "stop": [offset + 50], "onset": [0.0]},
        )  # fmt: skip
        return spike_time_tiling_coefficients(observed_batch(table), [[0, 1]])[0, 0], theirs

    ours, theirs = both(0.0)
    assert ours == pytest.approx(theirs)
    late, theirs_late = both(1e6)
    assert late == pytest.approx(ours)
    assert theirs_late > theirs + 0.3  # whatever lies within 10 ms is together there; a change in Elephant would show


def test_tiling_at_its_ends():
    trials = {"start": [0.0, 100.0], "stop": [50.0, 150.0]}
    table = SpikeTable([5.0, 5.0, 7.0], [0, 1, 0], [0, 0, 1], {"unit_id": [0, 1]}, trials)
    same, missing = spike_time_tiling_coefficients(observed_batch(table), [[0, 1]])[0]
    assert same == 1.0
    assert np.isnan(missing)
    assert spike_time_tiling_coefficients(observed_batch(table), np.empty((0, 2))).shape == (0, 2)


def test_every_measure_of_a_batch_is_that_of_each_recording():
    table = recording(n_spikes=300)
    batch, tables = surrogate_tables(table)
    units = np.array([1, 2, 4, 5])
    sample = PopulationSample(np.array([0, 3, 4]), np.array([1, 4, 5]), draw_pairs(3, 2, 0))
    together, distributions = synchrony_of(batch, units, sample)
    for number, one in enumerate(tables):
        alone, distribution = synchrony_of(observed_batch(one), units, sample)
        np.testing.assert_array_equal(distribution[0], distributions[number])
        for measure, value in alone.items():
            assert together[measure][number] == pytest.approx(value[0], rel=1e-9)
        packets = pulse_packets(one, units)
        assert alone["packet_shortest_half_ms"][0] == pytest.approx(np.nanmean(packets.shortest_half))
        assert alone["packet_sd_ms"][0] == pytest.approx(np.nanmean(packets.sd))


def packets_on_background(seed, n_recordings, n_trials=20, n_packet=30, n_background=30, width=1.5):
    """Gaussian packets at random times, Poisson numbers of spikes, as a batch of recordings."""
    rng = np.random.default_rng(seed)
    n_all = n_recordings * n_trials
    center = rng.uniform(10, 40, n_all)
    inside, outside = rng.poisson(n_packet, n_all), rng.poisson(n_background, n_all)
    times = np.r_[np.repeat(center, inside) + rng.normal(0, width, inside.sum()), rng.uniform(0, 50, outside.sum())]
    trial = np.r_[np.repeat(np.arange(n_all), inside), np.repeat(np.arange(n_all), outside)]
    duration = np.full(n_trials, 50.0)
    return SpikeBatch(times, np.zeros(len(times), np.int64), trial, duration, n_recordings, 1), center


@pytest.mark.parametrize("n_background", [0, 15, 30])
def test_known_packet_width_is_recovered_on_any_background(n_background):
    batch, center = packets_on_background(5, 60, n_background=n_background)
    fit = fit_packets(batch)
    assert fit.width.mean() == pytest.approx(1.5, rel=0.015)
    interval = fit.width * np.exp(np.outer([-1.96, 1.96], fit.log_width_se))
    assert np.mean((interval[0] < 1.5) & (interval[1] > 1.5)) > 0.85
    assert fit.share.mean() == pytest.approx(30 / (30 + n_background), abs=0.02)
    assert np.median(np.abs(fit.center.ravel() - center)) < 0.5


def test_fit_of_nothing_and_of_coincident_spikes():
    trials = {"start": [0.0, 50.0], "stop": [50.0, 100.0]}
    nothing = fit_packets(observed_batch(SpikeTable([], [], [], {"unit_id": [0]}, trials)))
    assert np.isnan(nothing.width).all()
    table = SpikeTable([7.0] * 5, range(5), [0] * 5, {"unit_id": range(5)}, trials)
    coincident = fit_packets(observed_batch(table))
    assert coincident.width[0] < 1e-3
    assert coincident.center[0, 0] == pytest.approx(7.0)
    assert np.isnan(coincident.center[0, 1])


def test_p_values_by_counting():
    rng = np.random.default_rng(0)
    observed, surrogates = rng.normal(0, 1, 30), rng.normal(0, 1, (30, 99))
    for value, row, p in zip(observed, surrogates, two_sided_p_values(observed, surrogates), strict=True):
        above, below = sum(s > value for s in row), sum(s < value for s in row)
        assert p == pytest.approx(min(1, 2 * (1 + min(above, below)) / 100))
    assert np.isnan(against_surrogates(5.0, [5.0] * 19).p_value)
    assert against_surrogates(5.0, [5.0] * 18 + [6.0]).p_value == pytest.approx(2 * (1 + 9) / 20)
    assert against_surrogates(5.0, [4.0] * 17 + [5.0] * 2).p_value == pytest.approx(2 * (1 + 1) / 20)
    result = against_surrogates(5.0, [1.0, np.nan, 2.0])
    assert (result.n_surrogates, result.surrogate_mean) == (2, 1.5)
    assert np.isnan(against_surrogates(float("nan"), [1.0]).p_value)


def test_many_coincident_units_by_counting():
    rng = np.random.default_rng(2)
    for _ in range(20):
        one, more = rng.integers(0, 200, (1, 9)) >> np.arange(9), rng.integers(0, 200, (4, 9)) >> np.arange(9)
        pooled = one.sum(axis=0) + more.sum(axis=0)
        few = next(k for k in range(2, 11) if pooled[k:].sum() <= 0.05 * pooled[1:].sum())
        enough = max((k for k in range(9) if pooled[k:].sum() / 5 >= 3), default=0)
        assert many_coincident_units(one, more, n_bins=3) == max(2, min(few, enough))
