"""Trials that start when the units do: what a whole population's latency adds to correlograms is taken out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...spike_table import SpikeTable
from .classes import trial_classes

_N_ROUNDS = 3


def trial_latencies(table: SpikeTable, units: ArrayLike) -> NDArray[np.float64]:
    """How much later than usual the units fire in each trial [ms], shape [n_trials].

    The median over units of how late the first spike is, against the unit's mean over the trials of the class, in
    three rounds, each after taking out what the one before found. 0 for trials without a spike.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> late = np.array([0.0, 2.0, 4.0])
    >>> first = np.array([5.0, 9.0]) + late[:, None]
    >>> trials = {"start": [0.0, 50.0, 100.0], "stop": [50.0, 100.0, 150.0]}
    >>> trial_latencies(SpikeTable.from_first_spikes([first], {"unit_id": [0, 1]}, trials), [0, 1]).tolist()
    [-2.0, 0.0, 2.0]
    """
    first = table.first_spikes()[:, np.asarray(units)]
    classes = trial_classes(table)
    found = np.zeros(table.n_trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # units and trials without any spike
        for label in np.unique(classes):
            member = classes == label
            late = np.where(np.isfinite(first[member]), first[member], np.nan)
            for _ in range(_N_ROUNDS):
                late -= np.nanmean(late, axis=0)
                shift = np.nan_to_num(np.nanmedian(late, axis=1))
                found[member] += shift
                late -= shift[:, None]
    return found


def align_trials(table: SpikeTable, latencies: NDArray[np.float64]) -> SpikeTable:
    """The same spikes, counted from an onset that is later by `latencies` [ms], shape [n_trials]."""
    return replace(
        table,
        times=table.times - latencies[table.trial],
        trials={**table.trials, "onset": table.trials["onset"] + latencies},
    )
