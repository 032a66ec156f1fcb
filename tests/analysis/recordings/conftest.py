"""Files that tests write: text, and recorder files of a real NEST."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NEST = """
import json, sys
import nest
nest.verbosity = nest.VerbosityLevel.ERROR
nest.data_path, nest.overwrite_files, nest.local_num_threads, nest.resolution = sys.argv[1], True, 2, 0.1
trains = json.loads(sys.argv[2])
sources = nest.Create("spike_generator", len(trains), [{"spike_times": t, "precise_times": True} for t in trains])
precise = nest.Create("parrot_neuron_ps", len(trains))
# In the order of threads, and not of the neurons.
label = {"record_to": "ascii", "precision": 12}
ms = nest.Create("spike_recorder", params={**label, "label": "ms"})
steps = nest.Create("spike_recorder", params={**label, "label": "steps", "time_in_steps": True})
memory = nest.Create("spike_recorder")
meter = nest.Create("multimeter", params={**label, "label": "vm", "record_from": ["V_m"]})
neuron = nest.Create("iaf_psc_alpha")
nest.Connect(sources, precise, "one_to_one")
for recorder in (ms, steps, memory):
    nest.Connect(precise, recorder)
nest.Connect(meter, neuron)
nest.Simulate(100.0)
events = memory.get("events")
print(json.dumps({"senders": events["senders"].tolist(), "times": events["times"].tolist()}))
assert "torch" not in sys.modules
"""


@pytest.fixture
def text_file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def nest_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[float]]]:
    """Recorder files of five precise neurons on two threads, and the same spikes from NEST's memory."""
    folder = tmp_path_factory.mktemp("nest")
    trains = [[1.23456, 20.3, 20.35, 70.0], [5.05, 30.125], [42.0], [90.1], [3.3, 3.39, 95.0]]
    done = subprocess.run(
        [sys.executable, "-c", NEST, str(folder), json.dumps(trains)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])
