"""Surrogates of whole tables: the same distributions as Elephant's of single trains, and what each method keeps."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp, kstest

from semsync import SpikeTable
from semsync.analysis.measures.resolution import find_resolution
from semsync.analysis.measures.surrogates import SURROGATES, Surrogates
from semsync.errors import InputError

neo = pytest.importorskip("neo")
pq = pytest.importorskip("quantities")
elephant = pytest.importorskip("elephant.spike_train_surrogates")

N_DRAWS = 3000
TRAIN = np.array([4.0, 11.0, 14.5, 30.0, 33.5, 52.0, 71.0, 90.0])
DURATION = 100.0


def train_table(times=TRAIN, n_trials=N_DRAWS, t_start=0.0) -> SpikeTable:
    """The same train in every trial, so that one surrogate of the table is many of the train."""
    start = 1e5 + 150.0 * np.arange(n_trials)
    trials = {"start": start + t_start, "stop": start + DURATION, "onset": start}
    return SpikeTable(
        np.tile(times, n_trials), np.zeros(n_trials * len(times)), np.repeat(np.arange(n_trials), len(times)),
        {"unit_id": [0]}, trials,
    )  # fmt: skip


def of_ours(method: str, **options) -> np.ndarray:
    surrogate = Surrogates(train_table(), method, resolution=0, **options).draw_table(np.random.default_rng(1))
    return surrogate.times.reshape(N_DRAWS, len(TRAIN))


def of_elephants(name: str, **options) -> np.ndarray:
    np.random.seed(2)  # noqa: NPY002 - Elephant draws from numpy's global state
    random.seed(2)
    spiketrain = neo.SpikeTrain(TRAIN * pq.ms, t_stop=DURATION * pq.ms)
    drawn = getattr(elephant, name)(spiketrain, n_surrogates=N_DRAWS, **options)
    return np.array([np.sort(train.rescale("ms").magnitude) for train in drawn])


def recording(seed=0, n_trials=30, n_units=12, rate=0.05, duration=80.0, classes=None, t_start=-20.0) -> SpikeTable:
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate * duration, (n_trials, n_units))
    trial, unit = np.nonzero(count)
    times = rng.uniform(t_start, t_start + duration, count.sum())
    start = np.arange(n_trials) * 200.0 + t_start
    trials = {"start": start, "stop": start + duration, "onset": start - t_start}
    if classes is not None:
        trials["stimulus_class"] = classes
    units = {"unit_id": np.arange(n_units)}
    n_times = count[trial, unit]
    return SpikeTable(times, np.repeat(unit, n_times), np.repeat(trial, n_times), units, trials)


@pytest.mark.parametrize(
    ("method", "ours", "theirs"),
    [
        ("jitter_spikes", {"dither": 8.0}, {"bin_size": 8.0 * pq.ms}),
        ("shuffle_isis", {}, {}),
        (
            "dither_spikes_with_refractory_period",
            {"dither": 6.0, "refractory_period": 2.0},
            {"dither": 6.0 * pq.ms, "refractory_period": 2.0 * pq.ms},
        ),
    ],
)
def test_distributions_are_elephants(method, ours, theirs):
    name = "dither_spikes" if method.startswith("dither") else method
    mine, reference = of_ours(method, **ours), of_elephants(name, **theirs)
    for position in range(len(TRAIN)):
        assert ks_2samp(mine[:, position], reference[:, position]).pvalue > 0.005
    assert ks_2samp(np.diff(mine).ravel(), np.diff(reference).ravel()).pvalue > 0.005


def test_dithering_is_elephants_away_from_the_borders_and_reflected_at_them():
    mine = (
        Surrogates(train_table(), "dither_spikes", dither=6.0, resolution=0)
        .draw(np.random.default_rng(1))
        .times.reshape(N_DRAWS, -1)
    )
    reference = of_elephants("dither_spikes", dither=6.0 * pq.ms, edges=False)
    mine_sorted = np.sort(mine, axis=1)
    for position in range(1, len(TRAIN)):  # the first may cross the border, where Elephant sets it to 0 or drops it
        assert ks_2samp(mine_sorted[:, position], reference[:, position]).pvalue > 0.005
    first = mine[:, 0]  # 4 ms from the border: twice as often in the 2 ms that can be reached both ways
    assert first.min() >= 0
    assert first.max() <= 10
    assert np.mean(first < 2) == pytest.approx(2 * 2 / 12, abs=0.03)
    assert np.mean((first > 2) & (first < 10)) == pytest.approx(8 / 12, abs=0.03)


def test_trial_shifting_is_elephants():
    np.random.seed(2)  # noqa: NPY002 - Elephant draws from numpy's global state
    random.seed(2)
    trains = [neo.SpikeTrain(TRAIN * pq.ms, t_stop=DURATION * pq.ms) for _ in range(400)]
    reference = np.array([np.sort(t.rescale("ms").magnitude) for t in elephant.trial_shifting(trains, 20 * pq.ms)[0]])
    mine = of_ours("trial_shifting", dither=20.0)
    for position in range(len(TRAIN)):
        assert ks_2samp(mine[:, position], reference[:, position]).pvalue > 0.005
    moved = Surrogates(train_table(), "trial_shifting", dither=20.0, resolution=0).draw(np.random.default_rng(1)).times
    shift = np.mod(moved.reshape(N_DRAWS, -1) - TRAIN + DURATION / 2, DURATION)
    np.testing.assert_allclose(shift - shift[:, :1], 0, atol=1e-9)


@pytest.mark.parametrize("method", list(SURROGATES))
def test_every_method_keeps_counts_and_trials_borders_and_is_repeatable(method):
    table = recording(classes=np.arange(30) % 3)
    maker = Surrogates(table, method, dither=7.0)
    surrogate = maker.draw_table(np.random.default_rng(5))
    per_unit = table.counts()
    if method == "trial_shuffling":
        for label in range(3):
            members = table.trials["stimulus_class"] == label
            np.testing.assert_array_equal(
                np.sort(surrogate.counts()[members], axis=0), np.sort(per_unit[members], axis=0)
            )
    else:
        np.testing.assert_array_equal(surrogate.counts(), per_unit)
    assert np.all(surrogate.times >= surrogate.t_start[surrogate.trial])
    assert np.all(surrogate.times <= surrogate.t_stop[surrogate.trial])
    assert surrogate != table
    assert maker.draw_table(np.random.default_rng(5)) == surrogate
    assert maker.draw_table(np.random.default_rng(6)) != surrogate


@pytest.mark.parametrize("method", ["dither_spikes", "dither_spikes_with_refractory_period", "jitter_spikes"])
def test_displacement_stays_within_the_dither(method):
    table = recording()
    moved = Surrogates(table, method, dither=3.0).draw(np.random.default_rng(0)).times - table.times
    assert np.abs(moved).max() <= 3.0
    assert np.abs(moved).max() > 2.5
    assert abs(moved.mean()) < 0.2


def test_refractory_period_is_kept_where_the_recording_keeps_it():
    rng = np.random.default_rng(3)
    isis = 3.0 + rng.exponential(8.0, (200, 6))
    times = np.cumsum(isis, axis=1)
    unit = np.tile(np.arange(4), 50)
    start = np.arange(50) * 1000.0
    table = SpikeTable(
        times.ravel(), np.repeat(unit, 6), np.repeat(np.repeat(np.arange(50), 4), 6), {"unit_id": range(4)},
        {"start": start, "stop": start + 500},
    )  # fmt: skip
    for method, shortest in (("dither_spikes_with_refractory_period", 3.0), ("dither_spikes", 0.0)):
        surrogate = Surrogates(table, method, dither=10.0, refractory_period=3.0).draw_table(np.random.default_rng(0))
        train = surrogate.trial * 4 + surrogate.unit
        order = np.lexsort((surrogate.times, train))
        gaps = np.diff(surrogate.times[order])[np.diff(train[order]) == 0]
        assert (gaps.min() > 3.0 - 1e-9) == (shortest > 0)


def test_a_constant_rate_stays_constant_up_to_the_borders():
    rng = np.random.default_rng(0)
    table = SpikeTable(
        rng.uniform(0, 20, 20_000),
        np.zeros(20_000),
        np.zeros(20_000),
        {"unit_id": [0]},
        {"start": [0.0], "stop": [20.0]},
    )
    for dither in (4.0, 50.0):  # beyond the far border too
        moved = Surrogates(table, "dither_spikes", dither=dither).draw(rng).times
        assert kstest(moved, "uniform", args=(0, 20)).pvalue > 0.005


def test_trial_shuffling_moves_trains_as_a_whole_and_each_unit_by_itself():
    table = recording(n_trials=40, n_units=3)
    moved = Surrogates(table, "trial_shuffling").draw(np.random.default_rng(0))
    np.testing.assert_array_equal(moved.times, table.times)
    pairs = {(u, a, b) for u, a, b in zip(table.unit, table.trial, moved.trial, strict=True)}
    assert len({(u, a) for u, a, _ in pairs}) == len(pairs) == len({(u, b) for u, _, b in pairs})
    by_unit = [{a: b for u, a, b in pairs if u == unit} for unit in range(3)]
    shared = set(by_unit[0]) & set(by_unit[1])
    assert np.mean([by_unit[0][a] == by_unit[1][a] for a in shared]) < 0.2


def gridded(resolution: float, seed: int = 0, n_trials: int = 40, shift: float = 0.0) -> SpikeTable:
    """Spikes on a clock, in trials that begin and end anywhere."""
    rng = np.random.default_rng(seed)
    onset = 3e6 + np.cumsum(rng.uniform(100, 200, n_trials))
    trial = np.repeat(np.arange(n_trials), 50)
    ticks = np.round((onset[trial] + rng.uniform(0.5, 79.5, len(trial))) / resolution)
    times = ticks * resolution - onset[trial]
    trials = {"start": onset + shift, "stop": onset + 80, "onset": onset}
    return SpikeTable(times, rng.integers(0, 5, len(trial)), trial, {"unit_id": range(5)}, trials)


@pytest.mark.parametrize("resolution", [1.0, 0.1, 1 / 30])
@pytest.mark.parametrize("method", list(SURROGATES))
def test_surrogates_stay_on_the_clock_of_the_recording(resolution, method):
    table = gridded(resolution)
    assert find_resolution(table) == resolution
    surrogate = Surrogates(table, method, dither=4.0).draw_table(np.random.default_rng(0))
    absolute = surrogate.times + table.trials["onset"][surrogate.trial]
    if method != "trial_shuffling":  # which moves whole trains, with their time from onset
        np.testing.assert_allclose(absolute / resolution, np.round(absolute / resolution), atol=1e-4)
    np.testing.assert_array_equal(surrogate.counts().sum(axis=0), table.counts().sum(axis=0))
    off = Surrogates(table, method, dither=4.0, resolution=0)
    assert off.resolution == 0


def test_ticks_of_a_bin_are_equally_likely():
    times = np.tile(np.arange(0, 23.0), 400)
    trial = np.repeat(np.arange(400), 23)
    start = np.arange(400) * 50.0
    table = SpikeTable(times, np.zeros(len(times)), trial, {"unit_id": [0]}, {"start": start, "stop": start + 22})
    for moved, bins in (
        (Surrogates(table, "jitter_spikes", dither=5.0).draw(np.random.default_rng(1)).times, 5),
        (Surrogates(table, "jitter_spikes", dither=6.0).draw(np.random.default_rng(2)).times, 6),
    ):
        np.testing.assert_array_equal(np.minimum(moved // bins, 21 // bins), np.minimum(times // bins, 21 // bins))
        counts = np.bincount(moved.astype(int), minlength=23)
        assert chisquare(counts).pvalue > 0.005
    moved = Surrogates(table, "dither_spikes", dither=3.5).draw(np.random.default_rng(3)).times - table.times
    assert chisquare(np.bincount((moved[(times > 4) & (times < 18)] + 3).astype(int), minlength=7)).pvalue > 0.005


def test_a_clock_is_found_only_where_there_is_one():
    assert find_resolution(recording()) == 0
    mixed = gridded(1.0)
    times = mixed.times.copy()
    times[700] += 0.0123
    assert find_resolution(SpikeTable(times, mixed.unit, mixed.trial, mixed.units, mixed.trials)) == 0
    few = gridded(1.0).select(trials=np.arange(1))
    assert find_resolution(few.window(0, 5)) == 0
    with pytest.raises(InputError, match="moves no spike of a recording with a resolution of 1 ms"):
        Surrogates(mixed, "jitter_spikes", dither=0.5)


def test_odd_tables():
    empty = SpikeTable([], [], [], {"unit_id": [0]}, {"start": [0.0], "stop": [5.0]})
    instant = SpikeTable([2.0], [0], [0], {"unit_id": [0]}, {"start": [2.0], "stop": [2.0], "onset": [0.0]})
    border = SpikeTable([5.0, 0.0], [0, 0], [0, 0], {"unit_id": [0]}, {"start": [0.0], "stop": [5.0]})
    for method in SURROGATES:
        assert len(Surrogates(empty, method).draw(np.random.default_rng(0)).times) == 0
        assert Surrogates(instant, method).draw(np.random.default_rng(0)).times.tolist() == [2.0]
        moved = Surrogates(border, method, dither=2.0).draw(np.random.default_rng(0)).times
        assert moved.min() >= 0
        assert moved.max() <= 5


def test_what_cannot_be_done_is_refused():
    table = recording()
    with pytest.raises(InputError, match="one of dither_spikes"):
        Surrogates(table, "dithering")
    with pytest.raises(InputError, match="dither must be positive"):
        Surrogates(table, "jitter_spikes", dither=0.0)
    trials = {"start": [0.0, 10.0], "stop": [5.0, 20.0]}
    unequal = SpikeTable([1.0, 9.0], [0, 0], [0, 1], {"unit_id": [0]}, trials)
    with pytest.raises(InputError, match="0 to 5 ms from onset in common, and 1 of 2 spikes"):
        Surrogates(unequal, "trial_shuffling")
