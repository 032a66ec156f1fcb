"""The work folder of a simulation: what is to be simulated, and the result of each finished chunk of trials.

    job.json                  settings and the fingerprint of all inputs; written last, so it marks a whole folder
    network.safetensors       the NetworkDescription
    stimuli.safetensors       input times
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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ..network_description import NetworkDescription, check_format, replace_safetensors

FORMAT, FORMAT_VERSION = "semsync-simulation", 1
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
    input_times : array, shape [n_trials, n_inputs]
        [ms] from the onset of each trial, ``inf`` for a silent input.
    protocol : str
    resolution : float
        [ms]
    seed : int
    chunk_size : int
        Trials per result file.
    """

    folder: Path
    description: NetworkDescription
    input_times: NDArray[np.float64]
    protocol: str
    resolution: float
    seed: int
    chunk_size: int
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", self._fingerprint())

    @property
    def n_trials(self) -> int:
        return len(self.input_times)

    @property
    def n_chunks(self) -> int:
        return -(-self.n_trials // self.chunk_size)

    def trials_of(self, chunk: int) -> range:
        """Trials of a chunk."""
        return range(chunk * self.chunk_size, min((chunk + 1) * self.chunk_size, self.n_trials))

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
                        f"{self.folder} holds another simulation (other network, stimuli or settings); "
                        f"choose another work folder, or remove this one"
                    )
                return
            self.description.save(self.folder / "network.safetensors")
            stimuli = {"input_times": np.ascontiguousarray(self.input_times)}
            _save(self.folder / "stimuli.safetensors", stimuli, {"fingerprint": self.fingerprint})
            settings = {
                "format": FORMAT,
                "format_version": str(FORMAT_VERSION),
                "protocol": self.protocol,
                "resolution": self.resolution,
                "seed": self.seed,
                "chunk_size": self.chunk_size,
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
            tensors["input_times"],
            settings["protocol"],
            settings["resolution"],
            settings["seed"],
            settings["chunk_size"],
        )

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
        settings = (self.protocol, self.resolution, self.seed, self.chunk_size, self.input_times.shape)
        digest = hashlib.sha256(repr(settings).encode())
        digest.update(np.ascontiguousarray(self.input_times))
        digest.update(repr(float(self.description.trial_duration)).encode())
        for population in self.description.populations:
            cell_types = "".join(population.cell_type.tolist())
            digest.update(repr((population.name, population.layer, population.neuron, cell_types)).encode())
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
