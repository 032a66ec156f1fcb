"""Functional connections: known ones are found, null recordings are left alone, and known weights judge them."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.figures import connection_matrix, correlograms, precision_recall, render
from semsync.analysis.measures.connection_preferences import equal_preference
from semsync.analysis.measures.connection_truth import (
    agreement,
    precision_recall_curve,
    rank_correlation,
    ranking_auc,
    true_weights,
)
from semsync.analysis.measures.connections import ConnectionTest, find_connections
from semsync.analysis.measures.permutation import q_values
from semsync.analysis.report.extra_sections import extra_sections
from semsync.errors import InputError

FAST = {"n_permutations": 99, "n_sample_trials": 0, "n_repeats": 1}


@pytest.fixture(scope="module")
def study(load_study) -> ModuleType:
    return load_study("connections")


@pytest.mark.parametrize(
    ("kind", "predictor"),
    [
        ("rates that vary together", "jitter"),
        ("rates that vary together", "convolution"),
        ("rates locked to the stimulus", "shuffle"),
        ("first spikes, locked", "shuffle"),
        ("first spikes, latency shared", "aligned"),
    ],
)
def test_false_positives_are_as_many_as_stated(study, kind, predictor):
    """About 2,400 pairs each: 5 %, with a standard error of half a per cent where pairs are independent."""
    found = study.false_positives(kind, predictor, 6)
    assert found["n_pairs"] > 2300
    assert 0.033 < found["share"] < 0.067


def test_a_predictor_that_keeps_too_little_fails_where_it_should(study):
    assert study.false_positives("rates that vary together", "shuffle", 2)["share"] > 0.4
    assert study.false_positives("first spikes, latency shared", "shuffle", 2)["share"] > 0.1
    assert study.false_positives("first spikes, locked", "jitter", 2)["share"] > 0.4


@pytest.mark.parametrize("predictor", ["jitter", "convolution"])
def test_known_connections_are_found(study, predictor):
    found = study.recovery(predictor, 5)
    assert found["precision"]["mean"] > 0.9
    assert found["found per 100 backward pairs"]["mean"] < 1
    assert found["recall"]["mean"] > 0.93
    assert found["recall, efficacy above 0.04"]["mean"] == 1.0
    assert found["efficacy, found / true"]["mean"] == pytest.approx(1, abs=0.06)


def test_lag_and_sign_of_a_connection():
    rng = np.random.default_rng(0)
    n_trials = 100
    source = rng.uniform(0, 990, (n_trials, 25))
    driven = np.where(rng.random(source.shape) < 0.3, source + 3.1, rng.uniform(0, 1000, source.shape))
    other = rng.uniform(0, 1000, (n_trials, 25))
    after = np.min(np.abs(other[:, :, None] - source[:, None, :] - 3), axis=2)
    silenced = [(trial, time) for trial, time in zip(*np.nonzero(after > 2), strict=True)]
    times = [*source.ravel(), *driven.ravel(), *(other[trial, number] for trial, number in silenced)]
    unit = [*np.zeros(source.size), *np.ones(driven.size), *np.full(len(silenced), 2)]
    trial = [*np.repeat(np.arange(n_trials), 25)] * 2 + [trial for trial, _ in silenced]
    start = np.arange(n_trials) * 1000.0
    table = SpikeTable(
        times, np.array(unit, dtype=int), trial, {"unit_id": [0, 1, 2]}, {"start": start, "stop": start + 1000}
    )
    found = find_connections(table, [0], [1, 2], ConnectionTest(time_scale=20.0))
    assert found.sign.tolist() == [[1, -1]]
    assert np.all(found.p_value < 1e-6)
    assert found.peak_lag_ms[0, 0] == 3.0
    assert found.efficacy[0, 0] == pytest.approx(0.3, abs=0.03)
    assert found.efficacy[0, 1] < 0


def test_a_peak_elsewhere_makes_no_trough():
    """Spikes that two units have in common raise what jitter expects next to them; that is taken out again."""
    rng = np.random.default_rng(3)
    n_trials, n_units = 200, 12
    start = np.arange(n_trials) * 1000.0
    times, unit, trial = [], [], []
    for number in range(n_trials):
        common = rng.uniform(0, 999, 12)
        for row in range(n_units):
            own = rng.uniform(0, 1000, 8)
            times += [*common[rng.random(12) < 0.7], *own]
            unit += [row] * (len(times) - len(unit))
        trial += [number] * (len(times) - len(trial))
    table = SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units)}, {"start": start, "stop": start + 1000})
    for predictor in ("jitter", "convolution"):
        found = find_connections(table, np.arange(6), np.arange(6, 12), ConnectionTest(predictor=predictor))
        assert (found.p_value < 0.05).mean() < 0.2
        assert np.abs(found.efficacy).max() < 0.06


def test_equal_preference_beside_chance():
    rng = np.random.default_rng(0)
    classes = np.arange(40) % 4
    equal = classes[:, None] == classes
    tested = ~np.eye(40, dtype=bool)
    expected = np.where(equal, 20.0, 10.0) * rng.uniform(0.9, 1.1, equal.shape)
    specific = tested & (rng.random(equal.shape) < np.where(equal, 0.2, 0.05))
    found = equal_preference(specific, tested, expected, classes, classes, same_group=True, n_permutations=199)
    assert found.share == np.mean(equal[specific])
    assert found.chance == pytest.approx(9 / 39, abs=0.03)
    assert found.p_value == 1 / 200
    # Equal pairs have more expected coincidences than any other here: matched, most of the share needs no preference.
    assert found.chance + 0.2 < found.share_matched < found.share


def test_equal_preference_of_random_connections_is_at_chance():
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(200):
        of_source, of_target = rng.integers(-1, 3, 15), rng.integers(-1, 3, 20)
        tested = np.ones((15, 20), dtype=bool)
        found = equal_preference(
            rng.random((15, 20)) < 0.2, tested, tested * 9.0, of_source, of_target, same_group=False, n_permutations=99
        )
        p_values.append(found.p_value)
    assert 0.005 < np.mean(np.array(p_values) <= 0.05) < 0.11
    nothing = np.zeros((15, 20), dtype=bool)
    none = equal_preference(nothing, tested, tested * 9.0, of_source, of_target, same_group=False, n_permutations=99)
    assert none.n == 0
    assert np.isnan(none.share)


def test_agreement_against_plain_counting():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    weights = rng.normal(size=500) * (rng.random(500) < 0.3)
    score = weights + rng.normal(0, 0.5, 500)
    found = np.abs(score) > 0.8
    for smallest in (0.0, 0.7):
        true = [abs(w) >= smallest and w != 0 for w in weights]
        right = sum(t and f and (s > 0) == (w > 0) for t, f, s, w in zip(true, found, score, weights, strict=True))
        result = agreement(score, found, weights, smallest)
        assert (result.n_true, result.n_right) == (sum(true), right)
        assert result.precision == right / found.sum()
        assert result.recall == right / sum(true)
        assert result.auc == pytest.approx(roc_auc_score(true, np.abs(score)))
        recall, precision, threshold = precision_recall_curve(score, weights, smallest, n_points=10_000)
        at = np.searchsorted(-threshold, -0.8) - 1
        assert (recall[at], precision[at]) == (pytest.approx(result.recall), pytest.approx(result.precision))
    assert rank_correlation(np.arange(5.0), np.array([1.0, 2, 3, 4, 9])) == pytest.approx(1)
    assert np.isnan(ranking_auc(score, np.ones(500, dtype=bool)))


def small_network(seed: int = 0) -> NetworkDescription:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(5, 4)), rng.normal(size=(4, 3))]
    return NetworkDescription.from_weights(weights, LIFNeuron(10.0, 10.0), trial_duration=50.0)


def test_weights_are_found_for_the_units_that_were_recorded():
    network = small_network()
    units = network.unit_table()
    table = SpikeTable([], [], [], units, {"start": [0.0], "stop": [50.0]})
    forward = true_weights(table, network, np.arange(5), np.arange(5, 9))
    np.testing.assert_array_equal(forward, network.projections[0].weights)
    assert not true_weights(table, network, np.arange(5, 9), np.arange(5)).any()
    some = table.select(units=[1, 3, 6, 7, 8, 10])
    weights = true_weights(some, network, np.array([0, 1]), np.array([2, 4]))
    np.testing.assert_array_equal(weights, network.projections[0].weights[np.ix_([1, 3], [1, 3])])
    named = SpikeTable([], [], [], {**some.units, "unit_id": list("abcdef")}, some.trials)
    with pytest.raises(InputError, match="population 'input' has 5 units in the network, but 2 in the recording"):
        true_weights(named, network, np.array([0]), np.array([2]))
    with pytest.raises(InputError, match="unit column 'population' is needed"):
        true_weights(SpikeTable([], [], [], {"unit_id": [0]}, some.trials), network, np.array([0]), np.array([0]))


def driven_recording(seed: int = 0) -> tuple[SpikeTable, NetworkDescription]:
    """Ten inputs drive ten neurons of equal class, 2 ms later: a network whose synapses are its connections."""
    rng = np.random.default_rng(seed)
    n_trials, n = 150, 10
    classes = np.arange(n_trials) % 2
    weights = [np.where(rng.random((n, n)) < 0.3, 1.0, 0.0) * (np.arange(n)[:, None] % 2 == np.arange(n) % 2)]
    network = NetworkDescription.from_weights(weights, LIFNeuron(10.0, 10.0), trial_duration=500.0)
    times, unit, trial = [], [], []
    for number in range(n_trials):
        rate = np.where(np.arange(n) % 2 == classes[number], 16, 8)
        for i, count in enumerate(rng.poisson(rate)):
            source = rng.uniform(0, 495, count)
            times += [*source]
            unit += [i] * count
            for j in np.flatnonzero(weights[0][i]):
                driven = source[rng.random(count) < 0.15] + 2.2
                times += [*driven]
                unit += [n + j] * len(driven)
        for j, count in enumerate(rng.poisson(rate)):
            times += [*rng.uniform(0, 500, count)]
            unit += [n + j] * count
        trial += [number] * (len(times) - len(trial))
    start = np.arange(n_trials) * 500.0
    trials = {"start": start, "stop": start + 500, "stimulus_class": classes}
    return SpikeTable(times, unit, trial, network.unit_table(), trials), network


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    table, network = driven_recording()
    also = ["connections:time_scale=20", "correlograms:n_pairs=3,time_scale=20"]
    return analyze(table, windows=["all"], description=network, also=also, **FAST)


def test_tables_of_connections(analysis):
    summary = analysis.extras["connection_summary"]
    assert summary[["source", "target"]].values.tolist() == [["input", "output"], ["output", "input"]]
    forward, backward = summary.iloc[0], summary.iloc[1]
    assert forward["predictor"] == "jitter"
    assert (forward["n_pairs"], forward["n_tested"]) == (100, 100)
    listed = analysis.extras["connections"]
    found = listed[(listed["source"] == "input") & (listed["q_value"] < 0.05) & (listed["sign"] > 0)]
    assert len(found) == forward["n_excitatory"] > 10 > backward["n_excitatory"]
    assert (found["peak_lag_ms"] == 2.0).mean() > 0.8
    assert found["efficacy"].mean() == pytest.approx(0.15, abs=0.03)
    assert forward["share_equal"] == found["equal_class"].mean() > 0.9
    assert forward["share_equal_p_value"] == 0.01
    cells = analysis.extras["connection_classes"]
    assert cells[cells["source"] == "input"]["n_excitatory"].sum() == forward["n_excitatory"]
    assert cells[cells["source"] == "input"]["n_tested"].sum() == 100


def test_connections_are_held_against_weights(analysis):
    truth = analysis.extras["connection_truth"].set_index(["source", "criterion"])
    row = truth.loc[("input", "any synapse")]
    assert row["precision"] > 0.85
    assert row["recall"] > 0.95
    assert row["auc"] > 0.95
    listed = analysis.extras["connections"]
    significant = listed[(listed["source"] == "input") & (listed["q_value"] < 0.05)]
    right = ((significant["weight"] > 0) & (significant["sign"] > 0)).sum()
    assert row["precision"] == right / len(significant)
    assert truth.loc[("output", "any synapse")]["n_true"] == 0
    curve = analysis.extras["connection_curve"]
    assert set(curve["source"]) == {"input"}
    assert curve["recall"].max() == pytest.approx(1.0)


def test_correlograms_show_the_strongest_pairs(analysis):
    table = analysis.extras["correlograms"]
    assert table.groupby("pair").size().tolist() == [41] * 3
    strongest = analysis.extras["connections"].sort_values("p_value").iloc[0]
    first = table[table["pair"] == 0]
    assert first.iloc[0][["source_unit", "target_unit"]].tolist() == strongest[["source_unit", "target_unit"]].tolist()
    peak = first.loc[first["count"].idxmax()]
    assert peak["lag_ms"] == 2.0
    assert peak["count"] > peak["expected"] + 5 * peak["expected_sd"]
    assert peak["expected"] == pytest.approx(first["expected"].mean(), rel=0.4)


def test_figures_and_sections(analysis):
    for draw, n_panels in ((correlograms, 3), (connection_matrix, 1), (precision_recall, 1)):
        axes = draw(analysis)
        assert len(axes) >= n_panels
        assert all(ax.get_xlabel() for ax in axes)
        assert b"<svg" in render(axes, "svg")
    found = [section for section in extra_sections(analysis) if section is not None]
    assert [section.key for section in found] == ["connections", "correlograms"]
    assert "Benjamini-Hochberg over the 200 tested pairs" in found[0].paragraphs[0]
    assert [drawing.name for drawing in found[0].drawings] == ["connection_matrix", "precision_recall"]
    again = Analysis.from_dict(json.loads(json.dumps(analysis.to_dict(), allow_nan=False)))
    assert [section.key for section in extra_sections(again) if section] == ["connections", "correlograms"]


def test_figures_without_their_tables_are_refused(analysis):
    plain = Analysis.from_dict({**analysis.to_dict(), "extras": {}})
    for draw, message in (
        (correlograms, "no correlograms"),
        (connection_matrix, "no significant excitatory connections"),
        (precision_recall, "no true connections"),
    ):
        with pytest.raises(InputError, match=message):
            draw(plain)


def test_first_spikes_are_tested_against_aligned_trials(layered_recording):
    found = analyze(layered_recording(), windows=["all"], also=["connections"], **FAST)
    summary = found.extras["connection_summary"]
    assert set(summary["predictor"]) == {"aligned"}
    assert len(summary) == 6


def test_what_cannot_be_tested_is_said():
    trials = {"start": [0.0, 100.0], "stop": [100.0, 200.0], "stimulus_class": [0, 1]}
    table = SpikeTable([5.0, 6.0, 7.0], [0, 1, 0], [0, 0, 1], {"unit_id": [0, 1]}, trials)
    found = analyze(table, windows=["all"], also=["connections:predictor=shuffle"], **FAST)
    assert "The analysis 'connections' cannot shuffle trials: no class has two of them." in found.lacks
    assert not found.extras
    found = analyze(table, windows=["all"], also=["connections"], **FAST)
    assert "There is a single group of units: connections are tested within it." in found.lacks
    assert any("no connections were tested" in sentence for sentence in found.lacks)
    assert found.extras["connection_summary"]["n_tested"].tolist() == [0]
    assert all(section is None for section in extra_sections(found))
    with pytest.raises(InputError, match="no bin of 1 ms is centred between"):
        analyze(table, also=["connections:min_lag=0.2,max_lag=0.8"], **FAST)


def test_counts_need_bins_of_their_own():
    from semsync.analysis.recordings.binned import binned_table

    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (40, 3, 30))
    counts[:, 1, 1:] += rng.binomial(counts[:, 0, :-1], 0.5)
    table = binned_table({"counts": counts, "bin_edges_ms": np.arange(31) * 10.0})
    found = analyze(table, windows=["all"], also=["connections"], **FAST)
    assert any("needs a bin_size that is a multiple of their bins of 10 ms" in sentence for sentence in found.lacks)
    options = "bin_size=10,min_lag=10,max_lag=20,time_scale=50"
    listed = analyze(table, windows=["all"], also=[f"connections:{options}"], **FAST).extras["connections"]
    first = listed.iloc[0]
    assert (first["source_unit"], first["target_unit"], first["sign"], first["peak_lag_ms"]) == (0, 1, 1, 10.0)


def test_a_real_recording_has_no_more_than_chance(data_folder):
    """47 minutes of human temporal lobe, 35 units: 595 pairs with enough spikes, none of them connected."""
    from semsync.analysis.recordings import load_recording

    table = load_recording(data_folder / "recordings" / "dandi000207_sub-4_ses-4_ecephys+image.nwb")
    found = find_connections(table, np.arange(35), np.arange(35))
    p_value = found.p_value[np.isfinite(found.p_value)]
    assert len(p_value) == 595
    assert 0.03 < (p_value < 0.05).mean() < 0.07
    assert q_values(p_value).min() > 0.5
