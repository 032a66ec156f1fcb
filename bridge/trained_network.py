"""From a trained torch network to its description: the one place where the bridge sees an object of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..network_description import LIFNeuron, NetworkDescription


class TrainedNetwork(Protocol):
    """What :func:`export` reads; :class:`semsync.models.network.FirstSpikeNetwork` has it all.

    Attributes
    ----------
    weights : sequence of Tensor, shapes [n_0, n_1], [n_1, n_2], ...
        Dimensionless (threshold 1).
    neuron : LIFNeuron
        Of all layers but the input.
    cell_types : sequence of array of str, shapes [n_0], [n_1], ...
    obeys_dale : sequence of bool
        One per weight matrix.
    delays : sequence of array or Tensor, or None
        One per weight matrix [ms], broadcastable to it; None for no delays.
    trial_duration : float
        [ms]
    encoding : mapping
        Plain JSON values.
    """

    # Properties, so that a network may store any kind of sequence.
    @property
    def weights(self) -> Any: ...
    @property
    def neuron(self) -> LIFNeuron: ...
    @property
    def cell_types(self) -> Sequence[ArrayLike]: ...
    @property
    def obeys_dale(self) -> Sequence[bool]: ...
    @property
    def delays(self) -> Any: ...
    @property
    def trial_duration(self) -> float: ...
    @property
    def encoding(self) -> Mapping[str, Any]: ...


def export(network: TrainedNetwork, *, metadata: Mapping[str, Any] | None = None) -> NetworkDescription:
    """Describe a trained network in physical units.

    Networks that live in plain arrays need no export: see :meth:`NetworkDescription.from_weights`.

    Parameters
    ----------
    network : FirstSpikeNetwork, or anything with the attributes of :class:`TrainedNetwork`
    metadata : mapping, optional
        Plain JSON values that travel along.

    Returns
    -------
    NetworkDescription

    Raises
    ------
    InputError
        When an attribute is missing, or what they hold is no network.
    """
    wanted = ("weights", "neuron", "cell_types", "obeys_dale", "delays", "trial_duration", "encoding")
    missing = [name for name in wanted if not hasattr(network, name)]
    if missing:
        raise InputError(f"a network to export needs the attributes {', '.join(wanted)}; it lacks {', '.join(missing)}")
    return NetworkDescription.from_weights(
        [_to_numpy(weights) for weights in network.weights],
        network.neuron,
        cell_types=network.cell_types,
        delays=None if network.delays is None else [_to_numpy(delay) for delay in network.delays],
        obeys_dale=network.obeys_dale,
        trial_duration=network.trial_duration,
        encoding=network.encoding,
        metadata=metadata,
    )


def _to_numpy(values: Any) -> NDArray[np.float64]:
    """An array of a tensor, of any device and with or without gradient, or of what is one already."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.array(values, dtype=np.float64)
