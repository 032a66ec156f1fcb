"""The post-synaptic potential against 40-digit arithmetic."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

from semsync.models.neuron import psp, psp_peak_time

TAU_SYN = 7.0  # ms
RATIOS = [
    1.0,
    2.0,
    5.0,
    0.5,
    1.3,
    100.0,
    *(1 + sign * 10.0**-power for power in range(3, 14, 2) for sign in (-1, 1)),
]


def exact_psp(s, tau_m, tau_syn):
    with mpmath.workdps(40):
        s, tau_m, tau_syn = (mpmath.mpf(float(x)) for x in (s, tau_m, tau_syn))
        if tau_m == tau_syn:
            return float(s / tau_m * mpmath.exp(-s / tau_m))
        return float(tau_m / (tau_m - tau_syn) * (mpmath.exp(-s / tau_m) - mpmath.exp(-s / tau_syn)))


@pytest.mark.parametrize("ratio", RATIOS)
def test_psp_is_exact_at_every_age_and_ratio(ratio):
    s = np.concatenate([[0.0], np.geomspace(1e-12, 1e3, 60), np.linspace(5.0, 9.0, 20)])
    computed = psp(torch.from_numpy(s), ratio * TAU_SYN, TAU_SYN).numpy()
    expected = np.array([exact_psp(x, ratio * TAU_SYN, TAU_SYN) for x in s])
    # exp(-s / tau) inherits the rounding of s / tau, which is up to 200 here.
    np.testing.assert_allclose(computed, expected, rtol=1e-13)


@pytest.mark.parametrize("ratio", RATIOS)
def test_psp_peaks_where_its_slope_vanishes(ratio):
    peak = psp_peak_time(ratio * TAU_SYN, TAU_SYN)
    around = psp(
        torch.tensor([peak * (1 - 1e-4), peak, peak * (1 + 1e-4)], dtype=torch.float64), ratio * TAU_SYN, TAU_SYN
    )
    assert around.argmax() == 1
    assert peak == pytest.approx(TAU_SYN * (1 if ratio == 1 else ratio * math.log(ratio) / (ratio - 1)), rel=1e-3)
