"""Generated recordings with known answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from semsync import SpikeTable


@pytest.fixture
def layered_recording() -> Callable[..., SpikeTable]:
    """Input, two hidden layers (the second sharper and more selective) and an output that decides."""

    def generate(n_trials: int = 120, n_classes: int = 4, seed: int = 0) -> SpikeTable:
        rng = np.random.default_rng(seed)
        stimulus = np.arange(n_trials) % n_classes
        first, cell_type = [], []
        for layer, (size, jitter, other) in enumerate(((30, 3.0, 0.4), (32, 4.0, 0.3), (32, 0.5, 0.05), (4, 0.2, 0.0))):
            preferred = np.arange(size) % n_classes
            probability = np.where(preferred == stimulus[:, None], 0.9, other)
            times = np.clip(5 + 8 * layer + rng.normal(0, jitter, (n_trials, size)), 0.01, 49.0)
            first.append(np.where(rng.random((n_trials, size)) < probability, times, np.inf))
            hidden = layer in (1, 2)
            cell_type += ["E"] * (3 * size // 4) + ["I"] * (size - 3 * size // 4) if hidden else ["-"] * size
        names = np.repeat(["input", "hidden_1", "hidden_2", "output"], [30, 32, 32, 4])
        decision_time = first[-1].min(axis=1)
        return SpikeTable.from_first_spikes(
            first,
            {
                "unit_id": np.arange(98),
                "population": names,
                "layer": np.repeat([0, 1, 2, 3], [30, 32, 32, 4]),
                "cell_type": cell_type,
            },
            {
                "start": np.arange(n_trials) * 50.0,
                "stop": np.arange(n_trials) * 50.0 + 50,
                "stimulus_class": stimulus,
                "decision_time": decision_time,
            },
        )

    return generate
