"""Binned counts: what they allow is exact, and what they do not allow is not computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.recordings import binned_table, load_nix, load_recording, save_nix
from semsync.errors import FileError, InputError

STEINMETZ = "recordings/steinmetz2019_Lederberg_2017-12-05_VIS_10ms.npz"


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def test_counts_come_back(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(0.4, (12, 5, 8))
    edges = np.array([-40, -20, 0, 10, 20, 30, 50, 70, 100.0])
    path = save(
        tmp_path / "a.npz", counts=counts, bin_edges_ms=edges, side=np.arange(12) % 2, area=np.array(list("aabbb"))
    )
    table = load_recording(path, class_column="side")
    np.testing.assert_array_equal(table.counts(), counts.sum(axis=2))
    for first, last in ((0, 8), (2, 5), (5, 8)):
        window = (edges[first], edges[last])
        np.testing.assert_array_equal(table.window(*window).counts(), counts[:, :, first:last].sum(axis=2))
        cut = load_recording(path, window=window)
        np.testing.assert_array_equal(cut.counts(), counts[:, :, first:last].sum(axis=2))
        np.testing.assert_allclose([cut.t_start, cut.t_stop], [[border] * 12 for border in window])
    assert table.units["area"].tolist() == list("aabbb")
    assert table.annotations["bin_edges_ms"] == edges.tolist()
    assert "8 bins of 10 to 30 ms, not spike times" in table.annotations["lacks"][0]
    with pytest.raises(InputError, match=r"5 ms is none, the nearest is (0|10) ms"):
        load_recording(path, window=(5, 100))


def test_one_bin_a_trial() -> None:
    counts = np.array([[0, 2], [1, 0], [3, 1]])
    table = binned_table({"counts": counts, "bin_size_s": 0.4})
    np.testing.assert_array_equal(table.counts(), counts)
    assert table.annotations["bin_edges_ms"] == [0.0, 400.0]


def test_mouse_visual_cortex(data_folder: Path) -> None:
    table = load_recording(data_folder / STEINMETZ, class_column="contrast_right", align="trial_stim_onset_s")
    raw = np.load(data_folder / STEINMETZ)
    np.testing.assert_array_equal(table.counts(), raw["counts"].sum(axis=2, dtype=int))
    np.testing.assert_array_equal(table.trials["onset"], raw["trial_stim_onset_s"] * 1000)
    assert table.units["area"].tolist() == raw["area"].tolist()
    assert table.annotations["class_names"] == ["0.0", "0.25", "0.5", "1.0"]


@pytest.fixture(scope="module")
def binned_and_true() -> tuple[SpikeTable, SpikeTable]:
    """A recording whose spikes are known, and the same as counts in bins of 10 ms."""
    rng = np.random.default_rng(3)
    n_trials, n_units = 40, 6
    classes = np.arange(n_trials) % 2
    rate = np.where((np.arange(n_units) % 2 == classes[:, None])[:, :, None], 0.3, 0.05)
    fine = rng.poisson(rate, (n_trials, n_units, 10))
    trial, unit, bin_ = np.nonzero(fine)
    n_spikes = fine[trial, unit, bin_]
    times = np.repeat(bin_, n_spikes) * 10.0 + rng.uniform(0, 9.99, n_spikes.sum())
    trials = {"start": np.arange(n_trials) * 100.0, "stop": np.arange(n_trials) * 100.0 + 100}
    true = SpikeTable(
        times,
        np.repeat(unit, n_spikes),
        np.repeat(trial, n_spikes),
        {"unit_id": np.arange(n_units)},
        trials | {"stimulus_class": classes},
    )
    arrays = {"counts": fine, "bin_edges_ms": np.arange(11) * 10.0, "stimulus_class": classes}
    return binned_table(arrays), true


def test_an_analysis_of_counts_is_that_of_the_spikes_or_nothing(
    binned_and_true: tuple[SpikeTable, SpikeTable], tmp_path: Path
) -> None:
    options = {"windows": ["all", (20.0, 60.0)], "n_permutations": 99}
    binned, true = binned_and_true
    of_counts, of_spikes = analyze(binned, **options), analyze(true, **options)
    withheld = set()
    for name in ("layers", "units", "packets"):
        left, right = getattr(of_counts, name), getattr(of_spikes, name)
        assert list(left) == list(right)
        for column in left:
            if left[column].isna().all():
                withheld |= {column} if not right[column].isna().all() else set()
            else:
                np.testing.assert_array_equal(left[column], right[column], err_msg=column)
    assert {"packet_sd_ms", "packet_shortest_half_ms", "decoding_accuracy_latency", "spike_contrast"} <= withheld
    shown = of_counts.layers.dropna(axis="columns")
    assert {"packet_size", "participation", "information_gain", "decoding_accuracy", "jaccard_auc", "rate_hz"} <= set(
        shown
    )
    again = load_nix(save_nix(binned, tmp_path / "a.nix"))
    assert json.dumps(analyze(again, **options).to_dict()) == json.dumps(of_counts.to_dict())
    with pytest.raises(InputError, match=r"25 ms is none, the nearest is (20|30) ms"):
        analyze(binned, windows=[(25.0, 60.0)], n_permutations=99)


def test_what_is_no_archive_of_counts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    good = np.ones((3, 2, 4))
    for arrays, message in (
        ({"spikes": good}, "no array 'counts'"),
        ({"counts": good}, "nothing says where the bins lie"),
        ({"counts": good, "bin_size": 10.0}, "ms or s"),
        ({"counts": good, "bin_size_ms": -1.0}, "one positive number"),
        ({"counts": good, "bin_edges_ms": [0, 1, 2]}, "5 ascending times for 4 bins"),
        ({"counts": good, "bin_edges_ms": [0, 1, 3, 2, 4]}, "ascending"),
        (
            {"counts": good * 0.5, "bin_size_ms": 1.0},
            r"whole numbers >= 0, got 0\.5 in trial, unit and bin \(0, 0, 0\)",
        ),
        ({"counts": -good, "bin_size_ms": 1.0}, "whole numbers >= 0"),
        ({"counts": good * np.nan, "bin_size_ms": 1.0}, "whole numbers >= 0, got nan"),
        ({"counts": good * 1e300, "bin_size_ms": 1.0}, "add up to"),
        ({"counts": np.ones(3), "bin_size_ms": 1.0}, r"of shape \(3,\)"),
        ({"counts": np.array([["a"]]), "bin_size_ms": 1.0}, "counts must be numbers"),
    ):
        with pytest.raises((FileError, InputError), match=message) as refused:
            load_recording(save(path, **arrays))
        assert str(path) in str(refused.value)
    with pytest.raises(InputError, match="no times 'cue' to align to"):
        load_recording(save(path, counts=good, bin_size_ms=1.0), align="cue")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", counts=np.array([[{}]], dtype=object), bin_size_ms=1.0)
    with pytest.raises(FileError, match=r"a\.npz cannot be read"):
        load_recording(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_archives_cut_short(tmp_path: Path, kept: float) -> None:
    path = save(tmp_path / "a.npz", counts=np.ones((3, 2, 4)), bin_size_ms=1.0)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(FileError, match=r"a\.npz"):
        load_recording(path)


def test_as_many_units_as_trials() -> None:
    counts = np.ones((2, 2, 1), dtype=int)
    table = binned_table(
        {"counts": counts, "bin_size_ms": 1, "unit_area": ["a", "b"], "side": [0, 1], "odd": [1, 2, 3]}
    )
    assert table.units["area"].tolist() == ["a", "b"]
    assert table.trials["side"].tolist() == [0, 1]
    assert any("as many units as trials" in note for note in table.annotations["notes"])
    assert any("left out: odd" in note for note in table.annotations["notes"])
