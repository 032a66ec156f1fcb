"""Recorder files of NEST 3, made by a real NEST."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.recordings import load_nest_ascii, load_recording
from semsync.errors import FileError, InputError

Nest = tuple[Path, dict[str, list[float]]]


def spikes_of(table: SpikeTable) -> list[tuple[int, float]]:
    return sorted(zip(table.units["unit_id"][table.unit].tolist(), table.times.tolist(), strict=True))


def in_memory(nest: Nest) -> list[tuple[int, float]]:
    return sorted(zip(nest[1]["senders"], nest[1]["times"], strict=True))


def only(nest: Nest, pattern: str, folder: Path) -> list[Path]:
    return [Path(shutil.copy(file, folder)) for file in sorted(nest[0].glob(pattern))]


@pytest.mark.parametrize(("pattern", "options"), [("ms-*", {}), ("steps-*", {"resolution": 0.1})])
def test_files_of_all_threads_hold_what_nest_keeps_in_memory(nest_folder: Nest, pattern: str, options: dict) -> None:
    files = sorted(nest_folder[0].glob(pattern))
    assert len(files) == 2
    expected = in_memory(nest_folder)
    assert len(expected) == 11
    for path in (*files, nest_folder[0] / pattern):
        table = load_recording(path, **options)
        found = spikes_of(table)
        assert [unit for unit, _ in found] == [unit for unit, _ in expected]
        # The files have 12 decimals of a ms.
        np.testing.assert_allclose([t for _, t in found], [t for _, t in expected], rtol=0, atol=1e-11)
        assert any(files[0].name in note and files[1].name in note for note in table.annotations["notes"])


def test_a_folder_holds_several_recorders(nest_folder: Nest, tmp_path: Path) -> None:
    table = load_recording(nest_folder[0], resolution=0.1)
    assert len(spikes_of(table)) == 11
    notes = " ".join(table.annotations["notes"])
    assert "5 units are in the files of several recorders" in notes
    assert "vm-" in notes
    assert {name.split("-")[0] for name in table.units["population"].tolist()} == {"ms"}
    (meter, *_) = only(nest_folder, "vm-*", tmp_path)
    with pytest.raises(FileError, match=r"has no spikes: vm-.*V_m"):
        load_recording(meter)
    with pytest.raises(FileError, match="is a folder, expected a recording"):
        load_recording(tmp_path.parent / tmp_path.name / ".." / tmp_path.name / "..")


def test_steps_need_the_resolution(nest_folder: Nest) -> None:
    with pytest.raises(InputError, match=r"times are in steps; pass resolution"):
        load_recording(next(nest_folder[0].glob("steps-*")))
    with pytest.raises(InputError, match="resolution must be positive"):
        load_nest_ascii(next(nest_folder[0].glob("steps-*")), resolution=0.0)


def test_tables_of_trials_and_units_beside(nest_folder: Nest, tmp_path: Path) -> None:
    trials, units = tmp_path / "trials.csv", tmp_path / "units.csv"
    trials.write_text("start,stop,stimulus\n0,50,left\n50,100,right\n")
    senders = sorted(set(nest_folder[1]["senders"]))
    units.write_text("unit,area\n" + "".join(f"{sender},V1\n" for sender in [*senders, 999]))
    table = load_recording(
        next(nest_folder[0].glob("ms-*")), trials=trials, units=units, class_column="stimulus", window=(0, 40)
    )
    assert table.units["unit_id"].tolist() == [*senders, 999]
    assert table.annotations["class_names"] == ["left", "right"]
    times = np.array(nest_folder[1]["times"])
    expected = [np.count_nonzero((times >= onset) & (times < onset + 40)) for onset in (0, 50)]
    assert table.counts().sum(axis=1).tolist() == expected
    assert "1 of the 6 units in the table of units never spike." in table.annotations["notes"]
    units.write_text("unit\n1\n")
    with pytest.raises(InputError, match="the table of units lacks 5 units that spike"):
        load_recording(next(nest_folder[0].glob("ms-*")), units=units)


def test_a_simulation_that_died_leaves_a_line_unfinished(nest_folder: Nest, tmp_path: Path) -> None:
    first, _ = only(nest_folder, "ms-*", tmp_path)
    whole = load_recording(first).n_spikes
    first.write_bytes(first.read_bytes()[:-4])
    table = load_recording(first)
    assert table.n_spikes == whole - 1
    assert any("is not complete" in note for note in table.annotations["notes"])


def test_damaged_files_are_refused(nest_folder: Nest, tmp_path: Path) -> None:
    (first, *_) = only(nest_folder, "ms-*-0.dat", tmp_path)
    lines = first.read_text().splitlines(keepends=True)
    for text, message in (
        ("".join([*lines, "3\n"]), "is damaged"),
        ("".join([*lines, "3 4 5\n"]), "is damaged"),
        ("".join([*lines, "3.5\t4.0\n"]), "has the sender 3.5"),
        ("".join([*lines, "3\tnan\n"]), "expected a node id and a finite time"),
        ("".join([*lines, "1e300\t1.0\n"]), "expected a node id"),
        ("".join(lines[:2]), "no line that names its columns"),
    ):
        first.write_text(text)
        with pytest.raises(FileError, match=message):
            load_recording(first)
    first.write_text("".join(lines[:3]))
    assert load_recording(first).n_units == 0
    first.write_bytes("".join(lines).encode() + b"\xff\xfe\n")
    with pytest.raises(FileError):
        load_recording(first)
