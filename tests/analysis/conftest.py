"""A small generated recording whose packets narrow from layer to layer, and its analysis."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.analysis.analyze import Analysis, analyze

N_CLASSES, N_TRIALS = 3, 60
SIZES = {"input": 12, "hidden_1": 24, "hidden_2": 24, "output": N_CLASSES}
SPREAD = {"input": 1.0, "hidden_1": 2.0, "hidden_2": 0.4}  # ms


def make_recording(seed: int, *, selective: bool = True) -> SpikeTable:
    """Units of class k (of every third) fire in its trials; inhibitory ones always; all again, late and loosely."""
    rng = np.random.default_rng(seed)
    classes = np.arange(N_TRIALS) % N_CLASSES
    layers, cell_types = [], []
    for number, (name, size) in enumerate(SIZES.items()):
        first = np.full((N_TRIALS, size), np.inf)
        kinds = np.array(["-"] * size) if name in ("input", "output") else np.where(np.arange(size) % 4 == 3, "I", "E")
        if name == "output":
            first[np.arange(N_TRIALS), classes] = 20.0 + rng.random(N_TRIALS)
        else:
            preferred = np.arange(size) % N_CLASSES == classes[:, None]
            probability = (
                np.where(preferred, 0.9, 0.1 if number == 2 else 0.5) if selective else np.full(first.shape, 0.6)
            )
            early = (rng.random(first.shape) < probability) | (kinds == "I")
            times = 5.0 * (number + 1) + SPREAD[name] * rng.normal(size=first.shape)
            first = np.where(early, times, 30 + 10 * rng.random(first.shape))
        layers.append(first)
        cell_types.append(kinds)
    start = np.arange(N_TRIALS) * 50.0
    return SpikeTable.from_first_spikes(
        layers,
        {
            "unit_id": np.arange(sum(SIZES.values())),
            "population": np.repeat(list(SIZES), list(SIZES.values())),
            "layer": np.repeat(np.arange(len(SIZES)), list(SIZES.values())),
            "cell_type": np.concatenate(cell_types),
        },
        {
            "start": start,
            "stop": start + 50,
            "stimulus_class": classes,
            "decision_time": layers[-1].min(axis=1),
            "decision": layers[-1].argmin(axis=1),
        },
    )


def make_network(seed: int) -> NetworkDescription:
    rng = np.random.default_rng(seed)
    sizes = list(SIZES.values())
    weights = [rng.random(shape) for shape in pairwise(sizes)]
    return NetworkDescription.from_weights(weights, LIFNeuron(10.0, 10.0), trial_duration=50.0)


@pytest.fixture(scope="session")
def recording() -> SpikeTable:
    return make_recording(0)


@pytest.fixture(scope="session")
def control_recording() -> SpikeTable:
    return make_recording(1, selective=False)


@pytest.fixture(scope="session")
def network() -> NetworkDescription:
    return make_network(0)


@pytest.fixture(scope="session")
def control_network() -> NetworkDescription:
    return make_network(1)


@pytest.fixture(scope="session")
def analysis(recording: SpikeTable, network: NetworkDescription, control_network: NetworkDescription) -> Analysis:
    return analyze(
        recording, n_permutations=99, n_sample_trials=0, description=network, control=control_network, n_repeats=2
    )


@pytest.fixture(scope="session")
def control(control_recording: SpikeTable) -> Analysis:
    return analyze(control_recording, n_permutations=99, n_sample_trials=0, n_repeats=2)
