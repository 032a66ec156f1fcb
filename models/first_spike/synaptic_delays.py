"""First spikes where every synapse has a delay of its own (numba).

Each neuron of each sample then sees its inputs in another order, so nothing is shared between neurons: arrivals are
sorted, and V and I propagated, for one (sample, neuron) at a time. The order is needed up to the spike only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .compilation import ONE_AT_A_TIME, jit
from .crossing import crossing, propagator
from .simd import ALMOST_ONE
from .sorting import SortedInputs, sort_active

_MAX_BUCKET = 64  # arrivals; what is more crowded is sorted digit by digit
_N_TASKS = 8


@jit()
def _sort_arrivals(arrival: Any, n: int, index: Any, time: Any, bucket: Any, start: Any) -> None:
    """Sort the first `n` arrivals into `index` and `time`, with one bucket an arrival."""
    low, high = np.inf, -np.inf
    for k in range(n):
        low, high = min(low, arrival[k]), max(high, arrival[k])
    scale = (n - 1) / (high - low) if high > low else 0.0
    if not scale < np.inf:
        scale = 0.0
    start[: n + 1] = 0
    for k in range(n):
        bucket[k] = np.int32((arrival[k] - low) * scale)
        start[bucket[k] + 1] += 1
    fullest = 0
    for k in range(n):
        fullest = max(fullest, start[k + 1])
        start[k + 1] += start[k]
    if fullest > _MAX_BUCKET:
        sort_active(arrival[:n], index, time)
        return
    for k in range(n):
        index[start[bucket[k]]] = k
        start[bucket[k]] += 1
    for k in range(n):
        i, t = index[k], arrival[index[k]]
        m = k
        while m > 0 and time[m - 1] > t:
            time[m], index[m] = time[m - 1], index[m - 1]
            m -= 1
        time[m], index[m] = t, i


@jit()
def _first_spike(w: Any, source: Any, index: Any, time: Any, n: int, tau_m: float, tau_s: float) -> tuple[float, float]:
    """First spike of one neuron for sorted arrivals, and V' there; inf without one."""
    v, i = 0.0, 0.0
    for k in range(n):
        i += w[source[index[k]]]
        s = time[k + 1] - time[k] if k + 1 < n else np.inf
        if s == 0.0:
            continue
        slope = i / tau_s - v / tau_m
        if slope > 0.0 and v + s * slope >= ALMOST_ONE:
            d, des, _ = crossing(v, i, s, tau_m, tau_s)
            if d < np.inf:
                return time[k] + d, i * des / tau_s - max(1.0, v) / tau_m
        if k + 1 < n:
            em, es, tr = propagator(s, tau_m, tau_s)
            v = v * em + i * tr
            i *= es
    return np.inf, 0.0


@jit(parallel=True)
def _forward(
    n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, t_out: Any, slope: Any
) -> None:
    n_samples, width = time.shape
    n_out = w.shape[0]
    n_tasks = min(_N_TASKS, n_out)
    for task in prange(n_tasks):
        arrival, sorted_arrival = np.empty(width), np.empty(width)
        index, bucket, start = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width + 1, np.int32)
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            for b in range(n_samples):
                n = n_active[b]
                for k in range(n):
                    arrival[k] = time[b, k] + delay[j, source[b, k]]
                _sort_arrivals(arrival, n, index, sorted_arrival, bucket, start)
                t_out[b, j], slope[b, j] = _first_spike(w[j], source[b], index, sorted_arrival, n, tau_m, tau_s)


@jit(parallel=True)
def _backward(
    n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, t_out: Any, slope: Any,
    grad: Any, max_dw: float, dw: Any, ddelay: Any, dt: Any,
) -> None:  # fmt: skip
    n_samples, width = time.shape
    n_out = w.shape[0]
    n_tasks = dt.shape[0]
    for task in prange(n_tasks):
        k_of = np.empty(width)
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            for b in range(n_samples):
                if grad[b, j] == 0.0 or not t_out[b, j] < np.inf:
                    continue
                g = grad[b, j] / slope[b, j]
                largest = 0.0
                for k in range(n_active[b]):
                    i = source[b, k]
                    age = t_out[b, j] - time[b, k] - delay[j, i]
                    k_of[k] = 0.0
                    if age >= 0.0:
                        _, es, psp = propagator(age, tau_m, tau_s)
                        k_of[k] = psp
                        largest = max(largest, psp)
                        by_time = g * w[j, i] * (es / tau_s - psp / tau_m)
                        dt[task, b, i] += by_time
                        ddelay[j, i] += by_time
                if abs(g) * largest <= max_dw:
                    for k in range(n_active[b]):
                        dw[j, source[b, k]] -= g * k_of[k]


class DelayedResult(NamedTuple):
    """First spikes [ms] and V' there, of shape [batch, n_out], and what they came from."""

    times: NDArray[np.float64]
    slope: NDArray[np.float64]
    inputs: SortedInputs
    neurons: tuple[NDArray[np.float64], NDArray[np.float64], float, float]

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (self.inputs.n_active, self.inputs.source, self.inputs.time, *self.neurons)


def forward(
    inputs: SortedInputs, weights: NDArray[np.float64], delay: NDArray[np.float64], tau_m: float, tau_syn: float
) -> DelayedResult:
    """First spikes for sorted inputs, and weights and delays [ms] of shape [n_in, n_out]."""
    neurons = np.ascontiguousarray(weights.T), np.ascontiguousarray(delay.T), tau_m, tau_syn
    shape = (len(inputs.n_active), weights.shape[1])
    result = DelayedResult(np.full(shape, np.inf), np.zeros(shape), inputs, neurons)
    with ONE_AT_A_TIME:
        _forward(*result.arguments, result.times, result.slope)
    return result


def backward(
    result: DelayedResult, grad: NDArray[np.float64], max_dw: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Gradients of input times [batch, n_in], weights and delays [n_in, n_out] from those of the output times."""
    w = result.neurons[0]
    dw, ddelay = np.zeros_like(w), np.zeros_like(w)
    n_samples, n_in = len(grad), w.shape[1]
    dt = np.zeros((max(1, min(_N_TASKS, len(w))), n_samples, n_in))
    with ONE_AT_A_TIME:
        _backward(*result.arguments, result.times, result.slope, grad, max_dw, dw, ddelay, dt)
    return dt.sum(axis=0), dw.T.copy(), ddelay.T.copy()
