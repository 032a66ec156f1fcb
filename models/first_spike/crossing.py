"""When a neuron's potential crosses the threshold between two inputs, in numba."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compilation import jit

_MAX_NEWTON = 100
_F = tuple(1.0 / math.factorial(n) for n in range(13))


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
def _exp_series(x: float) -> float:
    """exp(x) for abs(x) <= 0.25, to the last bits."""
    high = _F[8] + x * (_F[9] + x * (_F[10] + x * (_F[11] + x * _F[12])))
    return _F[0] + x * (
        _F[1] + x * (_F[2] + x * (_F[3] + x * (_F[4] + x * (_F[5] + x * (_F[6] + x * (_F[7] + x * high))))))
    )


@jit(inline="always")
def _expm1_ratio_series(x: float) -> float:
    """expm1(x) / x for abs(x) <= 0.25, to the last bits; 1 at 0."""
    high = _F[8] + x * (_F[9] + x * (_F[10] + x * (_F[11] + x * _F[12])))
    return _F[1] + x * (_F[2] + x * (_F[3] + x * (_F[4] + x * (_F[5] + x * (_F[6] + x * (_F[7] + x * high))))))


@jit()
def solve_together(
    n: int, v_at: Any, i_at: Any, gap: Any, s_out: Any, es_out: Any, tr_out: Any, slope_out: Any,
    tau_m: float, tau_s: float,
) -> None:  # fmt: skip
    """:func:`crossing` for the first `n` entries of arrays at once, where it is the usual case; s is NaN elsewhere.

    Usual: within a quarter of a time constant, where a short series is exp() to the last bits, and at the root after
    three steps. Without branches or calls, so that it becomes vector code.
    """
    rate_m, rate_s = 1.0 / tau_m, 1.0 / tau_s
    rate_x = rate_s - rate_m
    shortest = 0.25 / max(rate_s, abs(rate_x))
    for c in range(n):
        v0, i0 = v_at[c], i_at[c]
        slope = i0 * rate_s - v0 * rate_m
        curvature = i0 * rate_s * rate_s + slope * rate_m
        bend = abs(v0) * rate_m * rate_m + i0 * rate_s * (rate_m + rate_s)
        discriminant = slope * slope - 2.0 * curvature * (1.0 - v0)
        usual = (v0 < 1.0) & (i0 > 0.0) & (slope > 0.0) & (discriminant > 0.0)
        s = 2.0 * (1.0 - v0) / (slope + math.sqrt(max(discriminant, 0.0)))
        step, es, tr = 0.0, 1.0, 0.0
        for _ in range(3):
            usual = usual & (s > 0.0) & (s <= shortest)
            x = s * rate_x
            es, growth = _exp_series(-s * rate_s), _expm1_ratio_series(x)
            tr = es * s * rate_s * growth
            v, i = v0 * es * (1.0 + x * growth) + i0 * tr, i0 * es
            slope = i * rate_s - v * rate_m
            usual = usual & (slope > 0.0)
            step = (1.0 - v) / slope
            s += step
        usual = usual & (step * step * bend <= 1e-17 * tau_m * slope) & (s >= 0.0) & (s <= gap[c])
        s_out[c] = s if usual else np.nan
        es_out[c] = es * (1.0 - step * rate_s)
        tr_out[c] = tr + step * (es * rate_s - tr * rate_m)
        slope_out[c] = i0 * es_out[c] * rate_s - rate_m
