"""Ranks of recordings among their surrogates, for numbers that are whole and so often equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ranks(n_more: ArrayLike, n_equal: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank of each recording, from 1, with ties broken at random.

    p-values of the analysis hold ties against a discovery, and so find too little. These do not: rank over
    (1 + number of surrogates) is uniform where surrogates are as good as the recording.

    Parameters
    ----------
    n_more, n_equal : array, shape [n_recordings]
        Surrogates with a larger, and with the same number.
    """
    n_equal = np.asarray(n_equal)
    return 1 + np.asarray(n_more) + np.floor(rng.random(n_equal.shape) * (1 + n_equal))
