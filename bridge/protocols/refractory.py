"""Finite refractoriness: a neuron may fire again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Refractory(Rung):
    """A neuron that fired is silent for `t_ref`, then integrates from its reset potential and may fire again."""

    name: ClassVar[str] = "refractory"
    axis: ClassVar[str] = "t_ref"
    sweep: ClassVar[tuple[float, ...]] = (20.0, 10.0, 5.0, 2.0, 1.0)

    t_ref: float | None = parameter(
        None, "refractory period; without it that of the network where finite, else 2 ms", unit="ms", minimum=0
    )

    def change(self, plan: Plan) -> None:
        plan.fires_once = False
        for parameters in plan.neurons.values():
            own = parameters["t_ref"] if np.isfinite(parameters["t_ref"]) else 2.0
            # Precise neurons of NEST need one step at least.
            parameters["t_ref"] = max(own if self.t_ref is None else self.t_ref, plan.resolution)
