"""Elephant's measures, against their definitions written out, on samples that are drawn as stated."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.measures import (
    Sample,
    draw_sample,
    firing_rate,
    joined_spiketrains,
    mean_complexity,
    spike_contrast,
    spike_time_tiling,
    trial_spiketrains,
    van_rossum,
    victor_purpura,
)
from semsync.errors import InputError


def recording(first, offset=0.0, duration=50.0, **columns) -> SpikeTable:
    n_trials, n_units = np.shape(first)
    start = offset + np.arange(n_trials) * (duration + 7.0)
    trials = {"start": start, "stop": start + duration, **columns}
    return SpikeTable.from_first_spikes([first], {"unit_id": np.arange(n_units)}, trials)


def everything(table: SpikeTable) -> Sample:
    return Sample(np.arange(table.n_trials), np.arange(table.n_units))


def random_first_spikes(n_trials=10, n_units=8, seed=0, jitter=5.0):
    rng = np.random.default_rng(seed)
    first = np.clip(20 + rng.normal(0, jitter, (n_trials, n_units)), 0, 50)
    return np.where(rng.random((n_trials, n_units)) < 0.7, first, np.inf)


def test_sample_is_even_over_classes_and_repeatable():
    table = recording(random_first_spikes(40, 12), stimulus_class=np.repeat([0, 1, 2, 3], [25, 5, 5, 5]))
    sample = draw_sample(table, [2, 5, 7, 9], n_trials=12, n_units=3, seed=4)
    assert np.bincount(table.trials["stimulus_class"][sample.trials]).tolist() == [3, 3, 3, 3]
    assert set(sample.units) < {2, 5, 7, 9}
    again = draw_sample(table, [2, 5, 7, 9], n_trials=12, n_units=3, seed=4)
    assert (again.trials.tolist(), again.units.tolist()) == (sample.trials.tolist(), sample.units.tolist())
    with pytest.raises(InputError, match="at least one trial"):
        draw_sample(table, n_trials=0)


def test_spiketrains_hold_the_spikes():
    first = random_first_spikes()
    table = recording(first, offset=1e6)
    trains = trial_spiketrains(table, 3, [1, 4])
    for train, times in zip(trains, first[3, [1, 4]], strict=True):
        np.testing.assert_allclose(train.magnitude, [times] if np.isfinite(times) else [], atol=1e-9)
    joined = joined_spiketrains(table, [0, 2], [6])[0]
    expected = [50 * i + t for i, t in enumerate(first[[0, 2], 6]) if np.isfinite(t)]
    np.testing.assert_allclose(joined.magnitude, expected, atol=1e-9)
    assert joined.t_stop.item() == 100.0


def test_firing_rate():
    first = random_first_spikes()
    table = recording(first)
    assert firing_rate(table, [0, 3]) == pytest.approx(1000 * np.isfinite(first[:, [0, 3]]).sum() / (10 * 50.0) / 2)
    assert firing_rate(recording(np.full((3, 2), np.inf)), [0, 1]) == 0.0


def test_complexity_counts_units_per_bin_and_never_mixes_trials():
    # Bins of 1 ms: {0, 1} together, 2 alone; next trial 0 alone at its very start, after a spike at the very end.
    first = [[1.1, 1.9, 50.0], [0.0, np.inf, np.inf]]
    table = recording(first)
    assert mean_complexity(table, everything(table)) == pytest.approx((2 + 1 + 1) / 3)
    silent = recording(np.full((2, 2), np.inf))
    assert np.isnan(mean_complexity(silent, everything(silent)))


def test_complexity_of_trials_that_no_array_of_bins_could_hold():
    """A stop time that is a slip, and one after so many bins that Elephant cannot number them."""
    for days, expected in ((20, 2.0), (1e6, np.nan)):
        trials = {"start": [0.0], "stop": [days * 86_400_000.0]}
        table = SpikeTable([1.2, 1.5, 7.2, 7.9], [0, 1, 0, 1], [0] * 4, {"unit_id": [0, 1]}, trials)
        assert mean_complexity(table, everything(table)) == pytest.approx(expected, nan_ok=True)


def test_spike_contrast_is_higher_for_sharper_volleys_and_undefined_without_two_spikes():
    sharp, loose = (recording(random_first_spikes(20, 10, jitter=jitter)) for jitter in (0.2, 12.0))
    assert spike_contrast(sharp, everything(sharp)) > 1.5 * spike_contrast(loose, everything(loose))
    lonely = recording([[3.0, 5.0]])
    assert np.isnan(spike_contrast(lonely, everything(lonely)))


def tiling_by_definition(a: float, b: float, dt: float, duration: float) -> float:
    def tiled(t):
        return (min(t + dt, duration) - max(t - dt, 0)) / duration

    together = float(abs(a - b) <= dt)
    return 0.5 * sum((together - tiled(t)) / (1 - together * tiled(t)) for t in (a, b))


def test_spike_time_tiling_by_definition_however_late_the_trials_are():
    first = random_first_spikes(6, 5, jitter=1.5)
    values = [
        tiling_by_definition(row[i], row[j], 1.0, 50.0)
        for row in first
        for i in range(5)
        for j in range(i + 1, 5)
        if np.isfinite(row[i]) and np.isfinite(row[j])
    ]
    for offset in (0.0, 1e8):
        table = recording(first, offset=offset)
        assert spike_time_tiling(table, everything(table), n_pairs=10) == pytest.approx(np.mean(values), rel=1e-6)


def test_what_elephant_cannot_do_in_one_long_trial_is_undefined():
    rng = np.random.default_rng(0)
    unit = np.repeat([0, 1, 2], 40)
    table = SpikeTable(
        rng.uniform(0, 6000, 120), unit, np.zeros(120), {"unit_id": range(3)}, {"start": [0.0], "stop": [6000.0]}
    )
    assert np.isfinite(spike_time_tiling(table, everything(table), dt=1.0))
    assert np.isnan(van_rossum(table, everything(table)).mean)


def test_van_rossum_by_definition():
    first, classes = random_first_spikes(6, 4), np.array([0, 0, 0, 1, 1, 1])
    table = recording(first, stimulus_class=classes)
    tau = 5.0

    def distance(a, b):
        squared = 0.0
        for s, t in zip(a, b, strict=True):
            present = np.isfinite([s, t])
            squared += present.sum() - (2 * np.exp(-abs(s - t) / tau) if present.all() else 0)
        return np.sqrt(squared)

    pairs = {(i, j): distance(first[i], first[j]) for i in range(6) for j in range(i + 1, 6)}
    result = van_rossum(table, everything(table), time_constant=tau)
    within = [d for (i, j), d in pairs.items() if classes[i] == classes[j]]
    between = [d for (i, j), d in pairs.items() if classes[i] != classes[j]]
    assert result.mean == pytest.approx(np.mean(list(pairs.values())), rel=1e-9)
    assert result.within == pytest.approx(np.mean(within), rel=1e-9)
    assert result.between == pytest.approx(np.mean(between), rel=1e-9)


def test_victor_purpura_by_definition():
    first = random_first_spikes(4, 3)
    table = recording(first)

    def distance(a, b):
        cost = 0.0
        for s, t in zip(a, b, strict=True):
            n_present = np.isfinite([s, t]).sum()
            cost += min(2.0, abs(s - t) / 4.0) if n_present == 2 else n_present
        return cost

    expected = np.mean([distance(first[i], first[j]) for i in range(4) for j in range(i + 1, 4)])
    result = victor_purpura(table, everything(table), time_scale=4.0)
    assert result.mean == pytest.approx(expected, rel=1e-9)
    assert np.isnan(result.within)
