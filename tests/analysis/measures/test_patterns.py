"""SPADE finds the pattern that was put in, where it was put, and nothing among independent units."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.measures.patterns import PatternSettings, spade_patterns
from semsync.errors import InputError

SMALL = {"n_sample_trials": 0, "n_permutations": 99}
LAGS = (0.0, 10.0, 25.0, 25.0)
UNITS = (7, 2, 4, 5)


def recording(n_injected: int, n_units: int = 8, n_trials: int = 12, rate: float = 5.0, seed: int = 0) -> SpikeTable:
    """Poisson units over 1 s from -200 ms; in the first trials, one pattern each, at 300 ms and 7 ms later a trial."""
    rng = np.random.default_rng(seed)
    train = np.repeat(np.arange(n_trials * n_units), rng.poisson(rate, n_trials * n_units))
    times, unit, trial = -200 + 1000 * rng.random(len(train)), train % n_units, train // n_units
    first = 300.5 + 5.0 * np.arange(n_injected)
    times = np.concatenate([times, *(first + lag for lag in LAGS)])
    unit = np.concatenate([unit, np.repeat(UNITS, n_injected)])
    trial = np.concatenate([trial, np.tile(np.arange(n_injected), len(UNITS))])
    onset = 5000.0 * np.arange(n_trials) + 1000
    trials = {"start": onset - 200, "stop": onset + 800, "onset": onset}
    return SpikeTable(times, unit, trial, {"unit_id": [f"u{i}" for i in range(n_units)]}, trials)


def test_injected_pattern_is_found_with_its_lags_and_times():
    analysis = analyze(recording(12), windows=["all"], also=["patterns:n_surrogates=39,min_occ=5"], **SMALL)
    patterns = analysis.extras["patterns"]
    best = patterns.iloc[0]
    assert best["unit_ids"] == "u7,u2,u4,u5"
    assert best["lags_ms"] == "0,10,25,25"
    assert best["n_occurrences"] >= 12
    assert best["p_value"] == 1 / 40
    assert best["q_value"] < 0.05
    assert best["n_surrogates"] == 39
    # Its parts occur as often, and are left out as explained by it.
    assert len(patterns) <= 2
    occurrences = analysis.extras["pattern_occurrences"]
    found = {(row.trial, row.time_ms) for row in occurrences[occurrences["pattern"] == 0].itertuples()}
    assert found >= {(trial, 300.0 + 5 * trial) for trial in range(12)}
    spectrum = analysis.extras["pattern_spectrum"]
    np.testing.assert_allclose(spectrum["p_value"] * 40, np.round(spectrum["p_value"] * 40))
    assert (4, best["n_occurrences"]) in set(zip(spectrum["n_spikes"], spectrum["n_occurrences"], strict=True))


def test_independent_units_have_no_pattern():
    found = spade_patterns(recording(0, rate=10.0, seed=1), PatternSettings(n_surrogates=79, min_occ=4), 1)
    assert found.patterns == ()
    assert sum(found.signatures["n_patterns"]) > 0
    assert min(found.signatures["p_value"]) > 0.02


def test_occurrences_are_those_of_a_loop():
    table = recording(12, seed=4)
    best = spade_patterns(table, PatternSettings(n_surrogates=39, min_occ=8), 0).patterns[0]
    n_found = 0
    for trial in range(table.n_trials):
        bins = [
            set(((table.times[(table.trial == trial) & (table.unit == unit)] + 200) // 5).tolist())
            for unit in best.units
        ]
        n_found += sum(all(b + lag / 5 in bins[i] for i, lag in enumerate(best.lags)) for b in bins[0])
    assert n_found == len(best.times)


def test_patterns_do_not_join_the_end_of_a_trial_and_the_start_of_the_next():
    times = np.concatenate([np.full(10, 99.0), np.full(10, 1.0), np.full(10, 11.0)])
    trial = np.concatenate([np.arange(10), np.arange(1, 11), np.arange(1, 11)])
    start = 100.0 * np.arange(11)
    table = SpikeTable(
        times, np.repeat([0, 1, 2], 10), trial, {"unit_id": [0, 1, 2]}, {"start": start, "stop": start + 100}
    )
    assert spade_patterns(table, PatternSettings(n_surrogates=19)).signatures["n_spikes"] == []
    two = spade_patterns(table, PatternSettings(n_surrogates=19, min_spikes=2))
    assert (two.signatures["n_spikes"], two.signatures["n_occurrences"]) == ([2], [10])


def test_bursts_of_one_unit_are_no_pattern_unless_asked_for():
    table = recording(0)
    burst = (100.0 + np.arange(12)[:, None] + np.array([0.0, 10.0, 20.0])).ravel()
    unit, trial = np.full(36, 3), np.repeat(np.arange(12), 3)
    table = SpikeTable(
        np.concatenate([table.times, burst]),
        np.concatenate([table.unit, unit]),
        np.concatenate([table.trial, trial]),
        table.units,
        table.trials,
    )
    assert spade_patterns(table, PatternSettings(n_surrogates=39, min_occ=8)).patterns == ()
    one = spade_patterns(table, PatternSettings(n_surrogates=39, min_occ=8, min_neu=1)).patterns[0]
    assert (one.units, one.lags) == ((3, 3, 3), (0.0, 10.0, 20.0))


def test_too_much_is_refused():
    with pytest.raises(InputError, match="up to 100 units, and there are 101: choose some"):
        analyze(recording(0, n_units=101, rate=0.1), windows=["all"], also=["patterns"], **SMALL)
    with pytest.raises(InputError, match="at least 19 are needed"):
        analyze(recording(0), windows=["all"], also=["patterns:n_surrogates=10"], **SMALL)
    with pytest.raises(InputError, match=r"too small for .* signatures of patterns"):
        analyze(recording(0), windows=["all"], also=["patterns:n_surrogates=19,min_spikes=2,min_occ=2"], **SMALL)
    with pytest.raises(InputError, match="dither must be at least twice bin_size"):
        analyze(recording(0), windows=["all"], also=["patterns:dither=5"], **SMALL)


def test_a_search_that_runs_out_of_memory_is_refused():
    # Thirty units, 80 % of which spike in the same bin of every trial: patterns without end.
    rng = np.random.default_rng(0)
    trial, unit = np.nonzero(rng.random((100, 30)) < 0.8)
    start = 100.0 * np.arange(100)
    table = SpikeTable(
        np.full(len(trial), 50.0), unit, trial, {"unit_id": np.arange(30)}, {"start": start, "stop": start + 90}
    )
    with pytest.raises(InputError, match=r"more than max_memory = 1 GB: raise min_occ"):
        analyze(table, windows=["all"], also=["patterns:winlen=1,min_occ=10,max_memory=1"], **SMALL)


def test_elephant_without_its_miner_is_refused(monkeypatch):
    monkeypatch.setattr("elephant.spade.HAVE_FIM", False)
    with pytest.raises(InputError, match="need the compiled miner"):
        spade_patterns(recording(0), PatternSettings())


def test_the_study_of_false_positives_holds_in_small(load_study):
    found = load_study("patterns").false_positives("jitter_spikes", 60)
    assert found["share_with_a_pattern_found"] <= found["share_of_most_frequent_randomised"] <= 9 / 60
