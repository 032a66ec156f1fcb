"""Silent neurons have no gradient; what makes them fire again."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .network import FirstSpikeNetwork


class Missing(NamedTuple):
    """Spikes that a batch, or a process's share of it, did not cause.

    Attributes
    ----------
    by_neuron : list of Tensor, shapes [n_1], [n_2], ...
        Samples in which each neuron was silent.
    by_class : Tensor, shape [n_classes]
        Samples of each class whose own output neuron was silent.
    n_samples : int
        Of the whole batch.
    """

    by_neuron: list[Tensor]
    by_class: Tensor
    n_samples: int

    @classmethod
    def of(cls, layers: list[Tensor], labels: Tensor, n_samples: int) -> Missing:
        silent = [torch.isinf(t_out.detach()) for t_out in layers]
        own = silent[-1].gather(1, labels[:, None])[:, 0]
        by_class = torch.bincount(labels[own], minlength=silent[-1].shape[1]).double()
        return cls([layer.sum(dim=0).double() for layer in silent], by_class, n_samples)


class SilentNeurons:
    """Give silent neurons, which have no gradient, larger weights.

    *bump*: the first layer in which too large a share of a batch's spikes is missing has `bump` added to all inputs of
    every neuron that missed one, instead of a gradient step; on each consecutive bump of the same layer the increase
    doubles (Göltz et al. 2021). *push*: beside the gradient step, `bump` is added to all inputs of every hidden neuron
    that missed more than `max_silent_neuron` of a batch's spikes, and of every output neuron that was silent for a
    sample of its own class.
    """

    def __init__(
        self,
        network: FirstSpikeNetwork,
        *,
        how: str,
        bump: float,
        max_silent_hidden: float,
        max_silent_output: float,
        max_silent_neuron: float,
    ) -> None:
        self.network = network
        self.how, self.bump = how, bump
        self.max_silent_hidden, self.max_silent_output = max_silent_hidden, max_silent_output
        self.max_silent_neuron = max_silent_neuron
        self.streak = (-1, 0)

    @torch.no_grad()
    def raise_weights(self, missing: Missing) -> bool:
        """Raise weights after a batch; whether the batch must be spent on it, without a gradient step."""
        return self._bump(missing) if self.how == "bump" else self._push(missing)

    def _bump(self, missing: Missing) -> bool:
        for index, n_missing in enumerate(missing.by_neuron):
            is_output = index == len(missing.by_neuron) - 1
            bound = self.max_silent_output if is_output else self.max_silent_hidden
            if float(n_missing.sum()) / (missing.n_samples * len(n_missing)) > bound:
                n_before = self.streak[1] if self.streak[0] == index else 0
                self.network.weights[index][:, n_missing > 0] += self.bump * 2.0**n_before
                self.network.project_onto_dale()
                self.streak = (index, n_before + 1)
                return True
        self.streak = (-1, 0)
        return False

    def _push(self, missing: Missing) -> bool:
        *hidden, output = self.network.weights
        for weights, n_missing in zip(hidden, missing.by_neuron[:-1], strict=True):
            weights[:, n_missing / missing.n_samples > self.max_silent_neuron] += self.bump
        # An output neuron may well be silent for other classes, never for its own.
        output[:, missing.by_class > 0] += self.bump
        return False
