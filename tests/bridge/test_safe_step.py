"""How long an excursion above threshold lasts, against a dense scan of the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron
from semsync.bridge import safe_resolution
from semsync.bridge.potential import psp
from semsync.bridge.safe_step import CANDIDATES, min_slope


def time_above_threshold(slope, neuron, scan):
    """Of a potential that starts at 1 with some slope, without input."""
    current = neuron.tau_syn * (slope + 1 / neuron.tau_m)
    above = np.exp(-scan / neuron.tau_m) + current * psp(scan, neuron.tau_m, neuron.tau_syn) >= 1
    assert above[1:].any()
    assert not above[-1]
    return scan[np.flatnonzero(above)[-1]]


@pytest.mark.parametrize("tau_ratio", [0.5, 1.0, 1.0 + 1e-9, 2.0, 5.0])
@pytest.mark.parametrize("step", CANDIDATES)
def test_with_the_smallest_slope_the_potential_stays_above_threshold_for_one_step(step, tau_ratio):
    neuron = LIFNeuron(tau_m=8.0 * tau_ratio, tau_syn=8.0)
    scan = np.linspace(0, 2 * step, 200_001)
    assert time_above_threshold(min_slope(neuron, step), neuron, scan) == pytest.approx(step, rel=2e-4)
    assert time_above_threshold(1.1 * min_slope(neuron, step), neuron, scan) > 1.05 * step


def test_each_trial_gets_the_largest_safe_step():
    neuron = LIFNeuron(tau_m=10.0, tau_syn=5.0)
    needed = np.array([min_slope(neuron, step) for step in CANDIDATES])
    assert (np.diff(needed) < 0).all()
    np.testing.assert_array_equal(safe_resolution(needed * 1.001, neuron), CANDIDATES)
    np.testing.assert_array_equal(safe_resolution(needed * 0.999, neuron), [*CANDIDATES[1:], CANDIDATES[-1]])
    assert safe_resolution([np.inf, 0.0], neuron, [0.1, 0.5]).tolist() == [0.5, 0.1]
