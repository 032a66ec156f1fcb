"""What `inspect` says of a file is what reading it finds, and what it suggests works."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import h5py
import neo
import numpy as np
import pynwb
import pytest
import quantities as pq

from semsync import SpikeTable
from semsync.analysis.recordings import inspect_recording, load_recording, save_nix, save_nwb
from semsync.errors import FileError, InputError

DANDI = "recordings/dandi000207_sub-4_ses-4_ecephys+image.nwb"
RIEHLE = "recordings/riehle1997_winny131_23.gdf"
STEINMETZ = "recordings/steinmetz2019_Lederberg_2017-12-05_VIS_10ms.npz"
Nest = tuple[Path, dict[str, list[float]]]
Write = Callable[[str, str], Path]


@pytest.fixture
def table() -> SpikeTable:
    rng = np.random.default_rng(1)
    n_trials = 40
    start = 100.0 + np.arange(n_trials) * 60.0
    return SpikeTable(
        rng.uniform(0, 50, 900),
        rng.integers(0, 5, 900),
        rng.integers(0, n_trials, 900),
        {
            "unit_id": np.arange(6) + 3,
            "area": np.array(["V1", "V1", "LM", "LM", "V1", "V1"]),
            "cell_type": np.array(["E", "I", "E", "E", "-", "-"]),
            "name": np.array(list("abcdef")),
        },
        {
            "start": start,
            "stop": start + 50,
            "stimulus_class": np.arange(n_trials) % 3,
            "cue": start + rng.uniform(1, 40, n_trials),
            "side": np.array(["left", "right"])[np.arange(n_trials) % 2],
        },
        {"notes": ["simulated"]},
    )


@pytest.mark.parametrize(("save", "extension"), [(save_nix, ".nix"), (save_nwb, ".nwb")])
def test_our_files(save: Callable[..., Path], extension: str, table: SpikeTable, tmp_path: Path) -> None:
    found = inspect_recording(save(table, tmp_path / f"a{extension}"))
    assert found.is_ours
    assert (found.n_units, found.n_spikes) == (6, 900)
    by_unit = dict(zip(found.units["unit_id"].tolist(), found.n_spikes_of_unit.tolist(), strict=True))
    assert by_unit == dict(zip(range(3, 9), table.counts().sum(axis=0).tolist(), strict=True))
    assert found.count_of("area") == {"LM": 2, "V1": 4}
    assert found.count_of("cell_type") == {"-": 2, "E": 3, "I": 1}
    (trials,) = found.trial_tables
    assert (trials.name, trials.n_trials) == ("trials", 40)
    assert trials.median_duration_ms == pytest.approx(50)
    columns = {column.name: column for column in trials.columns}
    assert columns.keys() == {"stimulus_class", "cue", "side"}
    assert columns["stimulus_class"].counts == ((0, 14), (1, 13), (2, 13))
    assert columns["side"].counts == (("left", 20), ("right", 20))
    assert found.notes == ("simulated",)
    assert dict(found.options) == {}
    last = max(table.trials["onset"][table.trial] + table.times)
    assert found.t_stop_ms >= last - 1e-6


def test_a_foreign_nwb_file(tmp_path: Path) -> None:
    nwb = pynwb.NWBFile("a session", "id-1", datetime(2020, 1, 2, tzinfo=UTC))
    group = nwb.create_electrode_group("shank", "", "", nwb.create_device("probe"))
    for location in ("V1", "LM"):
        nwb.add_electrode(location=location, group=group)
    rng = np.random.default_rng(0)
    for unit in range(4):
        nwb.add_unit(spike_times=np.sort(rng.uniform(0, 99, unit * 50)), electrodes=[unit % 2], electrode_group=group)
    table = pynwb.epoch.TimeIntervals(name="grating_presentations", description="")
    for name in ("orientation", "go_time", "correct"):
        table.add_column(name, "")
    for trial in range(30):
        table.add_row(
            start_time=trial * 3.0, stop_time=trial * 3.0 + 2.5, orientation=45.0 * (trial % 4),
            go_time=trial * 3.0 + rng.uniform(0.1, 0.4), correct=bool(trial % 3),
        )  # fmt: skip
    nwb.add_time_intervals(table)
    with pynwb.NWBHDF5IO(str(tmp_path / "a b.nwb"), "w") as file:
        file.write(nwb)
    found = inspect_recording(tmp_path / "a b.nwb")
    assert found.n_spikes_of_unit.tolist() == [0, 50, 100, 150]
    assert found.count_of("area") == {"LM": 2, "V1": 2}
    assert dict(found.options) == {
        "trials": "grating_presentations", "class_column": "orientation", "span": "0,1000",
    }  # fmt: skip
    assert any("--align can take: go_time" in remark for remark in found.remarks)
    assert any("can be the class: correct" in remark for remark in found.remarks)
    assert any("none" in lack or "No table of intervals is called trials" in lack for lack in found.lacks)
    words = shlex.split(found.command)
    assert words[:3] == ["semsync", "analyze", str(tmp_path / "a b.nwb")]
    assert words[3:5] == ["--trials", "grating_presentations"]


def test_a_foreign_nix_file(tmp_path: Path) -> None:
    block, segment = neo.Block(), neo.Segment()
    block.segments.append(segment)
    for name, times in (("a", [0.1, 2.3]), ("b", [])):
        segment.spiketrains.append(neo.SpikeTrain(times, units="s", t_stop=5000 * pq.ms, name=name, area="V1"))
    segment.epochs.append(
        neo.Epoch(
            np.arange(12) * 0.3 * pq.s, np.full(12, 200.0) * pq.ms, labels=np.array(["l", "r"] * 6), name="gratings",
            array_annotations={"contrast": np.repeat([0.5, 1.0], 6)},
        )
    )  # fmt: skip
    segment.events.append(neo.Event([1.0] * pq.s, labels=np.array(["x"]), name="reward"))
    with neo.NixIO(str(tmp_path / "a.nix"), "ow") as file:
        file.write_block(block)
    found = inspect_recording(tmp_path / "a.nix")
    assert not found.is_ours
    assert sorted(found.n_spikes_of_unit.tolist()) == [0, 2]
    assert (found.t_start_ms, found.t_stop_ms) == (0, 5000)
    assert found.count_of("area") == {"V1": 2}
    (table,) = found.trial_tables
    assert (table.name, table.n_trials, table.median_duration_ms) == ("gratings", 12, pytest.approx(200))
    assert dict(found.options) == {"class_column": "contrast"}
    assert any("can be the class: label" in remark for remark in found.remarks)
    assert any("--trials can name, with a --span around them: reward" in remark for remark in found.remarks)
    assert load_recording(tmp_path / "a.nix", class_column="contrast").n_trials == 12


def test_human_recording(data_folder: Path) -> None:
    found = inspect_recording(data_folder / DANDI)
    table = load_recording(data_folder / DANDI)
    np.testing.assert_array_equal(found.n_spikes_of_unit, table.counts()[0])
    assert found.units["area"].tolist() == table.units["area"].tolist()
    assert found.units["unit_id"].tolist() == table.units["unit_id"].tolist()
    assert found.t_stop_ms == pytest.approx(table.trials["stop"][0])
    assert {own.name: own.n_trials for own in found.trial_tables} == {
        "encoding_table": 90, "recognition_table": 180, "timediscrimination_table": 180,
    }  # fmt: skip
    (category,) = (c for c in found.trial_tables[0].columns if c.name == "stimCategory")
    assert category.counts == ((0, 30), (1, 30), (2, 30))


@pytest.mark.parametrize("name", [DANDI, RIEHLE, STEINMETZ])
def test_suggestions_for_real_recordings_can_be_read_and_have_classes(data_folder: Path, name: str) -> None:
    found = inspect_recording(data_folder / name)
    options: dict[str, object] = dict(found.options)
    if "span" in options:
        options["window"] = tuple(map(float, str(options.pop("span")).split(",")))
    table = load_recording(data_folder / name, **options)
    classes, n_trials = np.unique(table.trials["stimulus_class"], return_counts=True)
    assert len(classes) > 1
    assert n_trials.min() >= 5


def test_macaque_codes(data_folder: Path) -> None:
    found = inspect_recording(data_folder / RIEHLE)
    code = np.loadtxt(data_folder / RIEHLE)[:, 0]
    assert found.events == {int(c): int(n) for c, n in zip(*np.unique(code, return_counts=True), strict=True)}
    assert found.n_units == 2


def test_codes_that_look_like_classes(text_file: Write) -> None:
    rows = [f"{100 + (number % 2) + 21} {number * 100}\n{1 + number % 3} {number * 100 + 40}" for number in range(20)]
    path = text_file("a.gdf", "\n".join(rows))
    found = inspect_recording(path)
    assert dict(found.options) == {"align": "121,122", "span": "0,500"}
    assert load_recording(path, align=[121, 122], window=(0, 500)).n_trials > 10


def test_steps_of_nest(nest_folder: Nest) -> None:
    found = inspect_recording(next(nest_folder[0].glob("steps-*")))
    assert (found.n_units, found.n_spikes) == (5, 11)
    assert dict(found.options) == {"resolution": "0.1"}
    assert "0.1 ms was taken" in found.notes[0]


def test_units_of_time_are_guessed_and_said(text_file: Write) -> None:
    rng = np.random.default_rng(2)
    times = np.sort(rng.uniform(0, 60, 300))
    for scale, unit in ((1.0, "s"), (1000.0, "ms")):
        path = text_file(
            "a.csv", "unit,time\n" + "".join(f"{row % 4},{t * scale:.6f}\n" for row, t in enumerate(times))
        )
        found = inspect_recording(path)
        assert dict(found.options) == {"time_unit": unit}
        assert f"look like {unit}" in found.notes[0]
        assert found.t_stop_ms == pytest.approx(times[-1] * 1000, abs=1e-2)
    trials = text_file("t.csv", "start,stop,tone\n" + "".join(f"{s},{s + 2},{s // 3 % 2}\n" for s in range(0, 57, 3)))
    found = inspect_recording(path, trials=str(trials), time_unit="s")
    assert found.options["class_column"] == "tone"
    assert found.options["trials"] == str(trials)


def test_800_units_and_an_hour_are_told_in_seconds(tmp_path: Path) -> None:
    """14 million spikes, of which none has to be read but the first and the last of each unit."""
    n_units, n_spikes = 800, 14_400_000
    path = tmp_path / "hour.nwb"
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
        units = file.create_group("units")
        units["id"] = np.arange(n_units)
        units["spike_times_index"] = np.linspace(n_spikes / n_units, n_spikes, n_units).astype(np.uint64)
        times = np.linspace(0, 3600, n_spikes // n_units)
        data = units.create_dataset("spike_times", (n_spikes,), "f8", chunks=(65536,), compression="gzip")
        for row in range(n_units):
            data[row * len(times) : (row + 1) * len(times)] = times
    begin = time.process_time()
    found = inspect_recording(path)
    assert time.process_time() - begin < 2.0
    assert (found.n_units, found.n_spikes, found.t_stop_ms) == (n_units, n_spikes, 3_600_000)
    np.testing.assert_allclose(found.rates_hz, 5.0)


def test_damaged_files_are_refused(table: SpikeTable, tmp_path: Path) -> None:
    path = save_nwb(table, tmp_path / "a.nwb")
    with h5py.File(path, "r+") as file:
        file["units/spike_times_index"][2] = 60_000
    with pytest.raises(FileError, match=r"a\.nwb is damaged: the index of its spike times"):
        inspect_recording(path)
    with h5py.File(path, "r+") as file:
        del file["units"]
    with pytest.raises(FileError, match="no units with spike_times"):
        inspect_recording(path)
    path = save_nix(table, tmp_path / "a.nix")
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        del block["multi_tags"]
    with pytest.raises(InputError, match="has no units"):
        inspect_recording(path)
    with pytest.raises(FileError, match="there is no file"):
        inspect_recording(tmp_path / "gone.nwb")


def test_looking_into_a_file_loads_no_library_of_it(table: SpikeTable, tmp_path: Path) -> None:
    import subprocess
    import sys

    paths = [str(save_nix(table, tmp_path / "a.nix")), str(save_nwb(table, tmp_path / "a.nwb"))]
    code = (
        "import sys\nfrom semsync.analysis.recordings import inspect_recording\n"
        f"for path in {paths!r}: inspect_recording(path)\nprint(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"neo", "pynwb", "hdmf", "nixio", "pandas", "torch", "scipy"} & set(loaded)
