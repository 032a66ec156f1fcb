"""Stimulus classes of trials, and in how many trials of each class a unit is active."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable


@dataclass(frozen=True)
class ClassCounts:
    """How often units are active in trials of each class.

    Attributes
    ----------
    labels : int array, shape [n_classes]
        The classes that occur, ascending.
    index : int array, shape [n_trials]
        Row in `labels` of each trial.
    n_trials : int array, shape [n_classes]
        Number of trials of each class.
    n_active : int array, shape [n_classes, n_units]
        Number of those in which the unit is active.
    """

    labels: NDArray[np.int64]
    index: NDArray[np.int64]
    n_trials: NDArray[np.int64]
    n_active: NDArray[np.int64]


def stimulus_classes(table: SpikeTable) -> NDArray[np.int64] | None:
    """The class of each trial, shape [n_trials]; None for a recording without classes, or with a single one.

    Raises
    ------
    InputError
        When classes are not integers >= 0.
    """
    if "stimulus_class" not in table.trials:
        return None
    column = table.trials["stimulus_class"]
    try:
        classes = column.astype(np.int64)
        exact = bool(np.all(classes == column.astype(np.float64)))
    except (TypeError, ValueError):
        exact = False
    if not exact or (len(classes) and classes.min() < 0):
        raise InputError(f"stimulus_class of every trial must be an integer >= 0, got {np.unique(column)[:5].tolist()}")
    return classes if len(np.unique(classes)) > 1 else None


def trial_classes(table: SpikeTable) -> NDArray[np.int64]:
    """The class of each trial, shape [n_trials]; 0 throughout for a recording without classes."""
    classes = stimulus_classes(table)
    return np.zeros(table.n_trials, dtype=np.int64) if classes is None else classes


def one_hot(index: NDArray[np.integer], n_classes: int) -> NDArray[np.float32]:
    """Class membership as a matrix, shape [..., n_classes, n_trials], from class rows, shape [..., n_trials].

    float32, because a matrix product counts exactly in it up to 2^24 trials.
    """
    return (index[..., None, :] == np.arange(n_classes)[:, None]).astype(np.float32)


def count_classes(activity: ArrayLike, classes: ArrayLike) -> ClassCounts:
    """Count active trials by class.

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
        Whether the unit spikes in the trial.
    classes : int array, shape [n_trials]

    Raises
    ------
    InputError
        On shapes that do not fit, or fewer than two classes.

    Examples
    --------
    >>> counts = count_classes([[1, 0], [1, 1], [0, 1]], [0, 0, 5])
    >>> counts.labels.tolist(), counts.n_trials.tolist(), counts.n_active.tolist()
    ([0, 5], [2, 1], [[2, 1], [0, 1]])
    """
    active = np.asarray(activity)
    of_trial = np.asarray(classes)
    if active.ndim != 2 or of_trial.shape != active.shape[:1]:
        raise InputError(
            "activity must have shape [n_trials, n_units] and classes [n_trials], "
            f"got {active.shape} and {of_trial.shape}"
        )
    labels, index, n_trials = np.unique(of_trial, return_inverse=True, return_counts=True)
    if len(labels) < 2:
        raise InputError(f"at least two classes are needed to speak of selectivity, got {labels.tolist()}")
    n_active = one_hot(index, len(labels)) @ active.astype(np.float32)
    return ClassCounts(labels.astype(np.int64), index, n_trials, n_active.astype(np.int64))
