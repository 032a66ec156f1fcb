"""The running average of a network's weights over the steps of its training (Polyak and Juditsky 1992).

Its noise is a small part of the last step's, so it generalises better than any single network of the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class RunningAverage:
    """Exponentially weighted average of parameters; with `keep` = 0, the parameters themselves.

    Parameters
    ----------
    parameters : sequence of Tensor
    keep : float
        Share of the average that each update keeps, in [0, 1). The first updates keep less, so that the start is
        forgotten.
    """

    def __init__(self, parameters: Sequence[Tensor], keep: float) -> None:
        self.parameters, self.keep = list(parameters), keep
        self.n_updates = 0
        self.values = [p.detach().clone() for p in parameters] if keep else []

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are."""
        self.n_updates += 1
        keep = min(self.keep, self.n_updates / (self.n_updates + 10))
        for value, parameter in zip(self.values, self.parameters, strict=False):
            value.lerp_(parameter, 1 - keep)

    def copies(self) -> list[Tensor]:
        """The average as it is."""
        return [value.detach().clone() for value in (self.values or self.parameters)]

    @torch.no_grad()
    def restore(self, values: Sequence[Tensor], n_updates: int) -> None:
        """Go on from an earlier average."""
        self.n_updates = n_updates
        for value, earlier in zip(self.values, values, strict=True):
            value.copy_(earlier)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The average in the parameters' place, for as long as the block runs."""
        now = [parameter.detach().clone() for parameter in self.parameters] if self.values else []
        self._set(self.values)
        try:
            yield
        finally:
            self._set(now)

    @torch.no_grad()
    def _set(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=False):
            parameter.copy_(value)
