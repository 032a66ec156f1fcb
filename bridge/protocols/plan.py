"""The plan of a simulation: all that is made in NEST, before NEST is there. Rungs change it; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import NetworkDescription
from ..schedule import Schedule
from .rung import Rung

Values = float | NDArray[np.float64]


@dataclass
class Synapses:
    """One projection.

    Attributes
    ----------
    source, target : str
    weights : array, shape [n_source, n_target]
        [pA]; [mV] onto neurons with instantaneous synapses, [nS] onto conductances (negative: inhibitory).
    delay : array, shape [n_source, n_target]
        [ms]; may be negative, as layers may be shifted.
    p_transmit : float
        Probability that a spike is transmitted.
    """

    source: str
    target: str
    weights: NDArray[np.float64]
    delay: NDArray[np.float64]
    p_transmit: float = 1.0


@dataclass
class Background:
    """Noise onto every neuron of the network, independent for each.

    Attributes
    ----------
    sd : float
        Standard deviation of the membrane potential without threshold [mV].
    kind : str
        "gaussian" current, constant for `step`, or "poisson" spikes through the synapses.
    step : float
        [ms]
    rate : float
        Poisson spikes per second of either sign.
    """

    sd: float
    kind: str
    step: float
    rate: float


@dataclass
class Plan:
    """What a protocol makes of a network.

    Attributes
    ----------
    description : NetworkDescription
    resolution : float
        Step h [ms].
    seed : int
        Of all that is drawn once, and of the trials' own draws.
    neurons : dict of str to dict
        For each population the parameters of its neurons: scalars, or one value per neuron.
    synapses : list of Synapses
    fires_once : bool
        Whether a neuron that fired is refractory to the end of the trial.
    on_grid : bool
        Whether spikes lie on the time steps.
    reversal : tuple of two floats, or None
        Excitatory and inhibitory reversal potential [mV] of conductance-based synapses.
    driving_force : tuple of two floats
        By what a trained current [pA] is divided to give a weight, excitatory and inhibitory [mV]; 1 for currents.
    background : Background or None
    jitter : float
        Standard deviation of every axon's delay over trials [ms].
    warm_up : float
        From the start of a session to its first trial [ms].
    session : int
        Trials in a row without a reset in between.
    gap : float
        Between two trials of a session [ms].
    """

    description: NetworkDescription
    resolution: float
    seed: int
    neurons: dict[str, dict[str, Values]]
    synapses: list[Synapses]
    fires_once: bool = True
    on_grid: bool = False
    reversal: tuple[float, float] | None = None
    driving_force: tuple[float, float] = (1.0, 1.0)
    background: Background | None = None
    jitter: float = 0.0
    warm_up: float = 0.0
    session: int = 1
    gap: float = 0.0
    is_random: bool = False
    schedule: Schedule = field(init=False)

    @classmethod
    def of(cls, description: NetworkDescription, rungs: Sequence[Rung], resolution: float, seed: int = 0) -> Plan:
        """The network as it is, changed by each rung in turn.

        Raises
        ------
        InputError
            When the network cannot be run so; the sentence says why.
        """
        neurons: dict[str, dict[str, Values]] = {}
        for population in description.neurons:
            neuron = population.neuron
            assert neuron is not None
            names = ("tau_m", "tau_syn", "C_m", "E_L", "V_th", "V_reset", "t_ref")
            neurons[population.name] = {name: getattr(neuron, name) for name in names}
            if population.I_e.any():
                neurons[population.name]["I_e"] = population.I_e
        synapses = [
            Synapses(p.source, p.target, p.weights, np.broadcast_to(p.delay, p.weights.shape))
            for p in description.projections
        ]
        plan = cls(description, resolution, seed, neurons, synapses)
        for rung in rungs:
            rung.change(plan)
            plan.is_random |= rung.is_random
        plan._finish()
        return plan

    def generator(self, purpose: str, session: int = 0) -> np.random.Generator:
        """A random generator of its own for every purpose and session."""
        return np.random.default_rng([self.seed, session, *purpose.encode()])

    def _finish(self) -> None:
        if self.fires_once:
            for population in self.description.neurons:
                assert population.neuron is not None
                if population.neuron.t_ref < self.description.trial_duration:
                    raise InputError(
                        f"protocol 'exact' lets every neuron fire at most once a trial: t_ref of population "
                        f"{population.name!r} must be >= the trial's {self.description.trial_duration:g} ms (inf is "
                        f"meant), got {population.neuron.t_ref:g} ms; add protocol 'refractory' to let it fire again"
                    )
        self.schedule = Schedule.of(
            self.description,
            self.resolution,
            delays=[synapses.delay for synapses in self.synapses],
            t_ref=None if self.fires_once else float(max(np.max(p["t_ref"]) for p in self.neurons.values())),
            jitter=self.jitter,
            warm_up=self.warm_up,
            session=self.session,
            gap=self.gap,
        )
        for parameters in self.neurons.values():
            if self.fires_once:
                parameters["t_ref"] = self.schedule.t_ref


def current_step_sd(sd: float, tau_m: Values, C_m: Values, step: float) -> Values:
    """Standard deviation [pA] of a current, drawn anew every `step` [ms], that moves a membrane by `sd` [mV].

    With a = exp(-step / tau_m) the potential follows V <- a V + (1 - a) (tau_m / C_m) I: an autoregression of variance
    (1 - a) / (1 + a) (tau_m / C_m)^2 Var(I).
    """
    decay = np.exp(-step / tau_m)
    return sd * C_m / tau_m * np.sqrt((1 + decay) / (1 - decay))


def poisson_weight(sd: float, rate: float, parameters: dict[str, Any]) -> Values:
    """Weight [pA; mV for instantaneous synapses] of Poisson spikes of either sign that move a membrane by `sd` [mV].

    Campbell's theorem: Var(V) = 2 rate J^2 int psp(t)^2 dt, with int psp^2 = tau_m^2 tau_syn^2 / (2 C_m^2
    (tau_m + tau_syn)), or tau_m / 2 for instantaneous synapses; `rate` [1/s].
    """
    tau_m, tau_syn, C_m = parameters["tau_m"], parameters["tau_syn"], parameters["C_m"]
    if np.all(np.asarray(tau_syn) == 0):
        integral = tau_m / 2
    else:
        integral = tau_m**2 * tau_syn**2 / (2 * C_m**2 * (tau_m + tau_syn))
    return sd / np.sqrt(2 * rate / 1000 * integral)


__all__ = ["Background", "Plan", "Synapses", "current_step_sd", "poisson_weight"]
