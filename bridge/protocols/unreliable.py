"""Synapses that fail."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Unreliable(Rung):
    """Every synapse loses a spike with probability `p_fail` (``bernoulli_synapse``).

    Weights are raised so that the mean current stays as trained. NEST's synapse has no continuous delays: those are
    rounded to the grid.
    """

    name: ClassVar[str] = "unreliable"
    axis: ClassVar[str] = "p_fail"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2, 0.5)
    is_random: ClassVar[bool] = True
    draws_in_nest: ClassVar[bool] = True

    p_fail: float = parameter(0.1, "probability of a failure", minimum=0.0, maximum=0.99)

    def change(self, plan: Plan) -> None:
        p_transmit = 1.0 - self.p_fail
        plan.synapses = [
            dataclasses.replace(synapses, weights=synapses.weights / p_transmit, p_transmit=p_transmit)
            for synapses in plan.synapses
        ]
