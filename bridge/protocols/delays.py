"""Delays that differ from synapse to synapse."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..schedule import cut_normal
from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Delays(Rung):
    """Every synapse has a delay of its own, drawn once: the trained one plus a normal number, cut at 3 SD.

    Where that lets a spike arrive before it was sent, the layer behind is shifted as a whole, which changes nothing in
    a feed-forward network.
    """

    name: ClassVar[str] = "delays"
    axis: ClassVar[str] = "sd"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.5, 1.0, 2.0)

    sd: float = parameter(0.5, "standard deviation over synapses", unit="ms", minimum=0.0)

    def change(self, plan: Plan) -> None:
        plan.synapses = [
            dataclasses.replace(
                synapses,
                delay=synapses.delay + self.sd * cut_normal(plan.generator(f"delays {number}"), synapses.weights.shape),
            )
            for number, synapses in enumerate(plan.synapses)
        ]
