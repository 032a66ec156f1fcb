"""First spikes where every synapse has a delay of its own (numba).

Each neuron of each sample then sees its inputs in another order, so nothing is shared between neurons: arrivals are
sorted, and V and I followed, for one (sample, neuron) at a time, up to its spike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compilation import jit
from .crossing import crossing, propagator
from .simd import ALMOST_ONE
from .sorting import SortedInputs, sort_active
from .tasks import ONE_AT_A_TIME, next_task, run

_BUCKETS = 2  # for each arrival
_MAX_BUCKET = 64  # arrivals; what is more crowded is sorted digit by digit
_N_TASKS = 64
_N_TASKS_WITH_TIMES = 8  # of the backward pass, where each has time gradients of its own
_LONGEST = 300.0  # time constants: exp() of a longer trial comes near the end of the floating-point numbers
_NEAREST = 0.1  # 1 - tau_syn / tau_m: nearer to equality, the difference of two exponentials loses digits


class Growth(NamedTuple):
    """exp(y / tau) for the time y from a sample's first input to an arrival, as a product of input's and delay's.

    With them no exponential is left to an arrival. ``by_time`` has shape [batch, width], ``by_delay`` [n_out, n_in];
    the second pair is for tau_m, and the same as the first where the time constants are equal.
    """

    by_time: NDArray[np.float64]
    by_delay: NDArray[np.float64]
    by_time_m: NDArray[np.float64]
    by_delay_m: NDArray[np.float64]


def _growth(inputs: SortedInputs, delay: NDArray[np.float64], tau_m: float, tau_s: float) -> Growth | None:
    """None where products of exponentials are not good enough."""
    n_active = inputs.n_active[:, None]
    first = np.where(n_active > 0, inputs.time[:, :1], 0.0)
    elapsed = np.where(np.arange(inputs.time.shape[1]) < n_active, inputs.time, first) - first
    longest = (elapsed.max(initial=0.0) + delay.max(initial=0.0)) / min(tau_m, tau_s)
    if not longest < _LONGEST or (tau_m != tau_s and abs(1 - tau_s / tau_m) < _NEAREST):
        return None
    of_s = np.exp(elapsed / tau_s), np.exp(delay / tau_s)
    return Growth(*of_s, *(of_s if tau_m == tau_s else (np.exp(elapsed / tau_m), np.exp(delay / tau_m))))


@jit()
def _sort_arrivals(
    n: int, input_time: Any, source: Any, delay: Any, low: float, high: float, index: Any, time: Any, arrival: Any,
    bucket: Any, start: Any,
) -> None:  # fmt: skip
    """Sort the arrivals of the first `n` inputs at a neuron, all between `low` and `high`, into `index` and `time`.

    With more buckets than arrivals most have their place once they are in their bucket: what is left to do is seldom,
    and so the processor guesses well that there is nothing to do.
    """
    n_buckets = _BUCKETS * n
    scale = (n_buckets - 1) / (high - low) if high > low else 0.0
    if not scale < np.inf:
        scale = 0.0
    start[:n_buckets] = 0
    for k in range(n):
        arrival[k] = input_time[k] + delay[source[k]]
        bucket[k] = np.int32((arrival[k] - low) * scale)
        start[bucket[k]] += 1
    fullest = np.int32(0)
    for q in range(n_buckets):
        fullest = max(fullest, start[q])
    if fullest > _MAX_BUCKET:
        sort_active(arrival[:n], index, time)
        return
    before = np.int32(0)
    for q in range(n_buckets):
        n_here = start[q]
        start[q] = before
        before += n_here
    for k in range(n):
        at = start[bucket[k]]
        start[bucket[k]] = at + 1
        index[at], time[at] = k, arrival[k]
    for k in range(1, n):
        i, t, m = index[k], time[k], k
        while m > 0 and time[m - 1] > t:
            time[m], index[m] = time[m - 1], index[m - 1]
            m -= 1
        if m < k:
            time[m], index[m] = t, i


@jit()
def _first_spike(
    n: int, index: Any, time: Any, source: Any, weight: Any, grown: bool, by_time: Any, by_delay: Any, by_time_m: Any,
    by_delay_m: Any, origin: float, tau_m: float, tau_s: float,
) -> tuple[float, float]:  # fmt: skip
    """First spike of one neuron for sorted arrivals, and V' there; inf without one.

    Where `grown`, weights are summed times exp(y / tau) for the time y since `origin`. V and I, and the threshold, are
    kept times such factors until a crossing is near: most arrivals need neither an exponential nor a division.
    """
    v, i = 0.0, 0.0
    total, other = 0.0, 0.0
    equal, rate_m, rate_s = tau_m == tau_s, 1.0 / tau_m, 1.0 / tau_s
    scale = 0.0 if equal else tau_m / (tau_m - tau_s)
    threshold = 1.0
    for k in range(n):
        at = index[k]
        of = source[at]
        w = weight[of]
        s = time[k + 1] - time[k] if k + 1 < n else np.inf
        if not grown:
            i += w
        elif equal:
            y = (time[k] - origin) * rate_s
            threshold = by_time[at] * by_delay[of]
            i += w * threshold
            other += w * threshold * y
            v = i * y - other
        else:
            factor, factor_m = by_time[at] * by_delay[of], by_time_m[at] * by_delay_m[of]
            threshold = factor * factor_m
            total += w * factor
            other += w * factor_m
            i = total * factor_m
            v = scale * (other * factor - i)
        if s > 0.0:
            slope = i * rate_s - v * rate_m
            # In this order: the processor could not guess the sign of the slope.
            if v + s * slope >= ALMOST_ONE * threshold and slope > 0.0:
                shrink = 1.0 / threshold
                d, des, _ = crossing(v * shrink, i * shrink, s, tau_m, tau_s)
                if d < np.inf:
                    return time[k] + d, i * shrink * des * rate_s - max(1.0, v * shrink) * rate_m
            if not grown and k + 1 < n:
                em, es, tr = propagator(s, tau_m, tau_s)
                v = v * em + i * tr
                i *= es
    return np.inf, 0.0


@jit()
def _forward(
    counter: Any, n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, grown: bool,
    by_time: Any, by_delay: Any, by_time_m: Any, by_delay_m: Any, t_out: Any, slope: Any,
) -> None:  # fmt: skip
    n_samples, width = time.shape
    n_out = w.shape[0]
    n_tasks = min(_N_TASKS, n_out)
    task = next_task(counter)
    while task < n_tasks:
        sorted_arrival, arrival, index = np.empty(width), np.empty(width), np.empty(width, np.int32)
        bucket, start = np.empty(width, np.int32), np.empty(_BUCKETS * width, np.int32)
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            shortest, longest = delay[j].min(), delay[j].max()
            # Rows of factors are there only where they are used.
            f = j if grown else 0
            for b in range(n_samples):
                n = n_active[b]
                if n == 0:
                    t_out[b, j], slope[b, j] = np.inf, 0.0
                    continue
                low, high = time[b, 0] + shortest, time[b, n - 1] + longest
                _sort_arrivals(
                    n, time[b], source[b], delay[j], low, high, index, sorted_arrival, arrival, bucket, start
                )  # fmt: skip
                g = b if grown else 0
                t_out[b, j], slope[b, j] = _first_spike(
                    n, index, sorted_arrival, source[b], w[j], grown, by_time[g], by_delay[f], by_time_m[g],
                    by_delay_m[f], time[b, 0], tau_m, tau_s,
                )  # fmt: skip
        task = next_task(counter)


@jit()
def _backward(
    counter: Any, n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, grown: bool,
    by_time: Any, by_delay: Any, by_time_m: Any, by_delay_m: Any, t_out: Any, slope: Any, grad: Any, max_dw: float,
    of_inputs: bool, dw: Any, ddelay: Any, dt: Any,
) -> None:  # fmt: skip
    n_samples, width = time.shape
    n_out = w.shape[0]
    n_tasks = dt.shape[0]
    equal, rate_m, rate_s = tau_m == tau_s, 1.0 / tau_m, 1.0 / tau_s
    scale = 0.0 if equal else tau_m / (tau_m - tau_s)
    guarded = max_dw < np.inf
    task = next_task(counter)
    while task < n_tasks:
        k_of = np.empty(width)
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            shortest = delay[j].min()
            for b in range(n_samples):
                if grad[b, j] == 0.0 or not t_out[b, j] < np.inf:
                    continue
                g = grad[b, j] / slope[b, j]
                largest = 0.0
                decay, decay_m = 0.0, 0.0
                if grown:
                    decay = math.exp((time[b, 0] - t_out[b, j]) / tau_s)
                    decay_m = decay if equal else math.exp((time[b, 0] - t_out[b, j]) / tau_m)
                n = n_active[b]
                while n and time[b, n - 1] + shortest > t_out[b, j]:
                    n -= 1
                for k in range(n):
                    i = source[b, k]
                    age = t_out[b, j] - time[b, k] - delay[j, i]
                    k_of[k] = 0.0
                    if age >= 0.0:
                        if not grown:
                            _, es, psp = propagator(age, tau_m, tau_s)
                        else:
                            es = decay * (by_time[b, k] * by_delay[j, i])
                            if equal:
                                psp = age * rate_s * es
                            else:
                                psp = scale * (decay_m * (by_time_m[b, k] * by_delay_m[j, i]) - es)
                        if guarded:
                            k_of[k] = psp
                            largest = max(largest, psp)
                        else:
                            dw[j, i] -= g * psp
                        by_arrival = g * w[j, i] * (es * rate_s - psp * rate_m)
                        if of_inputs:
                            dt[task, b, i] += by_arrival
                        ddelay[j, i] += by_arrival
                if guarded and abs(g) * largest <= max_dw:
                    for k in range(n):
                        dw[j, source[b, k]] -= g * k_of[k]
        task = next_task(counter)


class DelayedResult(NamedTuple):
    """First spikes [ms] and V' there, of shape [batch, n_out], and what they came from."""

    times: NDArray[np.float64]
    slope: NDArray[np.float64]
    inputs: SortedInputs
    neurons: tuple[NDArray[np.float64], NDArray[np.float64], float, float]
    growth: Growth | None

    @property
    def arguments(self) -> tuple[Any, ...]:
        growth = Growth(*[np.empty((1, 0))] * 4) if self.growth is None else self.growth
        plain = (self.inputs.n_active, self.inputs.source, self.inputs.time, *self.neurons)
        return *plain, self.growth is not None, *growth


def forward(
    inputs: SortedInputs, weights: NDArray[np.float64], delay: NDArray[np.float64], tau_m: float, tau_syn: float
) -> DelayedResult:
    """First spikes for sorted inputs, and weights and delays [ms] of shape [n_in, n_out]."""
    neurons = np.ascontiguousarray(weights.T), np.ascontiguousarray(delay.T), tau_m, tau_syn
    shape = (len(inputs.n_active), weights.shape[1])
    growth = _growth(inputs, neurons[1], tau_m, tau_syn)
    result = DelayedResult(np.full(shape, np.inf), np.zeros(shape), inputs, neurons, growth)
    with ONE_AT_A_TIME:
        run(_forward, _N_TASKS, *result.arguments, result.times, result.slope)
    return result


def backward(
    result: DelayedResult, grad: NDArray[np.float64], max_dw: float, *, of_inputs: bool = True
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64], NDArray[np.float64]]:
    """Gradients of input times [batch, n_in], where asked for, and of weights and delays [n_in, n_out]."""
    w = result.neurons[0]
    dw, ddelay = np.zeros_like(w), np.zeros_like(w)
    n_samples, n_in = len(grad), w.shape[1]
    n_tasks = max(1, min(_N_TASKS_WITH_TIMES if of_inputs else _N_TASKS, len(w)))
    dt = np.zeros((n_tasks, n_samples if of_inputs else 0, n_in))
    with ONE_AT_A_TIME:
        run(_backward, n_tasks, *result.arguments, result.times, result.slope, grad, max_dw, of_inputs, dw, ddelay, dt)
    return dt.sum(axis=0) if of_inputs else None, dw.T.copy(), ddelay.T.copy()
