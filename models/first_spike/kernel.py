"""Streaming first-spike kernel on the CPU (numba).

Each sample's active inputs are sorted once and streamed past a block of output neurons, whose potential V and synaptic
current I are propagated exactly from input to input (see :mod:`semsync.models.neuron`). A crossing inside a gap s needs
V + s V' >= 1, because V is concave up to its peak; only neurons that pass this test are solved, by Newton's method from
the left, which for the same reason never overshoots. The backward pass runs the same recursion in reverse:
``dT/dw_i = -k(T - t_i) / V'(T)`` and ``dT/dt_i = w_i k'(T - t_i) / V'(T)`` are, seen from the last causal input, a PSP
that is propagated from input to input.

Work is split into tasks by shape alone and every sum has a fixed order: results do not depend on the number of threads.
Memory is O(batch x (n_in + n_out)) beyond the weights.
"""

from __future__ import annotations

import math
import os
import threading
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

# OpenMP threads spin while they wait: on a machine that does anything else a step took 8 times as long. This layer
# sleeps, but must not be entered by two threads at once.
if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER = "workqueue"
_ONE_AT_A_TIME = threading.Lock()

# No NaN ever enters (checked at the edge); infinities do, so `ninf` is left out. With numba's default error model a
# division by zero would end one thread's share of the work in silence; here it follows IEEE 754.
# "contract" is left out as well: whether two operations are fused was another choice in the process that compiles the
# kernel than in those that read it from the cache, and a resumed training must not depend on that.
_FAST = {"nnan", "nsz", "reassoc", "arcp"}
_BLOCK = 64  # output neurons that one task keeps in the first-level cache
_CHUNK = 16  # samples of one task in the forward pass
_MAX_NEWTON = 100


class SortedInputs(NamedTuple):
    """Active inputs of each sample in the order of their times, with the propagators of the gap that follows each.

    ``n_active`` has shape [batch]; all others [batch, n_in], of which the first ``n_active`` entries are used. The gap
    after the last input is infinite.
    """

    n_active: NDArray[np.int32]
    source: NDArray[np.int32]
    time: NDArray[np.float64]
    gap: NDArray[np.float64]
    decay_m: NDArray[np.float64]
    decay_s: NDArray[np.float64]
    transfer: NDArray[np.float64]


@njit(cache=True, error_model="numpy")
def _propagator(s: float, tau_m: float, tau_s: float) -> tuple[float, float, float]:
    """Decay of V, decay of I, and the PSP k(s), with as few exponentials as the ratio allows."""
    es = math.exp(-s / tau_s)
    x = s * (1.0 / tau_s - 1.0 / tau_m)
    if x == 0.0:
        return es, es, es * s / tau_s
    if abs(x) < 1.0:
        growth = math.expm1(x)
        return es * (1.0 + growth), es, es * (s / tau_s) * growth / x
    em = math.exp(-s / tau_m)
    return em, es, tau_m / (tau_m - tau_s) * (em - es)


@njit(cache=True, error_model="numpy", parallel=True)
def _sort_inputs(
    times: Any, tau_m: float, tau_s: float, n_active: Any, index: Any, time: Any, gap: Any, dm: Any, ds: Any, tr: Any
) -> None:
    n_samples, n_in = times.shape
    for b in prange(n_samples):
        n = 0
        for i in range(n_in):
            if times[b, i] < np.inf:
                index[b, n] = i
                time[b, n] = times[b, i]
                n += 1
        n_active[b] = n
        order = np.argsort(time[b, :n], kind="mergesort")
        sorted_index = index[b, :n][order]
        sorted_time = time[b, :n][order]
        for k in range(n):
            index[b, k] = sorted_index[k]
            time[b, k] = sorted_time[k]
        for k in range(n):
            if k + 1 == n:
                gap[b, k] = np.inf
            else:
                s = time[b, k + 1] - time[b, k]
                gap[b, k] = s
                if s > 0.0:
                    dm[b, k], ds[b, k], tr[b, k] = _propagator(s, tau_m, tau_s)


def sort_inputs(times: NDArray[np.float64], tau_m: float, tau_syn: float) -> SortedInputs:
    """Sort the active inputs of each sample.

    Parameters
    ----------
    times : array, shape [batch, n_in]
        Input spike times [ms], inf where silent.
    """
    shape = times.shape
    result = SortedInputs(np.empty(shape[0], np.int32), np.empty(shape, np.int32), *(np.empty(shape) for _ in range(5)))
    with _ONE_AT_A_TIME:
        _sort_inputs(times, tau_m, tau_syn, *result)
    return result


@njit(cache=True, error_model="numpy")
def _crossing(v0: float, i0: float, gap: float, tau_m: float, tau_s: float) -> float:
    """First s in [0, gap] with V(s) = 1, from V(0) = v0 <= 1 and I(0) = i0; inf without one."""
    if v0 >= 1.0:
        return 0.0
    rate_m, rate_s = 1.0 / tau_m, 1.0 / tau_s
    s, v, i = 0.0, v0, i0
    for _ in range(_MAX_NEWTON):
        slope = i * rate_s - v * rate_m
        if slope <= 0.0:
            return np.inf
        step = (1.0 - v) / slope
        s += step
        # A slope next to nothing after the last input, where the gap is infinite, makes an infinite step.
        if s > gap or s == np.inf:
            return np.inf
        # What is left after a step is its square times |V''| / (2 V').
        bend = abs(v) * rate_m * rate_m + abs(i) * rate_s * (rate_m + rate_s)
        if step * step * bend <= 1e-17 * tau_m * slope:
            return s
        em, es, tr = _propagator(s, tau_m, tau_s)
        v = v0 * em + i0 * tr
        i = i0 * es
    return s


@njit(cache=True, error_model="numpy", fastmath=_FAST, inline="always")
def _advance(
    v: Any, i: Any, off: Any, w: Any, em: float, es: float, tr: float, gap: float, pv: float, pi: float
) -> bool:
    """Propagate a block to the next input, add it, and tell whether any neuron may fire in the gap after it."""
    hits = 0
    for j in range(v.shape[0]):
        vj = v[j] * em + i[j] * tr
        ij = i[j] * es + w[j]
        v[j] = vj
        i[j] = ij
        hits += vj * pv + ij * pi + off[j] >= 0.0
    return hits > 0


@njit(cache=True, error_model="numpy", fastmath=_FAST, parallel=True)
def _forward(
    w: Any, n_active: Any, index: Any, time: Any, gap: Any, dm: Any, ds: Any, tr: Any,
    tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any, sens_i: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    n_blocks = (n_out + _BLOCK - 1) // _BLOCK
    n_chunks = (n_samples + _CHUNK - 1) // _CHUNK
    for task in prange(n_blocks * n_chunks):
        j0 = (task // n_chunks) * _BLOCK
        j1 = min(j0 + _BLOCK, n_out)
        v = np.empty(j1 - j0)
        i = np.empty(j1 - j0)
        off = np.empty(j1 - j0)
        b0 = (task % n_chunks) * _CHUNK
        for b in range(b0, min(b0 + _CHUNK, n_samples)):
            v[:] = 0.0
            i[:] = 0.0
            # -1 while silent, so that the test below reads `bound - 1 >= 0`; -inf once fired.
            off[:] = -1.0 + 1e-12
            n_left = j1 - j0
            em, es, g = 1.0, 1.0, 0.0
            for k in range(n_active[b]):
                s = gap[b, k]
                row = w[index[b, k], j0:j1]
                if s == np.inf:
                    # Any rise may cross: the test becomes `slope > 0`, on top of the offset.
                    may_fire = _advance(v, i, off, row, em, es, g, s, -1e30 / tau_m, 1e30 / tau_s)
                else:
                    may_fire = _advance(v, i, off, row, em, es, g, s, 1.0 - s / tau_m, s / tau_s)
                if s > 0.0:
                    em, es, g = dm[b, k], ds[b, k], tr[b, k]
                else:
                    em, es, g = 1.0, 1.0, 0.0
                    continue
                if not may_fire:
                    continue
                for j in range(j1 - j0):
                    if off[j] == -np.inf:
                        continue
                    if s < np.inf and v[j] * (1.0 - s / tau_m) + i[j] * s / tau_s + off[j] < 0.0:
                        continue
                    d = _crossing(v[j], i[j], s, tau_m, tau_s)
                    if d == np.inf:
                        continue
                    dem, des, dtr = _propagator(d, tau_m, tau_s)
                    slope = i[j] * des / tau_s - (v[j] * dem + i[j] * dtr) / tau_m
                    t_out[b, j0 + j] = time[b, k] + d
                    n_causal[b, j0 + j] = k + 1
                    sens_v[b, j0 + j] = dtr / slope
                    sens_i[b, j0 + j] = des / slope
                    off[j] = -np.inf
                    n_left -= 1
                if n_left == 0:
                    break


@njit(cache=True, error_model="numpy")
def _largest_psp(t: float, time: Any, n_causal: int, tau_m: float, tau_s: float, s_peak: float) -> float:
    """Largest k(t - t_i) of the causal inputs: at one of the two whose age brackets the PSP's peak."""
    k = np.searchsorted(time[:n_causal], t - s_peak)
    largest = 0.0
    for candidate in (k - 1, k):
        if 0 <= candidate < n_causal:
            largest = max(largest, _propagator(t - time[candidate], tau_m, tau_s)[2])
    return largest


@njit(cache=True, error_model="numpy", fastmath=_FAST, inline="always")
def _retreat(
    p: Any, q: Any, keep: Any, w: Any, dw: Any, em: float, es: float, tr: float, inv_m: float, inv_s: float
) -> float:
    """Propagate a block's PSPs back over one gap, add to the weight gradient, return the input's time gradient."""
    total = 0.0
    for j in range(p.shape[0]):
        pj = p[j] * em + q[j] * tr
        qj = q[j] * es
        p[j] = pj
        q[j] = qj
        dw[j] += pj * keep[j]
        total += w[j] * (pj * inv_m - qj * inv_s)
    return total


@njit(cache=True, error_model="numpy", fastmath=_FAST, parallel=True)
def _backward(
    w: Any, n_active: Any, index: Any, time: Any, dm: Any, ds: Any, tr: Any, gap: Any,
    tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any, sens_i: Any, grad: Any,
    max_dw: float, s_peak: float, n_chunks: int, dw: Any, dt: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    n_blocks = (n_out + _BLOCK - 1) // _BLOCK
    chunk = (n_samples + n_chunks - 1) // n_chunks
    for task in prange(n_blocks * n_chunks):
        block, c = task // n_chunks, task % n_chunks
        j0 = block * _BLOCK
        n = min(j0 + _BLOCK, n_out) - j0
        p, q, keep = np.empty(n), np.empty(n), np.empty(n)
        n_at = np.empty(index.shape[1] + 2, np.int32)
        by_start = np.empty(n, np.int32)
        for b in range(c * chunk, min((c + 1) * chunk, n_samples)):
            p[:] = 0.0
            q[:] = 0.0
            keep[:] = 1.0
            # Counting sort of the neurons by their last causal input, where their PSP starts.
            n_at[:] = 0
            last = 0
            for j in range(n):
                k = n_causal[b, j0 + j]
                if k > 0 and grad[b, j0 + j] != 0.0:
                    n_at[k] += 1
                    last = max(last, k)
            start = 0
            for k in range(last + 1):
                n_k = n_at[k]
                n_at[k] = start
                start += n_k
            n_at[last + 1] = start
            for j in range(n):
                k = n_causal[b, j0 + j]
                if k > 0 and grad[b, j0 + j] != 0.0:
                    by_start[n_at[k]] = j
                    n_at[k] += 1
                    if max_dw < np.inf:
                        age = t_out[b, j0 + j] - time[b, k - 1]
                        per_slope = abs(grad[b, j0 + j] * sens_i[b, j0 + j]) * math.exp(age / tau_s)
                        largest = _largest_psp(t_out[b, j0 + j], time[b], k, tau_m, tau_s, s_peak)
                        if per_slope * largest > max_dw:
                            keep[j] = 0.0
            # n_at[k] is now the end of bucket k, n_at[k - 1] its start.
            for k in range(last, 0, -1):
                em, es, g = 1.0, 1.0, 0.0
                s = gap[b, k - 1]
                if k < last and s > 0.0:
                    em, es, g = dm[b, k - 1], ds[b, k - 1], tr[b, k - 1]
                if n_at[k] > n_at[k - 1]:
                    # Starters must not be propagated over this gap: undo it by starting them after.
                    for j in range(n):
                        pj = p[j] * em + q[j] * g
                        q[j] = q[j] * es
                        p[j] = pj
                    for m in range(n_at[k - 1], n_at[k]):
                        j = by_start[m]
                        p[j] = -grad[b, j0 + j] * sens_v[b, j0 + j]
                        q[j] = -grad[b, j0 + j] * sens_i[b, j0 + j]
                    em, es, g = 1.0, 1.0, 0.0
                i = index[b, k - 1]
                dt[block, b, i] = _retreat(
                    p, q, keep, w[i, j0 : j0 + n], dw[c, i, j0 : j0 + n], em, es, g, 1.0 / tau_m, 1.0 / tau_s
                )


class ForwardResult(NamedTuple):
    """First spikes and what the backward pass needs, each of shape [batch, n_out]."""

    times: NDArray[np.float64]
    n_causal: NDArray[np.int32]
    sens_v: NDArray[np.float64]
    sens_i: NDArray[np.float64]


def forward(inputs: SortedInputs, weights: NDArray[np.float64], tau_m: float, tau_syn: float) -> ForwardResult:
    """First spike times [ms] of `weights` [n_in, n_out] for sorted inputs; inf where silent."""
    shape = (len(inputs.n_active), weights.shape[1])
    result = ForwardResult(np.full(shape, np.inf), np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape))
    with _ONE_AT_A_TIME:
        _forward(weights, *inputs, tau_m, tau_syn, *result)
    return result


def backward(
    inputs: SortedInputs,
    weights: NDArray[np.float64],
    tau_m: float,
    tau_syn: float,
    result: ForwardResult,
    grad: NDArray[np.float64],
    max_dw: float,
    s_peak: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradients of weights [n_in, n_out] and of input times [batch, n_in] from those of the output times."""
    n_samples, n_out = grad.shape
    n_blocks = -(-n_out // _BLOCK)
    n_chunks = 1 if n_blocks >= 4 else max(1, min(4, n_samples))
    dw = np.zeros((n_chunks, *weights.shape))
    dt = np.zeros((n_blocks, n_samples, weights.shape[0]))
    with _ONE_AT_A_TIME:
        _backward(
            weights, inputs.n_active, inputs.source, inputs.time, inputs.decay_m, inputs.decay_s, inputs.transfer,
            inputs.gap, tau_m, tau_syn, *result, grad, max_dw, s_peak, n_chunks, dw, dt,
        )  # fmt: skip
    return (dw[0] if n_chunks == 1 else dw.sum(axis=0)), (dt[0] if n_blocks == 1 else dt.sum(axis=0))
