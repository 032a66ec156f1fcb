"""The loss of first-spike classification (Göltz et al. 2021, doi:10.1038/s42256-021-00388-x)."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.autograd.function import once_differentiable

Positive = Annotated[float, Field(gt=0)]


class FirstSpikeLoss(BaseModel):
    """``log sum_k exp(-t_k / xi) + t_y / xi + alpha exp(t_y / beta)``, times in units of tau_syn.

    The first two terms ask that the label neuron y fires before all others, the third that it fires early. A silent
    label neuron costs the constant `silent_loss`, without gradient.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    xi: Annotated[Positive, Field(description="sharpness of the competition [tau_syn]")] = 0.2
    alpha: Annotated[float, Field(ge=0, description="weight of the early-decision term")] = 0.005
    beta: Annotated[Positive, Field(description="time scale of the early-decision term [tau_syn]")] = 1.0
    silent_loss: Annotated[Positive, Field(description="loss of a sample whose label neuron is silent")] = 100.0

    def __call__(self, t_out: Tensor, labels: Tensor, tau_syn: float) -> Tensor:
        """Loss of each sample.

        Parameters
        ----------
        t_out : Tensor, shape [batch, n_classes]
            First spike times of the output layer [ms], inf where silent.
        labels : Tensor of int64, shape [batch]
        tau_syn : float
            [ms]

        Returns
        -------
        Tensor, shape [batch]

        Examples
        --------
        >>> import torch
        >>> from semsync.models.loss import FirstSpikeLoss
        >>> t_out = torch.tensor([[10.0, float("inf")], [10.0, float("inf")]], dtype=torch.float64)
        >>> FirstSpikeLoss(alpha=0.0)(t_out, torch.tensor([0, 1]), tau_syn=10.0).tolist()
        [0.0, 100.0]
        """
        return _Loss.apply(t_out, labels, tau_syn, self)


class _Loss(torch.autograd.Function):
    """Loss and gradient at once: of a few hundred numbers, torch's graph would cost more than the numbers."""

    @staticmethod
    def forward(ctx: Any, t_out: Tensor, labels: Tensor, tau_syn: float, loss: FirstSpikeLoss) -> Tensor:
        t = t_out / tau_syn
        label = labels[:, None]
        t_label = t.gather(1, label)
        answered = torch.isfinite(t_label)
        # Where the label neuron is silent the loss is a constant; zeros keep inf - inf out of the gradient. The others'
        # silent neurons have exp(-inf) = 0 in the sum and in its gradient.
        t = torch.where(answered, t, 0.0)
        t_label = torch.where(answered, t_label, 0.0)
        scaled = t * (-1.0 / loss.xi)
        early = loss.alpha * torch.exp(t_label / loss.beta) if loss.alpha else torch.zeros_like(t_label)
        log_sum = torch.logsumexp(scaled, dim=1, keepdim=True)
        gradient = torch.exp(scaled - log_sum) * (-1.0 / loss.xi)
        gradient.scatter_add_(1, label, 1.0 / loss.xi + early / loss.beta)
        ctx.save_for_backward(torch.where(answered, gradient / tau_syn, 0.0))
        return torch.where(answered, log_sum + t_label / loss.xi + early, loss.silent_loss)[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return grad[:, None] * ctx.saved_tensors[0], None, None, None


def decide(t_out: Tensor) -> Tensor:
    """Class of the first output spike, -1 without one; shape [batch]."""
    first, decision = t_out.min(dim=1)
    return torch.where(torch.isfinite(first), decision, -1)
