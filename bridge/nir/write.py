"""Our networks out, as NIR graphs that other frameworks read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError
from ...network_description import LIFNeuron, NetworkDescription, Population, Projection
from .graph_file import FORMAT, FORMAT_VERSION, note, require_nir
from .units import MS_PER_S, bias_of_current, seconds, to_nir

ADDITIVE = 1e-12  # ms; delays this close to a sum of an axonal and a dendritic one are such a sum

SNNTORCH_DT = 0.1  # ms


def write_nir(
    description: NetworkDescription, path: str | Path, *, dt: float = SNNTORCH_DT, settled_bias: bool = False
) -> Path:
    """Write a network as a NIR graph.

    Neurons become CubaLIF, or LIF with instantaneous synapses, with rest 0 and dimensionless weights; projections
    Linear (Affine with a bias); delays Delay, before the weights (axonal) or behind them (dendritic). What NIR has no
    place for (cell types, units, encoding, length of a trial, refractory periods) is noted as JSON in the
    metadata of graph and nodes, where :func:`read_nir` finds it and others leave it alone.

    Parameters
    ----------
    description : NetworkDescription
    path : path
    dt : float
        How long a spike lasts [ms]: the time step of the framework that is to read the file. snnTorch's is 0.1 ms.
    settled_bias : bool
        Write a constant current into neurons with exponential synapses as a bias, which NIR filters by the synapses.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When something does not map: the sentence names the projection or population, and why.
    FileError
        When it cannot be written.
    MissingDependencyError
        Without the package ``nir``.
    """
    nir = require_nir()
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"dt must be positive and finite [ms], got {dt!r}")
    writer = _Writer(nir, description, float(dt), settled_bias)
    graph = nir.NIRGraph(
        nodes=writer.nodes,
        edges=writer.edges,
        metadata=note(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "dt": repr(float(dt)),
                "trial_duration": repr(float(description.trial_duration)),
                "encoding": dict(description.encoding),
                "metadata": dict(description.metadata),
            }
        ),
        # Loops and populations that nothing reaches are networks of ours too.
        type_check=False,
    )
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        nir.write(partial, graph)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise FileError(f"cannot write the NIR graph {path}: {error}") from error
    return path


class _Writer:
    """Nodes and edges of a description."""

    def __init__(self, nir: Any, description: NetworkDescription, dt: float, settled_bias: bool) -> None:
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self._nir, self._description, self._dt, self._settled_bias = nir, description, dt, settled_bias
        self._node_of = {}
        for index, population in enumerate(description.populations):
            name = self._unused(population.name)
            self._node_of[population.name] = name
            self.nodes[name] = self._population(index, population)
        delays = [_split_delay(projection) for projection in description.projections]
        biases = self._place_biases(delays)
        for index, projection in enumerate(description.projections):
            self._write(index, projection, *delays[index], biases.get(index))
        output = description.output
        name = self._unused("spikes")
        self.nodes[name] = nir.Output(output_type=np.array([output.size]))
        self.edges.append((self._node_of[output.name], name))

    def _population(self, index: int, population: Population) -> Any:
        said: dict[str, Any] = {
            "name": population.name,
            "index": index,
            "layer": population.layer,
            "cell_type": "".join(population.cell_type.tolist()),
        }
        neuron = population.neuron
        if neuron is None:
            return self._nir.Input(input_type=np.array([population.size]), metadata=note(said))
        said["neuron"] = {name: repr(float(value)) for name, value in vars(neuron).items()}
        if population.I_e.any():
            if neuron.tau_syn > 0 and not self._settled_bias:
                raise InputError(
                    f"the constant current into population {population.name!r} does not map: NIR's CubaLIF filters a "
                    f"bias by its synapses; settled_bias=True writes it as such"
                )
            said |= {"I_e": population.I_e.tolist(), "settled_bias": neuron.tau_syn > 0}
        kind = self._nir.LIF if neuron.tau_syn == 0 else self._nir.CubaLIF
        return kind(**to_nir(neuron, population.size, self._dt), metadata=note(said))

    def _place_biases(self, delays: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[int, Any]:
        """Constant currents go where the weights of a projection are: NIR has no other place for them."""
        found = {}
        for population in self._description.neurons:
            if not population.I_e.any():
                continue
            for index, projection in enumerate(self._description.projections):
                if projection.target == population.name and not delays[index][1].any():
                    assert population.neuron is not None
                    found[index] = bias_of_current(population.neuron, population.I_e, self._dt)
                    break
            else:
                raise InputError(
                    f"the constant current into population {population.name!r} does not map: NIR's bias belongs to a "
                    f"projection, and none onto it is without dendritic delays"
                )
        return found

    def _write(
        self,
        index: int,
        projection: Projection,
        axonal: NDArray[np.float64],
        dendritic: NDArray[np.float64],
        bias: NDArray[np.float64] | None,
    ) -> None:
        source, target = self._node_of[projection.source], self._node_of[projection.target]
        neuron = self._description[projection.target].neuron
        assert neuron is not None
        name = self._unused(f"{source}_to_{target}")
        said = note({"projection": index, "obeys_dale": projection.obeys_dale})
        weight = _dimensionless(projection.weights, neuron).T
        row = [source]
        for kind, delay in (("axonal", axonal), ("dendritic", dendritic)):
            if kind == "dendritic":
                if bias is None:
                    self.nodes[name] = self._nir.Linear(weight=weight, metadata=said)
                else:
                    self.nodes[name] = self._nir.Affine(weight=weight, bias=bias, metadata=said)
                row.append(name)
            if delay.any():
                row.append(self._unused(f"{name}_{kind}_delay"))
                self.nodes[row[-1]] = self._nir.Delay(delay=seconds(delay), metadata=_exactly(delay))
        row.append(target)
        self.edges += list(itertools.pairwise(row))

    def _unused(self, name: str) -> str:
        """A name that HDF5 and torch's modules can bear, and no other node has."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "node"
        found, count = plain, 1
        while found in self.nodes:
            count += 1
            found = f"{plain}_{count}"
        return found


def _dimensionless(weights: NDArray[np.float64], neuron: LIFNeuron) -> NDArray[Any]:
    """In units of the threshold, in single precision where that loses nothing (networks trained in it)."""
    unit = neuron.unit_weight
    scaled = weights / unit
    with np.errstate(over="ignore"):
        single = scaled.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64) * unit, weights) else scaled


def _exactly(delay: NDArray[np.float64]) -> dict[str, str]:
    """Delays in ms, where their conversion to seconds and back would change the last bit."""
    return {} if np.array_equal(seconds(delay) * MS_PER_S, delay) else note({"delay": delay.tolist()})


def _split_delay(projection: Projection) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axonal and dendritic delays [ms] that add up to those of a projection.

    Raises
    ------
    InputError
        When each synapse has its own, which NIR cannot say.
    """
    n_source, n_target = projection.weights.shape
    shape = projection.delay.shape
    delay = np.broadcast_to(projection.delay, (n_source, n_target))
    if np.ptp(delay) == 0 or (len(shape) == 2 and shape[1] == 1):
        return np.array(delay[:, 0]), np.zeros(n_target)
    if len(shape) == 1 or shape[0] == 1:
        return np.zeros(n_source), np.array(delay[0])
    dendritic = delay.min(axis=0)
    axonal = delay[:, 0] - dendritic[0]
    if np.abs(axonal[:, None] + dendritic - delay).max() > ADDITIVE:
        raise InputError(
            f"the delays of projection {projection.source} -> {projection.target} do not map: NIR delays whole "
            f"channels (axonal or dendritic), and here each synapse has its own"
        )
    return axonal, dendritic
