"""Time steps at which NEST's precise neurons can miss no spike of a trial. Numpy only.

``iaf_psc_exp_ps`` tests the threshold at the ends of time steps and where an input arrives; an excursion above
threshold between two such moments is missed. Let the potential cross the threshold at T with slope v. Without further
input it stays above threshold for a time that depends on v and the neuron alone, and grows with v. If that is no
shorter than the step h, the next moment of testing, the end of a step or the arrival of an input, comes while it is
above threshold: the spike is found. (The next input changes nothing before it has arrived.) A trial is safe at h if
that holds for every spike of every neuron in it; this is sufficient, not necessary. Potentials that peak below
threshold need no care: they are below it at every moment of testing, so NEST never invents a spike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..network_description import LIFNeuron
from .potential import psp

CANDIDATES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)  # ms
ROUNDING = 1e-9  # relative; of slopes


def min_slope(neuron: LIFNeuron, step: float) -> float:
    """Smallest slope of the potential at a spike [thresholds/ms] with which it stays above threshold for a `step` [ms].

    After the spike, ``V(s) = exp(-s / tau_m) + I k(s)`` with the post-synaptic potential k and the current
    ``I = tau_syn (v + 1 / tau_m)`` that belongs to a slope v at threshold 1. V rises from 1 to its only peak and then
    falls, so it is above threshold until `step` if ``V(step) >= 1``.

    Examples
    --------
    >>> from semsync import LIFNeuron
    >>> from semsync.bridge.safe_step import min_slope
    >>> round(min_slope(LIFNeuron(tau_m=10.0, tau_syn=10.0), 0.1), 6)
    0.000502
    """
    tau_m, tau_syn = neuron.tau_m, neuron.tau_syn
    return float(-np.expm1(-step / tau_m) / (tau_syn * psp(step, tau_m, tau_syn)) - 1 / tau_m)


def safe_resolution(
    slopes: ArrayLike, neuron: LIFNeuron, candidates: Sequence[float] = CANDIDATES
) -> NDArray[np.float64]:
    """The largest safe time step of each trial [ms]; the smallest candidate where none is safe.

    Parameters
    ----------
    slopes : array, shape [n_trials]
        The smallest slope of the potential at any spike of each trial [thresholds/ms], inf without a spike.
    neuron : LIFNeuron
        Of all spiking populations.
    candidates : sequence of float
        Time steps [ms].

    Examples
    --------
    >>> from semsync import LIFNeuron
    >>> from semsync.bridge.safe_step import safe_resolution
    >>> safe_resolution([0.1, 0.003, 1e-9], LIFNeuron(tau_m=10.0, tau_syn=10.0)).tolist()
    [1.0, 0.5, 0.01]
    """
    smallest = np.asarray(slopes, dtype=np.float64)
    steps = sorted(candidates)
    found = np.full(smallest.shape, steps[0])
    for step in steps[1:]:
        found[smallest >= min_slope(neuron, step) * (1 + ROUNDING)] = step
    return found
