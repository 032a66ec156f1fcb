"""A saved network, shown a data set: in torch, or in NEST."""

from __future__ import annotations

import importlib.util
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import bridge
from ..errors import FileError, InputError
from ..models import datasets
from ..models.datasets import Split
from ..models.encoding import encoder_from
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable
from .networks import load_network
from .progress import Progress, silent
from .time_steps import AUTO, asked_for


@dataclass(frozen=True)
class Evaluation:
    """Accuracy and decision times of a network in torch."""

    n_samples: int
    accuracy: float
    n_decided: int
    mean_decision_time_ms: float


@dataclass(frozen=True)
class Simulation:
    """Accuracy (None without classes) and speed of a network in NEST, and its spike times against torch's.

    ``n_trials_at`` is the number of trials run at each time step [ms].
    """

    n_samples: int
    accuracy: float | None
    n_spikes: int
    images_per_second: float
    comparison: dict[str, Any] | None
    why_no_comparison: str = ""
    n_trials_at: Mapping[float, int] = field(default_factory=dict)


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
    network: str | Path,
    out: Path,
    *,
    dataset: str | None = None,
    stimuli: Path | None = None,
    split: str = "test",
    n_samples: int | None = None,
    data_folder: Path | None = None,
    protocol: str = "exact",
    resolution: float | str = AUTO,
    n_workers: int = 2,
    n_ranks: int = 1,
    dask: str | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Simulation:
    """Run a saved network in NEST, on a data set or on stimuli of one's own, and save the recording as `out`.

    Parameters
    ----------
    network : path or ``pretrained:NAME``
    out : Path
        A ``.nix`` or ``.nwb`` file.
    dataset, stimuli : str and Path, one of the two
        A data set, encoded as the network says, or a file of input spikes: see :func:`read_stimuli`.
    resolution : float or "auto"
        Time step [ms]; "auto" is that of :func:`semsync.pipeline.time_steps.time_steps`.
    protocol, n_workers, n_ranks, dask, seed
        See :func:`semsync.bridge.simulate`.

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
    if (dataset is None) == (stimuli is None):
        raise InputError("name what the network is to be shown: a data set, or a file of stimuli (one of the two)")
    description = load_network(network)
    samples = None
    spikes: Any
    labels: Any
    if stimuli is not None:
        spikes, labels = read_stimuli(stimuli, n_samples)
    else:
        samples = load_stimuli(description, str(dataset), split, n_samples, data_folder)
        spikes, labels = encoder_from(description.encoding)(samples.features), samples.labels
    started = time.perf_counter()
    steps = asked_for(resolution, description, spikes, protocol)
    recording = bridge.simulate(
        description,
        spikes,
        protocol,
        resolution=steps,
        classes=labels,
        n_workers=n_workers,
        n_ranks=n_ranks,
        dask=dask,
        work_folder=work_folder,
        progress=lambda n_done, n_all: progress("simulate in NEST", n_done, n_all),
        seed=seed,
    )
    seconds = time.perf_counter() - started
    writers[out.suffix](recording, out)
    shutil.rmtree(work_folder, ignore_errors=True)
    comparison, why_not = None, ""
    if samples is None:
        why_not = "stimuli of one's own are not shown to torch"
    elif str(bridge.Protocol.of(protocol)) != "exact":
        why_not = f"protocol {protocol!r} is meant to differ"
    elif importlib.util.find_spec("torch") is None:
        why_not = "torch is not installed"
    else:
        from .stages import torch_recording

        comparison = bridge.compare(torch_recording(description, samples), recording, description).to_dict()
    accuracy = None if labels is None else float((recording.trials["decision"] == labels).mean())
    n_trials = recording.n_trials
    used, n_each = np.unique(np.broadcast_to(steps, (n_trials,)), return_counts=True)
    n_trials_at = dict(zip(used.tolist(), n_each.tolist(), strict=True))
    return Simulation(n_trials, accuracy, recording.n_spikes, n_trials / seconds, comparison, why_not, n_trials_at)


def read_stimuli(path: Path, n_trials: int | None = None) -> tuple[Any, NDArray[np.int64] | None]:
    """Input spikes of one's own from an ``.npz`` file, and the classes of their trials where it has them.

    The file holds ``input_times``, shape [n_trials, n_inputs]: one spike an input [ms], ``inf`` for none; or ``times``
    [ms], ``unit`` and ``trial``, shape [n_spikes] each: any number of spikes; then ``n_inputs`` and ``n_trials`` are
    numbers in the file. ``labels``, shape [n_trials], is optional.

    Raises
    ------
    FileError
        When the file is missing or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            content = dict(file)
    except FileNotFoundError:
        raise FileError(f"there is no file {path}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(f"{path} is not a readable .npz file ({error})") from error
    labels = content.get("labels")
    if "input_times" in content:
        return content["input_times"][:n_trials], None if labels is None else labels[:n_trials]
    missing = [key for key in ("times", "unit", "trial", "n_inputs", "n_trials") if key not in content]
    if missing:
        raise FileError(
            f"{path} needs input_times, or times, unit, trial, n_inputs and n_trials; it lacks {', '.join(missing)}"
        )
    n_kept = min(int(content["n_trials"]), n_trials or int(content["n_trials"]))
    kept = content["trial"] < n_kept
    bounds = np.zeros(n_kept)
    # The table sees no trial's end; `bridge.simulate` checks times against the network's.
    stop = max(1.0, float(content["times"].max(initial=0.0)))
    table = SpikeTable(
        content["times"][kept],
        content["unit"][kept],
        content["trial"][kept],
        {"unit_id": np.arange(int(content["n_inputs"]))},
        {"start": bounds, "stop": bounds + stop},
    )
    return table, None if labels is None else labels[:n_kept]
