"""Background noise of the membrane potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .plan import Background
from .rung import Rung, parameter

if TYPE_CHECKING:
    from .plan import Plan

N_TAU = 5.0  # membrane time constants until the potential's distribution is that of a membrane in noise


@dataclass(frozen=True)
class Noise(Rung):
    """Every neuron receives independent noise of mean zero that moves its potential by `sd` where no threshold is.

    ``gaussian``: a current drawn anew every `step` (``noise_generator``). ``poisson``: excitatory and inhibitory spikes
    through the neuron's synapses, `rate` of either. The noise begins early enough for the potential to be stationary at
    the onset of the trial; until then no neuron fires.
    """

    name: ClassVar[str] = "noise"
    axis: ClassVar[str] = "sd"
    sweep: ClassVar[tuple[float, ...]] = (0.2, 0.5, 1.0, 2.0, 4.0)
    is_random: ClassVar[bool] = True
    draws_in_nest: ClassVar[bool] = True

    sd: float = parameter(1.0, "standard deviation of the free membrane potential", unit="mV", minimum=0.0)
    kind: str = parameter("gaussian", "current or spikes", choices=("gaussian", "poisson"))
    step: float = parameter(0.1, "for how long a gaussian current stays the same", unit="ms", above=0.0)
    rate: float = parameter(1000.0, "poisson spikes of either sign", unit="1/s", above=0.0, maximum=10_000.0)

    def change(self, plan: Plan) -> None:
        if self.sd == 0:
            return
        plan.background = Background(self.sd, self.kind, self.step, self.rate)
        slowest = max(neuron.tau_m + neuron.tau_syn for p in plan.description.neurons if (neuron := p.neuron))
        plan.warm_up = N_TAU * slowest
