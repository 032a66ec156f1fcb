"""Delays that differ from trial to trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Jitter(Rung):
    """The delay of every axon, inputs included, is drawn anew in each trial: normal, cut at 3 SD.

    Behind every neuron stands a relay whose delay is set before the trial.
    """

    name: ClassVar[str] = "jitter"
    axis: ClassVar[str] = "sd"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.5, 1.0, 2.0)
    is_random: ClassVar[bool] = True

    sd: float = parameter(0.5, "standard deviation over trials", unit="ms", minimum=0.0)

    def change(self, plan: Plan) -> None:
        plan.jitter = self.sd
