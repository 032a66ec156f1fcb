"""semsync export and semsync simulate --stimuli, as users call them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from semsync import NetworkDescription
from semsync.analysis.recordings import load_nwb
from semsync.bridge import simulate
from semsync.cli import main
from semsync.pipeline.networks import load_network

YIN_YANG = "pretrained:yin-yang-delays"


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_script_runs_where_semsync_is_not(tmp_path):
    script = tmp_path / "yy.py"
    export = invoke("export", YIN_YANG, "--to", "pynest", "--dataset", "yin-yang", "--n-stimuli", 4, "--out", script)
    assert export.exit_code == 0, export.output
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PYNEST_QUIET": "1"}
    command = [sys.executable, script]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "right: 4 of 4" in run.stdout
    differences = [float(line.split()[-2]) for line in run.stdout.splitlines() if "largest difference" in line]
    assert len(differences) == 2
    assert max(differences) <= 1e-9


def test_networks_go_through_our_own_file(tmp_path):
    out = tmp_path / "net.safetensors"
    assert invoke("export", YIN_YANG, "--to", "semsync", "--out", out).exit_code == 0
    own, again = load_network(YIN_YANG), NetworkDescription.load(out)
    for before, after in zip(own.projections, again.projections, strict=True):
        np.testing.assert_array_equal(before.weights, after.weights)
        np.testing.assert_array_equal(before.delay, after.delay)
    refused = invoke("export", YIN_YANG, "--to", "semsync", "--out", out)
    assert refused.exit_code == 1
    assert "exists; choose another --out or add --overwrite" in refused.output
    assert invoke("export", YIN_YANG, "--to", "semsync", "--out", out, "--overwrite").exit_code == 0


def test_stimuli_of_ones_own(tmp_path):
    network = load_network(YIN_YANG)
    times = np.random.default_rng(0).uniform(1, 20, (6, 5))
    np.savez(tmp_path / "one.npz", input_times=times, labels=np.zeros(6, dtype=int))
    run = invoke("simulate", YIN_YANG, "--stimuli", tmp_path / "one.npz", "--out", tmp_path / "one.nwb")
    assert run.exit_code == 0, run.output
    assert "stimuli of one's own are not shown to torch" in run.output
    expected = simulate(network, times)
    found = load_nwb(tmp_path / "one.nwb")
    np.testing.assert_allclose(found.first_spikes(), expected.first_spikes(), rtol=0, atol=1e-9)

    trial, unit = np.indices(times.shape)
    many = {"times": times.ravel(), "unit": unit.ravel(), "trial": trial.ravel(), "n_inputs": 5, "n_trials": 6}
    np.savez(tmp_path / "many.npz", **many)
    arguments = "simulate", YIN_YANG, "--stimuli", tmp_path / "many.npz", "--n-trials", 3
    run = invoke(*arguments, "--out", tmp_path / "many.nwb")
    assert run.exit_code == 0, run.output
    found = load_nwb(tmp_path / "many.nwb")
    np.testing.assert_allclose(found.first_spikes(), expected.first_spikes()[:3], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"spikes": [1.0]}, "needs input_times, or times, unit, trial, n_inputs and n_trials; it lacks times"),
        ({"input_times": [[1.0, 2.0]]}, r"stimuli must have shape [n_trials, 5]"),
        ({"input_times": [[-1.0] * 5]}, "trial 0, input 0 has -1.0"),
        (None, "is not a readable .npz file"),
    ],
)
def test_stimuli_that_are_none_are_refused(content, sentence, tmp_path):
    path = tmp_path / "stimuli.npz"
    if content is None:
        path.write_bytes(b"no archive")
    else:
        np.savez(path, **content)
    run = invoke("simulate", YIN_YANG, "--stimuli", path, "--out", tmp_path / "out.nwb")
    assert run.exit_code == 1
    assert sentence in run.output
    assert len(run.output.strip().splitlines()) == 1


def test_something_has_to_be_shown(tmp_path):
    run = invoke("simulate", YIN_YANG, "--out", tmp_path / "out.nwb")
    assert run.exit_code == 1
    assert "a data set, or a file of stimuli (one of the two)" in run.output
