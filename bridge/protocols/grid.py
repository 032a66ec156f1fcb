"""Spikes on a grid of time steps, as in most large simulations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Grid(Rung):
    """Spikes happen at ends of time steps (``iaf_psc_exp``); input spikes and delays are rounded to the nearest."""

    name: ClassVar[str] = "grid"
    axis: ClassVar[str] = "resolution"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

    resolution: float | None = parameter(None, "time step; without it that of the simulation", unit="ms", above=0)

    def change(self, plan: Plan) -> None:
        plan.on_grid = True
        if self.resolution is not None:
            plan.resolution = self.resolution
