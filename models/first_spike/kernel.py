"""Streaming first-spike kernel on the CPU (numba; its inner loops in :mod:`.simd`).

Each sample's active inputs are sorted once and streamed past a block of neurons. What a neuron knows of its past is its
potential V and synaptic current I (see :mod:`semsync.models.neuron`). They are not propagated from input to input but
*extrapolated back* to the start r of a *frame*, a stretch of at most the shorter time constant: an input of weight w at
r + y adds w k(-y) to V(r) and w exp(y / tau_syn) to I(r), two multiply-adds. A crossing inside the gap s that follows
needs V + s V' >= 1, because V is concave up to its peak: in the frame's terms one weighted sum of V(r) and I(r). Only
neurons that pass this test are solved, by Newton's method.

The backward pass uses the same frames: ``dT/dw_i = -k(T - t_i) / V'(T)`` and ``dT/dt_i = w_i k'(T - t_i) / V'(T)`` are
sums of two products, one factor each for the input and for the neuron, so nothing is propagated there either.

Work is split into tasks by shape alone and every sum has a fixed order: results do not depend on the number of threads.
Memory is O(batch x (n_in + n_out)) beyond the weights. Weights are float64 or float32; times are float64 throughout.
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

from .simd import BLOCK, N_COEFFICIENTS, lowest_bit, retreat, stream

# OpenMP threads spin while they wait: on a machine that does anything else a step took 8 times as long. This layer
# sleeps, but must not be entered by two threads at once.
if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER = "workqueue"
_ONE_AT_A_TIME = threading.Lock()

_CHUNK = 16  # samples of one task in the forward pass
_MIN_TASKS = 8  # of the backward pass
_MAX_NEWTON = 100
_PASSED = -1e30  # current of a neuron that has passed the test: it never does again
_F = tuple(1.0 / math.factorial(n) for n in range(13))
_STEEP = 1e20  # after the last input any rise may cross; a slope times this is compared with 1


class SortedInputs(NamedTuple):
    """Active inputs of each sample in the order of their times.

    ``n_active`` has shape [batch]; all others [batch, n_in, ...], of which the first ``n_active`` are used. The gap
    after the last input is infinite. ``frame_start`` is the index of the first input of an input's frame; ``frame_stop``,
    known at that first input, is one past the frame's last. ``decay`` holds exp(-y / tau_m) and k(y) for the time y
    since the frame's start; ``coefficients`` are those of :func:`semsync.models.first_spike.simd.stream`.
    """

    n_active: NDArray[np.int32]
    source: NDArray[np.int32]
    frame_start: NDArray[np.int32]
    frame_stop: NDArray[np.int32]
    time: NDArray[np.float64]
    gap: NDArray[np.float64]
    decay: NDArray[np.float64]
    coefficients: NDArray[Any]


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def sort_active(times: Any, index: Any, time: Any) -> int:
    """Stable sort of the finite entries of a row; their number. Least significant digit first, on 32 bits."""
    n = 0
    low, high = np.inf, -np.inf
    for i in range(len(times)):
        t = np.float64(times[i])
        if t < np.inf:
            index[n] = i
            n += 1
            low = min(low, t)
            high = max(high, t)
    scale = 4294967295.0 / (high - low) if high > low else 0.0
    if n < 48 or not scale < np.inf:
        scale = 0.0
    else:
        key = np.empty(n, np.int64)
        for k in range(n):
            key[k] = np.int64((np.float64(times[index[k]]) - low) * scale)
        other_index, other_key = np.empty(n, np.int32), np.empty(n, np.int64)
        start = np.empty(257, np.int32)
        for digit in range(4):
            shift = 8 * digit
            start[:] = 0
            for k in range(n):
                start[((key[k] >> shift) & 255) + 1] += 1
            for bucket in range(256):
                start[bucket + 1] += start[bucket]
            for k in range(n):
                bucket = (key[k] >> shift) & 255
                other_index[start[bucket]] = index[k]
                other_key[start[bucket]] = key[k]
                start[bucket] += 1
            key, other_key = other_key, key
            for k in range(n):
                index[k] = other_index[k]
    # What is equal in 32 bits, or short, is put in order here.
    for k in range(n):
        i, t = index[k], np.float64(times[index[k]])
        m = k
        while m > 0 and time[m - 1] > t:
            time[m], index[m] = time[m - 1], index[m - 1]
            m -= 1
        time[m], index[m] = t, i
    return n


@njit(cache=True, error_model="numpy", parallel=True)
def _sort_inputs(
    times: Any, tau_m: float, tau_s: float, n_active: Any, source: Any, frame_start: Any, frame_stop: Any, time: Any,
    gap: Any, decay: Any, coefficients: Any,
) -> None:  # fmt: skip
    for b in prange(times.shape[0]):
        n = sort_active(times[b], source[b], time[b])
        n_active[b] = n
        first = 0
        for k in range(n):
            if time[b, k] - time[b, first] > min(tau_m, tau_s):
                frame_stop[b, first] = k
                first = k
            frame_start[b, k] = first
            y = time[b, k] - time[b, first]
            em, es, tr = propagator(y, tau_m, tau_s)
            decay[b, k, 0], decay[b, k, 1] = em, tr
            growth = 1.0 / es
            coefficients[b, k, 0] = -tr * growth / em
            coefficients[b, k, 1] = growth
            if k + 1 == n:
                gap[b, k] = np.inf
                coefficients[b, k, 2] = -_STEEP * em / tau_m
                coefficients[b, k, 3] = _STEEP * (es / tau_s - tr / tau_m)
                continue
            s = time[b, k + 1] - time[b, k]
            gap[b, k] = s
            # Of simultaneous inputs only the last is followed by a gap that can hold a crossing.
            rest = 1.0 - s / tau_m if s > 0.0 else 0.0
            coefficients[b, k, 2] = em * rest
            coefficients[b, k, 3] = tr * rest + es * s / tau_s
        if n:
            frame_stop[b, first] = n


def sort_inputs(times: NDArray[Any], tau_m: float, tau_syn: float, dtype: Any = np.float64) -> SortedInputs:
    """Sort the active inputs of each sample.

    Parameters
    ----------
    times : array, shape [batch, n_in]
        Input spike times [ms], inf where silent.
    dtype : numpy type
        Of the weights that will be used with them.
    """
    shape = times.shape
    integers = (np.empty(shape, np.int32) for _ in range(3))
    result = SortedInputs(
        np.empty(shape[0], np.int32), *integers, np.empty(shape), np.empty(shape), np.empty((*shape, 2)),
        np.empty((*shape, N_COEFFICIENTS), dtype),
    )  # fmt: skip
    with _ONE_AT_A_TIME:
        _sort_inputs(times, tau_m, tau_syn, *result)
    return result


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy", parallel=True)
def _pack(weights: Any, packed: Any) -> None:
    n_in, n_out = weights.shape
    for block in prange(packed.shape[0]):
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        for i in range(n_in):
            for j in range(n):
                packed[block, i, j] = weights[i, j0 + j]
            for j in range(n, BLOCK):
                packed[block, i, j] = 0.0


@njit(cache=True, error_model="numpy", inline="always")
def _exp_series(x: float) -> float:
    """exp(x) for abs(x) <= 0.25, to the last bits."""
    high = _F[8] + x * (_F[9] + x * (_F[10] + x * (_F[11] + x * _F[12])))
    return _F[0] + x * (
        _F[1] + x * (_F[2] + x * (_F[3] + x * (_F[4] + x * (_F[5] + x * (_F[6] + x * (_F[7] + x * high))))))
    )


@njit(cache=True, error_model="numpy", inline="always")
def _expm1_ratio_series(x: float) -> float:
    """expm1(x) / x for abs(x) <= 0.25, to the last bits; 1 at 0."""
    high = _F[8] + x * (_F[9] + x * (_F[10] + x * (_F[11] + x * _F[12])))
    return _F[1] + x * (_F[2] + x * (_F[3] + x * (_F[4] + x * (_F[5] + x * (_F[6] + x * (_F[7] + x * high))))))


@njit(cache=True, error_model="numpy")
def _solve_together(
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


@njit(cache=True, error_model="numpy")
def _search(
    b: int, k: int, v: float, i: float, w: Any, lane: int, n_active: Any, source: Any, frame_start: Any,
    frame_stop: Any, time: Any, gap: Any, decay: Any, coefficients: Any, tau_m: float, tau_s: float,
) -> tuple[int, float, float, float, float]:  # fmt: skip
    """Go on with one neuron from input `k`, added already, whose test passed, with V and I of its frame.

    Returns the index of the spike's last causal input, -1 if there is none, and for the spike its time since that input,
    exp(-s / tau_syn), k(s) and V' there.
    """
    ratio = (tau_m - tau_s) / tau_m
    while True:
        em, tr = decay[b, k, 0], decay[b, k, 1]
        es = em - tr * ratio
        v_k, i_k = v * em + i * tr, i * es
        d, des, dtr = crossing(v_k, i_k, gap[b, k], tau_m, tau_s)
        if d < np.inf:
            # V is 1 there.
            return k, d, des, dtr, i_k * des / tau_s - max(1.0, v_k) / tau_m
        passed = False
        while not passed:
            start = frame_start[b, k]
            k += 1
            if k == n_active[b]:
                return -1, np.inf, 0.0, 0.0, 0.0
            if k == frame_stop[b, start]:
                em, es, tr = propagator(time[b, k] - time[b, start], tau_m, tau_s)
                v, i = v * em + i * tr, i * es
            weight = np.float64(w[source[b, k], lane])
            v += weight * coefficients[b, k, 0]
            i += weight * coefficients[b, k, 1]
            passed = v * coefficients[b, k, 2] + i * coefficients[b, k, 3] >= 1.0 - 1e-9


@njit(cache=True, error_model="numpy", parallel=True)
def _forward(
    packed: Any, n_active: Any, source: Any, frame_start: Any, frame_stop: Any, time: Any, gap: Any, decay: Any,
    coefficients: Any, tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any, sens_i: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    n_in = packed.shape[1]
    n_chunks = (n_samples + _CHUNK - 1) // _CHUNK
    ratio = (tau_m - tau_s) / tau_m
    for task in prange(packed.shape[0] * n_chunks):
        block, chunk = task // n_chunks, task % n_chunks
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        state = np.empty((2, BLOCK), packed.dtype)
        fires = np.empty(1, np.uint32)
        # The first input of each neuron after which its test passed, with V and I then; solved together at the end,
        # where one solution need not wait for another.
        k_at, v_at, i_at = np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK)
        lane, v_k, i_k, gap_k = np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        s, es_s, tr_s, slope_s = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        for b in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, n_samples)):
            state[:] = 0.0
            k_at[:] = -1
            n_left = n
            start = k = 0
            while k < n_active[b] and n_left:
                if k != start:
                    em, es, tr = propagator(time[b, k] - time[b, start], tau_m, tau_s)
                    for j in range(BLOCK):
                        if k_at[j] >= 0:
                            state[0, j], state[1, j] = 0.0, _PASSED
                        else:
                            state[0, j] = state[0, j] * em + state[1, j] * tr
                            state[1, j] *= es
                    start = k
                stop = frame_stop[b, start]
                while k < stop and n_left:
                    k = stream(state, packed, block * n_in * BLOCK, source, b * n_in, coefficients, k, stop, fires)
                    if k == stop:
                        break
                    mask = fires[0]
                    while mask:
                        j = lowest_bit(mask)
                        mask &= mask - np.uint32(1)
                        k_at[j], v_at[j], i_at[j] = k, state[0, j], state[1, j]
                        state[0, j], state[1, j] = 0.0, _PASSED
                        n_left -= 1
                    k += 1
            n_passed = 0
            for j in range(n):
                k = k_at[j]
                if k < 0:
                    continue
                em, tr = decay[b, k, 0], decay[b, k, 1]
                lane[n_passed] = j
                v_k[n_passed] = v_at[j] * em + i_at[j] * tr
                i_k[n_passed] = i_at[j] * (em - tr * ratio)
                gap_k[n_passed] = gap[b, k]
                n_passed += 1
            _solve_together(n_passed, v_k, i_k, gap_k, s, es_s, tr_s, slope_s, tau_m, tau_s)
            for c in range(n_passed):
                j = lane[c]
                k, d, des, dtr, slope = k_at[j], s[c], es_s[c], tr_s[c], slope_s[c]
                if np.isnan(d):
                    k, d, des, dtr, slope = _search(
                        b, k, v_at[j], i_at[j], packed[block], j, n_active, source, frame_start, frame_stop, time,
                        gap, decay, coefficients, tau_m, tau_s,
                    )  # fmt: skip
                    if k < 0:
                        continue
                t_out[b, j0 + j] = time[b, k] + d
                n_causal[b, j0 + j] = k + 1
                sens_v[b, j0 + j] = dtr / slope
                sens_i[b, j0 + j] = des / slope


@njit(cache=True, error_model="numpy")
def _exceeds(
    per_slope: float, t: float, time: Any, n_causal: int, tau_m: float, tau_s: float, s_peak: float, bound: float
) -> bool:
    """Whether the largest ``per_slope * k(t - t_i)`` of the causal inputs exceeds the bound of the gradient guard.

    It is at one of the two whose age brackets the PSP's peak.
    """
    k = np.searchsorted(time[:n_causal], t - s_peak)
    largest = 0.0
    for candidate in (k - 1, k):
        if 0 <= candidate < n_causal:
            largest = max(largest, propagator(t - time[candidate], tau_m, tau_s)[2])
    return per_slope * largest > bound


@njit(cache=True, error_model="numpy", parallel=True)
def _backward(
    packed: Any, n_active: Any, source: Any, frame_start: Any, frame_stop: Any, time: Any, gap: Any, decay: Any,
    coefficients: Any, tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any, sens_i: Any, grad: Any,
    max_dw: float, s_peak: float, dw: Any, dt: Any, n_used: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    n_chunks, n_blocks, n_in = dw.shape[:3]
    chunk_size = (n_samples + n_chunks - 1) // n_chunks
    ratio = (tau_m - tau_s) / tau_m
    k_peak = propagator(s_peak, tau_m, tau_s)[2]
    for task in prange(n_blocks * n_chunks):
        block, chunk = task // n_chunks, task % n_chunks
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        dw_flat = dw[chunk]
        state = np.empty((4, BLOCK), packed.dtype)
        # exp(-X / tau_m), k(X) and exp(-X / tau_syn) for the time X from the frame's start to the neuron's spike, times
        # its gradient; and whether the guard lets it pass.
        em_x, k_x, es_x, keep = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        at = np.empty(BLOCK, np.int32)
        order = np.empty(BLOCK, np.int32)
        for b in range(chunk * chunk_size, min((chunk + 1) * chunk_size, n_samples)):
            state[:] = 0.0
            em_x[:], k_x[:], es_x[:], keep[:] = 0.0, 0.0, 0.0, 1.0
            # Neurons by their last causal input, latest first: there they join.
            n_spikes = 0
            for j in range(n):
                k = n_causal[b, j0 + j]
                if k == 0 or grad[b, j0 + j] == 0.0:
                    continue
                m = n_spikes
                while m > 0 and at[m - 1] < k:
                    at[m], order[m] = at[m - 1], order[m - 1]
                    m -= 1
                at[m], order[m] = k, j
                n_spikes += 1
            n_used[block, b] = at[0] if n_spikes else 0
            m = 0
            k = n_used[block, b] - 1
            start = frame_start[b, k] if k >= 0 else 0
            while k >= 0:
                if frame_start[b, k] != start:
                    em, es, tr = propagator(time[b, start] - time[b, frame_start[b, k]], tau_m, tau_s)
                    for j in range(n):
                        k_x[j] = k_x[j] * em + es_x[j] * tr
                        em_x[j] *= em
                        es_x[j] *= es
                    start = frame_start[b, k]
                    _put_all(state, em_x, k_x, es_x, keep, n, tau_m, tau_s)
                em, tr = decay[b, k, 0], decay[b, k, 1]
                while m < n_spikes and at[m] == k + 1:
                    j = order[m]
                    g = np.float64(grad[b, j0 + j])
                    des, dtr = g * sens_i[b, j0 + j], g * sens_v[b, j0 + j]
                    em_x[j] = (des + dtr * ratio) * em
                    es_x[j] = des * (em - tr * ratio)
                    k_x[j] = dtr * em + des * tr
                    if max_dw < np.inf:
                        t = t_out[b, j0 + j]
                        per_slope = abs(des) * math.exp((t - time[b, k]) / tau_s)
                        if per_slope * k_peak > max_dw and _exceeds(
                            per_slope, t, time[b], k + 1, tau_m, tau_s, s_peak, max_dw
                        ):
                            keep[j] = 0.0
                    _put(state, j, em_x[j], k_x[j], es_x[j], keep[j], tau_m, tau_s)
                    m += 1
                stop = start
                if m < n_spikes:
                    stop = max(stop, at[m])
                retreat(
                    state, packed, dw_flat, block * n_in * BLOCK, source, b * n_in, coefficients, dt,
                    (block * n_samples + b) * n_in, k, stop,
                )  # fmt: skip
                k = stop - 1


@njit(cache=True, error_model="numpy")
def _put(state: Any, j: int, em: float, k: float, es: float, keep: float, tau_m: float, tau_s: float) -> None:
    state[0, j] = -keep * em
    state[1, j] = -keep * k
    state[2, j] = -em / tau_m
    state[3, j] = es / tau_s - k / tau_m


@njit(cache=True, error_model="numpy")
def _put_all(state: Any, em: Any, k: Any, es: Any, keep: Any, n: int, tau_m: float, tau_s: float) -> None:
    for j in range(n):
        _put(state, j, em[j], k[j], es[j], keep[j], tau_m, tau_s)


@njit(cache=True, error_model="numpy", parallel=True)
def _unpack(packed_dw: Any, weight_gradient: Any) -> None:
    """Sum over chunks, in order."""
    n_chunks, n_blocks, n_in = packed_dw.shape[:3]
    n_out = weight_gradient.shape[1]
    for block in prange(n_blocks):
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        for i in range(n_in):
            for j in range(n):
                weight_gradient[i, j0 + j] = packed_dw[0, block, i, j]
            for chunk in range(1, n_chunks):
                for j in range(n):
                    weight_gradient[i, j0 + j] += packed_dw[chunk, block, i, j]


@njit(cache=True, error_model="numpy", parallel=True)
def _collect(dt: Any, n_used: Any, source: Any, time_gradient: Any) -> None:
    """Sum over blocks, in order, and back to the order of the inputs."""
    for b in prange(time_gradient.shape[0]):
        for block in range(dt.shape[0]):
            for k in range(n_used[block, b]):
                time_gradient[b, source[b, k]] += dt[block, b, k]


class ForwardResult(NamedTuple):
    """First spikes and what the backward pass needs, each of shape [batch, n_out]; ``packed`` are the weights."""

    times: NDArray[np.float64]
    n_causal: NDArray[np.int32]
    sens_v: NDArray[np.float64]
    sens_i: NDArray[np.float64]
    packed: NDArray[Any]


def forward(inputs: SortedInputs, weights: NDArray[Any], tau_m: float, tau_syn: float) -> ForwardResult:
    """First spike times [ms] of `weights` [n_in, n_out] for sorted inputs; inf where silent."""
    n_in, n_out = weights.shape
    shape = (len(inputs.n_active), n_out)
    result = ForwardResult(
        np.full(shape, np.inf), np.zeros(shape, np.int32), np.empty(shape), np.empty(shape),
        np.empty((-(-n_out // BLOCK), n_in, BLOCK), weights.dtype),
    )  # fmt: skip
    with _ONE_AT_A_TIME:
        _pack(weights, result.packed)
        _forward(result.packed, *inputs, tau_m, tau_syn, *result[:4])
    return result


def backward(
    inputs: SortedInputs,
    tau_m: float,
    tau_syn: float,
    result: ForwardResult,
    grad: NDArray[Any],
    max_dw: float,
    s_peak: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gradients of weights [n_in, n_out] and of input times [batch, n_in] from those of the output times."""
    packed = result.packed
    n_blocks, n_in, _ = packed.shape
    n_samples, n_out = grad.shape
    n_chunks = max(1, min(-(-_MIN_TASKS // max(1, n_blocks)), n_samples))
    dw = np.zeros((n_chunks, *packed.shape), packed.dtype)
    dt = np.empty((n_blocks, n_samples, n_in), packed.dtype)
    n_used = np.empty((n_blocks, n_samples), np.int32)
    weight_gradient = np.empty((n_in, n_out), packed.dtype)
    time_gradient = np.zeros((n_samples, n_in), packed.dtype)
    with _ONE_AT_A_TIME:
        _backward(packed, *inputs, tau_m, tau_syn, *result[:4], grad, max_dw, s_peak, dw, dt, n_used)
        _unpack(dw, weight_gradient)
        _collect(dt, n_used, inputs.source, time_gradient)
    return weight_gradient, time_gradient
