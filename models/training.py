"""Training of first-spike networks: Adam on exact gradients, weight bumping, gradient guard, exact resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ..errors import SemsyncError
from .checkpoint import Checkpoint
from .datasets.dataset import Dataset
from .disturbances import DisturbanceConfig, Disturbances
from .encoding import LatencyEncoder, jitter
from .loss import FirstSpikeLoss, decide
from .memory import keep_freed_memory
from .network import FirstSpikeNetwork
from .randomness import generator
from .ranks import ALONE, Ranks
from .running_average import RunningAverage
from .silent_neurons import Missing, SilentNeurons

logger = logging.getLogger(__name__)

_DTYPES = {"float64": torch.float64, "float32": torch.float32}

Share = Annotated[float, Field(ge=0, le=1)]


class TrainingConfig(BaseModel):
    """The recipe of Oberste-Frielinghaus et al. 2025 (arXiv:2508.12975); times in ms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=0, description="passes through the training set")] = 40
    batch_size: Annotated[int, Field(ge=1, description="samples per gradient step")] = 80
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False, description="of Adam")] = 0.005
    delay_learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False, description="of Adam on delays [ms]")] = 0.05
    decay: Annotated[float, Field(gt=0, le=1, description="factor on the learning rate")] = 0.9
    decay_every: Annotated[int, Field(ge=1, description="epochs between two such factors")] = 15
    precision: Annotated[
        Literal["float64", "float32"],
        Field(description="of weights and potentials in training; the network that is kept is float64 again"),
    ] = "float64"
    averaging: Annotated[
        float,
        Field(ge=0, lt=1, description="share of the running average of the weights that a step keeps; 0: no average"),
    ] = 0.0
    input_jitter: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="SD of the noise on input spikes in training [ms]")
    ] = 3.0
    disturbances: DisturbanceConfig = DisturbanceConfig()
    max_weight_gradient: Annotated[float, Field(gt=0, description="the gradient guard's bound")] = 0.2
    silent_neurons: Annotated[
        Literal["bump", "push"],
        Field(description="raise silent neurons' weights instead of a gradient step (bump) or beside it (push)"),
    ] = "bump"
    bump: Annotated[float, Field(ge=0, description="weight increase; for bump the first, which doubles")] = 0.0005
    max_silent_hidden: Annotated[Share, Field(description="share of missing spikes above which a layer is bumped")] = (
        0.15
    )
    max_silent_output: Annotated[Share, Field(description="the same for the output layer")] = 0.05
    max_silent_neuron: Annotated[
        Share, Field(description="share of a batch's spikes that a neuron may miss before it is pushed")
    ] = 0.9
    loss: FirstSpikeLoss = FirstSpikeLoss()

    def for_silent_neurons(self, network: FirstSpikeNetwork) -> SilentNeurons:
        """What makes the silent neurons of a network fire again."""
        return SilentNeurons(
            network,
            how=self.silent_neurons,
            bump=self.bump,
            max_silent_hidden=self.max_silent_hidden,
            max_silent_output=self.max_silent_output,
            max_silent_neuron=self.max_silent_neuron,
        )


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to; accuracies in [0, 1]."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    n_bumps: int
    learning_rate: float
    seconds: float


@dataclass
class TrainingResult:
    """The network of the best validation epoch, and how it came about."""

    network: FirstSpikeNetwork
    history: list[Epoch] = field(default_factory=list)
    best_epoch: int = -1


def spike_times(
    network: FirstSpikeNetwork, times: NDArray[np.float64], *, engine: str | None = None, batch_size: int = 1000
) -> list[NDArray[np.float64]]:
    """First spikes of every layer but the input [ms], shapes [n_samples, n_1], ...; without gradients or noise."""
    dtype = network.weights[0].dtype
    with torch.no_grad():
        batches = [
            network(torch.from_numpy(times[start : start + batch_size]).to(dtype), engine=engine)
            for start in range(0, max(len(times), 1), batch_size)
        ]
    return [torch.cat(layer).double().numpy() for layer in zip(*batches, strict=True)]


def accuracy(network: FirstSpikeNetwork, times: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Share of samples whose first output spike is the label neuron's; silence counts as wrong."""
    t_out = torch.from_numpy(spike_times(network, times)[-1])
    return float((decide(t_out).numpy() == labels).mean())


def train(
    network: FirstSpikeNetwork,
    dataset: Dataset,
    encoder: LatencyEncoder,
    config: TrainingConfig,
    *,
    seed: int,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    on_epoch: Callable[[Epoch], None] | None = None,
    engine: str | None = None,
    ranks: Ranks = ALONE,
) -> TrainingResult:
    """Train `network` in place and return it as it was after its best validation epoch.

    With `averaging`, it is the running average of the weights that is validated and returned: Dale's law, a lower
    bound of delays and the like hold for averages of what keeps them.

    Parameters
    ----------
    network : FirstSpikeNetwork
        Changed in place.
    dataset : Dataset
        Training steps see ``train``, the choice of the epoch sees ``validation``; ``test`` is not touched.
    seed : int
        Order and noise of epoch k depend on (seed, k) alone, so a resumed run ends in the same network bit for bit.
    checkpoint : Path, optional
        Written after each epoch. If it exists, the training goes on from there.
    fingerprint : str
        Of all that must not change between the runs of one checkpoint; a checkpoint with another one is refused.
    on_epoch : callable, optional
        Told about each finished epoch, those of the checkpoint included.
    ranks : Ranks
        The processes that train this network together, each on its share of every batch; all must call this function
        with the same arguments. Gradients, and what is done about silent neurons, are those of the whole batch. Only
        the first process writes the checkpoint.

    Raises
    ------
    SemsyncError
        When the loss is no longer finite.
    """
    network.to(_DTYPES[config.precision])
    parameters = list(network.parameters())
    optimiser = torch.optim.Adam(
        [
            {"params": list(network.weights), "initial_lr": config.learning_rate},
            {"params": network.delay_parameters, "initial_lr": config.delay_learning_rate},
        ],
        fused=True,
    )
    silent_neurons = config.for_silent_neurons(network)
    history: list[Epoch] = []
    average = RunningAverage(parameters, config.averaging)
    best, best_epoch = average.copies(), -1
    if checkpoint is not None and checkpoint.exists():
        state = Checkpoint.load(checkpoint, fingerprint)
        state.restore(network, optimiser, average)
        history = [Epoch(**entry) for entry in state.progress["history"]]
        silent_neurons.streak = tuple(state.progress["bump_streak"])
        best, best_epoch = state.best, state.progress["best_epoch"]
        logger.info("resumed %s after epoch %d", checkpoint, len(history))
        ranks.wait()
        for entry in history:
            if on_epoch:
                on_epoch(entry)

    train_times = encoder(dataset.train.features)
    validation_times = encoder(dataset.validation.features)
    keep_freed_memory()
    with _one_torch_thread():
        for number in range(len(history), config.epochs):
            started = time.perf_counter()
            decay = config.decay ** (number // config.decay_every)
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * decay
            loss, train_accuracy, n_bumps = _train_epoch(
                network, optimiser, silent_neurons, average, train_times, dataset.train.labels, config, seed, number,
                engine, ranks,
            )  # fmt: skip
            with average.in_place():
                validation_loss, validation_accuracy = _validate(
                    network, validation_times, dataset.validation.labels, config.loss, engine, ranks
                )
            entry = Epoch(
                number, loss, train_accuracy, validation_loss, validation_accuracy, n_bumps,
                config.learning_rate * decay,
                time.perf_counter() - started,
            )  # fmt: skip
            if best_epoch < 0 or _is_better(entry, history[best_epoch]):
                best, best_epoch = average.copies(), number
            history.append(entry)
            if checkpoint is not None and ranks.is_first:
                progress = {
                    "history": [asdict(e) for e in history],
                    "bump_streak": silent_neurons.streak,
                    "best_epoch": best_epoch,
                }
                Checkpoint.of(network, optimiser, average, best, progress, fingerprint).save(checkpoint)
            if on_epoch:
                on_epoch(entry)
    with torch.no_grad():
        for parameter, value in zip(parameters, best, strict=True):
            parameter.copy_(value)
    return TrainingResult(network.double(), history, best_epoch)


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """torch's own threads spin for milliseconds after each operation, on the cores that the kernel's threads need."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_better(entry: Epoch, best: Epoch) -> bool:
    return (entry.validation_accuracy, -entry.validation_loss) > (best.validation_accuracy, -best.validation_loss)


def _train_epoch(
    network: FirstSpikeNetwork,
    optimiser: torch.optim.Optimizer,
    silent_neurons: SilentNeurons,
    average: RunningAverage,
    times: NDArray[np.float64],
    labels: NDArray[np.int64],
    config: TrainingConfig,
    seed: int,
    number: int,
    engine: str | None,
    ranks: Ranks,
) -> tuple[float, float, int]:
    """Mean loss, accuracy under noise, and number of bumps of one pass through the training set."""
    order = generator(seed, "order", number).permutation(len(labels))
    noise = generator(seed, "input jitter", number)
    disturbing = generator(seed, "disturbances", number)
    totals, n_bumps = torch.zeros(2, dtype=torch.float64), 0
    parameters = list(network.parameters())
    for start in range(0, len(order), config.batch_size):
        rows = order[start : start + config.batch_size]
        # Each process draws the noise of the whole batch: how many there are makes no difference to it.
        batch = torch.from_numpy(jitter(times[rows], config.input_jitter, noise)[ranks.share]).to(parameters[0].dtype)
        batch_labels = torch.from_numpy(labels[rows][ranks.share])
        disturbances = Disturbances(config.disturbances, disturbing, len(rows), ranks.share)
        layers = network(
            batch, max_weight_gradient=config.max_weight_gradient, engine=engine, disturbances=disturbances
        )
        loss = config.loss(layers[-1], batch_labels, network.neuron.tau_syn).sum() / len(rows)
        n_correct = (decide(layers[-1].detach()) == batch_labels).sum()
        totals += torch.stack([loss.detach() * len(rows), n_correct.double()])
        optimiser.zero_grad()
        # The backward pass needs the weights as they were, so it comes before any of them is raised.
        loss.backward()
        missing = Missing.of(layers, batch_labels, len(rows))
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        ranks.sum([*gradients, *missing.by_neuron, missing.by_class])
        if silent_neurons.raise_weights(missing):
            n_bumps += 1
        else:
            optimiser.step()
            network.project()
        average.update()
    ranks.sum([totals])
    total_loss, n_correct_in_all = totals.tolist()
    if not np.isfinite(total_loss):
        raise SemsyncError(f"the loss of epoch {number} is {total_loss}; lower training.learning_rate")
    return total_loss / len(order), n_correct_in_all / len(order), n_bumps


def _validate(
    network: FirstSpikeNetwork,
    times: NDArray[np.float64],
    labels: NDArray[np.int64],
    loss: FirstSpikeLoss,
    engine: str | None,
    ranks: Ranks,
) -> tuple[float, float]:
    """Mean loss and accuracy."""
    t_out = torch.from_numpy(spike_times(network, times[ranks.share], engine=engine)[-1])
    targets = torch.from_numpy(labels[ranks.share])
    of_samples = loss(t_out, targets, network.neuron.tau_syn)
    totals = torch.stack([of_samples.sum(), (decide(t_out) == targets).sum().double()])
    ranks.sum([totals])
    return float(totals[0]) / len(labels), float(totals[1]) / len(labels)
