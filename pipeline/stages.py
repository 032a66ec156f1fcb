"""The stages of the main job. Each leaves its result in the run folder as a whole file, or nothing."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import bridge
from ..analysis.recordings import load_nwb, save_nwb
from ..errors import InputError
from ..models.datasets.dataset import Dataset, Split
from ..models.encoding import encoder_from
from ..models.network import FirstSpikeNetwork
from ..models.randomness import generator
from ..models.ranks import ALONE, Ranks
from ..models.training import Epoch, TrainingResult, spike_times
from ..models.training import train as train_network
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable, decisions
from .config import RunConfig, SimulationConfig
from .networks import load_network
from .progress import Progress, sparkline
from .run_folder import RunFolder, read_json, write_json
from .time_steps import asked_for

if TYPE_CHECKING:
    from ..analysis.analyze import Analysis

logger = logging.getLogger(__name__)

CONDITIONS = ("trained", "untrained")


def initial_network(config: RunConfig, dataset: Dataset) -> FirstSpikeNetwork:
    """The untrained network of a run."""
    return FirstSpikeNetwork.initialise(
        config.encoding.n_inputs(dataset.n_features),
        dataset.n_classes,
        config.network,
        config.neuron.to_neuron(),
        generator(config.seed, "initial weights"),
        trial_duration=config.simulation.trial_duration,
        encoding=config.encoding.to_dict(),
    )


def starting_network(config: RunConfig, dataset: Dataset) -> FirstSpikeNetwork:
    """The network that training begins with: the untrained one, or the one that the configuration names.

    Raises
    ------
    InputError
        When that one does not fit the data set.
    """
    if config.start is None:
        return initial_network(config, dataset)
    network = FirstSpikeNetwork.from_description(load_network(config.start))
    wanted = config.encoding.n_inputs(dataset.n_features), dataset.n_classes
    found = len(network.weights[0]), network.weights[-1].shape[1]
    if found != wanted:
        raise InputError(
            f"{config.dataset} needs {wanted[0]} inputs and {wanted[1]} outputs, but {config.start}, which training is "
            f"to start from, has {found[0]} and {found[1]}"
        )
    network.encoding, network.min_delay = config.encoding.to_dict(), config.network.delays.minimum
    network.trial_duration = config.simulation.trial_duration
    return network


def train(
    config: RunConfig, dataset: Dataset, folder: RunFolder, progress: Progress, ranks: Ranks = ALONE
) -> TrainingResult:
    """Train, or go on with the checkpoint of the folder; saves both networks and the history."""
    network = starting_network(config, dataset)
    provenance = {"preset": config.preset, "dataset": config.dataset, "seed": config.seed}
    provenance |= {"start": config.start} if config.start else {}
    untrained = initial_network(config, dataset)
    bridge.export(untrained, metadata=provenance | {"condition": "untrained"}).save(folder.network("untrained"))

    accuracies: list[float] = []

    def on_epoch(epoch: Epoch) -> None:
        accuracies.append(epoch.validation_accuracy)
        note = f"validation {epoch.validation_accuracy:.2%}"
        logger.info("epoch %d: loss %.3f, %s", epoch.epoch, epoch.train_loss, note)
        progress("train", epoch.epoch + 1, config.training.epochs, f"{note} {sparkline(accuracies)}")

    progress("train", 0, config.training.epochs)
    result = _train(network, config, dataset, folder, ranks, on_epoch)
    metadata = provenance | {"condition": "trained", "epoch": result.best_epoch}
    bridge.export(result.network, metadata=metadata).save(folder.network())
    write_json(folder.history, {"best_epoch": result.best_epoch, "epochs": [asdict(e) for e in result.history]})
    return result


def help_training(config: RunConfig, dataset: Dataset, folder: RunFolder, ranks: Ranks) -> None:
    """Do the share of a process other than the first of those that ``torchrun`` started."""
    _train(starting_network(config, dataset), config, dataset, folder, ranks, None)


def _train(
    network: FirstSpikeNetwork,
    config: RunConfig,
    dataset: Dataset,
    folder: RunFolder,
    ranks: Ranks,
    on_epoch: Callable[[Epoch], None] | None,
) -> TrainingResult:
    return train_network(
        network,
        dataset,
        config.encoding,
        config.training,
        seed=config.seed,
        checkpoint=folder.checkpoint,
        fingerprint=config.training_fingerprint(),
        on_epoch=on_epoch,
        ranks=ranks,
    )


def torch_recording(description: NetworkDescription, split: Split) -> SpikeTable:
    """Spikes of a network in torch, with the units and trials that the bridge gives its recordings."""
    times = encoder_from(description.encoding)(split.features)
    layers = spike_times(FirstSpikeNetwork.from_description(description), times)
    layers = [np.where(layer <= description.trial_duration, layer, np.inf) for layer in layers]
    decision_time, decision = decisions(layers[-1])
    start = np.arange(len(split)) * description.trial_duration
    trials = {
        "start": start,
        "stop": start + description.trial_duration,
        "stimulus_class": split.labels,
        "decision_time": decision_time,
        "decision": decision,
    }
    annotations = {"simulator": "semsync first-spike engine"}
    return SpikeTable.from_first_spikes([times, *layers], description.unit_table(), trials, annotations)


def resolutions(table: SpikeTable) -> float | dict[str, int]:
    """Time step of a recording from NEST [ms]; where trials had several, the number of trials of each."""
    if "resolution" not in table.trials:
        return float(table.annotations["resolution"])
    steps, n_trials = np.unique(table.trials["resolution"], return_counts=True)
    return {f"{step:g}": int(n) for step, n in zip(steps, n_trials, strict=True)}


def accuracy(table: SpikeTable) -> float:
    """Share of trials decided for the class of their stimulus."""
    return float((table.trials["decision"] == table.trials["stimulus_class"]).mean())


def simulate(
    description: NetworkDescription,
    split: Split,
    config: SimulationConfig,
    folder: RunFolder,
    condition: str,
    progress: Progress,
    seed: int,
) -> SpikeTable:
    """Run a network in NEST and save the recording as NWB; a finished one is read."""
    stage = f"simulate {condition} in NEST"
    if folder.recording(condition, ".nwb").exists():
        progress(stage, len(split), len(split), "from the folder")
        return load_nwb(folder.recording(condition, ".nwb"))
    spikes = encoder_from(description.encoding)(split.features)
    recording = bridge.simulate(
        description,
        spikes,
        config.protocol,
        resolution=asked_for(config.resolution, description, spikes, config.protocol),
        classes=split.labels,
        n_workers=config.n_workers,
        work_folder=folder.simulation(condition),
        progress=lambda n_done, n_all: progress(stage, n_done, n_all),
        seed=seed,
    )
    save_nwb(recording, folder.recording(condition, ".nwb"), overwrite=True)
    shutil.rmtree(folder.simulation(condition), ignore_errors=True)
    return recording


def analyse(
    recording: SpikeTable,
    config: RunConfig,
    folder: RunFolder,
    condition: str,
    description: NetworkDescription,
    control: NetworkDescription | None,
) -> Analysis:
    """All measures of a recording, for both windows; finished ones are read."""
    from ..analysis.analyze import Analysis, analyze

    if folder.analysis(condition).exists():
        return Analysis.from_dict(read_json(folder.analysis(condition)))
    analysis = analyze(
        recording,
        windows=("all", "decision"),
        n_permutations=config.analysis.n_permutations,
        min_active_trials=config.analysis.min_active_trials,
        n_splits=config.analysis.n_splits,
        seed=config.seed,
        description=description,
        control=control,
    )
    write_json(folder.analysis(condition), analysis.to_dict())
    return analysis


def layer_rows(analysis: Analysis) -> dict[str, list[dict[str, Any]]]:
    """The table of layers as plain JSON values: a list of layers for each window."""
    windows: dict[str, list[dict[str, Any]]] = {}
    for row in analysis.to_dict(["layers"])["layers"]:
        windows.setdefault(row.pop("window"), []).append(row)
    return windows


def save_spike_times(reference: SpikeTable, recording: SpikeTable, folder: RunFolder, n_largest: int = 100_000) -> None:
    """Keep times of spikes that both have [ms], inputs left out: all, or those that differ most and as many others."""
    expected, found = reference.first_spikes(), recording.first_spikes()
    both = np.isfinite(expected) & np.isfinite(found) & (recording.units["layer"] > 0)
    expected, found = expected[both], found[both]
    if len(expected) > 2 * n_largest:
        by_difference = np.argsort(-np.abs(expected - found), kind="stable")
        others = by_difference[n_largest :: -(-(len(expected) - n_largest) // n_largest)]
        keep = np.sort(np.concatenate([by_difference[:n_largest], others]))
        expected, found = expected[keep], found[keep]
    partial = folder.spike_times.with_suffix(".partial.npz")
    np.savez(partial, reference=expected, simulated=found)
    partial.replace(folder.spike_times)
