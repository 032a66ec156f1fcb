"""All state of a training run in one safetensors file, replaced as a whole after each epoch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import FileError
from ..network_description import check_format, replace_safetensors
from .network import FirstSpikeNetwork
from .running_average import RunningAverage

FORMAT = "semsync-checkpoint"
FORMAT_VERSION = 1


@dataclass
class Checkpoint:
    """Weights and delays (now, of the best epoch, and their running average where there is one), both moments of Adam,
    and JSON values about the progress."""

    weights: list[Tensor]
    best: list[Tensor]
    average: list[Tensor]
    n_updates: int
    first_moment: list[Tensor]
    second_moment: list[Tensor]
    n_steps: float
    progress: dict[str, Any]
    fingerprint: str

    @classmethod
    def of(
        cls,
        network: FirstSpikeNetwork,
        optimiser: torch.optim.Adam,
        average: RunningAverage,
        best: list[Tensor],
        progress: dict[str, Any],
        fingerprint: str,
    ) -> Checkpoint:
        """The state of a run as it is."""
        parameters = list(network.parameters())
        states = [optimiser.state.get(p) or {} for p in parameters]
        zeros = [torch.zeros_like(p) for p in parameters]
        return cls(
            [p.detach() for p in parameters],
            best,
            average.values,
            average.n_updates,
            [s.get("exp_avg", z) for s, z in zip(states, zeros, strict=True)],
            [s.get("exp_avg_sq", z) for s, z in zip(states, zeros, strict=True)],
            float(states[0].get("step", 0.0)),
            progress,
            fingerprint,
        )

    @torch.no_grad()
    def restore(self, network: FirstSpikeNetwork, optimiser: torch.optim.Adam, average: RunningAverage) -> None:
        """Put the state back into a network, an optimiser and an average of the same shapes."""
        found, wanted = ([list(w.shape) for w in weights] for weights in (self.weights, network.parameters()))
        if found != wanted:
            raise FileError(f"the checkpoint holds weights of shapes {found}, the network has {wanted}")
        average.restore(self.average, self.n_updates)
        moments = zip(network.parameters(), self.weights, self.first_moment, self.second_moment, strict=True)
        for parameter, value, first, second in moments:
            parameter.copy_(value)
            if self.n_steps:
                optimiser.state[parameter] = {
                    "step": torch.tensor(self.n_steps, dtype=torch.float32),
                    "exp_avg": first.clone(),
                    "exp_avg_sq": second.clone(),
                }

    def save(self, path: Path) -> None:
        """Write beside the old file, then replace it: a kill at any moment leaves one of the two whole."""
        groups = {
            "weights": self.weights,
            "best": self.best,
            "average": self.average,
            "first_moment": self.first_moment,
            "second_moment": self.second_moment,
        }
        tensors = {
            f"{name}.{index}": tensor.detach().clone().contiguous()
            for name, group in groups.items()
            for index, tensor in enumerate(group)
        }
        header = {
            "format": FORMAT,
            "format_version": str(FORMAT_VERSION),
            "fingerprint": self.fingerprint,
            "n_steps": repr(self.n_steps),
            "n_updates": str(self.n_updates),
            "progress": json.dumps(self.progress),
        }
        replace_safetensors(path, tensors, header, save_file, "checkpoint")

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Checkpoint:
        """Read a checkpoint, refusing one of another run."""
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise FileError(f"{path} is not a readable checkpoint ({error}); is it truncated?") from error
        check_format(path, header, FORMAT, FORMAT_VERSION)
        if header["fingerprint"] != fingerprint:
            raise FileError(
                f"{path} belongs to a run with another configuration, seed or data set; "
                "resume with the same ones, or choose another folder"
            )

        def group(name: str) -> list[Tensor]:
            return [tensors[f"{name}.{k}"] for k in range(sum(key.startswith(name + ".") for key in tensors))]

        return cls(
            group("weights"),
            group("best"),
            group("average"),
            int(header.get("n_updates", 0)),
            group("first_moment"),
            group("second_moment"),
            float(header["n_steps"]),
            json.loads(header["progress"]),
            header["fingerprint"],
        )
