"""How steeply potentials cross the threshold: what decides whether a coarser simulation can see a spike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .first_spike import kernel, synaptic_delays
from .network import FirstSpikeNetwork


def spike_slopes(
    network: FirstSpikeNetwork, times: NDArray[np.float64], *, batch_size: int = 1000
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """First spikes of every layer but the input, and the slope of the potential at each.

    Parameters
    ----------
    network : FirstSpikeNetwork
    times : array, shape [n_samples, n_inputs]
        Input spike times [ms], inf where silent.
    batch_size : int
        Samples that are computed together.

    Returns
    -------
    spikes : list of array, shapes [n_samples, n_1], [n_samples, n_2], ...
        [ms], inf where silent.
    slopes : list of array, of the same shapes
        Of the potential in units of the threshold [1/ms], inf where silent.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from semsync import LIFNeuron
    >>> from semsync.models.network import FirstSpikeNetwork
    >>> from semsync.models.spike_slopes import spike_slopes
    >>> network = FirstSpikeNetwork(
    ...     [torch.tensor([[4.0, 0.1]])], LIFNeuron(10.0, 10.0), [np.full(1, "-"), np.full(2, "-")],
    ...     dale=False, trial_duration=50.0,
    ... )
    >>> spikes, slopes = spike_slopes(network, np.array([[1.0]]))
    >>> spikes[0].round(6).tolist(), slopes[0].round(6).tolist()
    ([[4.57403, inf]], [[0.179796, inf]])
    """
    parts = [
        _of_batch(network, times[start : start + batch_size]) for start in range(0, max(len(times), 1), batch_size)
    ]
    layers = list(zip(*parts, strict=True))
    return (
        [np.concatenate([spikes for spikes, _ in layer]) for layer in layers],
        [np.concatenate([slopes for _, slopes in layer]) for layer in layers],
    )


@torch.no_grad()
def _of_batch(
    network: FirstSpikeNetwork, times: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    tau_m, tau_syn = network.neuron.tau_m, network.neuron.tau_syn
    found = []
    for k, parameter in enumerate(network.weights):
        weights = np.ascontiguousarray(parameter.numpy(), dtype=np.float64)
        if len(network.axonal):
            times = times + network.axonal[k].numpy()
        inputs = kernel.sort_inputs(np.ascontiguousarray(times), tau_m, tau_syn)
        if len(network.synaptic):
            delays = np.ascontiguousarray(network.synaptic[k].numpy(), dtype=np.float64)
            delayed = synaptic_delays.forward(inputs, weights, delays, tau_m, tau_syn)
            spikes, slopes = delayed.times, delayed.slope
        else:
            result = kernel.forward(inputs, weights, tau_m, tau_syn)
            spikes = result.times
            # The kernel keeps exp(-age / tau_syn) / V', where age is that of the last input before the spike.
            last = np.take_along_axis(inputs.time, np.maximum(result.n_causal - 1, 0).astype(np.int64), axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                slopes = np.exp((last - spikes) / tau_syn) / result.sens_i
        if len(network.dendritic):
            spikes = spikes + network.dendritic[k].numpy()
        found.append((spikes, np.where(np.isfinite(spikes), slopes, np.inf)))
        times = spikes
    return found
