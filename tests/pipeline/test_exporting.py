"""Networks in other forms, from their file to what a user runs."""

from __future__ import annotations

import shutil
import subprocess
import sys

import nir
import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
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


def test_a_graph_is_written_for_the_time_step_of_its_reader(tmp_path):
    description = NetworkDescription.from_weights([np.ones((3, 4))], LIFNeuron(10.0, 5.0), trial_duration=40.0)
    network, r = description.save(tmp_path / "mine.safetensors"), []
    for number, options in enumerate(({}, {"nir_dt": 0.1}, {"nir_dt": 1.0})):
        (path,) = export_network(network, "nir", tmp_path / f"{number}.nir", **options)
        nodes = nir.read(path).nodes.values()
        r.append(next(node.r for node in nodes if isinstance(node, nir.CubaLIF))[0])
    assert r[0] == r[1] == pytest.approx(10 * r[2])
    with pytest.raises(InputError, match="goes with a NIR graph alone"):
        export_network(network, "pynest", nir_dt=1.0)
