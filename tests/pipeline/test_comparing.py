"""`semsync compare`: what its arguments name, and what it leaves in a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from semsync import SpikeTable
from semsync.analysis.analyze import analyze
from semsync.analysis.recordings import save_nwb
from semsync.cli import main
from semsync.errors import FileError, InputError
from semsync.pipeline.comparing import read_ensemble
from semsync.pipeline.recorded import analyse_file

GROUPS = {"area": ["V1"] * 6 + ["LM"] * 4, "layer": [1] * 6 + [2] * 4}


def recording(seed: int, column: str, drive: float) -> SpikeTable:
    """Units of the first group prefer one of two classes."""
    rng = np.random.default_rng(seed)
    classes = np.arange(60) % 2
    rate = np.where((np.arange(10) < 6) & (classes[:, None] == 1), drive, 1.0)
    n_spikes = rng.poisson(rate)
    trial, unit = (np.repeat(rows.ravel(), n_spikes.ravel()) for rows in np.indices(n_spikes.shape))
    start = np.arange(60) * 100.0
    return SpikeTable(
        rng.uniform(0, 80, len(trial)),
        unit,
        trial,
        {"unit_id": np.arange(10), column: np.array(GROUPS[column])},
        {"start": start, "stop": start + 80, "stimulus_class": classes},
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two seeds with its control, and one session."""
    root = tmp_path_factory.mktemp("folders")
    for seed in range(2):
        (root / "run" / f"seed-{seed}").mkdir(parents=True)
        for condition, drive in (("trained", 4.0), ("untrained", 1.0)):
            found = analyze(recording(seed, "layer", drive), n_permutations=99, n_sample_trials=0)
            path = root / "run" / f"seed-{seed}" / f"analysis_{condition}.json"
            path.write_text(json.dumps(found.to_dict()))
    path = save_nwb(recording(7, "area", 3.0), root / "session.nwb")
    found = analyse_file(path, root / "session-1-analysis", n_permutations=99, matched_size=4)
    assert [layer["matched_size"] for layer in found["layers"]] == [4, 4]
    shutil.copytree(root / "session-1-analysis", root / "session-2-analysis")
    return root


@pytest.fixture(autouse=True)
def _here(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folders)


def semsync(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.mark.parametrize(
    ("text", "name", "members"),
    [
        ("run", "run", ["seed-0", "seed-1"]),
        ("model=run", "model", ["seed-0", "seed-1"]),
        ("control=run:untrained", "control", ["seed-0", "seed-1"]),
        ("run/seed-1:untrained", "seed-1", ["seed-1"]),
        ("session-1-analysis", "session-1-analysis", ["session-1-analysis"]),
        ("mouse=session-1-analysis, session-2-analysis", "mouse", ["session-1-analysis", "session-2-analysis"]),
        ("mouse=session-*-analysis", "mouse", ["session-1-analysis", "session-2-analysis"]),
    ],
)
def test_what_an_argument_names(text: str, name: str, members: list[str]) -> None:
    ensemble = read_ensemble(text)
    assert (ensemble.name, list(ensemble.members)) == (name, members)


def test_paths_with_signs_of_their_own(folders: Path, tmp_path: Path) -> None:
    for name in ("lr=0.1", "a,b", "a:untrained"):
        shutil.copytree(folders / "run", tmp_path / name)
        assert len(read_ensemble(str(tmp_path / name)).members) == 2
        assert read_ensemble(f"x={tmp_path / name}").name == "x"
    absolute = read_ensemble(f"x={folders}/session-*-analysis")
    assert len(absolute.members) == 2


def test_conditions_are_different_networks() -> None:
    trained, control = (read_ensemble(text).members["seed-0"] for text in ("run", "run:untrained"))
    assert trained.layers["decoding_accuracy"].iloc[0] > control.layers["decoding_accuracy"].iloc[0] + 0.1


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("nowhere", FileError, "nowhere is missing, expected a folder of results"),
        ("session.nwb", FileError, r"session\.nwb is a file, expected a folder"),
        ("x=no-*", FileError, r"no folder is called like no-\*"),
        ("x=", InputError, "written as NAME=FOLDER,FOLDER"),
        ("run,run", InputError, "named more than once"),
        ("run:shuffled", FileError, r"there is no file .*results\.json"),
        (".", FileError, r"there is no file results\.json"),
    ],
)
def test_what_names_nothing_is_one_sentence(text: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        read_ensemble(text)


def test_a_comparison_from_folders_to_a_page(tmp_path: Path) -> None:
    arguments = ["model=run", "mouse=session-1-analysis", "--map", "layer 1=V1", "--n-resamples", 100]
    result = semsync(*arguments, "--out", tmp_path / "cmp")
    assert result.exit_code == 0, result.output
    assert "note: mouse is a single analysis" in result.output
    results = json.loads((tmp_path / "cmp" / "results.json").read_text())
    assert results["ensembles"] == {"model": ["seed-0", "seed-1"], "mouse": ["session-1-analysis"]}
    assert results["settings"]["groups"] == [["layer 1", "V1"]]
    found = {path.relative_to(tmp_path / "cmp").as_posix() for path in (tmp_path / "cmp").glob("*/*")}
    assert found == set(results["files"])
    assert {
        "figures/comparison.svg",
        "figures/comparison.pdf",
        "tables/distances.csv",
        "tables/values.parquet",
    } <= found
    distances = pd.read_csv(tmp_path / "cmp" / "tables" / "distances.csv")
    assert distances["wasserstein"].tolist() == pytest.approx(
        [np.nan if row["wasserstein"] is None else row["wasserstein"] for row in results["distances"]], nan_ok=True
    )
    again = semsync(*arguments, "--out", tmp_path / "cmp")
    assert again.exit_code == 1
    assert "holds results; add --overwrite" in again.output
    assert semsync(*arguments, "--out", tmp_path / "cmp", "--overwrite").exit_code == 0
    assert json.loads((tmp_path / "cmp" / "results.json").read_text()) == results
    page = (tmp_path / "cmp" / "report.html").read_text()
    assert "layer 1 | V1" in page
    assert "mouse is a single analysis" in page


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run"], "a comparison needs at least two ensembles"),
        (["run", "session-1-analysis", "--map", "layer 9=V1"], "the map layer 9=V1 fits nothing"),
        (["run", "session-1-analysis", "--map", "=V1"], "--map expects A=B, or a name that is in both, got '=V1'"),
        (["run", "session-1-analysis", "--measure", "speed"], "there is no measure 'speed'"),
        (["run", "session-1-analysis", "--window", "late"], "none of the windows that are asked for is in both"),
    ],
)
def test_what_cannot_be_compared_leaves_nothing(folders: Path, arguments: list[str], sentence: str) -> None:
    result = semsync(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(folders.glob("*-comparison"))
