"""First spikes where every synapse has a delay of its own (numba).

Each neuron of each sample then sees its inputs in another order, so nothing is shared between neurons: arrivals are
sorted, and V and I followed, for one (sample, neuron) at a time, up to its spike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..neuron import psp_peak_time
from .compilation import jit
from .crossing import crossing, propagator
from .ordering import PADDING, order_neighbours
from .simd import ALMOST_ONE
from .sorting import SortedInputs, sort_active
from .tasks import ONE_AT_A_TIME, next_task, run

_BUCKETS = 2  # for each arrival
_MAX_BUCKET = 64  # arrivals; what is more crowded is sorted digit by digit
_N_TASKS = 64
_N_TASKS_WITH_TIMES = 8  # of the backward pass, where each has time gradients of its own
_TILE = 16  # rows and columns of a matrix that are transposed at once
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


class _Arrivals(NamedTuple):
    """What one neuron receives in one sample, each array of shape [width], and room to sort it.

    ``index`` and ``ordered`` are the arrivals and their times in order, once `_sort` has been there, and have PADDING.
    """

    time: Any
    weight: Any
    factor: Any  # of growth, for tau_syn and tau_m
    factor_m: Any
    bucket: Any
    start: Any
    index: Any
    ordered: Any


@jit()
def _room(width: int) -> _Arrivals:
    return _Arrivals(
        np.empty(width), np.empty(width), np.empty(width), np.empty(width), np.empty(width, np.uint32),
        np.empty(_BUCKETS * width, np.uint32), np.empty(width + PADDING, np.uint32), np.empty(width + PADDING),
    )  # fmt: skip


# Small functions of plain loops: inlined, the compiler sees that arrays do not overlap, and makes vector instructions.
@jit()
def _arrive(
    n: int, time: Any, source: Any, weight: Any, delay: Any, by_time: Any, by_delay: Any, to: _Arrivals
) -> None:  # fmt: skip
    arrival, own_weight, factor = to.time, to.weight, to.factor
    for k in range(n):
        of = np.uint32(source[k])  # without a sign there is no counting from the end
        arrival[k] = time[k] + delay[of]
        own_weight[k] = weight[of]
        factor[k] = by_time[k] * by_delay[of]


@jit()
def _multiply(n: int, source: Any, by_time: Any, by_delay: Any, factor: Any) -> None:
    for k in range(n):
        factor[k] = by_time[k] * by_delay[np.uint32(source[k])]


@jit()
def _sort(n: int, low: float, high: float, arrivals: _Arrivals) -> None:
    """Put `n` arrivals, all between `low` and `high`, in order.

    With more buckets than arrivals most have their place once they are in their bucket, and the others are a few places
    from it: exchanging neighbours, which needs no branch that the processor could guess wrongly, is nearly always all.
    """
    arrival, bucket, start, index, ordered = (
        arrivals.time, arrivals.bucket, arrivals.start, arrivals.index, arrivals.ordered,
    )  # fmt: skip
    n_buckets = _BUCKETS * n
    scale = (n_buckets - 1) / (high - low) if high > low else 0.0
    if not scale < np.inf:
        scale = 0.0
    for k in range(n):
        bucket[k] = np.uint32((arrival[k] - low) * scale)
    start[:n_buckets] = 0
    ordered[n : n + PADDING] = np.inf
    for k in range(n):
        start[bucket[k]] += 1
    fullest = np.uint32(0)
    for q in range(n_buckets):
        fullest = max(fullest, start[q])
    if fullest > _MAX_BUCKET:
        sort_active(arrival[:n], index, ordered)
        return
    before = np.uint32(0)
    for q in range(n_buckets):
        n_here = start[q]
        start[q] = before
        before += n_here
    for k in range(n):
        at = start[bucket[k]]
        start[bucket[k]] = at + np.uint32(1)
        index[at], ordered[at] = k, arrival[k]
    if order_neighbours(n, ordered, index):
        return
    for k in range(1, n):
        i, t, m = index[k], ordered[k], k
        while m > 0 and ordered[m - 1] > t:
            ordered[m], index[m] = ordered[m - 1], index[m - 1]
            m -= 1
        if m < k:
            ordered[m], index[m] = t, i


@jit()
def _first_spike(
    n: int, arrivals: _Arrivals, grown: bool, origin: float, tau_m: float, tau_s: float
) -> tuple[float, float]:
    """First spike of one neuron for sorted arrivals, and V' there; inf without one.

    Where `grown`, weights are summed times exp(y / tau) for the time y since `origin`. V and I, and the threshold, are
    kept times such factors until a crossing is near: most arrivals need neither an exponential nor a division.
    """
    v, i = 0.0, 0.0
    total, other = 0.0, 0.0
    equal, rate_m, rate_s = tau_m == tau_s, 1.0 / tau_m, 1.0 / tau_s
    scale = 0.0 if equal else tau_m / (tau_m - tau_s)
    threshold = 1.0
    index, ordered, weight, factor, factor_m = (
        arrivals.index, arrivals.ordered, arrivals.weight, arrivals.factor, arrivals.factor_m,
    )  # fmt: skip
    for k in range(n):
        at = index[k]
        w, now = weight[at], ordered[k]
        s = ordered[k + 1] - now  # infinite after the last: PADDING
        if not grown:
            i += w
        elif equal:
            y = (now - origin) * rate_s
            threshold = factor[at]
            i += w * threshold
            other += w * threshold * y
            v = i * y - other
        else:
            by_s, by_m = factor[at], factor_m[at]
            threshold = by_s * by_m
            total += w * by_s
            other += w * by_m
            i = total * by_m
            v = scale * (other * by_s - i)
        if s > 0.0:
            slope = i * rate_s - v * rate_m
            # In this order: the processor could not guess the sign of the slope.
            if v + s * slope >= ALMOST_ONE * threshold and slope > 0.0:
                shrink = 1.0 / threshold
                d, des, _ = crossing(v * shrink, i * shrink, s, tau_m, tau_s)
                if d < np.inf:
                    return now + d, i * shrink * des * rate_s - max(1.0, v * shrink) * rate_m
            if not grown and k + 1 < n:
                em, es, tr = propagator(s, tau_m, tau_s)
                v = v * em + i * tr
                i *= es
    return np.inf, 0.0


@jit()
def _forward(
    tasks: Any, n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, grown: bool,
    by_time: Any, by_delay: Any, by_time_m: Any, by_delay_m: Any, t_out: Any, slope: Any,
) -> None:  # fmt: skip
    n_samples, width = time.shape
    n_out = w.shape[0]
    n_tasks = min(_N_TASKS, n_out)
    equal = tau_m == tau_s
    task = next_task(tasks)
    while task < n_tasks:
        arrivals = _room(width)
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            shortest, longest = delay[j].min(), delay[j].max()
            for b in range(n_samples):
                n = n_active[b]
                if n == 0:
                    t_out[b, j], slope[b, j] = np.inf, 0.0
                    continue
                _arrive(n, time[b], source[b], w[j], delay[j], by_time[b], by_delay[j], arrivals)
                if grown and not equal:
                    _multiply(n, source[b], by_time_m[b], by_delay_m[j], arrivals.factor_m)
                _sort(n, time[b, 0] + shortest, time[b, n - 1] + longest, arrivals)
                t_out[b, j], slope[b, j] = _first_spike(n, arrivals, grown, time[b, 0], tau_m, tau_s)
        task = next_task(tasks)


# Whole arrays and the numbers of rows: a view of a row would be counted in the array's references, for each arrival.
@jit()
def _seen(
    b: int, j: int, k: int, of: int, t_out: float, decay_s: float, decay_m: float, time: Any, delay: Any, by_time: Any,
    by_delay: Any, by_time_m: Any, by_delay_m: Any, tau_m: float, tau_s: float, grown: bool,
) -> tuple[float, float]:  # fmt: skip
    """PSP and exp(-age / tau_syn), at `t_out`, of a sample's input `k`; 0 if it arrives later."""
    age = t_out - time[b, k] - delay[j, of]
    if not grown:
        if age < 0.0:
            return 0.0, 0.0
        _, es, psp = propagator(age, tau_m, tau_s)
        return psp, es
    es = decay_s * (by_time[b, k] * by_delay[j, of])
    if tau_m == tau_s:
        psp = age * (1.0 / tau_s) * es
    else:
        psp = tau_m / (tau_m - tau_s) * (decay_m * (by_time_m[b, k] * by_delay_m[j, of]) - es)
    # No branch, which the processor could not guess.
    return (psp if age >= 0.0 else 0.0), (es if age >= 0.0 else 0.0)


@jit()
def _backward(
    tasks: Any, n_active: Any, source: Any, time: Any, w: Any, delay: Any, tau_m: float, tau_s: float, grown: bool,
    by_time: Any, by_delay: Any, by_time_m: Any, by_delay_m: Any, t_out: Any, slope: Any, grad: Any, max_dw: float,
    k_peak: float, of_inputs: bool, dw: Any, ddelay: Any, dt: Any,
) -> None:  # fmt: skip
    n_tasks, n_out = len(dt), len(w)
    rate_m, rate_s = 1.0 / tau_m, 1.0 / tau_s
    task = next_task(tasks)
    while task < n_tasks:
        for j in range(task * n_out // n_tasks, (task + 1) * n_out // n_tasks):
            shortest = delay[j].min()
            dw[j], ddelay[j] = 0.0, 0.0
            for b in range(len(time)):
                t = t_out[b, j]
                if grad[b, j] == 0.0 or not t < np.inf:
                    continue
                n = n_active[b]
                while n and time[b, n - 1] + shortest > t:
                    n -= 1
                decay_s, decay_m = math.exp((time[b, 0] - t) / tau_s), math.exp((time[b, 0] - t) / tau_m)
                g = grad[b, j] / slope[b, j]
                keep = abs(g) * k_peak <= max_dw
                if not keep:
                    largest = 0.0
                    for k in range(n):
                        psp, _ = _seen(
                            b, j, k, np.uint32(source[b, k]), t, decay_s, decay_m, time, delay, by_time, by_delay,
                            by_time_m, by_delay_m, tau_m, tau_s, grown,
                        )  # fmt: skip
                        largest = max(largest, psp)
                    keep = abs(g) * largest <= max_dw
                of_weights = g if keep else 0.0
                for k in range(n):
                    i = np.uint32(source[b, k])
                    psp, es = _seen(
                        b, j, k, i, t, decay_s, decay_m, time, delay, by_time, by_delay, by_time_m, by_delay_m, tau_m,
                        tau_s, grown,
                    )  # fmt: skip
                    by_arrival = g * w[j, i] * (es * rate_s - psp * rate_m)
                    if of_inputs:
                        dt[task, b, i] += by_arrival
                    ddelay[j, i] += by_arrival
                    dw[j, i] -= of_weights * psp
        task = next_task(tasks)


@jit()
def _transpose(tasks: Any, values: Any, to: Any) -> None:
    """By tiles, so that what is read together, and what is written together, stays in the cache."""
    n_rows, n_columns = values.shape
    n_tasks = (n_rows + _TILE - 1) // _TILE
    task = next_task(tasks)
    while task < n_tasks:
        rows = range(task * _TILE, min((task + 1) * _TILE, n_rows))
        for first in range(0, n_columns, _TILE):
            for i in rows:
                for j in range(first, min(first + _TILE, n_columns)):
                    to[j, i] = values[i, j]
        task = next_task(tasks)


def _transposed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A contiguous copy; to be called with :data:`ONE_AT_A_TIME` held."""
    to = np.empty(values.shape[::-1])
    run(_transpose, -(-len(values) // _TILE), np.ascontiguousarray(values), to)
    return to


class DelayedResult(NamedTuple):
    """First spikes [ms] and V' there, of shape [batch, n_out], and what they came from."""

    times: NDArray[np.float64]
    slope: NDArray[np.float64]
    inputs: SortedInputs
    neurons: tuple[NDArray[np.float64], NDArray[np.float64], float, float]
    growth: Growth | None

    @property
    def arguments(self) -> tuple[Any, ...]:
        # Without growth its factors are not read: anything of their shapes.
        growth = self.growth or (self.inputs.time, self.neurons[1]) * 2
        plain = (self.inputs.n_active, self.inputs.source, self.inputs.time, *self.neurons)
        return *plain, self.growth is not None, *growth


def forward(
    inputs: SortedInputs, weights: NDArray[np.float64], delay: NDArray[np.float64], tau_m: float, tau_syn: float
) -> DelayedResult:
    """First spikes for sorted inputs, and weights and delays [ms] of shape [n_in, n_out]."""
    with ONE_AT_A_TIME:
        neurons = _transposed(weights), _transposed(delay), tau_m, tau_syn
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
    w, _, tau_m, tau_syn = result.neurons
    dw, ddelay = np.empty_like(w), np.empty_like(w)
    # A little more than the largest PSP, which rounding may have made larger.
    k_peak = propagator(psp_peak_time(tau_m, tau_syn), tau_m, tau_syn)[2] * (1 + 1e-9)
    n_samples, n_in = len(grad), w.shape[1]
    n_tasks = max(1, min(_N_TASKS_WITH_TIMES if of_inputs else _N_TASKS, len(w)))
    dt = np.zeros((n_tasks, n_samples if of_inputs else 0, n_in))
    with ONE_AT_A_TIME:
        run(
            _backward, n_tasks, *result.arguments, result.times, result.slope, grad, max_dw, k_peak, of_inputs, dw,
            ddelay, dt,
        )  # fmt: skip
        return dt.sum(axis=0) if of_inputs else None, _transposed(dw), _transposed(ddelay)
