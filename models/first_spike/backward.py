"""The backward pass of the streaming kernel: see :mod:`.kernel`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compilation import jit
from .crossing import propagator
from .simd import BLOCK, retreat
from .tasks import next_task


@jit()
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


@jit()
def gradients(
    tasks: Any, weights: Any, rest: Any, n_active: Any, source: Any, frame_start: Any, frame_stop: Any, time: Any,
    gap: Any, decay: Any, coefficients: Any, tau_m: float, tau_s: float, t_out: Any, n_causal: Any, sens_v: Any,
    sens_i: Any, grad: Any, max_dw: float, s_peak: float, dw: Any, dw_rest: Any, of_inputs: bool, dt: Any, n_used: Any,
) -> None:  # fmt: skip
    n_samples, n_out = t_out.shape
    n_chunks, n_in, _ = dw.shape
    width = source.shape[1]
    chunk_size = (n_samples + n_chunks - 1) // n_chunks
    ratio = (tau_m - tau_s) / tau_m
    k_peak = propagator(s_peak, tau_m, tau_s)[2]
    n_tasks = (n_out + BLOCK - 1) // BLOCK * n_chunks
    task = next_task(tasks)
    while task < n_tasks:
        block, chunk = task // n_chunks, task % n_chunks
        j0 = block * BLOCK
        n = min(BLOCK, n_out - j0)
        if n == BLOCK:
            dw[chunk, :, j0 : j0 + BLOCK] = 0.0
            w, w_start, dw_all, dw_start, stride = weights, j0, dw, chunk * n_in * n_out + j0, n_out
        else:
            dw_rest[chunk] = 0.0
            stride = rest.shape[1]
            w, w_start, dw_all, dw_start = rest, 0, dw_rest, chunk * n_in * stride
        state = np.empty((4, BLOCK), weights.dtype)
        # exp(-X / tau_m), k(X) and exp(-X / tau_syn) for the time X from the frame's start to the neuron's spike, times
        # its gradient; and whether the guard lets it pass.
        em_x, k_x, es_x, keep = np.zeros(BLOCK), np.zeros(BLOCK), np.zeros(BLOCK), np.ones(BLOCK)
        # One past the last causal input, 0 for a neuron without a gradient, and the start of its frame.
        at, last_frame = np.zeros(BLOCK, np.int32), np.full(BLOCK, -1, np.int32)
        for b in range(chunk * chunk_size, min((chunk + 1) * chunk_size, n_samples)):
            latest = 0
            for j in range(n):
                at[j] = n_causal[b, j0 + j] if grad[b, j0 + j] != 0.0 else 0
                latest = max(latest, at[j])
            for j in range(n):
                has = at[j] > 0
                last = np.uint32(max(at[j] - 1, 0))
                last_frame[j] = frame_start[b, last] if has else -1
                em, tr = decay[b, 0, last], decay[b, 1, last]
                g = np.float64(grad[b, j0 + j])
                des, dtr = g * sens_i[b, j0 + j] if has else 0.0, g * sens_v[b, j0 + j] if has else 0.0
                em_x[j] = (des + dtr * ratio) * em
                es_x[j] = des * (em - tr * ratio)
                k_x[j] = dtr * em + des * tr
                keep[j] = 1.0
            for j in range(n if max_dw < np.inf else 0):
                if at[j] == 0:
                    continue
                k, t = at[j] - 1, t_out[b, j0 + j]
                age = (t - time[b, k]) / tau_s
                des = abs(np.float64(grad[b, j0 + j]) * sens_i[b, j0 + j])
                # exp(age) <= 1 / (1 - age): seldom is there more to do.
                if des * k_peak <= 0.999 * max_dw * (1.0 - age):
                    continue
                per_slope = des * math.exp(age)
                if per_slope * k_peak > max_dw and _exceeds(per_slope, t, time[b], k + 1, tau_m, tau_s, s_peak, max_dw):
                    keep[j] = 0.0
            n_used[block, b] = latest
            k, start = latest - 1, -1
            while k >= 0:
                if start >= 0:
                    em, es, tr = propagator(time[b, start] - time[b, frame_start[b, k]], tau_m, tau_s)
                    for j in range(BLOCK):
                        if last_frame[j] >= start:
                            k_x[j] = k_x[j] * em + es_x[j] * tr
                            em_x[j] *= em
                            es_x[j] *= es
                start = frame_start[b, k]
                for j in range(BLOCK):
                    state[0, j] = -keep[j] * em_x[j]
                    state[1, j] = -keep[j] * k_x[j]
                at_time = (block * n_samples + b) * width
                if of_inputs:
                    for j in range(BLOCK):
                        state[2, j] = -em_x[j] / tau_m
                        state[3, j] = es_x[j] / tau_s - k_x[j] / tau_m
                retreat(
                    n, of_inputs, state, at, w, w_start, dw_all, dw_start, stride, source, b * width, coefficients, dt,
                    at_time, k, start,
                )  # fmt: skip
                k = start - 1
        task = next_task(tasks)
