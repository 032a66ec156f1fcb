"""Means and their standard errors over what is defined."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def mean_of_finite(values: ArrayLike) -> float:
    """Mean over the finite values; NaN without any."""
    finite = _finite(values)
    return float(finite.mean()) if len(finite) else float("nan")


def sem_of_finite(values: ArrayLike) -> float:
    """Standard error of that mean, SD / sqrt(n); NaN for fewer than two."""
    finite = _finite(values)
    return float(finite.std(ddof=1) / np.sqrt(len(finite))) if len(finite) > 1 else float("nan")


def _finite(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
