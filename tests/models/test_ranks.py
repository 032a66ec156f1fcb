"""Several processes (torchrun, gloo) that share every batch train the network that one process trains."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

SCRIPT = """
import sys
import numpy as np
import torch
from semsync import LIFNeuron
from semsync.models import training
from semsync.models.datasets import yin_yang
from semsync.models.network import FirstSpikeNetwork, HiddenLayer, NetworkConfig
from semsync.models.ranks import Ranks
from semsync.models.running_average import RunningAverage
from semsync.models.encoding import LatencyEncoder

target, silent, drive = sys.argv[1], sys.argv[2], float(sys.argv[3])
config = NetworkConfig(hidden=(HiddenLayer(n_E=20, n_I=8), HiddenLayer(n_E=16, n_I=6)), first_mean=drive,
                       hidden_mean=0.2, hidden_sd=0.5, output_mean=0.4, output_sd=0.8)
network = FirstSpikeNetwork.initialise(5, 3, config, LIFNeuron(10.0, 10.0), np.random.default_rng(0),
                                       trial_duration=60.0)
before = [p.detach().clone() for p in network.parameters()]
recipe = training.TrainingConfig(batch_size=33, silent_neurons=silent, bump=0.01, input_jitter=1.0,
                                 max_weight_gradient=0.005)
split = yin_yang.generate(33, 1)
ranks = Ranks.of_environment()
# One step of plain descent with rate 1: what the weights lose is the gradient.
step = torch.optim.SGD(network.parameters(), lr=1.0)
times = LatencyEncoder(bias_times=(9.0,))(split.features)
loss, accuracy, n_bumps = training._train_epoch(
    network, step, recipe.for_silent_neurons(network),
    RunningAverage(list(network.parameters()), 0.0), times, split.labels, recipe, 0, 0, None, ranks)
changes = [b - p.detach() for b, p in zip(before, network.parameters())]
if ranks.is_first:
    torch.save({"changes": changes, "loss": loss, "accuracy": accuracy, "n_bumps": n_bumps}, target)
"""


def step(folder, n_ranks, silent, drive):
    script, target = folder / "script.py", folder / f"{n_ranks}.pt"
    script.write_text(SCRIPT)
    launcher = [] if n_ranks == 1 else ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_ranks}"]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, *launcher, str(script), str(target), silent, str(drive)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return torch.load(target, weights_only=True)


@pytest.mark.parametrize(
    ("silent", "drive", "n_bumps"),
    [("push", 1.0, 0), ("bump", 0.05, 1)],
    ids=["a step, with the guard", "a bump"],
)
def test_two_processes_take_the_step_of_one(tmp_path, silent, drive, n_bumps):
    """33 samples, so that the shares differ in size."""
    one, two = (step(tmp_path, n, silent, drive) for n in (1, 2))
    assert one["n_bumps"] == two["n_bumps"] == n_bumps
    assert one["accuracy"] == two["accuracy"]
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-12)
    assert any(change.any() for change in one["changes"])
    for expected, found in zip(one["changes"], two["changes"], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_training_with_torchrun_ends_in_one_network(tmp_path):
    command = ["--nproc-per-node=2", "-m", "semsync", "train", "yin-yang", "--out", str(tmp_path / "run")]
    settings = ["training.epochs=1", "training.batch_size=500"]
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", *command, *(f"--set={s}" for s in settings)],
        env={**os.environ, "NUMBA_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("test accuracy") == 1
    assert (tmp_path / "run" / "network.safetensors").exists()
