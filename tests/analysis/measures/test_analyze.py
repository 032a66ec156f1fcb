from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.analysis.analyze import TABLES, Analysis, analyze
from semsync.analysis.measures import apply_window, find_window, information_gain, pulse_packets
from semsync.errors import InputError

FAST = {"n_permutations": 199, "n_sample_trials": 6, "n_sample_units": 5, "n_repeats": 3}


def network(seed: int) -> NetworkDescription:
    rng = np.random.default_rng(seed)
    sizes = (30, 32, 32, 4)
    cell_types = [["-"] * n if n < 32 else ["E"] * 24 + ["I"] * 8 for n in sizes]
    weights = [rng.normal(0, 1, shape) for shape in pairwise(sizes)]
    neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
    return NetworkDescription.from_weights(weights, neuron, cell_types=cell_types, trial_duration=50.0)


@pytest.fixture
def analysis(layered_recording) -> Analysis:
    return analyze(layered_recording(), description=network(0), control=network(1), **FAST)


def row(analysis: Analysis, window: str, name: str) -> pd.Series:
    layers = analysis.layers
    return layers[(layers["window"] == window) & (layers["name"] == name)].iloc[0]


def test_tables_have_their_rows(analysis):
    assert analysis.layers.groupby("window")["name"].apply(list)["decision"] == [
        "input",
        "hidden_1",
        "hidden_2",
        "output",
    ]
    assert len(analysis.units) == 2 * 98
    n_decided = row(analysis, "decision", "input")["n_trials"]
    assert 100 < n_decided < 120
    assert len(analysis.packets) == 4 * (120 + n_decided)
    assert analysis.pathways.groupby(["window", "network", "kind"]).size().to_dict() == {
        (window, net, kind): n
        for window in ("all", "decision")
        for net in ("network", "control")
        for kind, n in (("direct", 1), ("product", 2))
    }


def test_layers_tell_the_generated_story(analysis):
    loose, sharp = row(analysis, "decision", "hidden_1"), row(analysis, "decision", "hidden_2")
    assert sharp["packet_sd_ms"] < 0.3 * loose["packet_sd_ms"]
    assert sharp["packet_shortest_half_matched_ms"] < 0.3 * loose["packet_shortest_half_matched_ms"]
    assert sharp["information_gain_E"] > 2 * loose["information_gain_E"] > 0
    assert sharp["fraction_informative"] == 1.0
    assert sharp["jaccard_ratio"] > loose["jaccard_ratio"] > 1
    assert sharp["decoding_accuracy"] > 0.95 > sharp["chance_accuracy"] == pytest.approx(0.25, abs=0.03)


def test_numbers_are_those_of_the_measures(analysis, layered_recording):
    table = layered_recording()
    window = find_window(table, "decision")
    cut = apply_window(table, window)
    rows = np.flatnonzero(table.units["layer"] == 2)
    packets = pulse_packets(cut, rows)
    found = row(analysis, "decision", "hidden_2")
    assert found["packet_size"] == packets.size.mean()
    assert found["packet_shortest_half_ms"] == np.nanmean(packets.shortest_half)
    assert found["packet_size_sem"] == pytest.approx(packets.size.std(ddof=1) / np.sqrt(len(packets.size)))
    of_trial = analysis.packets.query("window == 'decision' and name == 'hidden_2'")
    np.testing.assert_array_equal(of_trial["packet_size"], packets.size)
    np.testing.assert_array_equal(of_trial["trial"], np.flatnonzero(window.included))
    gain = information_gain(np.isfinite(cut.first_spikes()), cut.trials["stimulus_class"], correction="panzeri-treves")
    inhibitory = rows[table.units["cell_type"][rows] == "I"]
    assert found["information_gain_I"] == np.nanmean(gain[inhibitory])


def test_units_that_prefer_a_class_are_found(analysis):
    units = analysis.units.query("window == 'all' and layer == 2")
    assert units["preferred_class"].tolist() == [i % 4 for i in range(32)]
    assert (units["p_value"] == 1 / 200).all()


def test_round_trip_through_json(analysis):
    text = json.dumps(analysis.to_dict(), allow_nan=False)
    back = Analysis.from_dict(json.loads(text))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(analysis, name))
    assert (back.lacks, back.settings) == (analysis.lacks, analysis.settings)
    assert "packets" not in analysis.to_dict(tables=["layers"])
    with pytest.raises(InputError, match="not the dictionary of an analysis"):
        Analysis.from_dict({"accuracy": 1.0})


def test_same_seed_same_result(analysis, layered_recording):
    again = analyze(layered_recording(), description=network(0), control=network(1), **FAST)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(analysis, name))


def test_a_recording_that_lacks_everything_is_still_analysed():
    rng = np.random.default_rng(0)
    n_spikes = 600
    table = SpikeTable(
        rng.uniform(0, 100, n_spikes),
        rng.integers(0, 2, n_spikes),
        rng.integers(0, 30, n_spikes),
        {"unit_id": ["left", "right"]},
        {"start": np.arange(30) * 100.0, "stop": np.arange(30) * 100.0 + 100},
    )
    analysis = analyze(table, **FAST)
    assert analysis.layers["name"].tolist() == ["all units"]
    assert analysis.layers["packet_size"].tolist() == [20.0]
    assert analysis.layers["decoding_accuracy"].isna().all()
    assert analysis.units["information_bits"].isna().all()
    assert len(analysis.pathways) == 0
    lacks = " ".join(analysis.lacks)
    for missing in ("decision times", "neither layers nor areas", "no stimulus classes", "no cell types"):
        assert missing in lacks
    Analysis.from_dict(json.loads(json.dumps(analysis.to_dict(), allow_nan=False)))


@pytest.mark.parametrize("n_units", [1, 3])
def test_silence_is_analysed(n_units):
    trials = {"start": np.arange(12) * 10.0, "stop": np.arange(12) * 10.0 + 10, "stimulus_class": np.arange(12) % 2}
    table = SpikeTable([], [], [], {"unit_id": range(n_units), "cell_type": ["E"] * n_units}, trials)
    analysis = analyze(table, windows=["all", (2.0, 5.0)], **FAST)
    assert analysis.layers["packet_size"].tolist() == [0, 0]
    assert analysis.layers["fraction_informative"].tolist() == [0, 0]
    assert analysis.units["p_value"].isna().all()


def test_rare_classes_are_left_out_of_decoding_and_said_so(layered_recording):
    table = layered_recording()
    classes = table.trials["stimulus_class"].copy()
    classes[:2] = 9
    analysis = analyze(replace(table, trials={**table.trials, "stimulus_class": classes}), windows=["all"], **FAST)
    assert any("leaves out the classes [9]" in sentence for sentence in analysis.lacks)
    assert analysis.layers["decoding_accuracy"].notna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_permutations": 10}, "at least 19 are needed"),
        ({"correction": "none"}, "correction must be one of"),
        ({"spike_mode": "last"}, "spike_mode must be one of 'every', 'first'"),
        ({"n_splits": 1}, "n_splits must be at least 2, got 1"),
        ({"matched_size": 2}, "matched_size must be at least 3, got 2"),
        ({"windows": ["late"]}, "a window must be 'all', 'decision' or"),
        ({"by": "area"}, "cannot be grouped by 'area'"),
        ({"alpha": 1.5}, "alpha must lie between 0 and 1"),
    ],
)
def test_bad_arguments_end_in_one_sentence(layered_recording, options, message):
    with pytest.raises(InputError, match=message):
        analyze(layered_recording(), **options)


def test_classes_that_are_not_integers_are_refused(layered_recording):
    table = layered_recording()
    trials = {**table.trials, "stimulus_class": np.full(table.n_trials, "left")}
    with pytest.raises(InputError, match="stimulus_class of every trial must be an integer >= 0"):
        analyze(replace(table, trials=trials), **FAST)
    with pytest.raises(InputError, match="nothing to analyse"):
        analyze(table.select(trials=[]), **FAST)


def test_progress_is_told_part_by_part_and_changes_nothing(layered_recording, analysis):
    told = []
    again = analyze(
        layered_recording(),
        description=network(0),
        control=network(1),
        progress=lambda *part: told.append(part),
        **FAST,
    )
    assert again.to_dict() == analysis.to_dict()
    parts, n_done, n_all = zip(*told, strict=True)
    assert n_done == tuple(range(len(told)))
    assert set(n_all) == {len(told)}
    for part in ("all: selectivity", "decision: decoding and distances of hidden_2", "decision: pathways"):
        assert f"window {part}" in parts


def test_a_window_that_is_left_with_one_class_is_told():
    trials = {"start": 50.0 * np.arange(20), "stop": 50.0 * np.arange(20) + 50, "stimulus_class": np.arange(20) % 2}
    decided = {"decision_time": np.where(trials["stimulus_class"] == 1, 30.0, np.inf)}
    table = SpikeTable(np.full(20, 9.0), np.zeros(20, int), np.arange(20), {"unit_id": [0]}, trials | decided)
    analysis = analyze(table, also=["information"], **FAST)
    assert analysis.extras["information"]["window"].unique().tolist() == ["all"]
    assert "The analysis 'information' needs two stimulus classes, and window 'decision' has one." in analysis.lacks
    assert analysis.units.loc[analysis.units["window"] == "decision", "information_bits"].isna().all()
