"""Neurons that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Heterogeneity(Rung):
    """Every neuron has time constants, threshold and capacitance of its own, drawn once for the whole simulation.

    Each is the trained value times a log-normal number of mean 1 and coefficient of variation `cv`; the threshold's is
    that of its distance from rest.
    """

    name: ClassVar[str] = "heterogeneity"
    axis: ClassVar[str] = "cv"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2)

    cv: float = parameter(0.1, "coefficient of variation", minimum=0.0, maximum=1.0)
    what: str = parameter("all", "which parameters", choices=("all", "tau_m", "tau_syn", "V_th", "C_m"))

    def change(self, plan: Plan) -> None:
        sigma = np.sqrt(np.log1p(self.cv**2))
        for name, parameters in plan.neurons.items():
            size = plan.description[name].size
            for key in ("tau_m", "tau_syn", "V_th", "C_m"):
                # Drawn in any case, so that the factor of one parameter does not hang on which others vary.
                factor = np.exp(sigma * plan.generator(f"{key} of {name}").standard_normal(size) - sigma**2 / 2)
                if self.what not in ("all", key):
                    continue
                rest = parameters["E_L"] if key == "V_th" else 0.0
                parameters[key] = rest + (parameters[key] - rest) * factor
