"""Streaming first-spike kernel on the CPU (numba; its inner loops in :mod:`.simd`).

Each sample's active inputs are sorted once and streamed past a block of neurons. What a neuron knows of its past is its
potential V and synaptic current I (see :mod:`semsync.models.neuron`). They are not propagated from input to input but
*extrapolated back* to the start r of a *frame*, a stretch of at most the shorter time constant: an input of weight w at
r + y adds w k(-y) to V(r) and w exp(y / tau_syn) to I(r), two multiply-adds. A crossing inside the gap s that follows
needs V + s V' >= 1, because V is concave up to its peak: in the frame's terms one weighted sum of V(r) and I(r). Only
neurons that pass this test are solved, by Newton's method.

The backward pass uses the same frames: ``dT/dw_i = -k(T - t_i) / V'(T)`` and ``dT/dt_i = w_i k'(T - t_i) / V'(T)`` are
sums of two products, one factor each for the input and for the neuron, so nothing is propagated there either. Neurons
join at their last causal input by a mask. Where nothing depends on the input times, their gradients are left out.

Work is split into tasks by shape alone and every sum has a fixed order: results do not depend on the number of threads
(:mod:`.tasks`).
Memory is O(batch x (n_in + n_out)) beyond the weights. Weights are float64 or float32; times are float64 throughout.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..neuron import weights_not_finite
from .backward import gradients
from .compilation import jit
from .forward import CHUNK, first_spikes
from .simd import BLOCK, HALF_BLOCK
from .sorting import SortedInputs, sort_inputs
from .tasks import ONE_AT_A_TIME, next_task, run

__all__ = ["ForwardResult", "SortedInputs", "backward", "forward", "sort_inputs"]

_MIN_TASKS = 8  # of the backward pass
_ROWS = 16  # that one task of the last step puts together
_LINE = 64  # bytes of a cache line


@jit()
def _finish(
    tasks: Any, dw: Any, dw_rest: Any, dt: Any, n_used: Any, source: Any, weight_gradient: Any, time_gradient: Any
) -> None:
    """Sum over chunks and over blocks, in order, and put input times back in the order of the inputs."""
    n_chunks, n_in, n_out = dw.shape
    n_samples = len(time_gradient)
    j_rest = n_out // BLOCK * BLOCK
    n_tasks = (n_in + n_samples + _ROWS - 1) // _ROWS
    task = next_task(tasks)
    while task < n_tasks:
        for i in range(task * _ROWS, min((task + 1) * _ROWS, n_in)):
            # The gradient of a single chunk is where it belongs already.
            for j in range(j_rest if n_chunks > 1 else 0):
                total = dw[0, i, j]
                for chunk in range(1, n_chunks):
                    total += dw[chunk, i, j]
                weight_gradient[i, j] = total
            for j in range(j_rest, n_out):
                total = dw_rest[0, i, j - j_rest]
                for chunk in range(1, n_chunks):
                    total += dw_rest[chunk, i, j - j_rest]
                weight_gradient[i, j] = total
        for b in range(max(task * _ROWS - n_in, 0), (task + 1) * _ROWS - n_in):
            if b >= n_samples:
                break
            for block in range(dt.shape[0]):
                for k in range(n_used[block, b]):
                    time_gradient[b, source[b, k]] += dt[block, b, k]
        task = next_task(tasks)


def _empty(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Begins on a cache line, so that no two blocks of neurons share one: threads would wait for each other's."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


class _Scratch:
    """Memory that is kept from step to step: given back, it would cost thousands of page faults at the next."""

    def __init__(self) -> None:
        self.buffers: dict[str, NDArray[np.uint8]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array of any content, valid until the same name is taken again."""
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if name not in self.buffers or self.buffers[name].size < n_bytes:
            self.buffers[name] = _empty((n_bytes,), np.uint8)
        return self.buffers[name][:n_bytes].view(dtype).reshape(shape)


_SCRATCH = _Scratch()


class ForwardResult(NamedTuple):
    """First spikes and what the backward pass needs, each of shape [batch, n_out].

    ``weights`` are those that were given, not a copy: they must not change before the backward pass. ``rest`` are their
    last columns, those that fill no block, with zeros beside them.
    """

    times: NDArray[np.float64]
    n_causal: NDArray[np.int32]
    sens_v: NDArray[np.float64]
    sens_i: NDArray[np.float64]
    weights: NDArray[Any]
    rest: NDArray[Any]


def forward(inputs: SortedInputs, weights: NDArray[Any], tau_m: float, tau_syn: float) -> ForwardResult:
    """First spike times [ms] of `weights` [n_in, n_out], contiguous, for sorted inputs; inf where silent.

    Raises
    ------
    InputError
        When a weight is not finite.
    """
    n_in, n_out = weights.shape
    shape = (len(inputs.n_active), n_out)
    n_blocks, n_full = -(-n_out // BLOCK), n_out // BLOCK * BLOCK
    rest = _empty((n_in, HALF_BLOCK if n_out - n_full <= HALF_BLOCK else BLOCK), weights.dtype)
    rest[:, : n_out - n_full] = weights[:, n_full:]
    rest[:, n_out - n_full :] = 0.0
    result = ForwardResult(np.empty(shape), np.empty(shape, np.int32), np.empty(shape), np.empty(shape), weights, rest)
    finite = np.empty(n_blocks if shape[0] else 0, np.bool_)
    with ONE_AT_A_TIME:
        n_tasks = n_blocks * -(-shape[0] // CHUNK)
        run(first_spikes, n_tasks, weights, rest, *inputs, tau_m, tau_syn, *result[:4], finite)
    if not finite.all():
        raise weights_not_finite()
    return result


def backward(
    inputs: SortedInputs,
    tau_m: float,
    tau_syn: float,
    result: ForwardResult,
    grad: NDArray[Any],
    max_dw: float,
    s_peak: float,
    *,
    of_inputs: bool = True,
) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Gradients of input times [batch, n_in], where asked for, and of weights [n_in, n_out]."""
    n_in, n_out = result.weights.shape
    n_samples, dtype = len(grad), result.weights.dtype
    n_blocks = -(-n_out // BLOCK)
    n_chunks = max(1, min(-(-_MIN_TASKS // max(1, n_blocks)), n_samples))
    weight_gradient = _empty((n_in, n_out), dtype)
    time_gradient = np.zeros((n_samples if of_inputs else 0, n_in), dtype)
    with ONE_AT_A_TIME:
        # Of a single chunk nothing has to be summed: it writes into the result.
        one = n_chunks == 1
        dw = weight_gradient[None] if one else _SCRATCH.take("dw", (n_chunks, n_in, n_out), dtype)
        dw_rest = _SCRATCH.take("dw_rest", (n_chunks, *result.rest.shape), dtype)
        dt = _SCRATCH.take("dt", (n_blocks, n_samples if of_inputs else 0, inputs.source.shape[1]), dtype)
        n_used = _SCRATCH.take("n_used", (n_blocks, n_samples), np.int32)
        run(
            gradients, n_blocks * n_chunks, result.weights, result.rest, *inputs, tau_m, tau_syn, *result[:4], grad,
            max_dw, s_peak, dw, dw_rest, of_inputs, dt, n_used,
        )  # fmt: skip
        if one and not of_inputs:
            weight_gradient[:, n_out // BLOCK * BLOCK :] = dw_rest[0, :, : n_out % BLOCK]
        else:
            n_tasks = -(-(n_in + len(time_gradient)) // _ROWS)
            run(_finish, n_tasks, dw, dw_rest, dt, n_used, inputs.source, weight_gradient, time_gradient)
    return time_gradient if of_inputs else None, weight_gradient
