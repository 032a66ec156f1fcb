"""When a neuron's potential crosses the threshold between two inputs, in numba."""

from __future__ import annotations

import math

import numpy as np

from .compilation import jit
from .simd import fma

_MAX_NEWTON = 100
INVERSE_FACTORIALS = _F = tuple(1.0 / math.factorial(n) for n in range(14))


@jit()
def propagator(s: float, tau_m: float, tau_s: float) -> tuple[float, float, float]:
    """exp(-s / tau_m), exp(-s / tau_syn) and the PSP k(s), with as few exponentials as the ratio allows; any sign."""
    es = math.exp(-s / tau_s)
    x = s * (1.0 / tau_s - 1.0 / tau_m)
    if x == 0.0:
        return es, es, es * s / tau_s
    if abs(x) < 1.0:
        growth = math.expm1(x)
        return es * (1.0 + growth), es, es * (s / tau_s) * growth / x
    em = math.exp(-s / tau_m)
    return em, es, tau_m / (tau_m - tau_s) * (em - es)


@jit()
def crossing(v0: float, i0: float, gap: float, tau_m: float, tau_s: float) -> tuple[float, float, float]:
    """First s in [0, gap] with V(s) = 1, from V(0) = v0 and I(0) = i0, with exp(-s / tau_syn) and k(s); or inf.

    Newton's method from the root of the parabola through V(0), V'(0) and V''(0), which lies a little late: the first
    step ends early, because V is concave up to its peak, and no later one overshoots.
    """
    if v0 >= 1.0:
        return 0.0, 1.0, 0.0
    rate_m, rate_s = 1.0 / tau_m, 1.0 / tau_s
    slope = i0 * rate_s - v0 * rate_m
    if not (i0 > 0.0 and slope > 0.0):
        return np.inf, 0.0, 0.0
    curvature = i0 * rate_s * rate_s + slope * rate_m
    discriminant = slope * slope - 2.0 * curvature * (1.0 - v0)
    s = 2.0 * (1.0 - v0) / (slope + math.sqrt(discriminant)) if discriminant > 0.0 else 0.0
    v, es, tr = v0, 1.0, 0.0
    if s > 0.0:
        em, es, tr = propagator(s, tau_m, tau_s)
        v, i = v0 * em + i0 * tr, i0 * es
        at_s = i * rate_s - v * rate_m
        # Beyond the peak there is no way back: start from the left.
        if at_s > 0.0:
            slope = at_s
        else:
            s, v, es, tr = 0.0, v0, 1.0, 0.0
    bend = abs(v0) * rate_m * rate_m + i0 * rate_s * (rate_m + rate_s)
    for _ in range(_MAX_NEWTON):
        step = (1.0 - v) / slope
        s += step
        # A slope next to nothing after the last input, where the gap is infinite, makes an infinite step.
        if not s < np.inf:
            return np.inf, 0.0, 0.0
        # What is left after a step is its square times |V''| / (2 V').
        if step * step * bend <= 1e-17 * tau_m * slope:
            if s > gap:
                return np.inf, 0.0, 0.0
            # The last step is too short to need exponentials of its own.
            return max(s, 0.0), es * (1.0 - step * rate_s), tr + step * (es * rate_s - tr * rate_m)
        em, es, tr = propagator(s, tau_m, tau_s)
        v, i = v0 * em + i0 * tr, i0 * es
        slope = i * rate_s - v * rate_m
        if slope <= 0.0:
            return np.inf, 0.0, 0.0
    return (s, es, tr) if s <= gap else (np.inf, 0.0, 0.0)


@jit(inline="always")
def _series(x: float, first: int) -> float:
    """Sum of x^n / (n + first)! for n from 0 to 12; pairs of terms first, so that little waits for little."""
    x_2 = x * x
    x_4 = x_2 * x_2
    low = fma(fma(_F[first + 3], x, _F[first + 2]), x_2, fma(_F[first + 1], x, _F[first]))
    middle = fma(fma(_F[first + 7], x, _F[first + 6]), x_2, fma(_F[first + 5], x, _F[first + 4]))
    high = fma(fma(_F[first + 11], x, _F[first + 10]), x_2, fma(_F[first + 9], x, _F[first + 8]))
    return fma(fma(fma(_F[first + 12], x_4, high), x_4, middle), x_4, low)


@jit(inline="always")
def _exp_series(x: float) -> float:
    """exp(x) for abs(x) <= 0.25, to the last bits."""
    return _series(x, 0)


@jit(inline="always")
def _expm1_ratio_series(x: float) -> float:
    """expm1(x) / x for abs(x) <= 0.25, to the last bits; 1 at 0."""
    return _series(x, 1)


@jit(inline="always")
def short_propagator(s: float, tau_m: float, tau_s: float) -> tuple[float, float, float]:
    """:func:`propagator` for 0 <= s <= min(tau_m, tau_syn), without branches or calls."""
    rate_s = 1.0 / tau_s
    x, y = 0.25 * s * (rate_s - 1.0 / tau_m), 0.25 * s * rate_s
    es = _exp_series(-y)
    es *= es
    es *= es
    # expm1(4 x) / (4 x) from that of x: expm1(2 x) = expm1(x) (expm1(x) + 2).
    ratio = _expm1_ratio_series(x)
    ratio *= fma(0.5 * x, ratio, 1.0)
    ratio *= fma(x, ratio, 1.0)
    return es * fma(4.0 * x, ratio, 1.0), es, es * (4.0 * y) * ratio
