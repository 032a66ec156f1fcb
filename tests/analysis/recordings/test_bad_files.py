"""What cannot be read or written ends in one clear sentence that names the file, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import neo
import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.recordings import load_gdf, load_nix, load_nwb, load_recording, save_nix, save_nwb, to_neo
from semsync.analysis.recordings.header import HEADER_NAME
from semsync.errors import FileError, InputError

Save = Callable[..., Path]
Load = Callable[..., SpikeTable]
HDF5_FORMATS = pytest.mark.parametrize(
    ("save", "load", "extension"), [(save_nix, load_nix, ".nix"), (save_nwb, load_nwb, ".nwb")]
)


@pytest.fixture
def table() -> SpikeTable:
    return SpikeTable(
        np.linspace(0, 10, 300),
        np.arange(300) % 3,
        np.arange(300) % 4,
        {"unit_id": np.arange(3)},
        {"start": np.arange(4) * 20.0, "stop": np.arange(4) * 20.0 + 10, "label": np.array(["a", "b", "c", "d"])},
    )


@pytest.mark.parametrize("load", [load_nix, load_nwb, load_gdf, load_recording])
def test_missing_files_folders_and_empty_files(load: Load, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"there is no file .*gone\.nix, expected a"):
        load(tmp_path / "gone.nix")
    with pytest.raises(FileError, match="is a folder, expected a"):
        load(tmp_path)
    (tmp_path / "empty.nwb").touch()
    with pytest.raises(FileError, match=r"empty\.nwb is empty, expected a"):
        load(tmp_path / "empty.nwb")


@HDF5_FORMATS
def test_text_under_a_false_name(save: Save, load: Load, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"notes{extension}"
    path.write_text("1 2\n3 4\n")
    for read in (load, load_recording):
        with pytest.raises(FileError, match=f"notes{extension} is not an HDF5 file, expected a"):
            read(path)


@HDF5_FORMATS
def test_hdf5_of_another_kind(save: Save, load: Load, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{extension}"
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(FileError, match="is an HDF5 file, but not of N"):
        load(path)
    with pytest.raises(FileError, match="of no format that semsync reads"):
        load_recording(path.rename(tmp_path / "weights.h5"))


@HDF5_FORMATS
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_files_cut_short(
    save: Save, load: Load, extension: str, kept: float, table: SpikeTable, tmp_path: Path
) -> None:
    path = save(table, tmp_path / f"cut{extension}")
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    for read in (load, load_recording):
        with pytest.raises(FileError, match=f"cut{extension} is not a readable HDF5 file"):
            read(path)


@HDF5_FORMATS
def test_content_decides_for_hdf5(save: Save, load: Load, extension: str, table: SpikeTable, tmp_path: Path) -> None:
    path = save(table, tmp_path / f"a{extension}")
    assert load_recording(path.rename(tmp_path / "recording.h5")) == table


def test_hdf5_under_the_name_of_text(table: SpikeTable, tmp_path: Path) -> None:
    path = save_nix(table, tmp_path / "a.nix").rename(tmp_path / "a.gdf")
    assert load_recording(path) == table
    with pytest.raises(FileError, match="is an HDF5 file, expected a GDF file"):
        load_gdf(path)


def test_unknown_formats_and_options(table: SpikeTable, tmp_path: Path) -> None:
    (tmp_path / "spikes.mat").write_text("x")
    with pytest.raises(FileError, match=r"spikes\.mat is of no format .* NIX \(\.nix\), NWB \(\.nwb\), GDF \(\.gdf\)"):
        load_recording(tmp_path / "spikes.mat")
    with pytest.raises(
        InputError, match=r"NIX files have no option 'unit_codes'; they have \['trials', 'class_column'"
    ):
        load_recording(save_nix(table, tmp_path / "a.nix"), unit_codes=[1])


@HDF5_FORMATS
def test_existing_files_are_replaced_only_on_demand(
    save: Save, load: Load, extension: str, table: SpikeTable, tmp_path: Path
) -> None:
    path = save(table, tmp_path / f"a{extension}")
    other = table.select(units=[0])
    with pytest.raises(FileError, match="exists already; choose another name, or pass overwrite=True"):
        save(other, path)
    assert load(path) == table
    assert load(save(other, path, overwrite=True)) == other


@HDF5_FORMATS
def test_places_that_cannot_be_written(
    save: Save, load: Load, extension: str, table: SpikeTable, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match="there is no folder"):
        save(table, tmp_path / "no" / f"a{extension}")
    with pytest.raises(FileError, match="it is a folder"):
        save(table, tmp_path)
    # root may write anywhere but into /proc
    with pytest.raises(FileError, match=rf"cannot write /proc/a{extension}: "):
        save(table, Path(f"/proc/a{extension}"))


FULL_DISK = """
import resource, signal, sys
import numpy as np
from semsync import SpikeTable
from semsync.analysis.recordings import save_nix, save_nwb
from semsync.errors import FileError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
table = SpikeTable(
    np.zeros(50_000), np.zeros(50_000, int), np.zeros(50_000, int), {"unit_id": [0]}, {"start": [0], "stop": [1]}
)
try:
    {"nix": save_nix, "nwb": save_nwb}[sys.argv[1].split(".")[-1]](table, sys.argv[1], overwrite=True)
except FileError as error:
    sys.exit(f"refused: {error}")
"""


@HDF5_FORMATS
def test_a_full_disk_leaves_the_old_file(
    save: Save, load: Load, extension: str, table: SpikeTable, tmp_path: Path
) -> None:
    path = save(table.select(units=[0]), tmp_path / f"a{extension}")
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert f"refused: cannot write {path}: " in done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_columns_and_annotations_that_no_file_keeps(table: SpikeTable, tmp_path: Path) -> None:
    def with_trials(**columns: np.ndarray) -> SpikeTable:
        return SpikeTable(table.times, table.unit, table.trial, table.units, {**table.trials, **columns})

    for save, name in ((save_nix, "a.nix"), (save_nwb, "a.nwb")):
        with pytest.raises(InputError, match="column 'x' of the trial table cannot be saved: its dtype is object"):
            save(with_trials(x=np.array([None, 1, 2, 3], dtype=object)), tmp_path / name)
        with pytest.raises(InputError, match="column 'a/b' of the trial table cannot be saved"):
            save(with_trials(**{"a/b": np.zeros(4)}), tmp_path / name)
        odd = SpikeTable(table.times, table.unit, table.trial, table.units, table.trials, {"net": np.zeros(2)})
        with pytest.raises(InputError, match="annotation 'net' must be a plain JSON value"):
            save(odd, tmp_path / name)
        keys = SpikeTable(table.times, table.unit, table.trial, table.units, table.trials, {"by_seed": {1: 2}})
        with pytest.raises(InputError, match="annotation 'by_seed' must have strings as keys"):
            save(keys, tmp_path / name)
        nul = with_trials(label=np.array(["a\0b", "", "", ""]))
        with pytest.raises(FileError, match="cannot write"):
            save(nul, tmp_path / name)
    dated = SpikeTable([], [], [], table.units, table.trials, {"session_start_time": "yesterday"})
    with pytest.raises(InputError, match="session_start_time must be a date in ISO 8601, got 'yesterday'"):
        save_nwb(dated, tmp_path / "a.nwb")
    assert not list(tmp_path.iterdir())


def test_damaged_and_newer_headers_are_refused(table: SpikeTable, tmp_path: Path) -> None:
    def nix_with(header: str) -> Path:
        block = to_neo(table)
        block.annotations[HEADER_NAME] = header
        with neo.NixIO(str(tmp_path / "a.nix"), "ow") as file:
            file.write_block(block)
        return tmp_path / "a.nix"

    def nwb_with(header: str) -> Path:
        path = save_nwb(table, tmp_path / "a.nwb", overwrite=True)
        with h5py.File(path, "r+") as file:
            file[f"scratch/{HEADER_NAME}"][()] = header
        return path

    plain = json.loads(to_neo(table).annotations[HEADER_NAME])
    for write in (nix_with, nwb_with):
        with pytest.raises(FileError, match=r"a\.n.*format_version 2 is newer than 1, .*please upgrade semsync"):
            load_recording(write(json.dumps({**plain, "format_version": 2})))
        with pytest.raises(FileError, match=r"a\.n.* header is damaged"):
            load_recording(write("{"))
        with pytest.raises(FileError, match=r"a\.n.*dtype '\|O'"):
            load_recording(write(json.dumps({**plain, "units": {"unit_id": "|O"}})))
        with pytest.raises(FileError, match=r"a\.n.*columns \['colour'\] .* are missing"):
            load_recording(write(json.dumps({**plain, "trials": {"colour": "<i8"}})))


def test_importing_the_readers_imports_no_library_of_theirs() -> None:
    code = "import sys, semsync.analysis.recordings; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"neo", "pynwb", "hdmf", "nixio", "h5py", "quantities", "torch", "nest", "scipy"} & set(loaded)


def test_a_missing_library_is_named(table: SpikeTable, tmp_path: Path) -> None:
    path = save_nwb(table, tmp_path / "a.nwb")
    code = (
        "import sys; sys.modules['pynwb'] = None\n"
        "from semsync.analysis.recordings import load_recording\n"
        f"load_recording({str(path)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "needs the package pynwb; pip install 'semsync[analysis]' brings it" in done.stderr


@HDF5_FORMATS
@pytest.mark.parametrize(("value", "sentence"), [(1e9, "lie outside their trial|is after t_stop"), (np.nan, "finite")])
def test_spike_times_that_cannot_be(
    save: Save, load: Load, extension: str, value: float, sentence: str, table: SpikeTable, tmp_path: Path
) -> None:
    """A time beyond the end of its trial and recording, and one that is NaN, put into the last of a unit's spikes."""
    path = save(table, tmp_path / f"odd{extension}")
    n_changed = 0

    def change(name: str, item: h5py.Dataset | h5py.Group) -> None:
        nonlocal n_changed
        if isinstance(item, h5py.Dataset) and item.dtype == np.float64 and item.shape in ((300,), (100,)):
            item[-1] = value
            n_changed += 1

    with h5py.File(path, "r+") as file:
        file.visititems(change)
    assert n_changed > 0
    with pytest.raises((FileError, InputError), match=sentence) as refused:
        load(path)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value).splitlines()) == 1
