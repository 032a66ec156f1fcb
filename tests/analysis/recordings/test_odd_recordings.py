"""Odd recordings are read as a loop over their spikes reads them, or refused in one sentence; none crashes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.recordings import inspect_recording, load_nwb, load_recording, save_nix, save_nwb
from semsync.errors import FileError, InputError, SemsyncError

SECONDS = st.floats(-1.0, 20.0).map(lambda time: round(time, 4))
ODD_SECONDS = SECONDS | st.sampled_from([float("nan"), float("inf"), 1e9, -0.0])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
CLASSES: dict[str, st.SearchStrategy[Any]] = {
    "from 0": st.integers(0, 2),
    "from 1": st.integers(1, 3),
    "negative": st.integers(-2, 1),
    "contrasts": st.sampled_from([0.0, 0.25, 1.0]),
    "gaps": st.sampled_from([0.0, 1.0, float("nan")]),
    "huge": st.sampled_from([1.0, 1e300, float("inf")]),
    "flags": st.booleans(),
    "text": TEXT,
    "bytes": TEXT.map(str.encode),
}


def tried(read: Callable[..., Any], path: Path, **options: Any) -> tuple[Any, str]:
    """The result, or None and what a user would be told."""
    try:
        return read(path, **options), ""
    except SemsyncError as error:
        return None, str(error)


def read_or_refuse(path: Path, **options: Any) -> SpikeTable | None:
    """The table, or None after one sentence that names the file."""
    for own in ({}, {key: value for key, value in options.items() if key != "window"}):
        found, message = tried(inspect_recording, path, **own)
        assert found is not None or len(message.splitlines()) == 1
    table, message = tried(load_recording, path, **options)
    if table is None:
        assert len(message.splitlines()) == 1
        assert path.name in message
    return table


@st.composite
def nwb_files(draw: st.DrawFn) -> tuple[pynwb.NWBFile, list[list[float]], list[tuple[float, float]], list[Any], str]:
    """A file, the spike times of its units [s], borders and classes of its trials, and the name of their table."""
    nwb = pynwb.NWBFile(session_description="odd", identifier="x", session_start_time=datetime(2020, 1, 2, tzinfo=UTC))
    trains = draw(
        st.lists(st.lists(ODD_SECONDS if draw(st.booleans()) else SECONDS, max_size=8), min_size=1, max_size=4)
    )
    with_electrodes, with_observed, with_ragged = (draw(st.booleans()) for _ in range(3))
    if with_electrodes:
        group = nwb.create_electrode_group(
            name="shank", description="", location="", device=nwb.create_device(name="probe")
        )
        for _ in range(2):
            nwb.add_electrode(location=draw(TEXT) or "-", group=group)
    if with_ragged:
        nwb.add_unit_column(name="peaks", description="", index=True)
    for number, spikes in enumerate(trains):
        # pynwb cannot write a ragged column without any value.
        more: dict[str, Any] = {"peaks": [1.0] * draw(st.integers(1, 2))} if with_ragged else {}
        if with_electrodes:
            more["electrodes"] = draw(st.lists(st.integers(0, 1), min_size=number == 0, max_size=2))
        if with_observed:
            more["obs_intervals"] = [[0.0, draw(SECONDS)]]
        nwb.add_unit(spike_times=spikes, **more)
    if draw(st.booleans()):
        nwb.add_stimulus(
            pynwb.image.ImageSeries(
                name="film",
                external_file=["not_there.mp4"],
                format="external",
                timestamps=[0.0, 1.0],
                unit="n.a.",
                starting_frame=[0],
            )
        )
    n_trials = draw(st.integers(0, 5))
    kind = CLASSES[draw(st.sampled_from(sorted(CLASSES)))]
    classes = draw(st.lists(kind, min_size=n_trials, max_size=n_trials))
    borders = [(draw(ODD_SECONDS), draw(ODD_SECONDS)) for _ in range(n_trials)]
    name = draw(st.sampled_from(["trials", "flashes"]))
    if n_trials:
        table = pynwb.epoch.TimeIntervals(name=name, description="")
        table.add_column(name="kind", description="")
        for (start, stop), value in zip(borders, classes, strict=True):
            table.add_row(start_time=start, stop_time=stop, kind=value)
        if name == "trials":
            nwb.trials = table
        else:
            nwb.add_time_intervals(table)
    return nwb, trains, borders, classes, name


def missing(value: Any) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))


@settings(max_examples=60)
@given(made=nwb_files(), choose=st.booleans())
def test_nwb_files(made: tuple[Any, ...], choose: bool) -> None:
    nwb, trains, borders, classes, name = made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as file:
            file.write(nwb)
        options = {"trials": name, "class_column": "kind"} if choose and borders else {}
        table = read_or_refuse(path, **options)
        if not all(np.isfinite(spikes).all() for spikes in map(np.array, trains)):
            assert table is None
            return
        assert table is not None
        assert inspect_recording(path).n_spikes_of_unit.tolist() == [len(spikes) for spikes in trains]
    assert table.n_units == len(trains)
    if (name != "trials" and not options) or not borders:
        assert (table.n_trials, table.n_spikes) == (1, sum(map(len, trains)))
        return
    ms = [(1000 * np.float64(start), 1000 * np.float64(stop)) for start, stop in borders]
    kept = [
        row
        for row, (start, stop) in enumerate(ms)
        if np.isfinite(start) and np.isfinite(stop) and start < stop and not (options and missing(classes[row]))
    ]
    expected = [
        [sum(ms[row][0] <= 1000 * np.float64(t) < ms[row][1] for t in spikes) for spikes in trains] for row in kept
    ]
    assert table.counts().tolist() == expected
    if choose and table.n_trials:
        json.dumps(analyze(table, n_permutations=19, n_sample_trials=2, n_sample_units=2).to_dict(), allow_nan=False)
    if options:
        found = table.trials["stimulus_class"]
        for one in range(len(kept)):
            for other in range(len(kept)):
                same = classes[kept[one]] == classes[kept[other]]
                assert (found[one] == found[other]) == same


CELLS = st.sampled_from(
    ["1", "2", "-3", "0.5", "17.25", "1e3", "", "nan", "inf", "1e400", "x", '"', "ü", " 4 ", "#", "0x1"]
)


@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8),
    header=st.sampled_from(["", "unit,time_ms", "unit,time_s,trial", "time_ms,unit,area", "a,b", "unit,time_ms,unit"]),
    separator=st.sampled_from([",", ";", "\t", " "]),
    extension=st.sampled_from([".csv", ".tsv", ".txt", ".gdf", ".dat"]),
    nest=st.booleans(),
)
def test_lists_of_odd_cells(rows: list[list[str]], header: str, separator: str, extension: str, nest: bool) -> None:
    text = "\n".join([header.replace(",", separator), *(separator.join(row) for row in rows)])
    if nest:
        text = f"# NEST version: 3.10.0\n# RecordingBackendASCII version: 2\nsender\ttime_ms\n{text}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"odd{extension}"
        path.write_text(text, encoding="utf-8")
        read_or_refuse(path)
        if extension in (".csv", ".tsv", ".txt") and not nest:
            read_or_refuse(path, time_unit="s", window=(0.0, 5.0))


@given(
    content=st.binary(max_size=200),
    begin=st.sampled_from(
        [b"", b"unit,time_ms\n", b"1 2\n", b"# NEST version: 3.10.0\n", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"]
    ),
    extension=st.sampled_from([".csv", ".gdf", ".dat", ".npz", ".nwb", ".nix", ".h5", ".txt"]),
)
def test_bytes_that_are_no_recording(content: bytes, begin: bytes, extension: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"odd{extension}"
        path.write_bytes(begin + content)
        read_or_refuse(path)


TICKS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 500)), min_size=1, max_size=30)


@given(spikes=TICKS, trials=st.lists(st.integers(0, 400), max_size=4, unique=True))
def test_clean_lists_hold_what_was_written(spikes: list[tuple[int, int]], trials: list[int]) -> None:
    """CSV, NEST and GDF files of the same spikes, in any order, are the same table."""
    units = sorted({unit for unit, _ in spikes})
    starts = sorted(trials)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.csv").write_text("unit,time_ms\n" + "".join(f"{u},{t}\n" for u, t in spikes))
        (folder / "b.dat").write_text(
            "# NEST version: 3.10.0\n# RecordingBackendASCII version: 2\nsender\ttime_ms\n"
            + "".join(f"{u}\t{t}.000\n" for u, t in spikes)
        )
        (folder / "c.gdf").write_text("".join(f"{u} {t}\n" for u, t in spikes))
        (folder / "t.csv").write_text("start_ms,stop_ms\n" + "".join(f"{t},{t + 50}\n" for t in starts))
        options = {"trials": folder / "t.csv"} if starts else {}
        tables = [load_recording(folder / "a.csv", **options), load_recording(folder / "b.dat", **options)]
        if not starts:
            tables.append(load_recording(folder / "c.gdf"))
    for table in tables:
        assert table.units["unit_id"].tolist() == units
        windows = [(start, start + 50) for start in starts] or [(0, 501)]
        expected = [[sum(u == unit and a <= t < b for u, t in spikes) for unit in units] for a, b in windows]
        assert table.counts().tolist() == expected


def test_trials_that_were_not_observed_are_told(tmp_path: Path) -> None:
    nwb = pynwb.NWBFile(session_description="", identifier="x", session_start_time=datetime(2020, 1, 2, tzinfo=UTC))
    nwb.add_unit(spike_times=[0.1, 1.1], obs_intervals=[[0.0, 1.5]])
    nwb.add_unit(spike_times=[0.2, 2.3], obs_intervals=[[0.0, 0.5], [2.0, 3.5]])
    for start in (0.0, 1.0, 2.0, 3.0):
        nwb.add_trial(start_time=start, stop_time=start + 0.5)
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as file:
        file.write(nwb)
    notes = load_recording(tmp_path / "a.nwb").annotations["notes"]
    # The first unit in two trials, the second in one.
    assert any("2 units were not observed throughout (obs_intervals), all in all in 3 trials" in note for note in notes)
    assert any("1 trials begin after the last spike" in note for note in notes)


@pytest.mark.parametrize(("save", "extension"), [(save_nix, ".nix"), (save_nwb, ".nwb")])
def test_files_with_parts_missing_or_of_another_kind(save: Callable[..., Path], extension: str, tmp_path: Path) -> None:
    """Every group and data set of a file is removed in turn, and every data set replaced by text."""
    table = SpikeTable(
        [1.0, 2.0, 3.0], [0, 1, 1], [0, 0, 1], {"unit_id": [3, 4]}, {"start": [0, 10], "stop": [10, 20], "side": [0, 1]}
    )
    whole = save(table, tmp_path / f"whole{extension}").read_bytes()
    names: list[str] = []
    with h5py.File(tmp_path / f"whole{extension}") as file:
        file.visit(lambda name: names.append(name) if not name.startswith("specifications") else None)
        assert len(names) > 10
    n_refused = 0
    for number, name in enumerate(names):
        for replace in (False, True):
            path = tmp_path / f"odd-{number}-{replace}{extension}"
            path.write_bytes(whole)
            with h5py.File(path, "r+") as file:
                attributes = dict(file[name].attrs)
                del file[name]
                if replace:
                    file[name] = "text"
                    file[name].attrs.update(attributes)
            n_refused += read_or_refuse(path) is None
            path.unlink()
    assert n_refused > 5


def test_units_that_name_electrodes_which_are_not_there(tmp_path: Path) -> None:
    nwb = pynwb.NWBFile(session_description="", identifier="x", session_start_time=datetime(2020, 1, 2, tzinfo=UTC))
    group = nwb.create_electrode_group(
        name="shank", description="", location="", device=nwb.create_device(name="probe")
    )
    nwb.add_electrode(location="V1", group=group)
    nwb.add_unit(spike_times=[0.1, 1.1], electrodes=[0])
    path = tmp_path / "a.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as file:
        file.write(nwb)
    assert load_nwb(path).units["area"].tolist() == ["V1"]
    with h5py.File(path, "r+") as file:
        file["units/electrodes"][0] = 5
    table = load_nwb(path)
    assert "area" not in table.units
    assert any("electrodes that the table of electrodes lacks" in note for note in table.annotations["notes"])
    inspect_recording(path)
    with h5py.File(path, "r+") as file:
        data = file["units/spike_times"][:]
        del file["units/spike_times_index"]
        assert len(data) == 2
    with pytest.raises((FileError, InputError), match=r"a\.nwb"):
        load_nwb(path)
