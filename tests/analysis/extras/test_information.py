from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.measures import q_values
from semsync.analysis.recordings.binned import binned_table
from semsync.errors import InputError


def make_recording(n_trials: int = 120, n_classes: int = 3, seed: int = 0) -> SpikeTable:
    """A unit that tells by its count, one by its latency, one by nothing, one silent; half of each in two areas."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n_trials) % n_classes
    times, unit, trial = [], [], []
    for t, k in enumerate(classes):
        for u, spikes in enumerate(
            (
                rng.uniform(0, 100, 1 + rng.poisson(1 + 4 * k)),
                [10 + 20 * k + rng.normal(), 95.0],
                rng.uniform(0, 100, 1 + rng.poisson(3)),
                [],
            )
        ):
            times += list(spikes)
            unit += [u] * len(spikes)
            trial += [t] * len(spikes)
    start = np.arange(n_trials) * 100.0
    return SpikeTable(
        times,
        unit,
        trial,
        {"unit_id": ["count", "latency", "nothing", "silent"], "area": ["V1", "V1", "V2", "V2"]},
        {"start": start, "stop": start + 100, "stimulus_class": classes},
    )


def information(table: SpikeTable, **options) -> Analysis:
    return analyze(table, windows=["all"], also=["information"], n_sample_trials=0, n_repeats=1, **options)


def test_counts_and_latencies_tell_what_they_were_made_to_tell():
    result = information(make_recording(), n_permutations=199)
    found = result.extras["information"]
    assert len(found) == 8
    by_unit = found.set_index(["unit_id", "response"])
    corrected = by_unit["information_bits_panzeri_treves"]
    assert corrected["count", "count"] > 0.8
    assert abs(corrected["latency", "count"]) < 0.05
    # Four bins of 30 trials over three classes of 40: the bins in the middle hold two classes, as 1 to 2.
    certain = np.log2(3) - 0.5 * (np.log2(3) - 2 / 3)
    assert by_unit["information_bits_plugin"]["latency", "latency"] == pytest.approx(certain)
    assert by_unit["p_value"]["count", "count"] == by_unit["p_value"]["latency", "latency"] == 1 / 200
    assert by_unit["p_value"]["nothing", "count"] > 0.01
    assert np.isnan(by_unit["p_value"]["silent", "count"])
    assert (by_unit["n_permutations"] == 199).all()
    for _, rows in found.groupby("response"):
        np.testing.assert_array_equal(rows["q_value"], q_values(rows["p_value"]))
    assert found["name"].tolist() == ["V1", "V1", "V2", "V2"] * 2
    assert result.settings["also"] == ["information:n_bins=4,counts=binned"]
    assert Analysis.from_dict(result.to_dict()).extras["information"].equals(found)


def test_recordings_of_counts_have_the_part_of_the_counts():
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 2
    counts = rng.poisson(1 + 2 * classes[:, None, None], (60, 3, 4))
    table = binned_table({"counts": counts, "bin_size_ms": 10.0, "stimulus_class": classes}, class_column=None)
    found = information(table, n_permutations=99).extras["information"]
    assert found["response"].tolist() == ["count"] * 3
    assert (found["information_bits_plugin"] > 0.3).all()


def test_small_classes_have_no_quadratic_extrapolation_and_it_is_said():
    table = make_recording().select(trials=np.r_[0:60:3, 1:60:3, 2:9:3])
    result = information(table, n_permutations=99)
    assert result.extras["information"]["information_bits_quadratic"].isna().all()
    assert any("fewer than 4 trials" in sentence for sentence in result.lacks)


def test_parameters_are_checked():
    with pytest.raises(InputError, match="n_bins of analysis 'information' must be a whole number >= 2, got '1'"):
        analyze(make_recording(), also=["information:n_bins=1"])
