"""A saved network, shown a data set: in torch, or in NEST."""

from __future__ import annotations

import importlib.util
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import bridge
from ..errors import FileError, InputError
from ..models import datasets
from ..models.datasets import Split
from ..models.encoding import encoder_from
from ..network_description import NetworkDescription
from .networks import load_network
from .progress import Progress, silent


@dataclass(frozen=True)
class Evaluation:
    """Accuracy and decision times of a network in torch."""

    n_samples: int
    accuracy: float
    n_decided: int
    mean_decision_time_ms: float


@dataclass(frozen=True)
class Simulation:
    """Accuracy and speed of a network in NEST, and its spike times against torch's (None without torch)."""

    n_samples: int
    accuracy: float
    images_per_second: float
    comparison: dict[str, Any] | None


def load_stimuli(
    description: NetworkDescription, dataset: str, split: str, n_samples: int | None, data_folder: Path | None
) -> Split:
    """Samples that fit the inputs and outputs of a network.

    Raises
    ------
    InputError
        When they do not.
    """
    loaded = datasets.load(dataset, data_folder)
    n_inputs = encoder_from(description.encoding).n_inputs(loaded.n_features)
    if n_inputs != description.input.size or loaded.n_classes != description.output.size:
        raise InputError(
            f"the network has {description.input.size} inputs and {description.output.size} outputs, "
            f"but {dataset} needs {n_inputs} and {loaded.n_classes}"
        )
    return getattr(loaded, split).first(n_samples)


def evaluate(
    network: Path, dataset: str, *, split: str = "test", n_samples: int | None = None, data_folder: Path | None = None
) -> Evaluation:
    """Run a saved network in torch on a split of a data set."""
    from .stages import accuracy, torch_recording

    description = load_network(network)
    samples = load_stimuli(description, dataset, split, n_samples, data_folder)
    table = torch_recording(description, samples)
    decided = np.isfinite(table.trials["decision_time"])
    mean = float(table.trials["decision_time"][decided].mean()) if decided.any() else float("nan")
    return Evaluation(len(samples), accuracy(table), int(decided.sum()), mean)


def simulate(
    network: Path,
    dataset: str,
    out: Path,
    *,
    split: str = "test",
    n_samples: int | None = None,
    data_folder: Path | None = None,
    protocol: str = "exact",
    resolution: float = 0.1,
    n_workers: int = 2,
    resume: bool = False,
    progress: Progress = silent,
) -> Simulation:
    """Run a saved network in NEST on a split of a data set and save the recording as `out`.

    Raises
    ------
    FileError
        When `out` exists, is of no format that can be written, or an interrupted simulation is in its way.
    """
    from ..analysis.recordings import save_nix, save_nwb

    writers = {".nix": save_nix, ".nwb": save_nwb}
    if out.suffix not in writers:
        raise InputError(f"recordings are written as {' or '.join(writers)}, got {out.name!r}")
    if out.exists():
        raise FileError(f"{out} exists; remove it or choose another --out")
    work_folder = out.with_name(out.name + ".simulation")
    if work_folder.exists() and not resume:
        raise FileError(f"{work_folder} holds a simulation that was cut short; add --resume or remove it")
    description = load_network(network)
    samples = load_stimuli(description, dataset, split, n_samples, data_folder)
    started = time.perf_counter()
    recording = bridge.simulate(
        description,
        encoder_from(description.encoding)(samples.features),
        protocol,
        resolution=resolution,
        classes=samples.labels,
        n_workers=n_workers,
        work_folder=work_folder,
        progress=lambda n_done, n_all: progress("simulate in NEST", n_done, n_all),
    )
    seconds = time.perf_counter() - started
    writers[out.suffix](recording, out)
    shutil.rmtree(work_folder, ignore_errors=True)
    comparison = None
    if importlib.util.find_spec("torch") is not None:
        from .stages import torch_recording

        comparison = bridge.compare(torch_recording(description, samples), recording, description).to_dict()
    correct = recording.trials["decision"] == samples.labels
    return Simulation(len(samples), float(correct.mean()), len(samples) / seconds, comparison)
