"""From a recording file to its analysis by the commands that a user types, the suggested one first."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from semsync import SpikeTable
from semsync.analysis.recordings import load_recording, save_nix, save_nwb
from semsync.cli import main

REAL = {
    "human": "dandi000207_sub-4_ses-4_ecephys+image.nwb",
    "macaque": "riehle1997_winny131_23.gdf",
    "mouse": "steinmetz2019_Lederberg_2017-12-05_VIS_10ms.npz",
}


def semsync(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def suggested(output: str) -> list[str]:
    """The words of the command at the end of what `inspect` prints."""
    words = shlex.split(output.splitlines()[-1])
    assert words[:2] == ["semsync", "analyze"]
    return words[1:]


def results_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


@pytest.fixture
def recording() -> SpikeTable:
    """Two areas, of which one prefers a side; unit 8 nearly never fires."""
    rng = np.random.default_rng(4)
    n_trials = 60
    side = np.arange(n_trials) % 2
    rate = np.where((np.arange(9) % 2 == side[:, None]) & (np.arange(9) < 5), 4.0, 1.5)
    rate[:, 8] = 0.01
    n_spikes = rng.poisson(rate)
    trial, unit = (np.repeat(rows.ravel(), n_spikes.ravel()) for rows in np.indices(n_spikes.shape))
    start = np.arange(n_trials) * 600.0
    return SpikeTable(
        rng.uniform(-100, 400, len(trial)),
        unit,
        trial,
        {"unit_id": np.arange(9), "area": np.array(["V1"] * 5 + ["LM"] * 4)},
        {
            "start": start,
            "stop": start + 500,
            "onset": start + 100,
            "side": np.array(["left", "right"])[side],
            "contrast": np.repeat([0.25, 1.0], n_trials // 2),
        },
    )


@pytest.mark.parametrize("name", sorted(REAL))
def test_the_suggested_command_analyses_real_recordings(data_folder: Path, tmp_path: Path, name: str) -> None:
    found = semsync("inspect", data_folder / "recordings" / REAL[name])
    assert found.exit_code == 0, found.output
    result = semsync(*suggested(found.output), "--out", tmp_path / name, "--n-permutations", 19)
    assert result.exit_code == 0, result.output
    results = results_of(tmp_path / name)
    assert results["recording"]["n_trials"] > 50
    assert any(unit["information_bits"] is not None for unit in results["units"])
    if name == "mouse":
        assert any("counts in bins of 10 ms" in lack for lack in results["lacks"])
        assert all(layer["packet_sd_ms"] is None for layer in results["layers"])
        assert all(layer["packet_size"] is not None for layer in results["layers"])


@pytest.mark.parametrize(("save", "extension"), [(save_nix, ".nix"), (save_nwb, ".nwb")])
def test_the_suggested_command_analyses_our_recordings(
    save: Callable[..., Path], extension: str, recording: SpikeTable, tmp_path: Path
) -> None:
    found = semsync("inspect", save(recording, tmp_path / f"a recording{extension}"))
    assert found.exit_code == 0, found.output
    for line in (f"a recording{extension}: {extension[1:].upper()} file of semsync", "areas       LM 4, V1 5"):
        assert line in found.output
    command = suggested(found.output)
    assert command[-2:] == ["--class-column", "side"]
    result = semsync(*command, "--out", tmp_path / "out", "--n-permutations", 19)
    assert result.exit_code == 0, result.output
    assert results_of(tmp_path / "out")["selection"] == []


def test_trials_and_units_are_selected_and_the_rest_is_told(recording: SpikeTable, tmp_path: Path) -> None:
    path, out = save_nwb(recording, tmp_path / "a.nwb"), tmp_path / "out"
    result = semsync(
        "analyze", path, "--out", out, "--class-column", "side", "--where", "contrast > 0.5", "--units-where",
        "area == 'V1' or unit_id == 8", "--unit-rate", "0.5,", "--min-presence", 0.5, "--max-isi-violations", 0.9,
        "--trial-rate", ",100", "--baseline", "-100,0", "--window", "0,400", "--n-permutations", 19,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    results = results_of(out)
    assert (results["recording"]["n_units"], results["recording"]["n_trials"]) == (5, 30)
    steps = {step["criterion"].split(" (")[0]: step for step in results["selection"]}
    assert steps["contrast > 0.5"]["dropped"] == list(range(30))
    assert steps["area == 'V1' or unit_id == 8"]["dropped"] == [5, 6, 7]
    assert steps["mean rate of the unit at least 0.5 Hz"]["dropped"] == [8]
    assert len(steps) == 6
    for step in results["selection"]:
        assert step["n_dropped"] == len(step["dropped"])
        assert f"{step['criterion']}" in result.output
    assert "30 of 60 trials dropped, which do not fulfil: contrast &gt; 0.5." in (out / "report.html").read_text()
    assert results["settings"]["selecting"]["where"] == "contrast > 0.5"
    table = load_recording(path, class_column="side").select(trials=np.arange(30, 60), units=np.arange(5))
    before = table.window(-100, np.nextafter(0, -1)).counts() / 0.1
    after = table.window(0, 400).counts() / 0.4
    responses = pd.DataFrame(results["responses"])
    assert responses["unit_id"].tolist() == list(range(5))
    assert set(responses["window"]) == {"0..400 ms"}
    np.testing.assert_allclose(responses["baseline_rate_hz"], before.mean(axis=0))
    np.testing.assert_allclose(responses["response_hz"], (after - before).mean(axis=0), atol=1e-9)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--where", "contrast > 5"], "none of the 60 trials fulfils: contrast > 5"),
        (["--where", "colour == 1"], "names 'colour', which is no column of the trials"),
        (["--where", "open('x')"], "has a call, which a condition cannot have"),
        (["--unit-rate", "5"], "--unit-rate expects a smallest and a largest value"),
        (["--min-presence", "most"], "--min-presence expects a number, got 'most'"),
        (["--baseline", "0"], "--baseline expects two times in ms"),
        (["--baseline", "-900,0"], "no trial holds the baseline from -900 to 0 ms"),
        (["--time-unit", "s"], "NWB files have no option 'time_unit'"),
    ],
)
def test_what_cannot_be_selected_is_one_sentence(
    recording: SpikeTable, tmp_path: Path, options: list[str], sentence: str
) -> None:
    result = semsync("analyze", save_nwb(recording, tmp_path / "a.nwb"), "--out", tmp_path / "out", *options)
    assert result.exit_code == 1
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_table_of_spikes_is_inspected_and_analysed(recording: SpikeTable, tmp_path: Path) -> None:
    onset = recording.trials["onset"]
    rows = zip(recording.unit.tolist(), ((recording.times + onset[recording.trial]) / 1000).tolist(), strict=True)
    (tmp_path / "s.csv").write_text("unit,time\n" + "".join(f"{unit},{time!r}\n" for unit, time in rows))
    trials = [f"{a},{b},{c},{side}\n" for a, b, c, side in zip(
        recording.trials["start"], recording.trials["stop"], onset, recording.trials["side"], strict=True
    )]  # fmt: skip
    (tmp_path / "t.csv").write_text("start_ms,stop_ms,onset_ms,side\n" + "".join(trials))
    found = semsync("inspect", tmp_path / "s.csv", "--trials", tmp_path / "t.csv")
    assert found.exit_code == 0, found.output
    assert "look like s" in found.output.replace("\n            ", " ")
    command = suggested(found.output)
    assert "--time-unit" in command
    result = semsync(*command, "--out", tmp_path / "out", "--n-permutations", 19)
    assert result.exit_code == 0, result.output
    direct = semsync(
        "analyze", save_nwb(recording, tmp_path / "a.nwb"), "--class-column", "side", "--by", "area", "--out",
        tmp_path / "direct", "--n-permutations", 19,
    )  # fmt: skip
    assert direct.exit_code == 0, direct.output
    left, right = results_of(tmp_path / "out")["units"], results_of(tmp_path / "direct")["units"]
    for column in ("n_active_trials", "information_bits"):
        assert [unit[column] for unit in left] == [unit[column] for unit in right]


def test_recorder_files_of_nest_by_a_pattern(tmp_path: Path) -> None:
    for thread in (0, 1):
        rows = "".join(f"{2 * row + thread}\t{5.0 * row + 1 + thread}\n" for row in range(20))
        (tmp_path / f"exc-7-{thread}.dat").write_text(f"# NEST version: 3.10.0\nsender\ttime_ms\n{rows}")
    result = semsync("analyze", tmp_path / "exc-*", "--by", "population", "--n-permutations", 19)
    assert result.exit_code == 0, result.output
    assert "40 units, 1 trials, 40 spikes" in result.output
    assert results_of(tmp_path / "exc-analysis")["layers"][0]["name"] == "exc-7"


def test_inspecting_what_is_not_there() -> None:
    result = semsync("inspect", "missing.nwb")
    assert result.exit_code == 1
    assert "there is no file missing.nwb" in result.output
