"""What a data set is: three splits of features in [0, 1] with a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Features in [0, 1], float64, shape [n, n_features], and classes, int64, shape [n]."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, n: int | None) -> Split:
        """The first n samples, all without n."""
        return self if n is None else Split(self.features[:n], self.labels[:n])


@dataclass(frozen=True)
class Dataset:
    """A data set whose splits are fixed, whatever the seed."""

    name: str
    n_classes: int
    train: Split
    validation: Split
    test: Split

    @property
    def n_features(self) -> int:
        return self.train.features.shape[1]
