"""Synapses that change a conductance."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...errors import InputError
from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True)
class Conductance(Rung):
    """Synapses open conductances (``iaf_cond_exp``, on the grid) in place of injecting currents.

    A synapse passes its trained current at the potential `match`: ``g = w / |E_rev - V_match|``. Reversal potentials
    count from rest in units of the distance to threshold, so that nets of any scale keep their shape: 3.5 and -0.75 are
    0 and -85 mV for a rest of -70 and a threshold of -50 mV.
    """

    name: ClassVar[str] = "conductance"
    axis: ClassVar[str] = "E_ex"
    sweep: ClassVar[tuple[float, ...]] = (50.0, 20.0, 10.0, 5.0, 3.5)

    E_ex: float = parameter(3.5, "excitatory reversal potential, 0 at rest and 1 at threshold", above=1.0)
    E_in: float = parameter(-0.75, "inhibitory reversal potential, 0 at rest and 1 at threshold", maximum=-0.01)
    match: float = parameter(1.0, "potential at which currents are as trained", minimum=0.0, maximum=1.0)

    def change(self, plan: Plan) -> None:
        plan.on_grid = True
        reference = next(iter(plan.neurons.values()))
        E_L, V_th = float(np.mean(reference["E_L"])), float(np.mean(reference["V_th"]))
        for name, parameters in plan.neurons.items():
            if np.any(np.asarray(parameters["tau_syn"]) == 0):
                raise InputError(
                    f"protocol 'conductance' needs synapses with a time constant; tau_syn of population {name!r} is 0"
                )
            if (parameters["E_L"], parameters["V_th"]) != (E_L, V_th):
                raise InputError(
                    f"protocol 'conductance' needs the same E_L and V_th in all populations; {name!r} has "
                    f"{parameters['E_L']} and {parameters['V_th']} mV, not {E_L} and {V_th}"
                )
        scale = V_th - E_L
        plan.reversal = E_L + self.E_ex * scale, E_L + self.E_in * scale
        plan.driving_force = excitatory, inhibitory = (self.E_ex - self.match) * scale, (self.match - self.E_in) * scale
        plan.synapses = [
            dataclasses.replace(s, weights=s.weights / np.where(s.weights > 0, excitatory, inhibitory))
            for s in plan.synapses
        ]
