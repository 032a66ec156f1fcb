"""Stimulus after stimulus, without a reset in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Ongoing(Rung):
    """Potentials, currents and refractory periods carry over from one trial to the next, `gap` apart.

    After `session` trials the network is set back to rest; sessions are what is spread over processes.
    """

    name: ClassVar[str] = "ongoing"
    axis: ClassVar[str] = "gap"
    sweep: ClassVar[tuple[float, ...]] = (200.0, 100.0, 50.0, 20.0, 0.0)
    needs: ClassVar[tuple[str, ...]] = ("refractory",)

    gap: float = parameter(0.0, "from the end of a trial to the onset of the next", unit="ms", minimum=0.0)
    session: int = parameter(25, "trials in a row", minimum=1)

    def change(self, plan: Plan) -> None:
        plan.gap, plan.session = self.gap, self.session
