"""The work folder of a simulation: what is to be simulated, and the result of each finished chunk of trials.

    job.json                  settings and the fingerprint of all inputs; written last, so it marks a whole folder
    network.safetensors       the NetworkDescription
    stimuli.safetensors       input spikes, and the time step of each trial
    chunk-00000.safetensors   spikes of the first chunk, and so on; written beside and renamed
    worker-0.log              what NEST printed, and the traceback of a failure

Numpy only; parent and workers meet here and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ..network_description import NetworkDescription, check_format, replace_safetensors
from .protocols import Plan, Protocol
from .stimuli import Stimuli

FORMAT, FORMAT_VERSION = "semsync-simulation", 2
INPUT_FILES = ("network.safetensors", "stimuli.safetensors", "job.json")
CHUNK_FORMAT, CHUNK_FORMAT_VERSION = "semsync-spikes", 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunk:
    """Spikes of some consecutive trials.

    Attributes
    ----------
    times : array, shape [n_spikes]
        [ms] from the onset of the trial.
    unit, trial : int array, shape [n_spikes]
        Rows among all units, inputs included, and among all trials.
    simulator : str
        Name and version.
    """

    times: NDArray[np.float64]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]
    simulator: str


@dataclass(frozen=True)
class Job:
    """One simulation and its work folder.

    Attributes
    ----------
    folder : Path
    description : NetworkDescription
    stimuli : Stimuli
    resolution : array, shape [n_trials]
        Time step of each trial [ms].
    protocol : Protocol
    seed : int
    chunk_size : int
        Trials per result file, at most; made a multiple of the protocol's session.
    n_ranks : int
        MPI ranks of a worker, where the spikes depend on them; else 1.
    """

    folder: Path
    description: NetworkDescription
    stimuli: Stimuli
    resolution: NDArray[np.float64]
    protocol: Protocol
    seed: int
    chunk_size: int
    n_ranks: int = 1
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", self._fingerprint())

    @property
    def n_trials(self) -> int:
        return self.stimuli.n_trials

    @property
    def n_chunks(self) -> int:
        return len(self._chunks)

    def trials_of(self, chunk: int) -> NDArray[np.intp]:
        """Trials of a chunk, all of one time step."""
        return self._chunks[chunk]

    def plan_of(self, chunk: int) -> Plan:
        """How the trials of a chunk are run."""
        return self.plans[float(self.resolution[self.trials_of(chunk)[0]])]

    @cached_property
    def plans(self) -> dict[float, Plan]:
        """The plan for each time step in use [ms], the smallest step first."""
        steps = np.unique(self.resolution).tolist()
        return {step: self.protocol.plan(self.description, step, self.seed) for step in steps}

    @property
    def session(self) -> int:
        """Number of trials that follow one another without a reset."""
        return next(iter(self.plans.values())).session

    @cached_property
    def _chunks(self) -> list[NDArray[np.intp]]:
        size = -(-self.chunk_size // self.session) * self.session
        chunks = []
        for step in np.unique(self.resolution):
            trials = np.flatnonzero(self.resolution == step)
            chunks += [trials[start : start + size] for start in range(0, len(trials), size)]
        return chunks

    def prepare(self) -> None:
        """Write the inputs to the folder, or recognise them there.

        Raises
        ------
        FileError
            When the folder cannot be written, or holds something else.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / "job.json").exists():
                found = _read_settings(self.folder)["fingerprint"]
                if found != self.fingerprint:
                    raise FileError(
                        f"{self.folder} holds another simulation (other network, stimuli or settings, or other MPI "
                        f"ranks where NEST draws random numbers); choose another work folder, or remove this one"
                    )
                return
            self.description.save(self.folder / "network.safetensors")
            stimuli = {name: getattr(self.stimuli, name) for name in ("times", "unit", "trial")}
            stimuli["resolution"] = self.resolution
            _save(self.folder / "stimuli.safetensors", stimuli, {"fingerprint": self.fingerprint})
            settings = {
                "format": FORMAT,
                "format_version": str(FORMAT_VERSION),
                "protocol": str(self.protocol),
                "n_trials": self.n_trials,
                "seed": self.seed,
                "chunk_size": self.chunk_size,
                "n_ranks": self.n_ranks,
                "fingerprint": self.fingerprint,
            }
            partial = self.folder / "job.json.partial"
            partial.write_text(json.dumps(settings, indent=2))
            partial.replace(self.folder / "job.json")
        except FileError:
            raise
        except OSError as error:
            raise FileError(f"cannot use {self.folder} as a work folder: {error}") from error

    @classmethod
    def load(cls, folder: Path) -> Job:
        """Read what :meth:`prepare` wrote."""
        settings = _read_settings(folder)
        tensors, _ = _load(folder / "stimuli.safetensors")
        return cls(
            folder,
            NetworkDescription.load(folder / "network.safetensors"),
            Stimuli(tensors["times"], tensors["unit"], tensors["trial"], settings["n_trials"]),
            tensors["resolution"],
            Protocol.of(settings["protocol"]),
            settings["seed"],
            settings["chunk_size"],
            settings.get("n_ranks", 1),
        )

    def input_files(self) -> dict[str, bytes]:
        """Contents of all files that :meth:`prepare` wrote, by name: another folder with them holds the same job."""
        return {name: (self.folder / name).read_bytes() for name in INPUT_FILES}

    def chunk_path(self, chunk: int) -> Path:
        return self.folder / f"chunk-{chunk:05d}.safetensors"

    def write_chunk(self, chunk: int, result: Chunk) -> None:
        """Write a finished chunk; what is cut short never bears its name."""
        header = {
            "format": CHUNK_FORMAT,
            "format_version": str(CHUNK_FORMAT_VERSION),
            "fingerprint": self.fingerprint,
            "simulator": result.simulator,
        }
        spikes: dict[str, NDArray[Any]] = {"times": result.times, "unit": result.unit, "trial": result.trial}
        _save(self.chunk_path(chunk), spikes, header)

    def read_chunk(self, chunk: int) -> Chunk:
        """Read a finished chunk.

        Raises
        ------
        FileError
            When it is missing, truncated, or belongs to another simulation.
        """
        path = self.chunk_path(chunk)
        spikes, header = _load(path)
        check_format(path, header, CHUNK_FORMAT, CHUNK_FORMAT_VERSION)
        if header.get("fingerprint") != self.fingerprint:
            raise FileError(f"{path} belongs to another simulation")
        return Chunk(spikes["times"], spikes["unit"], spikes["trial"], header["simulator"])

    def missing_chunks(self) -> list[int]:
        """Chunks still to be simulated; a file that cannot be read counts as missing."""
        missing = []
        for chunk in range(self.n_chunks):
            if self.chunk_path(chunk).exists():
                try:
                    self.read_chunk(chunk)
                    continue
                except FileError as error:
                    logger.warning("%s; its trials are simulated again", error)
            missing.append(chunk)
        return missing

    def _fingerprint(self) -> str:
        settings: tuple[Any, ...] = (str(self.protocol), self.seed, self.chunk_size, self.n_trials)
        if self.n_ranks != 1:
            settings = (*settings, self.n_ranks)
        digest = hashlib.sha256(repr(settings).encode())
        for array in (self.stimuli.times, self.stimuli.unit, self.stimuli.trial, self.resolution):
            digest.update(np.ascontiguousarray(array))
        digest.update(repr(float(self.description.trial_duration)).encode())
        for population in self.description.populations:
            cell_types = "".join(population.cell_type.tolist())
            digest.update(repr((population.name, population.layer, population.neuron, cell_types)).encode())
            digest.update(np.ascontiguousarray(population.I_e))
        for projection in self.description.projections:
            digest.update(repr((projection.source, projection.target, projection.delay.shape)).encode())
            digest.update(np.ascontiguousarray(projection.weights))
            digest.update(np.ascontiguousarray(projection.delay))
        return digest.hexdigest()


def log_name(worker: int) -> str:
    """Name of a worker's log in the work folder."""
    return f"worker-{worker}.log"


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / "job.json"
    try:
        settings = json.loads(path.read_text())
        check_format(path, settings, FORMAT, FORMAT_VERSION)
    except (OSError, ValueError, AttributeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be read as the settings of a simulation: {error}") from error
    return settings


def _save(path: Path, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, str]) -> None:
    from safetensors.numpy import save_file

    replace_safetensors(path, dict(tensors), dict(header), save_file, "simulation file")


def _load(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise FileError(f"{path} is not a readable safetensors file ({error}); is it truncated?") from error
