"""Decoding, sparseness and noise correlations of groups of units, through an analysis."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.measures import decode, q_values
from semsync.analysis.measures.sparseness import sparseness


@pytest.fixture(scope="module")
def result(two_areas) -> Analysis:
    also = ["decoding+sparseness+noise-correlations"]
    return analyze(two_areas, windows=["all"], also=also, n_permutations=99, n_sample_trials=0, n_repeats=1)


def test_decoding_beside_the_standard_table(result, two_areas):
    table = result.extras["decoding"]
    assert len(table) == 2 * 3 * 2
    by_group = table.set_index(["features", "decoder", "name"])
    standard = result.layers.set_index("name")
    for area in "AB":
        for features, decoder, column in (
            ("activity", "nearest-mean", "decoding_accuracy"),
            ("activity", "linear", "decoding_accuracy_linear"),
            ("latency", "nearest-mean", "decoding_accuracy_latency"),
        ):
            assert by_group["accuracy"][features, decoder, area] == standard[column][area]
        assert by_group["chance_accuracy"]["count", "linear", area] == standard["chance_accuracy"][area]
    of_counts = by_group.loc["count"]
    assert of_counts["p_value"]["nearest-mean", "A"] == of_counts["p_value"]["linear", "A"] == 0.01
    assert (of_counts["permutation_accuracy_95"] > of_counts["permutation_accuracy"]).all()
    assert of_counts["accuracy"]["linear", "A"] > of_counts["permutation_accuracy_95"]["linear", "A"]
    assert of_counts["p_value"]["linear", "B"] > 0.05
    for kind in ("", "balanced_"):
        np.testing.assert_array_equal(table[f"{kind}q_value"], q_values(table[f"{kind}p_value"]))
    expected = decode(
        two_areas.counts()[:, :6], two_areas.trials["stimulus_class"], decoder="linear", n_permutations=99
    )
    assert of_counts["balanced_accuracy"]["linear", "A"] == expected.balanced_accuracy
    confusion = result.extras["decoding_confusion"]
    chosen = confusion[(confusion[["features", "decoder", "name"]] == ["count", "linear", "A"]).all(axis=1)]
    np.testing.assert_array_equal(chosen["n_trials"].to_numpy().reshape(3, 3), expected.confusion)
    np.testing.assert_allclose(chosen.groupby("stimulus_class")["share"].sum(), 1)


def test_sparseness_of_units_and_groups(result, two_areas):
    units, groups = result.extras["sparseness_units"], result.extras["sparseness"].set_index("name")
    counts, classes = two_areas.counts(), two_areas.trials["stimulus_class"]
    for u in range(12):
        means = np.array([[counts[classes == k, u].mean()] for k in range(3)])
        assert units["lifetime_sparseness"][u] == pytest.approx(sparseness(means)[0])
    assert (units["p_value"][:6] == 0.01).all()
    assert (units["lifetime_sparseness"][:6] > 3 * units["permutation_lifetime_sparseness"][:6]).all()
    assert groups["population_sparseness"]["B"] == pytest.approx(np.nanmean(sparseness(counts[:, 6:], axis=1)))
    assert groups["lifetime_sparseness"]["A"] == pytest.approx(units["lifetime_sparseness"][:6].mean())


def test_noise_correlations_within_and_between_areas(result):
    groups, pairs = result.extras["noise_correlations"], result.extras["noise_correlation_pairs"]
    assert groups[["name_1", "name_2", "n_pairs"]].to_numpy().tolist() == [
        ["A", "A", 15],
        ["A", "B", 36],
        ["B", "B", 15],
    ]
    assert groups["p_value"][0] == 0.01
    assert groups["noise_correlation"][0] > 0.15
    assert (groups["noise_correlation"][1:].abs() < 0.1).all()
    assert len(pairs) == 66
    np.testing.assert_allclose(pairs["fisher_z"], np.arctanh(pairs["noise_correlation"]))
    np.testing.assert_array_equal(pairs["q_value"], q_values(pairs["p_value"]))
    within = pairs[(pairs["name_1"] == "A") & (pairs["name_2"] == "A")]
    assert groups["noise_correlation"][0] == pytest.approx(within["noise_correlation"].mean())
    same = (within["unit_id_1"] % 3) == (within["unit_id_2"] % 3)
    assert within["signal_correlation"][same].min() > 0.9
    assert within["signal_correlation"][~same].max() < 0


def test_a_large_group_is_sampled_and_it_is_said(two_areas):
    result = analyze(
        two_areas, windows=["all"], also=["noise-correlations:max_units=8"], n_permutations=19, n_sample_trials=0
    )
    assert result.extras["noise_correlations"]["n_units_1"].tolist() == [4, 4, 4]
    assert any("are of 8 of 12 active units, drawn from every group" in sentence for sentence in result.lacks)


def test_without_classes_variability_is_that_over_all_trials(two_areas):
    trials = {name: column for name, column in two_areas.trials.items() if name != "stimulus_class"}
    table = SpikeTable(two_areas.times, two_areas.unit, two_areas.trial, two_areas.units, trials)
    also = ["decoding+sparseness+noise-correlations"]
    result = analyze(table, windows=["all"], also=also, n_permutations=19, n_sample_trials=0)
    assert "decoding" not in result.extras
    counts = table.counts()
    pairs = result.extras["noise_correlation_pairs"]
    assert pairs["noise_correlation"][0] == pytest.approx(np.corrcoef(counts[:, 0], counts[:, 1])[0, 1])
    assert pairs["signal_correlation"].isna().all()
    assert result.extras["sparseness_units"]["lifetime_sparseness"].isna().all()
    assert result.extras["sparseness"]["population_sparseness"].notna().all()
    assert sum("Without stimulus classes" in sentence for sentence in result.lacks) == 2
