"""Figures and sections on information, time course, decoding, correlations and sparseness show their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from semsync.analysis import figures
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.report.extra_sections import extra_sections
from semsync.errors import InputError


@pytest.fixture(scope="module")
def study(load_study):
    return load_study("information")


@pytest.fixture(scope="module")
def result(recording) -> Analysis:
    also = ["information+time-course+decoding+noise-correlations+sparseness"]
    return analyze(recording, windows=["all"], also=also, n_permutations=99, n_sample_trials=0, n_repeats=1)


def test_bias_falls_with_trials_and_corrections_take_most_of_it(study):
    table = study.bias_table([16, 64], n_repetitions=200)
    bias = table.set_index(["measure", "trials_per_class", "estimator"])["bias"]
    for measure in ("count, informative", "count, uninformative", "information gain"):
        assert bias[measure, 16, "plugin"] > bias[measure, 64, "plugin"] > 0
        for estimator in ("panzeri-treves", "quadratic"):
            assert abs(bias[measure, 64, estimator]) < 0.5 * bias[measure, 64, "plugin"]
    # Permuted counts are more variable than those of one class: subtracting their information goes too far.
    assert bias["count, informative", 16, "shuffle"] < -0.5 * bias["count, informative", 16, "plugin"]
    assert abs(bias["count, uninformative", 16, "shuffle"]) < 0.1 * bias["count, uninformative", 16, "plugin"]
    axes = figures.information_bias(table)
    assert axes.shape == (2, 3)
    assert [ax.get_title(loc="left") for ax in axes[0]] == list(dict.fromkeys(table["measure"]))
    assert axes[0, 0].get_ylabel() == "bias (bits)"
    assert axes[1, 2].get_ylabel() == "standard deviation"
    drawn = {line.get_label(): line.get_ydata() for line in axes[0, 0].lines}
    np.testing.assert_array_equal(drawn["quadratic"], bias.loc["count, informative", :, "quadratic"])


def test_the_study_draws_from_nulls_that_hold_no_information(study):
    for name, p_values in (*study.null_p_values(100, 2000), *study.null_p_values_of_groups(40, 30)):
        assert np.isfinite(p_values).all(), name
        assert np.mean(p_values <= 0.05) < 0.06 or len(p_values) < 1000, name


def test_information_by_unit_shows_every_tested_unit(result):
    table = result.extras["information"]
    axes = figures.information_by_unit(table)
    assert [ax.get_title(loc="left") for ax in axes] == ["spike count", "first-spike latency"]
    assert "bits" in axes[0].get_ylabel()
    for ax, response in zip(axes, ("count", "latency"), strict=True):
        tested = table[(table["response"] == response) & table["p_value"].notna()]
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        values = np.concatenate([line.get_ydata() for line in dots])
        np.testing.assert_allclose(np.sort(values), np.sort(tested["information_bits_panzeri_treves"]))
        filled = [line for line in dots if line.get_markerfacecolor() != "white"]
        assert sum(len(line.get_ydata()) for line in filled) == (tested["q_value"] <= 0.05).sum()
    with pytest.raises(InputError, match="no estimator 'jackknife'; it has plugin, miller_madow"):
        figures.information_by_unit(table, estimator="jackknife")
    with pytest.raises(InputError, match="no window 'decision'"):
        figures.information_by_unit(table, window="decision")


def test_time_course_shows_means_and_accuracies(result):
    table = result.extras["time_course"]
    bits, accuracy = figures.time_course(table)
    for number, name in enumerate(dict.fromkeys(table["name"])):
        rows = table[table["name"] == name]
        middle = (rows["t_start_ms"] + rows["t_stop_ms"]) / 2
        color = to_hex(bits.lines[number].get_color())
        np.testing.assert_array_equal(bits.lines[number].get_xydata(), np.c_[middle, rows["information_bits"]])
        mine = [line for line in accuracy.lines if to_hex(line.get_color()) == color]
        np.testing.assert_array_equal(mine[0].get_ydata(), rows["accuracy"])
        np.testing.assert_array_equal(mine[-1].get_ydata(), rows["permutation_accuracy_95"])
        n_filled = sum(len(line.get_xdata()) for line in mine[1:3] if line.get_markerfacecolor() != "white")
        assert n_filled == (rows["q_value"] <= 0.05).sum()
    assert "bits" in bits.get_ylabel()
    assert "(ms)" in accuracy.get_xlabel()
    with pytest.raises(InputError, match="no window 'decision'"):
        figures.time_course(table, window="decision")


def test_sections_say_what_the_tables_hold(result):
    sections = {section.key: section for section in extra_sections(result)}
    assert list(sections) == [
        "response-information",
        "time-course",
        "decoding-chance",
        "noise-correlations",
        "sparseness",
    ]
    informative = result.extras["information"]
    hidden = informative[(informative["name"] == "hidden_2") & (informative["response"] == "latency")]
    n_found, n_tested = (hidden["q_value"] <= 0.05).sum(), hidden["p_value"].notna().sum()
    words = " ".join(sections["response-information"].drawings[0].words)
    assert f"{n_found} of {n_tested} tested units of hidden 2" in words
    assert len(sections["decoding-chance"].table.rows) == len(result.extras["decoding"])
    assert len(sections["noise-correlations"].table.rows) == len(result.extras["noise_correlations"])
    assert len(sections["sparseness"].table.rows) == 4
    for section in sections.values():
        if section.table is not None:
            assert all(len(row) == len(section.table.head) for row in section.table.rows)
        for paragraph in (*section.paragraphs, *(word for drawing in section.drawings for word in drawing.words)):
            assert "nan" not in paragraph


def test_tables_without_a_tested_unit_have_no_section(result):
    nothing = {
        name: result.extras[name].assign(p_value=np.nan, information_bits=np.nan)
        for name in ("information", "time_course", "decoding")
    }
    empty = {"noise_correlations": pd.DataFrame(), "sparseness": pd.DataFrame()}
    quiet = Analysis(result.layers, result.units, result.packets, result.pathways, (), result.settings, nothing | empty)
    assert extra_sections(quiet) == [None] * 5
