"""Plain torch implementation of the first-spike layer: the oracle of the tests, and the path for other devices.

One step per input, each vectorised over [batch, n_out]; the crossing in closed form for tau_m = tau_syn (Lambert W) and
tau_m = 2 tau_syn (a quadratic), by Newton's method otherwise. The closed forms are those of Göltz et al. 2021,
doi:10.1038/s42256-021-00388-x, written for the potential and current at the interval's start, so that nothing overflows
however long the trial.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..neuron import psp

_INF = math.inf
_MAX_NEWTON = 100


def lambert_w(x: Tensor) -> Tensor:
    """Principal branch of Lambert's W for x >= -1/e, NaN below; by Halley's iteration (Corless et al. 1996).

    Examples
    --------
    >>> import torch
    >>> from semsync.models.first_spike.reference import lambert_w
    >>> w = lambert_w(torch.tensor([-0.3, 0.0, 2.0], dtype=torch.float64))
    >>> torch.allclose(w * w.exp(), torch.tensor([-0.3, 0.0, 2.0], dtype=torch.float64))
    True
    """
    # Near the branch point W = -1 + p - p^2/3 with p = sqrt(2 (e x + 1)); elsewhere a logarithmic start.
    p = torch.sqrt(2 * (math.e * x + 1))
    w = torch.where(x < 1, -1 + p - p * p / 3 + 11 / 72 * p**3, torch.log1p(x.clamp_min(0)))
    for _ in range(12):
        exp_w = torch.exp(w)
        f = w * exp_w - x
        step = f / (exp_w * (w + 1) - (w + 2) * f / (2 * w + 2))
        w = torch.where(torch.isfinite(step), w - step, w)
    return w


def _crossing_equal(v0: Tensor, i0: Tensor, tau: float) -> Tensor:
    """exp(-u) (v0 + i0 u) = 1 for u = s / tau."""
    ratio = v0 / i0
    w = lambert_w(-torch.exp(-ratio) / i0)
    return torch.where((i0 > 0) & torch.isfinite(w), tau * (-w - ratio), _INF)


def _crossing_double(v0: Tensor, i0: Tensor, tau_m: float) -> Tensor:
    """2 i0 x^2 - (v0 + 2 i0) x + 1 = 0 for x = exp(-s / tau_m); the larger root comes first in time."""
    b = v0 + 2 * i0
    discriminant = b * b - 8 * i0
    x = (b + torch.sqrt(discriminant.clamp_min(0))) / (4 * i0)
    return torch.where((i0 > 0) & (discriminant >= 0) & (x > 0), -tau_m * torch.log(x), _INF)


def _crossing_newton(v0: Tensor, i0: Tensor, tau_m: float, tau_syn: float) -> Tensor:
    """Newton's method from the left, which cannot overshoot: V is concave up to its peak."""
    s = torch.zeros_like(v0)
    searching = torch.ones_like(v0, dtype=torch.bool)
    found = torch.zeros_like(searching)
    for _ in range(_MAX_NEWTON):
        v = v0 * torch.exp(-s / tau_m) + i0 * psp(s, tau_m, tau_syn)
        slope = i0 * torch.exp(-s / tau_syn) / tau_syn - v / tau_m
        searching &= slope > 0
        step = torch.where(searching, (1 - v) / slope, 0.0)
        searching &= torch.isfinite(step)
        s = torch.where(searching, s + step, s)
        # A root that is found is left alone: rounding would move it to and fro for ever.
        found |= searching & (step <= 1e-16 * (s + tau_m))
        searching &= ~found
        if not bool(searching.any()):
            break
    return torch.where(found | searching, s, _INF)


def crossing(v0: Tensor, i0: Tensor, tau_m: float, tau_syn: float) -> Tensor:
    """Time to the first upward crossing of the threshold 1 without further input [ms], inf without one."""
    if tau_m == tau_syn:
        s = _crossing_equal(v0, i0, tau_m)
    elif tau_m == 2 * tau_syn:
        s = _crossing_double(v0, i0, tau_m)
    else:
        s = _crossing_newton(v0, i0, tau_m, tau_syn)
    rising = i0 / tau_syn - v0 / tau_m > 0
    # Just below the threshold rounding may put a closed form's root before the start.
    return torch.where(v0 >= 1, 0.0, torch.where(rising, s.clamp_min(0), _INF))


def _forward(times: Tensor, weights: Tensor, tau_m: float, tau_syn: float) -> Tensor:
    """First spike times without delays; one step per input."""
    n_samples, n_in = times.shape
    sorted_times, order = torch.sort(times, dim=1, stable=True)
    v = times.new_zeros(n_samples, weights.shape[1])
    i = torch.zeros_like(v)
    t_out = torch.full_like(v, _INF)
    for k in range(n_in):
        t_k = sorted_times[:, k : k + 1]
        active = torch.isfinite(t_k)
        i = torch.where(active, i + weights[order[:, k]], i)
        t_next = sorted_times[:, k + 1 : k + 2] if k + 1 < n_in else torch.full_like(t_k, _INF)
        gap = torch.where(active, t_next - t_k, 0.0)
        s = crossing(v, i, tau_m, tau_syn)
        fires = active & (gap > 0) & (s <= gap) & torch.isfinite(s) & torch.isinf(t_out)
        t_out = torch.where(fires, t_k + s, t_out)
        gap = torch.where(torch.isfinite(gap), gap, 0.0)
        v = v * torch.exp(-gap / tau_m) + i * psp(gap, tau_m, tau_syn)
        i = i * torch.exp(-gap / tau_syn)
    return t_out


def _backward(
    times: Tensor, weights: Tensor, tau_m: float, tau_syn: float, t_out: Tensor, grad: Tensor, max_dw: float
) -> tuple[Tensor, Tensor]:
    """Gradients of weights and input times, by the implicit function theorem: see the kernel's module docstring."""
    fired = torch.isfinite(t_out)
    finite_out = torch.where(fired, t_out, 0.0)

    def psp_and_slope(n: int) -> tuple[Tensor, Tensor]:
        age = finite_out - times[:, n : n + 1]
        causal = fired & (age >= 0)
        age = torch.where(causal, age, 0.0)
        k = torch.where(causal, psp(age, tau_m, tau_syn), 0.0)
        current = torch.where(causal, torch.exp(-age / tau_syn), 0.0)
        return k, current / tau_syn - k / tau_m

    slope = torch.zeros_like(finite_out)
    largest = torch.zeros_like(finite_out)
    for n in range(times.shape[1]):
        k, k_slope = psp_and_slope(n)
        slope += weights[n] * k_slope
        largest = torch.maximum(largest, k)
    per_slope = torch.where(fired & (grad != 0), grad / slope, 0.0)
    kept = torch.where((per_slope * largest).abs() > max_dw, 0.0, per_slope)
    dw, dt = torch.zeros_like(weights), torch.zeros_like(times)
    for n in range(times.shape[1]):
        k, k_slope = psp_and_slope(n)
        dw[n] = -(kept * k).sum(dim=0)
        dt[:, n] = (per_slope * weights[n] * k_slope).sum(dim=1)
    return dw, dt


def forward(times: Tensor, weights: Tensor, delays: Tensor | None, tau_m: float, tau_syn: float) -> Tensor:
    """First spike times.

    Parameters
    ----------
    times : Tensor, shape [batch, n_in]
        Input spike times [ms], inf where silent.
    weights : Tensor, shape [n_in, n_out]
        Dimensionless (threshold 1).
    delays : Tensor, shape [n_in, n_out], optional
        Of each synapse [ms].

    Returns
    -------
    Tensor, shape [batch, n_out]
        [ms], inf where silent.
    """
    if delays is None:
        return _forward(times, weights, tau_m, tau_syn)
    columns = [_forward(times + delays[:, j], weights[:, j : j + 1], tau_m, tau_syn) for j in range(weights.shape[1])]
    return torch.cat(columns, dim=1) if columns else times.new_empty(len(times), 0)


def backward(
    times: Tensor,
    weights: Tensor,
    delays: Tensor | None,
    tau_m: float,
    tau_syn: float,
    t_out: Tensor,
    grad: Tensor,
    max_dw: float,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of input times, weights and delays: a delay shifts its input for one neuron alone."""
    if delays is None:
        dw, dt = _backward(times, weights, tau_m, tau_syn, t_out, grad, max_dw)
        return dt, dw, None
    dt, dw, d_delays = torch.zeros_like(times), torch.zeros_like(weights), torch.zeros_like(delays)
    for j in range(weights.shape[1]):
        own = slice(j, j + 1)
        arrivals = times + delays[:, j]
        dw[:, own], dt_j = _backward(arrivals, weights[:, own], tau_m, tau_syn, t_out[:, own], grad[:, own], max_dw)
        dt += dt_j
        d_delays[:, j] = dt_j.sum(dim=0)
    return dt, dw, d_delays
