"""Oracles for first spikes: dense scan, peaks and bisection on the sum of PSPs, and gradients written out."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import brentq


def psp(s, tau_m, tau_syn):
    """PSP of weight 1, zero before the spike."""
    s = np.maximum(s, 0.0)
    a, b = 1 / tau_m, 1 / tau_syn
    h = (b - a) * s / 2
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        near = s * b * np.exp(-(a + b) * s / 2) * np.where(h == 0, 1.0, np.sinh(h) / h)
        far = (np.exp(-a * s) - np.exp(-b * s)) * b / (b - a) if a != b else near
    return np.where(np.abs(h) < 1, near, far)


def psp_slope(s, tau_m, tau_syn):
    """Derivative of the PSP, zero before the spike."""
    return np.where(s >= 0, np.exp(-np.maximum(s, 0.0) / tau_syn) / tau_syn - psp(s, tau_m, tau_syn) / tau_m, 0.0)


class OracleSpike(NamedTuple):
    """First spike [ms], slope of the potential there [1/ms], and how far the nearest peak is from the threshold."""

    time: float
    slope: float
    margin: float


def _first_spike(arrivals, weights, tau_m, tau_syn):
    def potential(t):
        return psp(np.subtract.outer(t, arrivals), tau_m, tau_syn) @ weights

    def slope(t):
        return psp_slope(np.subtract.outer(t, arrivals), tau_m, tau_syn) @ weights

    margin = np.inf
    borders = np.unique(arrivals)
    borders = np.append(borders, borders[-1:] + 80 * max(tau_m, tau_syn))
    for lower, upper in pairwise(borders):
        t = np.linspace(lower, upper, 60)
        rate = slope(t)
        # The slope just before the next input, whose own PSP starts there.
        rate[-1] = slope(np.nextafter(upper, lower))
        turns = np.flatnonzero((rate[:-1] > 0) & (rate[1:] < 0))
        peaks = [brentq(slope, t[k], np.nextafter(t[k + 1], t[k]), xtol=1e-14, rtol=1e-15) for k in turns]
        t = np.sort(np.append(t, peaks))
        v = potential(t)
        margin = min(margin, abs(v.max() - 1))
        above = np.flatnonzero(v >= 1)
        if len(above):
            at = above[0]
            time = brentq(lambda x: potential(x) - 1, t[at - 1], t[at], xtol=1e-13, rtol=1e-15) if at else t[0]
            return OracleSpike(time, slope(time), margin)
    return OracleSpike(np.inf, np.nan, margin)


def oracle(times, weights, tau_m, tau_syn) -> OracleSpike:
    """First spikes of a layer: fields of shape [batch, n_out] for times [batch, n_in] and weights [n_in, n_out]."""
    spikes = np.empty((len(times), weights.shape[1], 3))
    for sample, row in enumerate(times):
        active = np.isfinite(row)
        for neuron in range(weights.shape[1]):
            spikes[sample, neuron] = (
                _first_spike(row[active], weights[active, neuron], tau_m, tau_syn)
                if active.any()
                else (np.inf, np.nan, np.inf)
            )
    return OracleSpike(*np.moveaxis(spikes, -1, 0))


@pytest.fixture(scope="session", name="oracle")
def oracle_fixture():
    return oracle


@pytest.fixture(scope="session", params=["kernel", "reference"])
def engine(request):
    return request.param


class PlainGradients(NamedTuple):
    """The implicit function theorem written out, shapes [batch, n_in, n_out]; zero where nothing is caused.

    ``condition`` [batch, n_out] is by how much rounding errors of the potential grow in the spike time.
    """

    by_weight: np.ndarray
    by_time: np.ndarray
    condition: np.ndarray


@pytest.fixture(scope="session")
def plain_gradients():
    def compute(times, weights, tau_m, tau_syn, t_out):
        fired = np.isfinite(t_out)
        age = np.where(fired, t_out, 0.0)[:, None, :] - np.where(np.isfinite(times), times, 1e300)[:, :, None]
        causal = fired[:, None, :] & (age >= 0)
        k = np.where(causal, psp(age, tau_m, tau_syn), 0.0)
        rate = np.where(causal, psp_slope(age, tau_m, tau_syn), 0.0)
        slope = np.where(fired, (weights * rate).sum(axis=1), 1.0)
        condition = np.where(fired, (np.abs(weights) * causal).sum(axis=1) / (slope * tau_syn), 0.0)
        return PlainGradients(-k / slope[:, None, :], weights * rate / slope[:, None, :], condition)

    return compute
