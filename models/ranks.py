"""Processes that train one network together, each on its share of every batch (``torchrun``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """How many processes there are, and which one this is; one alone unless told.

    Examples
    --------
    >>> from semsync.models.ranks import Ranks
    >>> list(range(7))[Ranks(n=2, rank=1).share]
    [1, 3, 5]
    """

    n: int = 1
    rank: int = 0

    @classmethod
    def of_environment(cls) -> Ranks:
        """Join the processes that ``torchrun`` started (gloo); one alone where it did not."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        import torch.distributed

        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("gloo")
        return cls(torch.distributed.get_world_size(), torch.distributed.get_rank())

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """Of a batch, the samples of this process."""
        return slice(self.rank, None, self.n)

    @torch.no_grad()
    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, in one exchange; the same bits in all of them."""
        if self.n == 1:
            return
        import torch.distributed

        together = torch.cat([tensor.detach().double().ravel() for tensor in tensors])
        torch.distributed.all_reduce(together)
        start = 0
        for tensor in tensors:
            tensor.copy_(together[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.n > 1:
            import torch.distributed

            torch.distributed.barrier()

    def part(self) -> None:
        """Wait for all, then end what joins them: a process that just exits takes the others with it."""
        if self.n > 1:
            import torch.distributed

            self.wait()
            torch.distributed.destroy_process_group()


ALONE = Ranks()
