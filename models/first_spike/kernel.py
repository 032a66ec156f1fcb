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

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .backward import gradients
from .compilation import ONE_AT_A_TIME, jit
from .forward import first_spikes
from .simd import BLOCK
from .sorting import SortedInputs, sort_inputs

__all__ = ["ForwardResult", "SortedInputs", "backward", "forward", "sort_inputs"]

_MIN_TASKS = 8  # of the backward pass


@jit(parallel=True)
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


@jit(parallel=True)
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


@jit(parallel=True)
def _collect(dt: Any, n_used: Any, source: Any, time_gradient: Any) -> None:
    """Sum over blocks, in order, and back to the order of the inputs."""
    for b in prange(time_gradient.shape[0]):
        for block in range(dt.shape[0]):
            for k in range(n_used[block, b]):
                time_gradient[b, source[b, k]] += dt[block, b, k]


@functools.cache
def _mixed(n: int) -> NDArray[np.int64]:
    """Numbers below `n` with their bits in reverse order, so that any share of a half, a quarter, ... is a fair sample.

    Each thread takes a stretch of the tasks; excitatory neurons, which lie together, take longer than inhibitory ones.
    """
    n_bits = max(1, (n - 1).bit_length())
    return np.array(sorted(range(n), key=lambda k: int(f"{k:0{n_bits}b}"[::-1], 2)), dtype=np.int64)


class _Scratch:
    """Memory that is kept from step to step: given back, it would cost thousands of page faults at the next."""

    def __init__(self) -> None:
        self.buffers: dict[str, NDArray[np.uint8]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array of any content, valid until the same name is taken again."""
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if name not in self.buffers or self.buffers[name].size < n_bytes:
            self.buffers[name] = np.empty(n_bytes, np.uint8)
        return self.buffers[name][:n_bytes].view(dtype).reshape(shape)


_SCRATCH = _Scratch()


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
    with ONE_AT_A_TIME:
        _pack(weights, result.packed)
        first_spikes(_mixed(len(result.packed)), result.packed, *inputs, tau_m, tau_syn, *result[:4])
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
    """Gradients of input times [batch, n_in] and of weights [n_in, n_out] from those of the output times."""
    packed = result.packed
    n_blocks, n_in, _ = packed.shape
    n_samples, n_out = grad.shape
    n_chunks = max(1, min(-(-_MIN_TASKS // max(1, n_blocks)), n_samples))
    weight_gradient = np.empty((n_in, n_out), packed.dtype)
    time_gradient = np.zeros((n_samples, n_in), packed.dtype)
    with ONE_AT_A_TIME:
        dw = _SCRATCH.take("dw", (n_chunks, *packed.shape), packed.dtype)
        dt = _SCRATCH.take("dt", (n_blocks, n_samples, inputs.source.shape[1]), packed.dtype)
        n_used = _SCRATCH.take("n_used", (n_blocks, n_samples), np.int32)
        gradients(_mixed(n_blocks), packed, *inputs, tau_m, tau_syn, *result[:4], grad, max_dw, s_peak, dw, dt, n_used)
        _unpack(dw, weight_gradient)
        _collect(dt, n_used, inputs.source, time_gradient)
    return time_gradient, weight_gradient
