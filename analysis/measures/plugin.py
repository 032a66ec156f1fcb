"""Plug-in entropies and information from counts, by table look-up: counts are small integers, so no logarithm per
permutation, class and unit is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy


def mutual_information_of_counts(n_active: NDArray[np.integer], n_trials: NDArray[np.integer]) -> NDArray[np.float64]:
    """I(A; C) of binary activity and class [bits].

    Parameters
    ----------
    n_active : int array, shape [..., n_classes, n_units]
        Active trials of each class.
    n_trials : int array, shape [n_classes]
        Trials of each class.

    Returns
    -------
    float array, shape [..., n_units]
    """
    n = int(n_trials.sum())
    n_log_n = n_log2_n(n)
    total_active = n_active.sum(axis=-2)
    joint = np.zeros(total_active.shape)
    for k, n_class in enumerate(n_trials):
        counts = np.arange(n_class + 1)
        joint += (n_log_n[counts] + n_log_n[n_class - counts])[n_active[..., k, :]]
    margins = n_log_n[total_active] + n_log_n[n - total_active] + n_log_n[n_trials].sum() - n_log_n[n]
    return np.maximum(joint - margins, 0) / n


def conditional_entropy(n_active: NDArray[np.integer], n_trials: NDArray[np.integer]) -> NDArray[np.float64]:
    """H(C | active) [bits], shape [..., n_units]; NaN for a unit that is never active. Arguments as above."""
    n_log_n = n_log2_n(int(n_trials.sum()))
    total_active = n_active.sum(axis=-2)
    joint = np.zeros(total_active.shape)
    for k in range(len(n_trials)):
        joint += n_log_n[n_active[..., k, :]]
    with np.errstate(invalid="ignore"):
        return np.maximum(n_log_n[total_active] - joint, 0) / total_active


def balanced_conditional_entropy(n_active: NDArray[np.integer], n_trials: NDArray[np.integer]) -> NDArray[np.float64]:
    """H(C | active) [bits] if all classes were equally frequent, shape [..., n_units]. Arguments as above."""
    total = np.zeros(n_active.shape[:-2] + n_active.shape[-1:])
    joint = np.zeros(total.shape)
    for k, n_class in enumerate(n_trials):
        rate = np.arange(n_class + 1) / n_class
        total += rate[n_active[..., k, :]]
        joint += (xlogy(rate, rate) / np.log(2))[n_active[..., k, :]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.maximum(np.log2(total) - joint / total, 0)


def n_log2_n(n_max: int) -> NDArray[np.float64]:
    """n log2 n for n = 0 ... n_max, shape [n_max + 1]."""
    n = np.arange(n_max + 1)
    return xlogy(n, n) / np.log(2)
