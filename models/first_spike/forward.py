"""The forward pass of the streaming kernel: see :mod:`.kernel`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compilation import jit
from .crossing import crossing, propagator
from .simd import ALMOST_ONE, BLOCK, PASSED, stream
from .solving import LANES, solve
from .tasks import next_task

CHUNK = 16  # samples of one task


@jit()
def _search(
    b: int, k: int, v: float, i: float, w: Any, neuron: int, n_active: Any, source: Any, frame_start: Any,
    frame_stop: Any, time: Any, gap: Any, decay: Any, coefficients: Any, tau_m: float, tau_s: float, passed: bool,
) -> tuple[int, float, float, float, float]:  # fmt: skip
    """Go on with one neuron from input `k`, added already, with V and I of its frame; no spike follows if not `passed`.

    Returns the index of the spike's last causal input, -1 if there is no spike; its time s since that input; and there
    exp(-s / tau_syn), k(s) and V'.
    """
    ratio = (tau_m - tau_s) / tau_m
    while True:
        if passed:
            em, tr = decay[b, 0, k], decay[b, 1, k]
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
            weight = np.float64(w[source[b, k], neuron])
            v += weight * coefficients[b, 0, k]
            i += weight * coefficients[b, 1, k]
            passed = v * coefficients[b, 2, k] + i * coefficients[b, 3, k] >= ALMOST_ONE


@jit()
def _all_finite(weights: Any, first: int, n: int) -> bool:
    """Of `n` columns from `first` on."""
    # Any other number times 0 is 0.
    zeros = np.zeros(n, weights.dtype)
    for i in range(len(weights)):
        for j in range(n):
            zeros[j] += zeros[j] * weights[i, first + j]
    return not np.isnan(zeros).any()


@jit()
def first_spikes(
    tasks: Any, weights: Any, rest: Any, n_active: Any, source: Any, frame_start: Any, frame_stop: Any, time: Any,
    gap: Any, decay: Any, coefficients: Any, tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any,
    sens_i: Any, finite: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    width = source.shape[1]
    n_chunks = (n_samples + CHUNK - 1) // CHUNK
    ratio = (tau_m - tau_s) / tau_m
    n_tasks = (n_out + BLOCK - 1) // BLOCK * n_chunks
    task = next_task(tasks)
    while task < n_tasks:
        block, chunk = task // n_chunks, task % n_chunks
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        if n == BLOCK:
            w, w_start, stride = weights, j0, n_out
        else:
            w, w_start, stride = rest, 0, rest.shape[1]
        # Checked where they are read in any case.
        if chunk == 0:
            finite[block] = _all_finite(w, w_start, min(BLOCK, stride))
        everyone = np.uint32((1 << n) - 1)
        state = np.empty((2, BLOCK), weights.dtype)
        # The first input of each neuron after which its test passed, with V and I then; solved together at the end,
        # where one solution need not wait for another.
        k_at, passing = np.empty(BLOCK, np.int32), np.zeros((2, BLOCK), weights.dtype)
        v_k, i_k, gap_k = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        s, by_v, by_i = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
        for b in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n_samples)):
            state[:] = 0.0
            k_at[:] = -1
            pending = everyone
            start = k = 0
            while k < n_active[b] and pending:
                if k != start:
                    em, es, tr = propagator(time[b, k] - time[b, start], tau_m, tau_s)
                    for j in range(BLOCK):
                        if k_at[j] >= 0:
                            state[0, j], state[1, j] = 0.0, PASSED
                        else:
                            state[0, j] = state[0, j] * em + state[1, j] * tr
                            state[1, j] *= es
                    start = k
                stop = frame_stop[b, start]
                pending = stream(
                    n, state, passing, k_at, pending, w, w_start, stride, source, b * width, coefficients, k, stop
                )  # fmt: skip
                k = stop
            if pending == everyone:
                t_out[b, j0 : j0 + n], n_causal[b, j0 : j0 + n] = np.inf, 0
                continue
            for j in range(BLOCK):
                passed = max(k_at[j], 0)
                em, tr = decay[b, 0, passed], decay[b, 1, passed]
                v, i = np.float64(passing[0, j]), np.float64(passing[1, j])
                v_k[j] = v * em + i * tr
                i_k[j] = i * (em - tr * ratio)
                gap_k[j] = gap[b, passed]
            for j in range(0, n, LANES):
                solve(v_k, i_k, gap_k, s, by_v, by_i, j, tau_m, tau_s)
            for j in range(n):
                t_out[b, j0 + j] = time[b, max(k_at[j], 0)] + s[j] if k_at[j] >= 0 else np.inf
                n_causal[b, j0 + j] = k_at[j] + 1
                sens_v[b, j0 + j], sens_i[b, j0 + j] = by_v[j], by_i[j]
            for j in range(n):
                if k_at[j] < 0 or s[j] < np.inf:
                    continue
                k, d, des, dtr, slope = _search(
                    b, k_at[j], np.float64(passing[0, j]), np.float64(passing[1, j]), weights, j0 + j, n_active, source,
                    frame_start, frame_stop, time, gap, decay, coefficients, tau_m, tau_s, np.isnan(s[j]),
                )  # fmt: skip
                if k < 0:
                    t_out[b, j0 + j], n_causal[b, j0 + j] = np.inf, 0
                else:
                    t_out[b, j0 + j], n_causal[b, j0 + j] = time[b, k] + d, k + 1
                    sens_v[b, j0 + j], sens_i[b, j0 + j] = dtr / slope, des / slope
        task = next_task(tasks)
