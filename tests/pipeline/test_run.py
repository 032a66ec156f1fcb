"""The main job, whole and interrupted, with real NEST, Neo and data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from semsync.analysis.recordings import load_nix, load_nwb
from semsync.cli import main

# Small, but with everything: Dale's law, both windows, two layers.
SMALL = [
    "--set", "network.hidden=[{n_E = 24, n_I = 8}, {n_E = 24, n_I = 8}]",
    "--set", "network.hidden_mean=0.2",
    "--set", "network.output_mean=0.4",
    "--set", "analysis.n_permutations=200",
]  # fmt: skip


def semsync(*arguments: str):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    result = semsync("run", "digits", *SMALL, "--set", "training.epochs=6", "--n-trials", 60, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_results_have_every_promised_number(finished):
    results = json.loads((finished / "results.json").read_text())
    assert results["dataset"] == "digits"
    assert results["n_test"] == 60
    assert 0.2 < results["torch"]["test_accuracy"] <= 1
    nest = results["nest"]
    assert nest["equal"]
    assert nest["max_abs_difference_ms"] <= 1e-9
    assert nest["n_spikes_compared"] > 60
    assert {"n_spiking_mismatches", "n_decision_mismatches", "grazing_spikes", "test_accuracy"} <= nest.keys()
    wanted = {
        "packet_size", "packet_sd_ms", "packet_shortest_half_ms", "packet_shortest_half_matched_ms",
        "information_gain_E", "information_gain_I", "decoding_accuracy",
    }  # fmt: skip
    for condition in ("trained", "untrained"):
        for window in ("all", "decision"):
            layers = results["layers"][condition][window]
            assert [row["layer"] for row in layers] == [0, 1, 2, 3]
            for row in layers:
                assert wanted <= row.keys()


def test_folder_holds_all_that_a_run_leaves(finished):
    left = {path.name for path in finished.iterdir()}
    assert {"config.json", "network.safetensors", "recording.nix", "recording.nwb", "results.json"} <= left
    assert {"report.html", "log.txt", "history.json"} <= left
    assert not any("partial" in name or name.startswith("simulation") for name in left)
    config = json.loads((finished / "config.json").read_text())
    assert config["config"]["training"]["epochs"] == 6
    assert config["environment"]["versions"]["nest-simulator"]


def test_both_recordings_are_the_same(finished):
    assert load_nix(finished / "recording.nix") == load_nwb(finished / "recording.nwb")


def test_saved_network_is_evaluated_and_simulated(finished, tmp_path):
    network = finished / "network.safetensors"
    result = semsync("evaluate", network, "--dataset", "digits", "--n-trials", 60)
    assert result.exit_code == 0, result.output
    accuracy = json.loads((finished / "results.json").read_text())["torch"]["test_accuracy"]
    assert f"accuracy: {accuracy:.2%} of 60 test samples" in result.output
    out = tmp_path / "again.nwb"
    result = semsync("simulate", network, "--dataset", "digits", "--n-trials", 10, "--out", out)
    assert result.exit_code == 0, result.output
    assert "0 spiking mismatches" in result.output
    assert load_nwb(out).n_trials == 10
    result = semsync("simulate", network, "--dataset", "digits", "--out", out)
    assert result.exit_code == 1
    assert "exists" in result.output


@pytest.mark.parametrize("suffix", [".nix", ".nwb"])
def test_recordings_are_analysed(finished, tmp_path, suffix):
    out = tmp_path / "analysis"
    result = semsync(
        "analyze", finished / f"recording{suffix}", "--out", out, "--network", finished / "network.safetensors",
        "--n-permutations", 200,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    results = json.loads((out / "results.json").read_text())
    of_the_run = json.loads((finished / "results.json").read_text())["layers"]["trained"]
    found = {(row["window"], row["layer"]): row["packet_size"] for row in results["layers"]}
    for window, rows in of_the_run.items():
        for row in rows:
            assert found[window, row["layer"]] == pytest.approx(row["packet_size"], abs=1e-12)
    assert (out / "report.html").stat().st_size > 10_000


def test_macaque_recording_lacks_what_it_lacks(data_folder, tmp_path):
    file = data_folder / "recordings" / "riehle1997_winny131_23.gdf"
    result = semsync("analyze", file, "--out", tmp_path / "riehle", "--n-permutations", 200)
    assert result.exit_code == 0, result.output
    assert "2 units, 128 trials" in result.output
    assert "lacking: The recording has no cell types" in result.output


def test_two_seeds_are_summarised(tmp_path):
    result = semsync(
        "run", "yin-yang", "--seeds", 2, "--n-trials", 12, "--out", tmp_path / "two",
        "--set", "training.epochs=1", "--set", "network.hidden=[{n_untyped = 20}]",
        "--set", "analysis.n_permutations=200",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "two" / "results.json").read_text())
    singles = [json.loads((tmp_path / "two" / f"seed-{seed}" / "results.json").read_text()) for seed in (0, 1)]
    mean = np.mean([single["torch"]["test_accuracy"] for single in singles])
    assert summary["torch"]["test_accuracy"] == pytest.approx(mean)
    assert summary["seeds"] == [0, 1]
    assert (tmp_path / "two" / "report.html").exists()


TRAINING = ["train", "digits", *SMALL, "--set", "training.epochs=8"]


def test_killed_training_resumes_to_the_same_network(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert semsync(*TRAINING, "--out", whole).exit_code == 0
    process = subprocess.Popen([sys.executable, "-m", "semsync", *TRAINING, "--out", str(killed)])
    deadline = time.monotonic() + 120
    while not (killed / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    refused = semsync(*TRAINING, "--out", killed, "--resume")
    assert refused.exit_code == 1
    assert f"another process is writing to {killed}" in refused.output
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "network.safetensors").exists()
    result = semsync(*TRAINING, "--out", killed, "--resume")
    assert result.exit_code == 0, result.output
    expected, found = load_file(whole / "network.safetensors"), load_file(killed / "network.safetensors")
    assert expected.keys() == found.keys()
    assert all(np.array_equal(expected[key], found[key]) for key in expected)


def test_resuming_with_another_configuration_is_refused(finished):
    result = semsync(
        "run", "digits", *SMALL, "--set", "training.epochs=7", "--n-trials", 60, "--out", finished, "--resume"
    )
    assert result.exit_code == 1
    assert "differs in training.epochs (6, now 7)" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "digit"], "there is no preset 'digit'; did you mean 'digits'?"),
        (["run", "--set", "seeed=1"], "the configuration has no key 'seeed'; did you mean 'seed'?"),
        (["evaluate", "missing.safetensors", "--dataset", "digits"], "there is no network file missing.safetensors"),
        (["analyze", "missing.nix"], "missing.nix"),
        (["report", "nowhere-at-all/x"], "nowhere-at-all/x"),
        (["data", "imagenet"], "there is no data set 'imagenet'"),
    ],
)
def test_mistakes_are_one_sentence_and_nonzero(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = semsync(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("semsync: ")
    assert sentence in result.output
    assert result.output.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_folders_in_the_way(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("two years of work")
    result = semsync("run", "--out", tmp_path / "full")
    assert result.exit_code == 1
    assert "is not empty; add --resume or choose another --out" in result.output
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    result = semsync("run", "--out", tmp_path / "full" / "thesis.tex")
    assert "is a file" in result.output
    result = semsync("run", "--out", tmp_path / "full" / "thesis.tex" / "below")
    assert result.exit_code == 1
    assert "cannot make the output folder" in result.output


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "log.txt").symlink_to("/dev/full")
    settings = ("--set", "training.epochs=1", "--set", "network.hidden=[{n_E=4,n_I=2}]")
    command = [sys.executable, "-m", "semsync", "train", "digits", *settings, "--out", str(tmp_path), "--resume"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("semsync: the disk is full")
    assert (tmp_path / "network.safetensors").exists()


def test_foreign_and_truncated_networks(finished, tmp_path):
    whole = (finished / "network.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    result = semsync("evaluate", tmp_path / "cut.safetensors", "--dataset", "digits")
    assert "is it truncated?" in result.output
    result = semsync("evaluate", finished / "checkpoint.safetensors", "--dataset", "digits")
    assert "is not a semsync-network file (its header says 'semsync-checkpoint')" in result.output
    result = semsync("evaluate", finished / "network.safetensors", "--dataset", "yin-yang")
    assert "the network has 64 inputs and 10 outputs, but yin-yang needs 4 and 3" in result.output
    assert result.exit_code == 1
