"""What a protocol decides. Its first half needs no NEST and runs in the parent too, so that bad input is refused early.

The second half is given the ``nest`` module, so that no protocol file imports it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...network_description import NetworkDescription, Population, Projection
from ..schedule import Schedule


class Protocol(ABC):
    """How a network is made and how its trials are presented in NEST.

    Parameters
    ----------
    description : NetworkDescription
    resolution : float
        Step h of the simulation [ms].

    Attributes
    ----------
    schedule : Schedule
        Delays and the course of one trial.

    Raises
    ------
    InputError
        When this protocol cannot run this network.
    """

    name: ClassVar[str]
    schedule: Schedule

    @abstractmethod
    def __init__(self, description: NetworkDescription, resolution: float) -> None: ...

    @abstractmethod
    def create_inputs(self, nest: Any, population: Population) -> Any:
        """Nodes that emit the spikes they are given."""

    @abstractmethod
    def create_neurons(self, nest: Any, population: Population) -> Any:
        """Nodes of one population of neurons."""

    @abstractmethod
    def connect(
        self, nest: Any, sources: Any, targets: Any, projection: Projection, delay: NDArray[np.float64]
    ) -> None:
        """All synapses of one projection, with the total delays of the schedule [ms], shape [n_source, n_target]."""

    @abstractmethod
    def set_input_times(self, inputs: Any, input_times: NDArray[np.float64], origin: float) -> None:
        """Spikes of the coming trial [ms from its onset, shape [n_inputs]]; the trial begins at `origin` [ms]."""

    @abstractmethod
    def silence(self, neurons: Any, population: Population) -> None:
        """At the end of what counts: let no neuron start another spike."""

    @abstractmethod
    def reset(self, neurons: Any, population: Population) -> None:
        """Before the next trial, when no spike is under way and no neuron is refractory: back to the state of rest."""
