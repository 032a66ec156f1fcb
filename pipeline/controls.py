"""Networks that a trained one is held against."""

from __future__ import annotations

import numpy as np

from ..network_description import NetworkDescription, Projection


def shuffled(description: NetworkDescription, rng: np.random.Generator) -> NetworkDescription:
    """The network with the weights of each projection permuted among the synapses of source units of one cell type.

    So the distribution of the weights stays, with Dale's law and the balance of excitation and inhibition; which unit
    reaches which does not.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import LIFNeuron, NetworkDescription
    >>> from semsync.pipeline.controls import shuffled
    >>> weights = np.arange(6.0).reshape(3, 2)
    >>> network = NetworkDescription.from_weights([weights], LIFNeuron(10.0, 10.0), trial_duration=50.0)
    >>> other = shuffled(network, np.random.default_rng(0)).projections[0].weights
    >>> sorted(other.ravel() / network.projections[0].weights.max() * 5) == sorted(weights.ravel())
    True
    """
    projections = []
    for projection in description.projections:
        weights = projection.weights.copy()
        for cell_type in np.unique(description[projection.source].cell_type):
            rows = np.flatnonzero(description[projection.source].cell_type == cell_type)
            weights[rows] = rng.permutation(weights[rows].ravel()).reshape(len(rows), -1)
        projections.append(
            Projection(projection.source, projection.target, weights, projection.delay, projection.obeys_dale)
        )
    return NetworkDescription(
        description.populations,
        projections,
        description.trial_duration,
        description.encoding,
        {**description.metadata, "condition": "shuffled"},
    )
