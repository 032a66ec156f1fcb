"""The analysis of synchrony finds what was planted, says on what it rests, and refuses what it cannot know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from semsync import SpikeTable
from semsync.analysis import figures
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.extras import synchrony as module
from semsync.analysis.measures.synchrony import SYNCHRONY_MEASURES
from semsync.analysis.report.synchrony_section import section
from semsync.errors import InputError

N_TRIALS, DURATION = 40, 60.0
FAST = {"windows": ("all",), "n_permutations": 99, "n_sample_trials": 0, "n_repeats": 1}


def recording(seed: int = 0, **columns) -> SpikeTable:
    """Two areas of 15 units with the same rates: one with a volley of 0.3 ms in each trial, one without."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, DURATION, (N_TRIALS, 60))  # every unit twice, and its second spike in a volley of area A
    first[:, 30:45] = rng.uniform(10, 50, (N_TRIALS, 1)) + rng.normal(0, 0.3, (N_TRIALS, 15))
    trial, unit = np.indices(first.shape).reshape(2, -1)
    unit = unit % 30
    start = np.arange(N_TRIALS) * 100.0
    units = {"unit_id": np.arange(30), "area": np.repeat(["A", "B"], 15), "cluster": np.arange(30) % 3}
    trials = {"start": start, "stop": start + DURATION, **columns}
    return SpikeTable(first.ravel(), unit, trial, units, trials)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyze(recording(), also=["synchrony:n_surrogates=559"], **FAST)


def test_planted_synchrony_is_found_where_it_is(analysis):
    table = analysis.extras["synchrony"].set_index(["name", "measure"])
    assert set(table.index) == {(name, measure) for name in "AB" for measure in SYNCHRONY_MEASURES}
    planted, none = table.loc["A"], table.loc["B"]
    found = ["packet_shortest_half_ms", "packet_width_ms", "complexity", "synchronous_bins", "spike_time_tiling"]
    assert (planted.loc[found, "q_value"] < 0.05).all()
    assert (none["q_value"] > 0.05).all()
    width, error = planted.loc["packet_width_ms", ["observed", "observed_sem"]]
    assert abs(width - 0.3) < 3 * error < 0.1
    assert planted.loc["packet_width_ms", "ratio"] < 0.6
    assert planted.loc["synchronous_bins", "z"] > 3
    assert (table["n_surrogates"] == 559).all()
    assert (table["dither_ms"] == 5.0).all()
    assert (table["resolution_ms"] == 0).all()
    assert table.loc[("A", "complexity"), "n_units"] == 15


def test_observed_numbers_are_those_of_the_standard_tables(analysis):
    table = analysis.extras["synchrony"].set_index(["name", "measure"])
    for _, row in analysis.layers.iterrows():
        for measure, sem in (
            ("packet_shortest_half_ms", "packet_shortest_half_sem_ms"),
            ("packet_sd_ms", "packet_sd_sem_ms"),
        ):
            assert table.loc[(row["name"], measure), "observed"] == pytest.approx(row[measure])
            assert table.loc[(row["name"], measure), "observed_sem"] == pytest.approx(row[sem])


def test_complexity_table_counts_all_bins(analysis):
    table = analysis.extras["complexity"]
    for name in "AB":
        of_group = table[table["name"] == name]
        for column in ("n_bins", "surrogate_mean"):
            assert of_group[column].sum() == pytest.approx(N_TRIALS * (DURATION + 1))
    volleys = table[(table["name"] == "A") & (table["n_coincident"] >= 8)]
    assert volleys["n_bins"].sum() > 5 * max(volleys["surrogate_mean"].sum(), 1)


def test_the_same_seed_gives_the_same_result_in_batches_of_any_size(analysis, monkeypatch):
    monkeypatch.setattr(module, "_SPIKES_AT_ONCE", 30_000)
    again = analyze(recording(), also=["synchrony:n_surrogates=559"], **FAST)
    pd.testing.assert_frame_equal(again.extras["complexity"], analysis.extras["complexity"])
    pd.testing.assert_frame_equal(again.extras["synchrony"], analysis.extras["synchrony"])
    other = analyze(recording(), also=["synchrony:n_surrogates=559"], seed=1, **FAST)
    assert not other.extras["complexity"]["surrogate_mean"].equals(analysis.extras["complexity"]["surrogate_mean"])


@pytest.mark.parametrize("surrogate", ["dither_spikes", "trial_shuffling", "trial_shifting", "shuffle_isis"])
def test_first_spikes_and_groups_of_the_user(surrogate):
    done = analyze(
        recording(stimulus_class=np.arange(N_TRIALS) % 2), by="cluster", spike_mode="first",
        also=[f"synchrony:surrogate={surrogate},n_surrogates=839"], **FAST,
    )  # fmt: skip
    if surrogate == "shuffle_isis":
        assert "synchrony" not in done.extras
        assert any("no unit has two spikes in a trial" in sentence for sentence in done.lacks)
        return
    table = done.extras["synchrony"]
    assert list(dict.fromkeys(table["name"])) == ["0", "1", "2"]
    complexity = done.extras["complexity"]
    spikes = complexity["n_coincident"] * complexity["n_bins"]
    assert spikes.groupby(complexity["name"]).sum().tolist() == [10 * N_TRIALS] * 3  # one spike of each unit


def test_what_cannot_be_known_is_refused_or_said():
    with pytest.raises(InputError, match="n_surrogates = 20 cannot give a two-sided p-value"):
        analyze(recording(), also=["synchrony:n_surrogates=20"], **FAST)
    with pytest.raises(InputError, match="surrogate of analysis 'synchrony' must be one of dither_spikes"):
        analyze(recording(), also=["synchrony:surrogate=dithering"], **FAST)
    with pytest.raises(InputError, match=r"too small for 14 tests of synchrony .* unless 2 were; at least 559"):
        analyze(recording(), also=["synchrony:n_surrogates=558"], **FAST)
    decided = recording(decision_time=np.linspace(20, 50, N_TRIALS))
    options = FAST | {"windows": ("decision",)}
    done = analyze(decided, also=["synchrony:surrogate=trial_shuffling"], **options)
    assert "synchrony" not in done.extras
    assert any("trial_shuffling needs trials that could hold" in sentence for sentence in done.lacks)


def test_a_clock_is_no_synchrony():
    """On a grid of 1 ms, half as many spikes again are within 1 ms of each other as off it."""
    rng = np.random.default_rng(8)
    n = 30 * 20 * 6
    start = np.arange(30) * 200.0
    trials = {"start": start, "stop": start + 100}
    table = SpikeTable(
        rng.integers(0, 100, n), rng.integers(0, 20, n), rng.integers(0, 30, n), {"unit_id": range(20)}, trials
    )
    done = analyze(table, also=["synchrony:n_surrogates=279"], **FAST)
    rows = done.extras["synchrony"].set_index("measure")
    assert (rows["resolution_ms"] == 1).all()
    assert (rows["z"].abs() < 3).all()


def test_silent_and_single_units_have_no_numbers_and_no_tests():
    units = {"unit_id": [0, 1, 2], "area": ["silent", "one", "silent"]}
    trials = {"start": np.arange(9) * 50.0, "stop": np.arange(9) * 50.0 + 50}
    table = SpikeTable(np.linspace(1, 40, 9), np.ones(9), np.arange(9), units, trials)
    done = analyze(table, also=["synchrony:n_surrogates=279"], **FAST)
    table = done.extras["synchrony"].set_index(["name", "measure"])
    assert table.loc["silent", "observed"].drop("synchronous_bins").isna().all()
    assert table["p_value"].isna().all()
    assert section(done) is not None
    with pytest.raises(InputError, match="no two units"):
        figures.complexity_distributions(done)


def test_figures_show_the_tables(analysis):
    axes = figures.synchrony_against_surrogates(analysis)
    table = analysis.extras["synchrony"]
    for ax, measure in zip(axes, ("packet_shortest_half_ms", "packet_width_ms", "complexity"), strict=True):
        of_measure = table[table["measure"] == measure]
        drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
        np.testing.assert_array_equal(drawn["observed"], of_measure["observed"])
        (bars,) = ax.collections
        lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 4 * of_measure["surrogate_sd"])
        assert [text.get_text() for text in ax.texts] == ["*"] * int((of_measure["q_value"] < 0.05).sum())
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["A", "B"]
    panels = figures.complexity_distributions(analysis)
    assert [ax.get_title(loc="left") for ax in panels] == ["A", "B"]
    of_a = analysis.extras["complexity"]
    of_a = of_a[(of_a["name"] == "A") & (of_a["n_bins"] > 0) & (of_a["n_coincident"] > 0)]
    drawn = next(line for line in panels[0].lines if line.get_label() == "observed").get_ydata()
    np.testing.assert_array_equal(drawn[np.isfinite(drawn)], of_a["n_bins"])
    with pytest.raises(InputError, match="ask for it with"):
        figures.synchrony_against_surrogates(analyze(recording(), **FAST))
    with pytest.raises(InputError, match="has no window 'decision'"):
        figures.synchrony_against_surrogates(analysis, window="decision")


def test_report_says_which_groups_are_synchronous(analysis):
    found = section(analysis)
    about, words = found.drawings[0].words
    assert "559 surrogates by jitter_spikes (5 ms)" in about
    assert "Over all spikes, packets (shortest half) are sharper than in surrogates in A (" in words
    assert "in 1 of 2 groups they are not told apart" in words
    assert len(found.table.rows) == 14
    nothing = analyze(recording(), by="cluster", also=["synchrony:n_surrogates=839"], **FAST)
    assert section(nothing) is not None
    restored = Analysis.from_dict(analysis.to_dict())
    assert section(restored).drawings[0].words == found.drawings[0].words
