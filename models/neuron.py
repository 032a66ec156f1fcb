"""The exact response of a leaky integrate-and-fire neuron to one input spike, normalised to threshold 1.

With membrane potential V and synaptic current I (both dimensionless), between spikes

    tau_m dV/dt = -V + (tau_m / tau_syn) I,    tau_syn dI/dt = -I,

and an input spike of weight w adds w to I. Hence over a gap s

    V(t + s) = V(t) exp(-s / tau_m) + I(t) k(s),    I(t + s) = I(t) exp(-s / tau_syn),
    k(s) = tau_m / (tau_m - tau_syn) (exp(-s / tau_m) - exp(-s / tau_syn)),

where k is the post-synaptic potential (PSP) of weight 1, and (s / tau) exp(-s / tau) for equal time constants. The pair
(V, I), unlike the two exponentials of k, is regular for every ratio of the time constants.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import InputError


def check_time_constants(tau_m: float, tau_syn: float) -> None:
    """Refuse time constants [ms] that are not positive and finite."""
    for name, value in (("tau_m", tau_m), ("tau_syn", tau_syn)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be positive and finite [ms], got {value!r}")


def psp(s: Tensor, tau_m: float, tau_syn: float) -> Tensor:
    """Post-synaptic potential k(s) of weight 1.

    Parameters
    ----------
    s : Tensor
        Time since the input spike [ms], >= 0.
    tau_m, tau_syn : float
        Time constants [ms].

    Returns
    -------
    Tensor
        Same shape, in units of the threshold.

    Examples
    --------
    >>> import math, torch
    >>> from semsync.models.neuron import psp
    >>> peak = psp(torch.tensor([10.0], dtype=torch.float64), tau_m=10.0, tau_syn=10.0)
    >>> math.isclose(peak.item(), math.exp(-1))
    True
    """
    # k(s) = (s / tau_syn) exp(-s / tau_syn) expm1(x) / x is accurate where the exponentials nearly cancel.
    x = s * (1.0 / tau_syn - 1.0 / tau_m)
    safe = torch.where(x == 0, 1.0, x)
    near = (s / tau_syn) * torch.exp(-s / tau_syn) * torch.where(x == 0, 1.0, torch.expm1(safe.clamp(-1, 1)) / safe)
    if tau_m == tau_syn:
        return near
    far = tau_m / (tau_m - tau_syn) * (torch.exp(-s / tau_m) - torch.exp(-s / tau_syn))
    return torch.where(x.abs() < 1, near, far)


def psp_peak_time(tau_m: float, tau_syn: float) -> float:
    """Time of the PSP's maximum after the input spike [ms]."""
    x = (tau_m - tau_syn) / tau_syn
    return tau_m if x == 0 else tau_m * math.log1p(x) / x


def weights_not_finite() -> InputError:
    """What to raise, wherever it is noticed."""
    return InputError("weights must be finite, got NaN or infinity; did the training diverge?")
