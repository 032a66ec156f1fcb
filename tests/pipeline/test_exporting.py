"""Networks in other forms, from their file to what a user runs."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

from semsync.errors import FileError, InputError
from semsync.pipeline.exporting import export_network
from semsync.pipeline.networks import load_network


def test_the_script_of_a_pretrained_network_decides_right_and_at_the_times_of_torch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script, _, stimuli = export_network("pretrained:yin-yang-delays", "pynest", dataset="yin-yang", n_stimuli=20)
    assert script.name == "yin-yang-delays_pynest.py"
    with np.load(stimuli) as file:
        expected = dict(file)
    assert len(expected["labels"]) == 20

    done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True)

    assert "right: 20 of 20" in done.stdout
    with np.load("spikes.npz") as file:
        for name in ("hidden_1_times", "output_times"):
            silent = np.isinf(expected[name])
            np.testing.assert_array_equal(np.isinf(file[name]), silent)
            assert np.abs(file[name][~silent] - expected[name][~silent]).max() <= 1e-9


def test_a_network_file_is_exported_beside_itself_and_without_stimuli(tmp_path):
    network = load_network("pretrained:yin-yang-delays").save(tmp_path / "mine.safetensors")
    files = export_network(network, "pynest")
    assert [file.name for file in files] == ["mine_pynest.py", "mine_pynest_weights.npz"]
    assert all(file.parent == tmp_path for file in files)
    with pytest.raises(FileError, match="exists"):
        export_network(network, "pynest")
    assert export_network(network, "pynest", overwrite=True) == files
    folder = tmp_path / "folder"
    assert export_network(network, "pynest", folder)[0] == folder / "network.py"
    shutil.rmtree(folder)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"no format 'brian' to export to; known are .*pynest"):
        export_network("pretrained:yin-yang-delays", "brian")
    with pytest.raises(InputError, match="5 inputs and 3 outputs, but digits needs"):
        export_network("pretrained:yin-yang-delays", "pynest", dataset="digits")
