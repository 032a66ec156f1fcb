"""What every peer is measured by: the dense products of the benchmark's shapes, in the same process and in turn."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch

SIZES, BATCH, N_ACTIVE, N_CLASSES = (784, 400, 10), 128, 150, 10


def input_times() -> np.ndarray:
    """Spike times [ms], shape [batch, n_in], as in exact_layer.py; inf where silent."""
    rng = np.random.default_rng(0)
    times = np.full((BATCH, SIZES[0]), np.inf)
    for sample in times:
        sample[rng.permutation(SIZES[0])[:N_ACTIVE]] = rng.uniform(1.5, 20.0, N_ACTIVE)
    return times


def initial_weights() -> list[np.ndarray]:
    """Those of exact_layer.py, [n_in, n_out] of each layer: a potential of 1 fires, and most neurons do."""
    rng = np.random.default_rng(0)
    drives = 6.0 / N_ACTIVE, 6.0 / SIZES[1]
    shapes = itertools.pairwise(SIZES)
    return [rng.normal(d, 2 * d, shape) for d, shape in zip(drives, shapes, strict=True)]


def report(package: str, what: str, step: Callable[[], None], n_runs: int = 5) -> None:
    """Print the median of a step in units of the dense products (float64) as a line of JSON."""
    layers = [
        tuple(torch.rand(*shape, dtype=torch.float64) for shape in ((BATCH, n), (n, m), (BATCH, m)))
        for n, m in itertools.pairwise(SIZES)
    ]

    def dense() -> None:
        for x, w, g in layers:
            _ = x @ w, g @ w.T, x.T @ g

    step()
    own, unit = [], []
    for _ in range(n_runs):
        for function, seconds, n in ((step, own, 1), (dense, unit, 10)):
            for _ in range(n):
                started = time.perf_counter()
                function()
                seconds.append(time.perf_counter() - started)
    ratio = statistics.median(own) / statistics.median(unit)
    print(json.dumps({"name": f"{package} {version(package)}, {what}", "ratio": ratio}))
