"""A disk that fills up while results are written: one sentence, and nothing lost but the trials under way."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import simulate

resource = pytest.importorskip("resource", reason="limits of file sizes need Unix")

# Files of this process and of its workers can grow to so many bytes only: what a full disk does to them.
CODE = """
import resource, sys
import numpy as np
from semsync import NetworkDescription
from semsync.bridge import simulate
from semsync.errors import FileError

folder = sys.argv[1]
network = NetworkDescription.load(f"{folder}/network.safetensors")
stimuli = np.load(f"{folder}/stimuli.npy")
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
try:
    simulate(network, stimuli, chunk_size=10, work_folder=f"{folder}/work")
except FileError as error:
    print(error)
"""


def test_a_full_disk_is_said_in_one_sentence_and_resumed_from(tmp_path):
    rng = np.random.default_rng(0)
    network = NetworkDescription.from_weights(
        [rng.normal(0.8, 0.5, (8, 60)), rng.normal(0.3, 0.3, (60, 3))], LIFNeuron(10.0, 5.0), trial_duration=40.0
    )
    stimuli = rng.uniform(0, 15, (60, 8))
    stimuli[:50] = np.inf  # chunks without a spike fit, the last one does not
    network.save(tmp_path / "network.safetensors")
    np.save(tmp_path / "stimuli.npy", stimuli)
    work = tmp_path / "work"
    whole = simulate(network, stimuli, chunk_size=10, work_folder=work)  # its inputs will be found there again
    for chunk in work.glob("chunk-*"):
        chunk.unlink()
    for log in work.glob("worker-*.log"):
        log.unlink()
        log.symlink_to("/dev/full")  # where there is no space for results, there is none for logs

    run = subprocess.run([sys.executable, "-c", CODE, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("cannot write")
    assert run.stderr == ""
    assert "File too large" in run.stdout
    assert len(run.stdout.strip().splitlines()) == 1
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("chunk-*")}
    assert sorted(kept) == [f"chunk-{number:05d}.safetensors" for number in range(5)]

    assert simulate(network, stimuli, chunk_size=10, work_folder=work) == whole
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in work.glob("chunk-*")}.items()
