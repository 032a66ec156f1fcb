"""One random generator per purpose, so that using one never shifts another."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """A generator that depends on seed, purpose and index alone.

    Examples
    --------
    >>> from semsync.models.randomness import generator
    >>> generator(1, "order", 0).random() == generator(1, "order", 0).random()
    True
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *index])
