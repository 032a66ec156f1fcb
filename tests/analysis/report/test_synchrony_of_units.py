"""Sections and figures on coincidences, unitary events and patterns show the numbers of their tables."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis import figures
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.report.extra_sections import extra_sections
from semsync.errors import InputError

ALSO = (
    "coincidences:n_surrogates=499,classes=each",
    "unitary-events:win_size=50,win_step=25,max_sets=100,min_trials=8",
    "patterns:n_surrogates=39,min_occ=10",
)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Five Poisson units in 16 trials of two classes; the first three spike together in each, near 100 ms."""
    rng = np.random.default_rng(0)
    train = np.repeat(np.arange(16 * 5), rng.poisson(6.0, 16 * 5))
    joint = np.repeat(100 + 20 * rng.random(16), 3)
    times = np.concatenate([rng.random(len(train)) * 300, joint])
    unit, trial = (
        np.concatenate([train % 5, np.tile([0, 1, 2], 16)]),
        np.concatenate([train // 5, np.repeat(np.arange(16), 3)]),
    )
    trials = {
        "start": 1000.0 * np.arange(16),
        "stop": 1000.0 * np.arange(16) + 300,
        "stimulus_class": np.arange(16) % 2,
    }
    table = SpikeTable(times, unit, trial, {"unit_id": np.arange(5) + 10}, trials)
    return analyze(table, windows=["all"], also=ALSO, n_sample_trials=0, n_permutations=99)


def test_every_analysis_has_its_section(analysis):
    sections = {section.key: section for section in extra_sections(analysis) if section}
    assert {"coincidences", "unitary-events", "patterns"} <= set(sections)
    for section in sections.values():
        names = [drawing.name for drawing in section.drawings]
        assert len(names) == len(set(names)) >= 1
    rows = analysis.extras["coincidences"]
    n_found = int((rows["q_value"] < 0.05).sum())
    assert n_found > 0
    (words,) = sections["coincidences"].drawings[0].words
    assert f"{n_found} of {len(rows)} tests of 10 pairs of units" in words
    assert sections["coincidences"].table.rows[0][1].startswith(("10–11", "10–12", "11–12"))
    unitary = analysis.extras["unitary_events"]
    best = unitary.loc[unitary["p_value"].idxmin()]
    (words,) = sections["unitary-events"].drawings[0].words
    assert f"of units {best['unit_id_1']} and {best['unit_id_2']}, is {best['Js']:.2f}" in words
    row = sections["patterns"].table.rows[0]
    assert row[1:3] == ["10, 11, 12", "0, 0, 0"]
    assert int(row[3]) >= 16


def test_sections_survive_results_json(analysis):
    again = Analysis.from_dict(analysis.to_dict())
    assert [section.key for section in extra_sections(again)] == [section.key for section in extra_sections(analysis)]


def test_coincidences_as_points_and_by_name(analysis):
    table = analysis.extras["coincidences"]
    drawn = np.concatenate([line.get_ydata() for line in figures.coincidences(table).lines[1:]])
    np.testing.assert_array_equal(np.sort(drawn), np.sort(table["observed"]))
    few = table[(table["unit_id_1"] == 10) & (table["unit_id_2"] <= 12)]
    ax = figures.coincidences(few)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        f"10–{unit}, class {label}" for label in (0, 1) for unit in (11, 12)
    ]
    dots = {point for line in ax.lines if line.get_marker() == "o" for point in zip(*line.get_data(), strict=True)}
    assert dots == set(zip(few["observed"], range(len(few))[::-1], strict=True))
    with pytest.raises(InputError, match="no tested rows in window 'decision'"):
        figures.coincidences(table, window="decision")


def test_unitary_events_of_the_chosen_units(analysis):
    table = analysis.extras["unitary_events"]
    rows = table[(table["unit_id_1"] == 12) & (table["unit_id_2"] == 13)]
    rates, counts, surprise = figures.unitary_events(table, units=(12, 13))
    np.testing.assert_array_equal(rates.lines[0].get_ydata(), rows["rate_1_hz"])
    np.testing.assert_array_equal(counts.lines[0].get_ydata(), rows["n_emp"])
    np.testing.assert_allclose(surprise.lines[-1].get_ydata(), np.clip(rows["Js"], -6, 6))
    with pytest.raises(InputError, match="no unitary events of units"):
        figures.unitary_events(table, units=(12, 99))


def test_patterns_with_and_without_any(analysis):
    spectrum, found = analysis.extras["pattern_spectrum"], analysis.extras["patterns"]
    left, right = figures.patterns(spectrum, found)
    n_dots = sum(len(dots.get_offsets()) for dots in left.collections)
    assert n_dots == len(spectrum)
    assert [tick.get_text() for tick in right.get_yticklabels()] == [f"{n} times" for n in found["n_occurrences"]]
    nothing = figures.patterns(spectrum, found.iloc[:0])[1]
    assert nothing.texts[0].get_text() == "no significant pattern"
