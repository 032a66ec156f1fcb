"""What the exact layer and every peer are measured on and by: inputs, weights, and dense products of the same shapes.

Needs numpy and torch alone: peers run in environments that have no semsync.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

import numpy as np
import torch

SIZES, BATCH, N_ACTIVE = (784, 400, 10), 128, 150
N_CLASSES = SIZES[-1]


def input_times(
    rng: np.random.Generator, n_samples: int = BATCH, n_in: int = SIZES[0], n_active: int = N_ACTIVE
) -> np.ndarray:
    """Spike times [ms], shape [n_samples, n_in]; inf where silent."""
    times = np.full((n_samples, n_in), np.inf)
    for sample in times:
        sample[rng.permutation(n_in)[:n_active]] = rng.uniform(1.5, 20.0, n_active)
    return times


def layer_weights(rng: np.random.Generator, n_in: int, n_out: int, n_active: int) -> np.ndarray:
    """[n_in, n_out], with which most neurons fire, at a potential of 1, when `n_active` inputs do."""
    drive = 6.0 / n_active
    return rng.normal(drive, 2 * drive, (n_in, n_out))


def weights(rng: np.random.Generator) -> list[np.ndarray]:
    """Of all layers."""
    n_active = (N_ACTIVE, *SIZES[1:-1])
    return [layer_weights(rng, n, m, k) for (n, m), k in zip(itertools.pairwise(SIZES), n_active, strict=True)]


def dense_products(sizes: Sequence[int] = SIZES, batch: int = BATCH, dtype: torch.dtype = torch.float64) -> Callable:
    """The matrix products of a dense network of these shapes: forward, and two backward."""
    layers = [
        (torch.rand(batch, n, dtype=dtype), torch.rand(n, m, dtype=dtype), torch.rand(batch, m, dtype=dtype))
        for n, m in itertools.pairwise(sizes)
    ]

    def step() -> None:
        for x, w, g in layers:
            _ = x @ w, g @ w.T, x.T @ g

    return step


def report(package: str, what: str, step: Callable[[], None], n_runs: int = 5) -> None:
    """Print the median of a step in units of the dense products, measured in turn, as a line of JSON."""
    dense = dense_products()
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
