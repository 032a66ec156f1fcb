"""The exact first-spike layer as a differentiable torch function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...errors import InputError
from ..neuron import check_time_constants, psp_peak_time, weights_not_finite
from . import reference

ENGINES = ("kernel", "reference")


_Gradients = tuple[Tensor | None, Tensor, Tensor | None]
_Backward = Callable[[Tensor, bool], _Gradients]


class _Layer(NamedTuple):
    """What a layer computes from, but its inputs, weights and delays."""

    tau_m: float
    tau_syn: float
    max_dw: float
    engine: str


class _FirstSpike(torch.autograd.Function):
    """The backward pass is kept as a function from the gradient of the output to those of times, weights and delays.

    It is told whether that of times is needed; in a first layer it seldom is.
    """

    @staticmethod
    def forward(ctx: Any, times: Tensor, weights: Tensor, delays: Tensor | None, layer: _Layer) -> Tensor:
        if layer.engine == "reference":
            t_out, ctx.pass_backward = _with_reference(times, weights, delays, layer)
        elif delays is None:
            t_out, ctx.pass_backward = _with_kernel(times, weights, layer)
        else:
            t_out, ctx.pass_backward = _with_delay_kernel(times, weights, delays, layer)
        return t_out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return *ctx.pass_backward(grad, ctx.needs_input_grad[0]), None


def _with_reference(times: Tensor, weights: Tensor, delays: Tensor | None, layer: _Layer) -> tuple[Tensor, _Backward]:
    _check_weights(weights)
    tau_m, tau_syn = layer.tau_m, layer.tau_syn
    exact = times.double(), weights.double(), None if delays is None else delays.double()
    t_out = reference.forward(*exact, tau_m, tau_syn)

    def backward(grad: Tensor, of_times: bool) -> _Gradients:
        dt, dw, d_delays = reference.backward(*exact, tau_m, tau_syn, t_out, grad.double(), layer.max_dw)
        return dt.to(weights.dtype), dw.to(weights.dtype), None if d_delays is None else d_delays.to(weights.dtype)

    return t_out.to(weights.dtype, copy=True), backward


def _with_kernel(times: Tensor, weights: Tensor, layer: _Layer) -> tuple[Tensor, _Backward]:
    from . import kernel

    tau_m, tau_syn = layer.tau_m, layer.tau_syn
    plain = _plain(weights.contiguous())
    inputs = kernel.sort_inputs(_plain(times.contiguous()), tau_m, tau_syn, plain.dtype)
    result = kernel.forward(inputs, plain, tau_m, tau_syn)

    version = weights._version

    def backward(grad: Tensor, of_times: bool) -> _Gradients:
        if weights._version != version:
            raise RuntimeError("weights were changed in place between the forward and the backward pass")
        s_peak = psp_peak_time(tau_m, tau_syn)
        plain = _plain(grad.contiguous())
        dt, dw = kernel.backward(inputs, tau_m, tau_syn, result, plain, layer.max_dw, s_peak, of_inputs=of_times)
        return None if dt is None else torch.from_numpy(dt), torch.from_numpy(dw), None

    return _copied(result.times, weights), backward


def _with_delay_kernel(times: Tensor, weights: Tensor, delays: Tensor, layer: _Layer) -> tuple[Tensor, _Backward]:
    from . import kernel, synaptic_delays

    _check_weights(weights)
    tau_m, tau_syn = layer.tau_m, layer.tau_syn
    inputs = kernel.sort_inputs(_plain(times.contiguous()), tau_m, tau_syn)
    result = synaptic_delays.forward(inputs, _plain(weights.double()), _plain(delays.double()), tau_m, tau_syn)

    def backward(grad: Tensor, of_times: bool) -> _Gradients:
        plain = _plain(grad.double().contiguous())
        dt, dw, d_delays = synaptic_delays.backward(result, plain, layer.max_dw, of_inputs=of_times)
        return (
            None if dt is None else torch.from_numpy(dt).to(weights.dtype),
            torch.from_numpy(dw).to(weights.dtype),
            torch.from_numpy(d_delays).to(weights.dtype),
        )

    return _copied(result.times, weights), backward


def first_spike_times(
    times: Tensor,
    weights: Tensor,
    tau_m: float,
    tau_syn: float,
    *,
    delays: Tensor | None = None,
    max_weight_gradient: float = math.inf,
    engine: str | None = None,
) -> Tensor:
    """First spike time of each neuron of a layer, exact and differentiable.

    Parameters
    ----------
    times : Tensor, float64 or float32, shape [batch, n_in]
        Input spike times [ms]; inf for a silent input. No time before 0.
    weights : Tensor, like `times`, shape [n_in, n_out]
        Dimensionless: the potential is normalised to threshold 1 (see :mod:`semsync.models.neuron`). With float32 the
        potential is summed in single precision: a spike that grazes the threshold may be missed, and gradients there
        are off by percents.
    tau_m, tau_syn : float
        Membrane and synaptic time constant [ms], in any ratio.
    delays : Tensor, like `weights`, optional
        Delay of every synapse [ms], >= 0. Each neuron then sees its inputs in an order of its own, which costs about
        ten times as much; delays that are a sum of one per input and one per neuron are cheaper as shifts of `times`
        and of what is returned.
    max_weight_gradient : float
        The gradient guard: where the largest absolute weight gradient of one (sample, neuron) exceeds this, that
        sample adds nothing to that neuron's weight gradients; the time gradients passed down stay.
    engine : {"kernel", "reference"}, optional
        The numba kernel (CPU) or plain torch (any device). Without it, the kernel on the CPU.

    Returns
    -------
    Tensor, like `times`, shape [batch, n_out]
        First spike times [ms]; inf for a neuron that stays silent, with zero gradient.

    Raises
    ------
    InputError
        On wrong shapes, types or time constants, NaN weights, or spike times or delays that are negative or NaN.

    References
    ----------
    Göltz et al. 2021, doi:10.1038/s42256-021-00388-x; Oberste-Frielinghaus et al. 2025, arXiv:2508.12975.

    Examples
    --------
    >>> import torch
    >>> from semsync.models.first_spike import first_spike_times
    >>> times = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    >>> weights = torch.tensor([[2.0, 0.1], [2.0, 0.1]], dtype=torch.float64, requires_grad=True)
    >>> t_out = first_spike_times(times, weights, tau_m=10.0, tau_syn=10.0)
    >>> [round(t, 6) for t in t_out[0].tolist()]
    [5.105963, inf]
    """
    _check(times, weights, delays, tau_m, tau_syn)
    engine = engine or ("kernel" if times.device.type == "cpu" else "reference")
    if engine not in ENGINES:
        raise InputError(f"engine must be one of {ENGINES}, got {engine!r}")
    layer = _Layer(float(tau_m), float(tau_syn), float(max_weight_gradient), engine)
    return _FirstSpike.apply(times, weights, delays, layer)


def _check(times: Tensor, weights: Tensor, delays: Tensor | None, tau_m: float, tau_syn: float) -> None:
    check_time_constants(tau_m, tau_syn)
    if times.ndim != 2 or weights.ndim != 2 or times.shape[1] != weights.shape[0]:
        raise InputError(
            "times must have shape [batch, n_in] and weights [n_in, n_out], "
            f"got {tuple(times.shape)} and {tuple(weights.shape)}"
        )
    if times.dtype != weights.dtype or weights.dtype not in (torch.float64, torch.float32):
        raise InputError(
            f"times and weights must both be float64, or both float32, got {times.dtype} and {weights.dtype}"
        )
    # min() is NaN if any entry is.
    if times.numel() and not float(_plain(times).min()) >= 0:
        raise InputError(
            f"input spike times must be >= 0 ms (silent: inf), got a smallest of {float(_plain(times).min())}"
        )
    if delays is None:
        return
    if delays.shape != weights.shape or delays.dtype != weights.dtype:
        raise InputError(
            f"delays must be like weights, {tuple(weights.shape)} of {weights.dtype}, "
            f"got {tuple(delays.shape)} of {delays.dtype}"
        )
    # min() and max() are NaN if any entry is.
    if delays.numel() and not (float(_plain(delays).min()) >= 0 and float(_plain(delays).max()) < math.inf):
        raise InputError("delays must be finite and >= 0 ms, got one that is not")


def _check_weights(weights: Tensor) -> None:
    """Where the kernel, which checks what it reads, does not do it."""
    if not np.isfinite(_plain(weights)).all():
        raise weights_not_finite()


# In numpy: torch would wake its threads, which then spin beside the kernel's for milliseconds.
def _plain(values: Tensor) -> Any:
    return values.detach().cpu().numpy()


def _copied(times: np.ndarray, like: Tensor) -> Tensor:
    """A copy: the user may write into what is returned, the backward pass still needs it."""
    return torch.from_numpy(times.astype(_plain(like).dtype))
