"""What a network *is*, in physical units: the type that models export and simulators run.

Units: time in ms, potential in mV, current in pA, capacitance in pF. A spike of source unit ``i`` at time ``t`` adds
``weights[i, j]`` [pA] to the exponentially decaying synaptic current of target unit ``j`` at ``t + delay[i, j]``:

    C_m dV/dt = -(C_m / tau_m) (V - E_L) + I_syn + I_e,    tau_syn dI_syn/dt = -I_syn

Without a synaptic time constant (``tau_syn = 0``) it adds ``weights[i, j]`` [mV] to the potential itself.

Numpy only: every room of semsync can import this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError
from .network_file import check_format as check_format
from .network_file import read_network, write_network
from .network_file import replace_safetensors as replace_safetensors

EXCITATORY, INHIBITORY, UNTYPED = "E", "I", "-"


@dataclass(frozen=True)
class LIFNeuron:
    """Leaky integrate-and-fire neuron with exponential current synapses, or instantaneous ones, in physical units.

    Attributes
    ----------
    tau_m : float
        Membrane time constant [ms].
    tau_syn : float
        Synaptic time constant [ms]; 0 when an input spike moves the potential at once. Weights of all synapses onto
        such a neuron are in mV instead of pA.
    C_m : float
        Membrane capacitance [pF].
    E_L, V_th, V_reset : float
        Resting, threshold and reset potential [mV].
    t_ref : float
        Refractory period [ms]; ``inf`` when a unit fires at most once a trial.
    """

    tau_m: float
    tau_syn: float
    C_m: float = 250.0
    E_L: float = 0.0
    V_th: float = 20.0
    V_reset: float = 0.0
    t_ref: float = float("inf")

    def __post_init__(self) -> None:
        for name in ("tau_m", "C_m"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} of a neuron must be positive and finite, got {value!r}")
        if not (np.isfinite(self.tau_syn) and self.tau_syn >= 0):
            raise InputError(
                f"tau_syn of a neuron must be positive and finite, or 0 for instantaneous synapses, "
                f"got {self.tau_syn!r}"
            )
        for name in ("E_L", "V_th", "V_reset"):
            if not np.isfinite(getattr(self, name)):
                raise InputError(f"{name} of a neuron must be finite, got {getattr(self, name)!r}")
        if not self.V_th > max(self.E_L, self.V_reset):
            raise InputError(
                f"V_th of a neuron must lie above E_L and V_reset, got V_th = {self.V_th} mV, "
                f"E_L = {self.E_L} mV, V_reset = {self.V_reset} mV"
            )
        if not self.t_ref >= 0:
            raise InputError(f"t_ref of a neuron must be >= 0 ms, got {self.t_ref!r}")

    @property
    def pA_per_unit_weight(self) -> float:
        """Synaptic current [pA] of the dimensionless weight 1 (threshold 1): ``C_m (V_th - E_L) / tau_syn``.

        The dimensionless weight is the one of the normalised potential
        ``V(t) = sum_i w_i tau_m / (tau_m - tau_syn) (exp(-s_i / tau_m) - exp(-s_i / tau_syn))``.

        Raises
        ------
        InputError
            When there is no such current, as synapses are instantaneous (``tau_syn = 0``).
        """
        if self.tau_syn == 0:
            raise InputError("a neuron with instantaneous synapses (tau_syn = 0) has weights in mV, none in pA")
        return self.C_m * (self.V_th - self.E_L) / self.tau_syn

    @property
    def unit_weight(self) -> float:
        """The dimensionless weight 1 in the unit of this neuron's synapses: pA, or mV where ``tau_syn`` is 0.

        In mV it is the distance from rest to threshold, so that one spike of weight 1 reaches it.
        """
        return self.V_th - self.E_L if self.tau_syn == 0 else self.pA_per_unit_weight


@dataclass(frozen=True)
class Population:
    """Units of one layer.

    Attributes
    ----------
    name : str
        Unique within the network.
    size : int
        Number of units.
    layer : int
        0 for inputs, then counted along the pathway.
    neuron : LIFNeuron or None
        None for inputs, which only relay the spikes they are given.
    cell_type : array of str, shape [size]
        "E", "I" or "-" (untyped) for each unit.
    I_e : array, shape [size]
        Constant current into each unit [pA] from the onset of a trial on; a scalar is meant for all units.
    """

    name: str
    size: int
    layer: int
    neuron: LIFNeuron | None = None
    cell_type: NDArray[np.str_] = None  # type: ignore[assignment]
    I_e: NDArray[np.float64] = 0.0  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"population {self.name!r} must have at least one unit, got size {self.size}")
        given = UNTYPED if self.cell_type is None else self.cell_type
        cell_type = np.array(np.broadcast_to(np.asarray(given, dtype="<U1"), (self.size,)))
        unknown = sorted(set(cell_type.tolist()) - {EXCITATORY, INHIBITORY, UNTYPED})
        if unknown:
            raise InputError(f"cell_type of population {self.name!r} must be 'E', 'I' or '-', got {unknown}")
        object.__setattr__(self, "cell_type", cell_type)
        object.__setattr__(self, "I_e", self._checked_current())

    def _checked_current(self) -> NDArray[np.float64]:
        current = np.asarray(self.I_e, dtype=np.float64)
        if current.shape not in ((), (self.size,)):
            raise InputError(f"I_e of population {self.name!r} must have shape ({self.size},), got {current.shape}")
        current = np.array(np.broadcast_to(current, (self.size,)))
        bad = np.flatnonzero(~np.isfinite(current))
        if len(bad):
            raise InputError(f"I_e of population {self.name!r} must be finite, unit {bad[0]} has {current[bad[0]]}")
        if self.neuron is None and current.any():
            raise InputError(f"population {self.name!r} only relays spikes and takes no current I_e")
        return current


@dataclass(frozen=True)
class Projection:
    """All synapses from one population to another.

    Attributes
    ----------
    source, target : str
        Names of populations.
    weights : array, shape [n_source, n_target]
        Synaptic current per spike [pA], or jump of the potential [mV] where the target's ``tau_syn`` is 0; 0 means no
        synapse.
    delay : array, broadcastable to [n_source, n_target]
        Transmission delay [ms]: a scalar, [n_source, 1] (axonal), [1, n_target] (dendritic) or one per synapse.
    obeys_dale : bool
        The sign of every weight is that of its source unit's cell type (E: >= 0, I: <= 0).
    """

    source: str
    target: str
    weights: NDArray[np.float64]
    delay: NDArray[np.float64] = field(default_factory=lambda: np.zeros(()))
    obeys_dale: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", np.asarray(self.weights, dtype=np.float64))
        object.__setattr__(self, "delay", np.asarray(self.delay, dtype=np.float64))


@dataclass(frozen=True)
class NetworkDescription:
    """Populations, projections, and how spikes enter and are read out.

    Attributes
    ----------
    populations : sequence of Population
        In the order of their layers; the first is the input, the last the output.
    projections : sequence of Projection
    trial_duration : float
        Time [ms] from the onset of a stimulus until the trial is over.
    encoding : mapping
        How a stimulus becomes input spikes, as plain JSON values (see :mod:`semsync.models.encoding`); may be empty.
    metadata : mapping
        Plain JSON values that travel along: preset, seed, versions, source.

    Raises
    ------
    InputError
        On a wrong shape, a NaN or infinite weight, a negative delay, a sign that breaks Dale's law, or a name that
        is missing or used twice. The message says where.
    """

    populations: Sequence[Population]
    projections: Sequence[Projection]
    trial_duration: float
    encoding: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "populations", tuple(self.populations))
        object.__setattr__(self, "projections", tuple(self.projections))
        self._validate()

    def __getitem__(self, name: str) -> Population:
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(repr(population.name) for population in self.populations)
        raise InputError(f"the network has no population {name!r}; it has {known}")

    @property
    def input(self) -> Population:
        """The population that is given spikes."""
        return self.populations[0]

    @property
    def output(self) -> Population:
        """The population whose first spike is the decision."""
        return self.populations[-1]

    @property
    def neurons(self) -> tuple[Population, ...]:
        """All populations that are simulated, inputs left out."""
        return tuple(population for population in self.populations if population.neuron is not None)

    def unit_table(self) -> dict[str, NDArray[Any]]:
        """Columns of the unit table of a recording of all populations, in their order (see :class:`SpikeTable`)."""
        sizes = [population.size for population in self.populations]
        return {
            "unit_id": np.arange(sum(sizes)),
            "population": np.repeat([population.name for population in self.populations], sizes),
            "layer": np.repeat([population.layer for population in self.populations], sizes),
            "cell_type": np.concatenate([population.cell_type for population in self.populations]),
        }

    @property
    def n_synapses(self) -> int:
        """Number of synapses of non-zero weight."""
        return int(sum(np.count_nonzero(projection.weights) for projection in self.projections))

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[ArrayLike],
        neuron: LIFNeuron,
        *,
        cell_types: Sequence[ArrayLike] | None = None,
        delays: Sequence[ArrayLike] | None = None,
        obeys_dale: Sequence[bool] | None = None,
        trial_duration: float,
        dimensionless: bool = True,
        encoding: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> NetworkDescription:
        """A feed-forward network from one weight matrix per layer, trained anywhere.

        Parameters
        ----------
        weights : sequence of array, shapes [n_0, n_1], [n_1, n_2], ...
            Rows are source units. Dimensionless (threshold 1, see ``LIFNeuron.unit_weight``), or in pA (mV where
            ``tau_syn`` is 0).
        neuron : LIFNeuron
            Of all layers but the input.
        cell_types : sequence of array of str, shapes [n_0], [n_1], ..., optional
            "E", "I" or "-" for each unit of each layer, input included.
        delays : sequence of array, optional
            One per weight matrix [ms], broadcastable to it; zero without.
        obeys_dale : sequence of bool, optional
            One per weight matrix.
        trial_duration : float
            [ms]
        dimensionless : bool
            Whether `weights` are dimensionless rather than in pA (mV).

        Examples
        --------
        >>> import numpy as np
        >>> from semsync import LIFNeuron, NetworkDescription
        >>> neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
        >>> network = NetworkDescription.from_weights([np.ones((4, 3)), np.ones((3, 2))], neuron, trial_duration=50.0)
        >>> [population.name for population in network.populations]
        ['input', 'hidden_1', 'output']
        >>> network.n_synapses
        18
        """
        matrices = [np.asarray(matrix, dtype=np.float64) for matrix in weights]
        if not matrices or any(matrix.ndim != 2 for matrix in matrices):
            shapes = [matrix.shape for matrix in matrices]
            raise InputError(f"weights must be one matrix [n_source, n_target] per layer, got shapes {shapes}")
        n_layers = len(matrices)
        for what, values, wanted in (
            ("cell_types", cell_types, n_layers + 1),
            ("delays", delays, n_layers),
            ("obeys_dale", obeys_dale, n_layers),
        ):
            if values is not None and len(values) != wanted:
                raise InputError(f"{what} must have {wanted} entries for {n_layers} weight matrices, got {len(values)}")
        sizes = [matrices[0].shape[0]] + [matrix.shape[1] for matrix in matrices]
        names = ["input", *(f"hidden_{layer}" for layer in range(1, n_layers)), "output"]
        populations = [
            Population(
                name,
                size,
                layer,
                neuron=None if layer == 0 else neuron,
                cell_type=None if cell_types is None else cell_types[layer],  # type: ignore[arg-type]
            )
            for layer, (name, size) in enumerate(zip(names, sizes, strict=True))
        ]
        scale = neuron.unit_weight if dimensionless else 1.0
        projections = [
            Projection(
                names[layer],
                names[layer + 1],
                matrix * scale,
                np.zeros(()) if delays is None else np.asarray(delays[layer], dtype=np.float64),
                False if obeys_dale is None else bool(obeys_dale[layer]),
            )
            for layer, matrix in enumerate(matrices)
        ]
        return cls(populations, projections, trial_duration, encoding or {}, metadata or {})

    def _validate(self) -> None:
        names = [population.name for population in self.populations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"population names must be unique, got {twice} more than once")
        if len(names) < 2:
            raise InputError(f"a network needs an input and at least one population of neurons, got {names}")
        if self.input.neuron is not None:
            raise InputError(f"the first population is the input and must have no neuron model, {names[0]!r} has one")
        for population in self.populations[1:]:
            if population.neuron is None:
                raise InputError(f"population {population.name!r} has no neuron model; only the first may be an input")
        if not (np.isfinite(self.trial_duration) and self.trial_duration > 0):
            raise InputError(f"trial_duration must be positive and finite, got {self.trial_duration!r} ms")
        for projection in self.projections:
            self._validate_projection(projection)

    def _validate_projection(self, projection: Projection) -> None:
        source, target = self[projection.source], self[projection.target]
        where = f"projection {projection.source} -> {projection.target}"
        weights, delay = projection.weights, projection.delay
        if weights.shape != (source.size, target.size):
            raise InputError(f"weights of {where} must have shape ({source.size}, {target.size}), got {weights.shape}")
        bad = np.argwhere(~np.isfinite(weights))
        if len(bad):
            i, j = bad[0]
            raise InputError(
                f"weights of {where} must be finite, got {weights[i, j]} from unit {i} to unit {j} ({len(bad)} in all)"
            )
        try:
            np.broadcast_to(delay, weights.shape)
        except ValueError:
            raise InputError(
                f"delay of {where} must be broadcastable to {weights.shape}, got shape {delay.shape}"
            ) from None
        if not np.all(np.isfinite(delay) & (delay >= 0)):
            raise InputError(f"delays of {where} must be finite and >= 0 ms, got a smallest of {np.min(delay)}")
        if projection.obeys_dale:
            cell_type = source.cell_type[:, None]
            broken = np.argwhere(
                ((cell_type == EXCITATORY) & (weights < 0)) | ((cell_type == INHIBITORY) & (weights > 0))
            )
            if len(broken):
                i, j = broken[0]
                raise InputError(
                    f"{where} is said to obey Dale's law, but unit {i} ({source.cell_type[i]}) has weight "
                    f"{weights[i, j]:g} to unit {j} ({len(broken)} in all)"
                )

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file: weights and delays as tensors, all else as JSON in its header."""
        tensors: dict[str, NDArray[Any]] = {}
        for index, projection in enumerate(self.projections):
            tensors[f"projection.{index}.weights"] = projection.weights
            tensors[f"projection.{index}.delay"] = projection.delay
        for index, population in enumerate(self.populations):
            if population.I_e.any():
                tensors[f"population.{index}.I_e"] = population.I_e
        instantaneous = any(population.neuron.tau_syn == 0 for population in self.neurons if population.neuron)
        # The lowest version that can say it all, so that an older semsync reads what it understands.
        version = 2 if instantaneous or any(population.I_e.any() for population in self.populations) else 1
        return write_network(Path(path), self._to_json(), tensors, version)

    @classmethod
    def load(cls, path: str | Path) -> NetworkDescription:
        """Read a file that :meth:`save` wrote.

        Raises
        ------
        FileError
            When the file is missing, truncated, of another kind, or of a newer format version.
        """
        return read_network(Path(path), cls._from_json)

    def _to_json(self) -> dict[str, Any]:
        def neuron_to_json(neuron: LIFNeuron | None) -> dict[str, float | str] | None:
            if neuron is None:
                return None
            # JSON has no infinity; repr() of a float is exact.
            return {name: repr(float(value)) for name, value in vars(neuron).items()}

        return {
            "populations": [
                {
                    "name": population.name,
                    "size": population.size,
                    "layer": population.layer,
                    "neuron": neuron_to_json(population.neuron),
                    "cell_type": "".join(population.cell_type.tolist()),
                }
                for population in self.populations
            ],
            "projections": [
                {"source": p.source, "target": p.target, "obeys_dale": p.obeys_dale} for p in self.projections
            ],
            "trial_duration": repr(float(self.trial_duration)),
            "encoding": dict(self.encoding),
            "metadata": dict(self.metadata),
        }

    @classmethod
    def _from_json(cls, plain: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> NetworkDescription:
        populations = [
            Population(
                item["name"],
                int(item["size"]),
                int(item["layer"]),
                None if item["neuron"] is None else LIFNeuron(**{k: float(v) for k, v in item["neuron"].items()}),
                np.array(list(item["cell_type"]), dtype="<U1"),
                tensors.get(f"population.{index}.I_e", np.zeros(())),
            )
            for index, item in enumerate(plain["populations"])
        ]
        projections = [
            Projection(
                item["source"],
                item["target"],
                tensors[f"projection.{index}.weights"],
                tensors[f"projection.{index}.delay"],
                bool(item["obeys_dale"]),
            )
            for index, item in enumerate(plain["projections"])
        ]
        return cls(populations, projections, float(plain["trial_duration"]), plain["encoding"], plain["metadata"])
