"""The loss of first-spike classification (Göltz et al. 2021, doi:10.1038/s42256-021-00388-x)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

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
        t = t_out / tau_syn
        t_label = t.gather(1, labels[:, None])[:, 0]
        answered = torch.isfinite(t_label)
        # Where the label neuron is silent the loss is a constant; zeros keep inf - inf out of the gradient.
        t = torch.where(answered[:, None], t, 0.0)
        t_label = torch.where(answered, t_label, 0.0)
        spiking = torch.isfinite(t)
        competition = torch.logsumexp(torch.where(spiking, -torch.where(spiking, t, 0.0) / self.xi, -torch.inf), dim=1)
        loss = competition + t_label / self.xi
        if self.alpha:
            loss = loss + self.alpha * torch.exp(t_label / self.beta)
        return torch.where(answered, loss, self.silent_loss)


def decide(t_out: Tensor) -> Tensor:
    """Class of the first output spike, -1 without one; shape [batch]."""
    first, decision = t_out.min(dim=1)
    return torch.where(torch.isfinite(first), decision, -1)
