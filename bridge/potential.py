"""The closed form of the membrane potential below threshold, in numpy: what a margin is measured with.

Potentials are counted from rest in units of the threshold: ``(V - E_L) / (V_th - E_L)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..network_description import LIFNeuron

N_BISECTIONS = 200  # far more than a double has bits


def psp(s: ArrayLike, tau_m: float, tau_syn: float) -> NDArray[np.float64]:
    """Post-synaptic potential of dimensionless weight 1 at time `s` [ms] after the spike; 0 before.

    ``tau_m / (tau_m - tau_syn) (exp(-s / tau_m) - exp(-s / tau_syn))``, in a form that holds for equal time constants.
    """
    s = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    x = s * abs(tau_m - tau_syn) / (tau_m * tau_syn)
    ratio = np.where(x == 0, 1.0, -np.expm1(-x) / np.where(x == 0, 1.0, x))
    return s / tau_syn * np.exp(-s / max(tau_m, tau_syn)) * ratio


def potential(t: float, arrivals: NDArray[np.float64], weights: NDArray[np.float64], neuron: LIFNeuron) -> float:
    """Potential at time `t` [ms] after input spikes of some weights [pA]."""
    scaled = weights / neuron.pA_per_unit_weight
    return float(scaled @ psp(t - arrivals, neuron.tau_m, neuron.tau_syn))


def slope(t: float, arrivals: NDArray[np.float64], weights: NDArray[np.float64], neuron: LIFNeuron) -> float:
    """Derivative of the potential just after time `t` [1/ms]."""
    causal = arrivals <= t
    s = t - arrivals[causal]
    rise = np.exp(-s / neuron.tau_syn) / neuron.tau_syn - psp(s, neuron.tau_m, neuron.tau_syn) / neuron.tau_m
    return float(weights[causal] / neuron.pA_per_unit_weight @ rise)


def next_peak(
    t: float, arrivals: NDArray[np.float64], weights: NDArray[np.float64], neuron: LIFNeuron, t_stop: float
) -> float:
    """Potential at its first local maximum in ``[t, t_stop]`` [ms], or at `t_stop` when it rises until then."""
    borders = np.unique(arrivals[(arrivals > t) & (arrivals < t_stop)])
    for lower, upper in zip([t, *borders], [*borders, t_stop], strict=True):
        if slope(lower, arrivals, weights, neuron) <= 0:
            return potential(lower, arrivals, weights, neuron)
        # Between two inputs the slope changes its sign at most once.
        seen = arrivals <= lower
        if slope(upper, arrivals[seen], weights[seen], neuron) < 0:
            for _ in range(N_BISECTIONS):
                middle = (lower + upper) / 2
                if slope(middle, arrivals[seen], weights[seen], neuron) > 0:
                    lower = middle
                else:
                    upper = middle
            return potential(lower, arrivals, weights, neuron)
    return potential(t_stop, arrivals, weights, neuron)
