"""The exact first-spike layer as a differentiable torch function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...errors import InputError
from ..neuron import check_time_constants, psp_peak_time
from . import reference

ENGINES = ("kernel", "reference")


class _FirstSpike(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, times: Tensor, weights: Tensor, tau_m: float, tau_syn: float, max_dw: float, engine: str
    ) -> Tensor:
        ctx.constants = tau_m, tau_syn, max_dw, engine
        if engine == "reference":
            t_out = reference.forward(times.double(), weights.double(), tau_m, tau_syn).to(weights.dtype)
            ctx.save_for_backward(times, weights, t_out)
            return t_out
        from . import kernel

        plain = weights.detach().contiguous().numpy()
        inputs = kernel.sort_inputs(times.detach().contiguous().numpy(), tau_m, tau_syn, plain.dtype)
        result = kernel.forward(inputs, plain, tau_m, tau_syn)
        ctx.kernel_state = inputs, result
        # A copy: the user may write into what is returned, the backward pass still needs it.
        return torch.from_numpy(result.times.astype(plain.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        tau_m, tau_syn, max_dw, engine = ctx.constants
        if engine == "reference":
            times, weights, t_out = ctx.saved_tensors
            exact = (x.double() for x in (times, weights))
            dw, dt = reference.backward(*exact, tau_m, tau_syn, t_out.double(), grad.double(), max_dw)
            return dt.to(weights.dtype), dw.to(weights.dtype), None, None, None, None
        from . import kernel

        inputs, result = ctx.kernel_state
        dw_array, dt_array = kernel.backward(
            inputs,
            tau_m,
            tau_syn,
            result,
            grad.detach().contiguous().numpy(),
            max_dw,
            psp_peak_time(tau_m, tau_syn),
        )
        return torch.from_numpy(dt_array), torch.from_numpy(dw_array), None, None, None, None


def first_spike_times(
    times: Tensor,
    weights: Tensor,
    tau_m: float,
    tau_syn: float,
    *,
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
        On wrong shapes, types or time constants, NaN weights, or spike times that are negative or NaN.

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
    _check(times, weights, tau_m, tau_syn)
    engine = engine or ("kernel" if times.device.type == "cpu" else "reference")
    if engine not in ENGINES:
        raise InputError(f"engine must be one of {ENGINES}, got {engine!r}")
    return _FirstSpike.apply(times, weights, float(tau_m), float(tau_syn), float(max_weight_gradient), engine)


def _check(times: Tensor, weights: Tensor, tau_m: float, tau_syn: float) -> None:
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
    # In numpy on the CPU: torch would wake its threads, which then spin beside the kernel's for milliseconds.
    plain_times, plain_weights = (
        x.detach().numpy() if x.device.type == "cpu" else x.detach() for x in (times, weights)
    )
    isfinite = np.isfinite if isinstance(plain_weights, np.ndarray) else torch.isfinite
    if not bool(isfinite(plain_weights).all()):
        raise InputError("weights must be finite, got NaN or infinity; did the training diverge?")
    # min() is NaN if any entry is.
    if times.numel() and not float(plain_times.min()) >= 0:
        raise InputError(
            f"input spike times must be >= 0 ms (silent: inf), got a smallest of {float(plain_times.min())}"
        )
