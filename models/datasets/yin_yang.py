"""The yin-yang data set (Kriener, Göltz, Petrovici 2022, doi:10.1145/3517343.3517380)."""

from __future__ import annotations

import numpy as np

from .dataset import Dataset, Split

R_SMALL, R_BIG = 0.1, 0.5
SIZES_AND_SEEDS = {"train": (5000, 42), "validation": (1000, 41), "test": (1000, 40)}


def _class_of(x: float, y: float) -> int:
    d_left = np.hypot(x - 0.5 * R_BIG, y - R_BIG)
    d_right = np.hypot(x - 1.5 * R_BIG, y - R_BIG)
    if d_left < R_SMALL or d_right < R_SMALL:
        return 2
    in_yang = d_right <= R_SMALL or R_SMALL < d_left <= 0.5 * R_BIG or (y > R_BIG and d_right > 0.5 * R_BIG)
    return int(in_yang)


def generate(n_samples: int, seed: int) -> Split:
    """Points of the published sequence: features (x, y, 1 - x, 1 - y)."""
    # The published samples come from this legacy generator; any other gives other points.
    rng = np.random.RandomState(seed)
    features, labels = np.empty((n_samples, 4)), np.empty(n_samples, dtype=np.int64)
    for n in range(n_samples):
        goal = rng.randint(3)
        while True:
            x, y = rng.rand(2) * 2 * R_BIG
            if np.hypot(x - R_BIG, y - R_BIG) <= R_BIG and _class_of(x, y) == goal:
                break
        features[n], labels[n] = (x, y, 1 - x, 1 - y), goal
    return Split(features, labels)


def load() -> Dataset:
    """5,000 training, 1,000 validation and 1,000 test points, as published."""
    return Dataset("yin-yang", 3, **{name: generate(n, seed) for name, (n, seed) in SIZES_AND_SEEDS.items()})
