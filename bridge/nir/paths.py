"""What lies between two populations of a NIR graph: weights and delays, joined into one projection."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .graph_file import Graph
from .units import MS_PER_S, seconds

LINEAR = ("Linear", "Affine", "Scale", "Delay", "Identity")
WHY_NOT = {
    "LI": "it never spikes; end the graph at the spiking node before it",
    "CubaLI": "it never spikes; end the graph at the spiking node before it",
    "I": "it never spikes; end the graph at the spiking node before it",
    "IF": "it does not leak, and our neurons have a finite membrane time constant",
    "Threshold": "it has no membrane",
    "Conv1d": "convolutions are not unrolled; write them as Linear",
    "Conv2d": "convolutions are not unrolled; write them as Linear",
    "SumPool2d": "pooling is not unrolled; write it as Linear",
    "AvgPool2d": "pooling is not unrolled; write it as Linear",
}


@dataclass(frozen=True)
class Link:
    """How the spikes of one population reach a node.

    Attributes
    ----------
    source : str
        A neuron node or the input.
    matrix : array, shape [n_node, n_source], or None
        None while each channel is one unit of the source.
    scale : array, shape [n_source]
        Factor of each channel, without a matrix.
    axonal : array, shape [n_source]
        Delay before the matrix [ms].
    dendritic : array, shape [n_node]
        Delay behind it [ms].
    via : tuple of str
        The nodes in between.
    """

    source: str
    matrix: NDArray[np.float64] | None
    scale: NDArray[np.float64]
    axonal: NDArray[np.float64]
    dendritic: NDArray[np.float64]
    via: tuple[str, ...] = ()

    @property
    def weights(self) -> NDArray[np.float64]:
        """NIR's weights, shape [n_source, n_node]."""
        return np.diag(self.scale) if self.matrix is None else self.matrix.T

    @property
    def delay(self) -> NDArray[np.float64]:
        """[ms], broadcastable to the weights; a scalar when all are the same."""
        uniform = np.ptp(self.axonal) == 0 and np.ptp(self.dendritic) == 0
        if uniform:
            return np.asarray(self.axonal[0] + self.dendritic[0])
        if not self.dendritic.any():
            return self.axonal[:, None]
        if not self.axonal.any():
            return self.dendritic[None, :]
        return self.axonal[:, None] + self.dendritic[None, :]


class Wiring:
    """Finds the links into each neuron node, and the constant that reaches it.

    Parameters
    ----------
    graph : Graph
    populations : tuple of str
        The input and the neuron nodes.

    Raises
    ------
    InputError
        When a node does not map; the sentence names it.
    """

    def __init__(self, graph: Graph, populations: tuple[str, ...]) -> None:
        self._graph, self._populations = graph, frozenset(populations)
        self._matrices: dict[str, NDArray[np.float64]] = {}

    def size(self, name: str, seen: frozenset[str] = frozenset()) -> int:
        """Number of channels that leave a node."""
        graph, node = self._graph, self._graph.nodes[name]
        kind = graph.kind(name)
        if kind in ("Linear", "Affine"):
            return int(self._matrix(name).shape[0])
        own = 1
        if kind in ("Input", "Output"):
            shape = next(iter(node.input_type.values()))
            if shape is None:
                raise InputError(f"{graph.where(name)} does not say its shape")
            return int(np.prod(np.asarray(shape, dtype=np.int64)))
        if kind == "Scale":
            own = np.size(node.scale)
        elif kind == "Delay":
            own = np.size(node.delay)
        elif name in self._populations:
            own = max(np.size(value) for value in vars(node).values() if isinstance(value, np.ndarray | np.generic))
        if own > 1:
            return own
        # Parameters may be one for all units, whose number then follows from what reaches them.
        before = [self.size(source, seen | {name}) for source in graph.sources(name) if source not in seen | {name}]
        return max(before, default=1)

    def links(self, target: str) -> list[Link]:
        """All links into a neuron node, or into any other."""
        return self._joined(target, ())

    def constant(self, name: str) -> NDArray[np.float64]:
        """What reaches a node at all times, without a spike; shape [n_node]."""
        total = np.zeros(self.size(name))
        for source in self._graph.sources(name):
            total = total + self._constant_out(source)
        return total

    def _joined(self, name: str, stack: tuple[str, ...]) -> list[Link]:
        links = [link for source in self._graph.sources(name) for link in self._out(source, stack)]
        if name in self._populations or self._graph.kind(name) in ("Identity", "Output"):
            size = self.size(name)
            for link in links:
                if len(link.dendritic) != size:
                    raise InputError(
                        f"{self._graph.where(name)} has {size} units, it is given {len(link.dendritic)} channels "
                        f"from {link.source!r}"
                    )
        return links

    def _out(self, name: str, stack: tuple[str, ...]) -> list[Link]:
        """The links that leave a node."""
        graph, kind = self._graph, self._graph.kind(name)
        if name in self._populations:
            n = self.size(name)
            return [Link(name, None, np.ones(n), np.zeros(n), np.zeros(n))]
        if kind not in LINEAR:
            raise InputError(f"{graph.where(name)} does not map: {WHY_NOT.get(kind, 'it is not known here')}")
        if name in stack:
            raise InputError(f"{graph.where(name)} does not map: it lies on a loop without a neuron")
        before = self._joined(name, (*stack, name))
        return [replace(self._through(name, kind, link), via=(*link.via, name)) for link in before]

    def _through(self, name: str, kind: str, link: Link) -> Link:
        if kind == "Identity":
            return link
        node = self._graph.nodes[name]
        n_channels = len(link.dendritic)
        if kind in ("Linear", "Affine"):
            matrix = self._matrix(name)
            if matrix.shape[1] != n_channels:
                raise InputError(
                    f"{self._graph.where(name)} has weights for {matrix.shape[1]} channels, it is given {n_channels}"
                )
            return self._mixed(name, matrix, link)
        values = np.asarray(node.scale if kind == "Scale" else node.delay, dtype=np.float64).ravel()
        if values.size not in (1, n_channels):
            raise InputError(
                f"{self._graph.where(name)} has values for {values.size} channels, it is given {n_channels}"
            )
        values = np.array(np.broadcast_to(values, (n_channels,)))
        if not np.all(np.isfinite(values)):
            raise InputError(f"{self._graph.where(name)} must have finite values")
        if kind == "Scale":
            if link.matrix is None:
                return replace(link, scale=link.scale * values)
            return replace(link, matrix=link.matrix * values[:, None])
        if np.any(values < 0):
            raise InputError(f"{self._graph.where(name)} must have delays >= 0 s, got {values.min():g}")
        delay = self._milliseconds(name, values)
        if link.matrix is None:
            return replace(link, axonal=link.axonal + delay)
        return replace(link, dendritic=link.dendritic + delay)

    def _mixed(self, name: str, matrix: NDArray[np.float64], link: Link) -> Link:
        """Behind one more matrix."""
        n_channels = len(matrix)
        if link.matrix is None:
            scaled = matrix if np.all(link.scale == 1) else matrix * link.scale
            return replace(link, matrix=scaled, dendritic=np.zeros(n_channels))
        if np.ptp(link.dendritic) > 0:
            delay = next(node for node in reversed(link.via) if self._graph.kind(node) == "Delay")
            raise InputError(
                f"{self._graph.where(delay)} does not map: different delays between two weights "
                f"(before node {name!r}) are those of no synapse"
            )
        uniform = np.full(n_channels, link.dendritic[0])
        return replace(link, matrix=matrix @ link.matrix, dendritic=uniform)

    def _constant_out(self, name: str) -> NDArray[np.float64]:
        if name in self._populations:
            return np.zeros(self.size(name))
        kind, node = self._graph.kind(name), self._graph.nodes[name]
        before = self.constant(name) if kind not in ("Linear", "Affine") else self._constant_before(name)
        if kind in ("Linear", "Affine"):
            bias = np.asarray(node.bias, dtype=np.float64).ravel() if kind == "Affine" else np.zeros(self.size(name))
            if bias.size != self.size(name) or not np.all(np.isfinite(bias)):
                raise InputError(f"{self._graph.where(name)} must have {self.size(name)} finite biases")
            return bias if not before.any() else bias + self._matrix(name) @ before
        if kind == "Scale":
            return before * np.asarray(node.scale, dtype=np.float64).ravel()
        if kind == "Delay" and before.any():
            raise InputError(
                f"{self._graph.where(name)} does not map: a bias would reach it, and constants are not delayed here"
            )
        return before

    def _constant_before(self, name: str) -> NDArray[np.float64]:
        total = np.zeros(self._matrix(name).shape[1])
        for source in self._graph.sources(name):
            total = total + self._constant_out(source)
        return total

    def _matrix(self, name: str) -> NDArray[np.float64]:
        if name in self._matrices:
            return self._matrices[name]
        matrix = np.asarray(self._graph.nodes[name].weight, dtype=np.float64)
        if matrix.ndim != 2:
            raise InputError(
                f"{self._graph.where(name)} does not map: its weight must be a matrix, got shape {matrix.shape}"
            )
        bad = np.argwhere(~np.isfinite(matrix))
        if len(bad):
            row, column = bad[0]
            raise InputError(
                f"{self._graph.where(name)} must have finite weights, got {matrix[row, column]} at [{row}, {column}]"
            )
        self._matrices[name] = matrix
        return matrix

    def _milliseconds(self, name: str, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        """Delays of a node; to the last bit those that we wrote, if it still says so."""
        exact = np.asarray(self._graph.note_of(name).get("delay", ()), dtype=np.float64)
        if exact.shape == delay.shape and np.array_equal(seconds(exact), delay):
            return exact
        return delay * MS_PER_S
