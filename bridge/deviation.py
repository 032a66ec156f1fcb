"""How far a recording under a realistic protocol has moved from the network as it was trained, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable


@dataclass(frozen=True)
class Deviation:
    """Of the first spikes of one layer, over all trials; NaN where there is nothing to compare.

    Attributes
    ----------
    layer : int
    name : str
        Of the layer's populations.
    n_expected : int
        First spikes in the reference.
    missing : float
        Share of them that the recording lacks.
    additional : float
        Spikes that only the recording has, per expected one.
    shift_ms : float
        Mean of recording minus reference, where both have a spike.
    sd_ms : float
        Standard deviation of that difference.
    spikes_per_active : float
        Spikes per trial of a unit that fires at all, in the recording.
    """

    layer: int
    name: str
    n_expected: int
    missing: float
    additional: float
    shift_ms: float
    sd_ms: float
    spikes_per_active: float


def deviations(
    reference: SpikeTable, recording: SpikeTable, description: NetworkDescription, *, until_decision: bool = False
) -> list[Deviation]:
    """Compare the first spikes of two recordings of one network, for every layer but the input.

    Parameters
    ----------
    reference, recording : SpikeTable
        Of the same trials, with all units of the network.
    description : NetworkDescription
    until_decision : bool
        Only spikes up to the decision of the trial, each recording's own; a trial without a decision in either is left
        out.

    Raises
    ------
    InputError
        When units or trials are not the same.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import LIFNeuron, NetworkDescription
    >>> from semsync.bridge import deviations, simulate
    >>> neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
    >>> network = NetworkDescription.from_weights([[[3.0]], [[3.0]]], neuron, trial_duration=50.0)
    >>> exact, grid = simulate(network, [[1.0]]), simulate(network, [[1.0]], "grid:resolution=0.5")
    >>> [(layer.name, round(layer.shift_ms, 2)) for layer in deviations(exact, grid, network)]
    [('hidden_1', 0.31), ('output', 0.62)]
    """
    n_units = sum(population.size for population in description.populations)
    for name, table in (("reference", reference), ("recording", recording)):
        if table.n_units != n_units:
            raise InputError(f"the {name} must have all {n_units} units of the network, it has {table.n_units}")
    if reference.n_trials != recording.n_trials:
        raise InputError(f"both must have the same trials, got {reference.n_trials} and {recording.n_trials}")
    expected, found = reference.first_spikes(), recording.first_spikes()
    counts = recording.counts()
    if until_decision:
        stops = reference.trials["decision_time"], recording.trials["decision_time"]
        decided = np.isfinite(stops[0]) & np.isfinite(stops[1])
        expected, found, counts = expected[decided], found[decided], counts[decided]
        expected[expected > stops[0][decided, None]] = np.inf
        found[found > stops[1][decided, None]] = np.inf
    layers = np.repeat([p.layer for p in description.populations], [p.size for p in description.populations])
    result = []
    for layer in np.unique(layers[description.input.size :]):
        columns = layers == layer
        before, after = np.isfinite(expected[:, columns]), np.isfinite(found[:, columns])
        both = before & after
        difference = found[:, columns][both] - expected[:, columns][both]
        n_expected = int(before.sum())
        active = counts[:, columns] > 0
        result.append(
            Deviation(
                layer=int(layer),
                name=", ".join(p.name for p in description.populations if p.layer == layer),
                n_expected=n_expected,
                missing=float((before & ~after).sum() / n_expected) if n_expected else np.nan,
                additional=float((after & ~before).sum() / n_expected) if n_expected else np.nan,
                shift_ms=float(difference.mean()) if len(difference) else np.nan,
                sd_ms=float(difference.std()) if len(difference) else np.nan,
                spikes_per_active=float(counts[:, columns][active].mean()) if active.any() else np.nan,
            )
        )
    return result
