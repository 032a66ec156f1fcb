"""Analyses held against each other: what is taken from their tables, what is held against what, and the sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.comparison import Comparison, Ensemble, compare
from semsync.analysis.comparison_measures import class_entropy, find_measures
from semsync.analysis.figures import comparison
from semsync.analysis.report import ComparisonReport, report_html
from semsync.errors import InputError

N_UNITS, N_TRIALS = 40, 50


def make_analysis(
    seed: int = 0,
    *,
    rates: Mapping[str, float],
    window: str = "all",
    auc: float = 0.6,
    settings: Mapping[str, Any] | None = None,
    **extras: pd.DataFrame,
) -> Analysis:
    """Groups of units with known mean rates, half of them informative, and packets of trials in two classes."""
    rng = np.random.default_rng(seed)
    groups = list(enumerate(rates.items()))
    layers = pd.DataFrame(
        {
            "window": window, "layer": range(len(groups)), "name": list(rates), "n_units": N_UNITS,
            "n_trials": N_TRIALS, "matched_size": 5.0, "decoding_accuracy": 0.75,
            "decoding_accuracy_sem": np.sqrt(0.75 * 0.25 / N_TRIALS), "chance_accuracy": 0.5, "jaccard_auc": auc,
            "fraction_informative": 0.5,
        }
    )  # fmt: skip
    units = [
        pd.DataFrame(
            {
                "window": window, "unit_id": np.arange(N_UNITS) + N_UNITS * layer, "layer": layer,
                "n_active_trials": N_TRIALS // 2, "rate_hz": rate + rng.normal(size=N_UNITS),
                "information_gain": np.where(np.arange(N_UNITS) < 10, np.nan, 0.1), "information_bits": 0.2,
                "q_value": np.where(np.arange(N_UNITS) % 2, 0.01, np.nan),
            }
        )
        for layer, (_, rate) in groups
    ]  # fmt: skip
    packets = [
        pd.DataFrame(
            {
                "window": window, "layer": layer, "name": name, "trial": np.arange(N_TRIALS),
                "stimulus_class": np.arange(N_TRIALS) % 2, "participation": rng.random(N_TRIALS), "packet_size": 9,
                "packet_sd_ms": np.nan,
            }
        )
        for layer, (name, _) in groups
    ]  # fmt: skip
    defaults = {"correction": "panzeri-treves", "spike_mode": "every", "alpha": 0.05, "by": None}
    return Analysis(
        layers, pd.concat(units), pd.concat(packets), pd.DataFrame(), (), defaults | dict(settings or {}), extras
    )


@pytest.fixture(scope="module")
def model() -> Ensemble:
    """Three seeds; hidden 2 has the rate of V1, and its seeds lie 1 apart."""
    return Ensemble(
        "model", {f"seed-{k}": make_analysis(k, rates={"hidden_1": 20 + k, "hidden_2": 5 + k}) for k in range(3)}
    )


@pytest.fixture(scope="module")
def mouse() -> Ensemble:
    return Ensemble("mouse", {"session": make_analysis(9, rates={"V1": 6.0, "LM": 12.0}, auc=0.5)})


def row_of(result: Comparison, measure: str, **where: str) -> pd.Series:
    rows = result.distances[result.distances["measure"] == measure]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return pd.Series(row)


def test_measures_are_those_of_the_tables(analysis: Analysis) -> None:
    taken = {m.key: m.take(analysis, "decision", "hidden 1") for m in find_measures([analysis])}
    layer = analysis.layers.query("window == 'decision' and name == 'hidden_1'").iloc[0]
    units = analysis.units.query("window == 'decision' and layer == 1")
    packets = analysis.packets.query("window == 'decision' and name == 'hidden_1'")
    for key in ("packet_size", "participation", "packet_sd_ms", "packet_shortest_half_ms"):
        np.testing.assert_array_equal(taken[key], packets[key].dropna())
        assert taken[key].mean() == pytest.approx(layer[key])
    assert taken["information_gain"].mean() == pytest.approx(layer["information_gain"])
    assert taken["information_bits"].mean() == pytest.approx(layer["mutual_information_bits"])
    assert taken["rate_hz"].mean() == pytest.approx(layer["rate_hz"])
    assert taken["fraction_informative"].mean() == pytest.approx(layer["fraction_informative"])
    assert taken["active_share"].mean() == pytest.approx(layer["participation"])
    assert taken["jaccard_auc"].tolist() == [layer["jaccard_auc"]]
    assert class_entropy(analysis, "decision") == pytest.approx(np.log2(3))
    np.testing.assert_allclose(taken["information_share"] * np.log2(3), units["information_bits"])
    accuracy, chance = layer["decoding_accuracy"], layer["chance_accuracy"]
    assert taken["decoding_above_chance"].mean() == pytest.approx((accuracy - chance) / (1 - chance))
    assert len(taken["decoding_above_chance"]) == 60


def test_an_analysis_differs_in_nothing_from_itself(analysis: Analysis) -> None:
    result = compare([Ensemble("one", {"a": analysis}), Ensemble("other", {"b": analysis})], n_resamples=100)
    found = result.distances
    assert set(found["window_a"]) == {"all", "decision"}
    assert (found["group_a"] == found["group_b"]).all()
    for column in ("difference", "wasserstein", "wasserstein_plugin", "ks", "ks_plugin", "distance_between_members"):
        assert found[column].abs().max() < 1e-12
    assert (found["difference_low"].dropna() <= 0).all()
    assert found["p_value"].isna().all()
    assert any("Without an ensemble there is no z" in note for note in result.notes)


def test_groups_without_a_common_name_are_all_held_against_each_other(model: Ensemble, mouse: Ensemble) -> None:
    result = compare([model, mouse], n_resamples=200)
    pairs = result.distances[["group_a", "group_b"]].drop_duplicates().itertuples(index=False, name=None)
    assert set(pairs) == {(a, b) for a in ("hidden 1", "hidden 2") for b in ("V1", "LM")}
    alike = row_of(result, "rate_hz", group_a="hidden 2", group_b="V1")
    other = row_of(result, "rate_hz", group_a="hidden 1", group_b="V1")
    assert abs(alike["z"]) < 1 < 10 < other["z"]
    assert other["q_value"] < 0.05 < alike["q_value"]
    assert (other["share_within_larger"], other["n_distances_within"]) == (0.0, 3)
    assert alike["share_within_larger"] > 0.5
    assert other["difference_low"] < 15 < other["difference_high"]
    assert other["wasserstein_low"] < 15 < other["wasserstein_high"]
    text = report_html(ComparisonReport("Model and mouse", result))
    assert "Of the groups of model, nearest to V1 of mouse (all spikes): " in text
    assert "hidden 2 in rate" in text


def test_what_is_held_against_the_spread_of_members(model: Ensemble, mouse: Ensemble) -> None:
    result = compare([model, mouse], groups=[("hidden_2", "V1")], n_resamples=100)
    means = result.values.query("measure == 'rate_hz' and group == 'hidden 2'")["mean"].to_numpy()
    row = row_of(result, "rate_hz")
    assert row["sd_within"] == pytest.approx(means.std(ddof=1))
    assert row["z"] == pytest.approx((means.mean() - row["mean_b"]) / means.std(ddof=1))
    assert row["mean_a"] - row["mean_b"] == pytest.approx(row["difference"])
    members = result.member_distances.query("measure == 'rate_hz'")
    within = members.query("of_a == of_b")["member_distance"]
    between = members.query("of_a != of_b")["member_distance"]
    assert (len(within), len(between)) == (3, 3)
    assert row["distance_between_members"] == pytest.approx(between.mean())
    assert row["distance_within_ensembles"] == pytest.approx(within.mean())
    assert row["share_within_larger"] == pytest.approx((within >= between.mean()).mean())
    assert row["distance_ratio"] == pytest.approx(between.mean() / within.mean())
    auc, decoding = row_of(result, "jaccard_auc"), row_of(result, "decoding_above_chance")
    assert np.isnan([auc["wasserstein"], decoding["wasserstein"], decoding["ks"]]).all()
    assert decoding["distance_between_members"] == pytest.approx(0)
    assert auc["difference"] == pytest.approx(0.1)
    found = [note for note in result.notes if "single analysis" in note or "3 members of model" in note]
    assert len(found) == 2


def test_maps_and_windows_fit_either_way_round(model: Ensemble) -> None:
    late = Ensemble("mouse", {"s": make_analysis(9, rates={"V1": 6.0, "LM": 12.0}, window="0..400 ms")})
    one = compare([model, late], windows=[("all", "0..400 ms")], groups=[("hidden 2", "V1")], n_resamples=100)
    other = compare([late, model], windows=[("all", "0..400 ms")], groups=[("hidden 2", "V1")], n_resamples=100)
    assert (one.distances["group_a"] == "hidden 2").all()
    assert (other.distances["group_a"] == "V1").all()
    np.testing.assert_allclose(one.distances["difference"], -other.distances["difference"], atol=1e-12)
    assert "Windows differ: model all spikes, mouse from 0 to 400 ms." in one.notes


def test_of_three_ensembles_those_that_are_alike_are_compared_in_what_both_have(
    model: Ensemble, mouse: Ensemble
) -> None:
    twin = Ensemble("twin", dict(model.members))
    pairs = [("hidden 1", "V1"), ("hidden 2", "hidden 1")]
    both = compare([model, twin], groups=pairs, measures=["rate_hz"], n_resamples=100).distances
    assert both[["group_a", "group_b"]].to_numpy().tolist() == [["hidden 2", "hidden 1"]]
    three = compare([model, twin, mouse], groups=pairs[:1], measures=["rate_hz"], n_resamples=100).distances
    assert three[["group_a", "group_b"]].to_numpy().tolist() == [
        ["hidden 1"] * 2,
        ["hidden 1", "V1"],
        ["hidden 1", "V1"],
    ]


def test_three_ensembles_are_three_pairs(model: Ensemble, mouse: Ensemble) -> None:
    rat = Ensemble("rat", {f"r{k}": make_analysis(20 + k, rates={"V1": 6.0 + k}) for k in range(2)})
    result = compare([model, mouse, rat], measures=["rate_hz"], n_resamples=100)
    assert result.distances[["ensemble_a", "ensemble_b"]].drop_duplicates().to_numpy().tolist() == [
        ["model", "mouse"],
        ["model", "rat"],
        ["mouse", "rat"],
    ]
    assert row_of(result, "rate_hz", ensemble_a="mouse", ensemble_b="rat")["group_a"] == "V1"
    axes = comparison(result)
    assert len(axes) == 1 + 3
    assert [ax.get_title(loc="left").split(":")[0] for ax in axes[1:]] == [
        "model and mouse",
        "model and rat",
        "mouse and rat",
    ]
    assert len(axes[0].get_xticks()) == 2 + 2 + 1


def test_additional_analyses_are_compared_where_all_have_them() -> None:
    def table(shift: float) -> pd.DataFrame:
        return pd.DataFrame(
            {"window": "all", "unit_id": np.arange(N_UNITS), "lifetime_sparseness": shift, "n_spikes": 3}
        )

    sides = [
        Ensemble(name, {"m": make_analysis(0, rates={"V1": 5.0}, sparseness_units=table(shift))})
        for name, shift in (("one", 0.3), ("other", 0.5))
    ]
    result = compare(sides, n_resamples=100)
    row = row_of(result, "sparseness_units.lifetime_sparseness")
    assert (row["over"], row["n_a"], row["difference"]) == ("units", N_UNITS, pytest.approx(-0.2))
    assert comparison(result)[-1].get_yticklabels()[-1].get_text() == "lifetime sparseness"
    assert not any("n_spikes" in key for key in result.distances["measure"])
    named = compare(sides, measures=["sparseness_units.n_spikes"], n_resamples=100)
    assert named.distances["mean_a"].tolist() == [3.0]


def test_windows_that_last_differently_are_said(recording: SpikeTable) -> None:
    short, long = (
        Ensemble(name, {"m": analyze(recording, windows=[(0, stop)], n_permutations=99, n_sample_trials=0)})
        for name, stop in (("short", 20), ("long", 45))
    )
    notes = compare([short, long], windows=[("0..20 ms", "0..45 ms")], n_resamples=100).notes
    assert "A window lasts 20 ms in short and 45 ms in long on average." in notes
    assert not any("lasts" in note for note in compare([short, Ensemble("twin", short.members)], n_resamples=100).notes)


def test_what_restricts_a_comparison_is_said(model: Ensemble) -> None:
    single = make_analysis(9, rates={"V1": 6.0}, settings={"correction": "plugin", "reading": {"span": "0,500"}})
    single = replace(
        single,
        layers=single.layers.assign(n_units=7, matched_size=3.0),
        packets=single.packets.assign(
            stimulus_class=np.arange(N_TRIALS) % 4, packet_sd_ms=1.0, packet_shortest_half_matched_ms=1.0
        ),
    )
    members = {
        key: replace(one, packets=one.packets.assign(packet_shortest_half_matched_ms=1.0))
        for key, one in model.members.items()
    }
    notes = compare([Ensemble("model", members), Ensemble("mouse", {"s": single})], n_resamples=100).notes
    for part in (
        "The bias correction differs: panzeri-treves in model, plugin in mouse.",
        "The window 'all' is that of the trials read: the whole trial of model, 0,500 of mouse.",
        "model has no SD of spike times.",
        "Packets were cut to 5 spikes in model and to 3 in mouse: their shortest halves are not compared",
        "Groups of model and mouse differ in their number of units",
        "The classes have 1.00 bits in model and 2.00 in mouse: read the mutual information as a share of them.",
    ):
        assert any(part in note for note in notes), part


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"groups": [("hidden 3", "V1")]},
            "the map hidden 3=V1 fits nothing: model has the groups 'hidden 1', 'hidden 2'",
        ),
        (
            {"windows": [("late", "all")]},
            "none of the windows that are asked for is in both: model has the windows 'all'",
        ),
        ({"measures": ["speed"]}, "there is no measure 'speed'; all analyses have rate_hz, "),
        ({"measures": ["packet_sd_ms"]}, "model and mouse have no measure in common"),
        ({"n_resamples": 5}, "n_resamples must be at least 100"),
        ({"confidence_level": 95}, r"confidence_level must lie in 0\.5\.\.1, got 95"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    model: Ensemble, mouse: Ensemble, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        compare([model, mouse], **change)


def test_windows_without_a_common_name(model: Ensemble) -> None:
    late = Ensemble("mouse", {"s": make_analysis(9, rates={"V1": 6.0}, window="0..400 ms")})
    with pytest.raises(InputError, match=r"no window is in both: .*pair them, as in --window all=0\.\.400 ms"):
        compare([model, late])
    with pytest.raises(InputError, match="at least two ensembles"):
        compare([model])
    with pytest.raises(InputError, match="a name of its own, got 'model', 'model'"):
        compare([model, model])


def test_the_figure_shows_what_the_tables_hold(model: Ensemble, mouse: Ensemble) -> None:
    result = compare([model, mouse], groups=[("hidden 2", "V1")], n_resamples=100)
    axes = comparison(result)
    measures = list(dict.fromkeys(result.distances["measure"]))
    assert len(axes) == len(measures) + 1
    rate = axes[measures.index("rate_hz")]
    assert rate.get_ylabel() == "rate (Hz)"
    assert [label.get_text() for label in rate.get_xticklabels()] == ["h2", "V1"]
    means = [float(c.lines[0].get_ydata()[0]) for c in rate.containers]
    assert means == pytest.approx([row_of(result, "rate_hz")[f"mean_{end}"] for end in "ab"])
    shown = axes[-1].images[0].get_array()
    assert float(shown[measures.index("rate_hz"), 0]) == pytest.approx(
        max(1.0, row_of(result, "rate_hz")["distance_ratio"])
    )
    with pytest.raises(InputError, match="no window 'late'; it has 'all'"):
        comparison(result, window="late")
