"""Feed-forward networks of first-spike layers with excitatory and inhibitory populations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ..errors import InputError
from ..network_description import EXCITATORY, INHIBITORY, UNTYPED, LIFNeuron, NetworkDescription, Projection
from .disturbances import Disturbances
from .first_spike import first_spike_times

Count = Annotated[int, Field(ge=0)]


class HiddenLayer(BaseModel):
    """Sizes of one hidden layer: excitatory and inhibitory units, or units of no type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_E: Annotated[Count, Field(description="excitatory units")] = 0
    n_I: Annotated[Count, Field(description="inhibitory units")] = 0
    n_untyped: Annotated[Count, Field(description="units that may excite and inhibit")] = 0

    @property
    def cell_types(self) -> NDArray[np.str_]:
        return np.array([EXCITATORY] * self.n_E + [INHIBITORY] * self.n_I + [UNTYPED] * self.n_untyped, dtype="<U1")


class DelayConfig(BaseModel):
    """Learnable transmission delays: a shift of each source unit's spikes (axonal), of each target's (dendritic), of
    both, or one for every synapse, which takes about ten times as long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[
        Literal["none", "axonal", "dendritic", "both", "synaptic"],
        Field(description="which delays the network has and learns"),
    ] = "none"
    minimum: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="smallest delay that training may reach [ms]")
    ] = 0.1
    mean: Annotated[float, Field(ge=0, allow_inf_nan=False, description="mean initial delay [ms]")] = 1.0
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False, description="SD of the initial delays [ms]")] = 0.5

    def initialise(self, sizes: list[int], rng: np.random.Generator) -> dict[str, list[Tensor]]:
        """Initial delays of each kind for a network of layers of `sizes`, input first."""
        found = {}
        shapes: dict[str, list[Any]] = {"axonal": sizes[:-1], "dendritic": sizes[1:]}
        if self.kind == "synaptic":
            shapes["synaptic"] = list(itertools.pairwise(sizes))
        for kind, wanted in shapes.items():
            drawn = [np.maximum(rng.normal(self.mean, self.sd, shape), self.minimum) for shape in wanted]
            has = self.kind == kind or (self.kind == "both" and kind != "synaptic")
            found[kind] = [torch.from_numpy(d) for d in drawn] if has else []
        return found


class NetworkConfig(BaseModel):
    """Architecture and initial weights. Weights are dimensionless: 1 is the threshold (see models.neuron)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    hidden: Annotated[tuple[HiddenLayer, ...], Field(min_length=1, description="hidden layers, input side first")]
    delays: DelayConfig = DelayConfig()
    dale: Annotated[
        bool, Field(description="the sign of a hidden unit's outgoing weights is that of its type; inputs are exempt")
    ] = True
    first_mean: Annotated[float, Field(description="mean initial weight from the inputs")] = 0.01
    first_sd: Annotated[float, Field(gt=0, description="SD of the initial weights from the inputs")] = 0.1
    hidden_mean: Annotated[float, Field(description="mean initial weight between hidden layers")] = 0.01
    hidden_sd: Annotated[float, Field(gt=0, description="SD of the initial weights between hidden layers")] = 0.1
    output_mean: Annotated[float, Field(description="mean initial weight to the outputs")] = 0.15
    output_sd: Annotated[float, Field(gt=0, description="SD of the initial weights to the outputs")] = 0.8


class FirstSpikeNetwork(nn.Module):
    """A feed-forward network whose neurons fire at most once a trial, with exact spike times.

    Parameters
    ----------
    weights : sequence of Tensor, shapes [n_0, n_1], [n_1, n_2], ...
        Dimensionless (threshold 1).
    neuron : LIFNeuron
        Of all layers but the input.
    cell_types : sequence of array of str, shapes [n_0], [n_1], ...
        "E", "I" or "-" for each unit.
    dale : bool
        Whether hidden units obey Dale's law. The matrix that leaves the inputs is exempt.
    trial_duration : float
        [ms], for simulators; the engine itself looks for spikes at any time.
    encoding : dict
        How stimuli become spikes, as plain JSON values.
    axonal, dendritic : sequence of Tensor, shapes [n_0], [n_1], ... and [n_1], [n_2], ...
        Delays of the synapses that leave each unit of a layer, and of those that reach each unit of the next [ms].
    synaptic : sequence of Tensor, shapes [n_0, n_1], [n_1, n_2], ...
        Delay of each synapse [ms]. What a spike takes in all is the sum of the three; an empty sequence is none.
    min_delay : float
        Smallest delay that :meth:`project` leaves [ms].
    """

    def __init__(
        self,
        weights: list[Tensor],
        neuron: LIFNeuron,
        cell_types: list[NDArray[np.str_]],
        *,
        dale: bool,
        trial_duration: float,
        encoding: dict[str, Any] | None = None,
        axonal: Sequence[Tensor] = (),
        dendritic: Sequence[Tensor] = (),
        synaptic: Sequence[Tensor] = (),
        min_delay: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(w.to(torch.float64)) for w in weights])
        self.neuron = neuron
        self.cell_types = cell_types
        self.dale = dale
        self.axonal = nn.ParameterList([nn.Parameter(d.to(torch.float64)) for d in axonal])
        self.dendritic = nn.ParameterList([nn.Parameter(d.to(torch.float64)) for d in dendritic])
        self.synaptic = nn.ParameterList([nn.Parameter(d.to(torch.float64)) for d in synaptic])
        self.min_delay = min_delay
        self.trial_duration = trial_duration
        self.encoding = encoding or {}

    @classmethod
    def initialise(
        cls,
        n_inputs: int,
        n_classes: int,
        config: NetworkConfig,
        neuron: LIFNeuron,
        rng: np.random.Generator,
        *,
        trial_duration: float,
        encoding: dict[str, Any] | None = None,
    ) -> FirstSpikeNetwork:
        """A network with random weights, already projected onto Dale's signs."""
        cell_types = [
            np.full(n_inputs, UNTYPED),
            *(layer.cell_types for layer in config.hidden),
            np.full(n_classes, UNTYPED),
        ]
        n_layers = len(cell_types) - 1
        weights = []
        for layer in range(n_layers):
            where = "first" if layer == 0 else "output" if layer == n_layers - 1 else "hidden"
            mean, sd = getattr(config, f"{where}_mean"), getattr(config, f"{where}_sd")
            shape = (len(cell_types[layer]), len(cell_types[layer + 1]))
            weights.append(torch.from_numpy(rng.normal(mean, sd, shape)))
        network = cls(
            weights,
            neuron,
            cell_types,
            dale=config.dale,
            trial_duration=trial_duration,
            encoding=encoding,
            min_delay=config.delays.minimum,
            **config.delays.initialise([len(cell_type) for cell_type in cell_types], rng),
        )
        network.project()
        return network

    @classmethod
    def from_description(cls, description: NetworkDescription) -> FirstSpikeNetwork:
        """The network that a description says, to be run or trained further in torch.

        Raises
        ------
        InputError
            When it is not one chain of layers of the same neuron, which is all this engine runs.
        """
        names = [population.name for population in description.populations]
        chain = [(p.source, p.target) for p in description.projections]
        if chain != list(itertools.pairwise(names)):
            raise InputError(f"the first-spike engine runs one chain of layers, the network has projections {chain}")
        first, *others = description.neurons
        for population in others:
            if population.neuron != first.neuron:
                raise InputError(
                    f"the first-spike engine has one neuron model; {population.name!r} differs from {first.name!r}"
                )
        for population in description.neurons:
            if population.neuron is not None and population.neuron.tau_syn == 0:
                raise InputError(
                    f"the first-spike engine has exponential synapses; those of population {population.name!r} are "
                    f"instantaneous (tau_syn = 0)"
                )
            if population.I_e.any():
                raise InputError(
                    f"the first-spike engine has no constant current; population {population.name!r} is given I_e"
                )
        delays = [_split_delay(projection) for projection in description.projections]
        axonal, dendritic, synaptic = [], [], []
        if any(delay is None for delay in delays):
            synaptic = [np.broadcast_to(p.delay, p.weights.shape).copy() for p in description.projections]
        elif any(np.any(part) for delay in delays for part in delay or ()):
            axonal, dendritic = ([delay[kind] for delay in delays if delay is not None] for kind in (0, 1))
        neuron = first.neuron
        assert neuron is not None
        return cls(
            [torch.from_numpy(p.weights / neuron.pA_per_unit_weight) for p in description.projections],
            neuron,
            [population.cell_type for population in description.populations],
            dale=any(p.obeys_dale for p in description.projections),
            trial_duration=description.trial_duration,
            encoding=dict(description.encoding),
            axonal=[torch.from_numpy(delay) for delay in axonal],
            dendritic=[torch.from_numpy(delay) for delay in dendritic],
            synaptic=[torch.from_numpy(delay) for delay in synaptic],
        )

    @property
    def delay_parameters(self) -> list[nn.Parameter]:
        """The delays of all kinds that the network has [ms]."""
        return [*self.axonal, *self.dendritic, *self.synaptic]

    @property
    def delays(self) -> list[NDArray[np.float64]] | None:
        """Delay of every synapse [ms], one array per weight matrix that can be broadcast to it; None without delays."""
        if not self.delay_parameters:
            return None
        found = []
        for k in range(len(self.weights)):
            delay = np.zeros((1, 1))
            if len(self.axonal):
                delay = delay + self.axonal[k].detach().cpu().numpy()[:, None]
            if len(self.dendritic):
                delay = delay + self.dendritic[k].detach().cpu().numpy()[None, :]
            if len(self.synaptic):
                delay = delay + self.synaptic[k].detach().cpu().numpy()
            found.append(delay)
        return found

    @property
    def obeys_dale(self) -> list[bool]:
        """For each weight matrix, whether its signs are those of its source units."""
        return [self.dale and layer > 0 for layer in range(len(self.weights))]

    def forward(
        self,
        times: Tensor,
        *,
        max_weight_gradient: float = float("inf"),
        engine: str | None = None,
        disturbances: Disturbances | None = None,
    ) -> list[Tensor]:
        """First spike times of every layer but the input.

        Parameters
        ----------
        times : Tensor, shape [batch, n_0]
            Input spike times [ms], inf where silent.
        max_weight_gradient, engine
            See :func:`semsync.models.first_spike.first_spike_times`.
        disturbances : Disturbances, optional
            Of weights, thresholds and hidden spikes.

        Returns
        -------
        list of Tensor, shapes [batch, n_1], [batch, n_2], ...
            [ms], inf where silent.
        """
        layers = []
        for k, weights in enumerate(self.weights):
            if disturbances is not None:
                weights = disturbances.weights(weights)
                times = disturbances.times(times) if k else times
            if len(self.axonal):
                times = times + self.axonal[k]
            times = first_spike_times(
                times,
                weights,
                self.neuron.tau_m,
                self.neuron.tau_syn,
                delays=self.synaptic[k] if len(self.synaptic) else None,
                max_weight_gradient=max_weight_gradient,
                engine=engine,
            )
            if len(self.dendritic):
                times = times + self.dendritic[k]
            layers.append(times)
        return layers

    @torch.no_grad()
    def project(self) -> None:
        """Back to what the network may be after a step: Dale's signs, and no delay below `min_delay`."""
        self.project_onto_dale()
        for delay in self.delay_parameters:
            delay.clamp_(min=self.min_delay)

    @torch.no_grad()
    def project_onto_dale(self) -> None:
        """Set every weight whose sign is not its source unit's to zero."""
        for weights, obeys, cell_type in zip(self.weights, self.obeys_dale, self.cell_types, strict=False):
            if obeys:
                lower = np.where(cell_type == EXCITATORY, 0.0, -np.inf)
                upper = np.where(cell_type == INHIBITORY, 0.0, np.inf)
                weights.clamp_(*(torch.from_numpy(bound[:, None]).to(weights) for bound in (lower, upper)))


def _split_delay(projection: Projection) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Axonal and dendritic delays [ms] whose sums are the delays of a projection; None where there are none such."""
    n_source, n_target = projection.weights.shape
    delay = np.broadcast_to(projection.delay, (n_source, n_target))
    if projection.delay.ndim == 2 and projection.delay.shape[1] == 1:
        return np.array(delay[:, 0]), np.zeros(n_target)
    dendritic = delay.min(axis=0)
    axonal = delay[:, 0] - dendritic[0]
    return (axonal, dendritic) if np.abs(axonal[:, None] + dendritic - delay).max() <= 1e-12 else None
