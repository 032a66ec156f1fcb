"""The time step of NEST for each trial, chosen so that no spike can be missed."""

from __future__ import annotations

import importlib.util
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import bridge
from ..errors import InputError
from ..network_description import NetworkDescription

AUTO, DEFAULT = "auto", 0.1  # ms

logger = logging.getLogger(__name__)


def asked_for(
    resolution: float | str, description: NetworkDescription, stimuli: Any, protocol: str
) -> NDArray[np.float64] | float:
    """The time steps that `resolution` asks for [ms]: itself, or :func:`time_steps` for ``"auto"``."""
    return time_steps(description, stimuli, protocol) if resolution == AUTO else float(resolution)


def time_steps(description: NetworkDescription, stimuli: Any, protocol: str = "exact") -> NDArray[np.float64] | float:
    """The largest time step of each trial at which NEST can miss none of its spikes [ms].

    The engine knows how steeply potentials cross the threshold; :mod:`semsync.bridge.safe_step` says what follows.
    Where that is not known, the usual step: without torch, for a protocol other than exact, for several spikes per
    input, and for networks that the engine does not run.

    Parameters
    ----------
    description : NetworkDescription
    stimuli : array, shape [n_trials, n_inputs]
        Input spike times [ms], inf where silent.
    protocol : str

    Returns
    -------
    array of shape [n_trials], or float
    """
    plain = isinstance(stimuli, np.ndarray) and stimuli.ndim == 2 and stimuli.shape[1] == description.input.size
    installed = all(importlib.util.find_spec(name) is not None for name in ("torch", "numba"))
    if not (plain and installed and str(bridge.Protocol.of(protocol)) == "exact"):
        return DEFAULT
    from ..models.network import FirstSpikeNetwork
    from ..models.spike_slopes import spike_slopes

    try:
        network = FirstSpikeNetwork.from_description(description)
    except InputError as reason:
        logger.info("time step %g ms: %s", DEFAULT, reason)
        return DEFAULT
    smallest = np.full(len(stimuli), np.inf)
    for spikes, slopes in zip(*spike_slopes(network, stimuli.astype(np.float64)), strict=True):
        within = np.where(spikes <= description.trial_duration, slopes, np.inf)
        smallest = np.minimum(smallest, within.min(axis=1))
    return bridge.safe_resolution(smallest, network.neuron)
