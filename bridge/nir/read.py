"""A NIR graph in: which nodes are populations, which are projections, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError
from ...network_description import LIFNeuron, NetworkDescription, Population, Projection
from .graph_file import Graph, read_graph
from .paths import WHY_NOT, Link, Wiring
from .units import SPIKES, NeuronUnits, bias_of_current, to_ours

NEURONS = ("CubaLIF", "LIF")


def read_nir(
    path: str | Path,
    *,
    trial_duration: float | None = None,
    dt: float | None = None,
    spikes: str | None = None,
    t_ref: float | None = None,
    settled_bias: bool = False,
) -> NetworkDescription:
    """Read a network that another framework, or :func:`write_nir`, wrote as a NIR graph.

    Populations are the nodes CubaLIF and LIF, projections what lies between them: Linear, Affine, Scale, Flatten and
    Delay, alone or in a row. A Delay before the weights is axonal, one behind them dendritic.

    Parameters
    ----------
    path : path
    trial_duration : float, optional
        [ms]; only for files of ours it is known.
    dt : float, optional
        Time step [ms] of the framework that wrote the file, for which a spike lasts; NIR does not tell it. Files of
        ours do, and must not be told another. (NIR's spikes read as Dirac pulses of unit area: 1000 ms.)
    spikes : str, optional
        ``"pulse"`` (without it): a spike is 1 for `dt`, as NIR's equations are integrated with a time step.
        ``"jump"``: a spike adds ``w_in w`` to the current of a CubaLIF, as Norse's LIFCell is exported.
    t_ref : float, optional
        Refractory period [ms] of all neurons, which NIR has not: 0 without, or that of a file of ours; ``inf`` lets
        every neuron fire at most once.
    settled_bias : bool
        Take a bias that a CubaLIF filters with its synaptic time constant for a constant current. This is refused
        without being asked for, as the two differ in the first few tau_syn of a trial.

    Returns
    -------
    NetworkDescription
        Potentials are scaled so that the threshold lies 20 mV above rest, unless the file is ours.

    Raises
    ------
    InputError
        When a node does not map: the sentence names the node, and why.
    FileError
        When the file is missing, truncated, of another kind, or of a newer version.
    MissingDependencyError
        Without the package ``nir``.

    Notes
    -----
    NIR's neurons are reset to v_reset. What a framework does in place of that, a reset by subtraction or one step
    later, is not in the file.
    """
    graph = read_graph(Path(path))
    trial_duration = _given_or_noted(graph, "trial_duration", trial_duration)
    if trial_duration is None:
        raise InputError(f"{graph.path} does not say how long a trial lasts; give trial_duration [ms]")
    noted_dt = graph.note.get("dt")
    if noted_dt is not None and dt is not None and dt != float(noted_dt):
        raise InputError(f"{graph.path} says that its spikes last {noted_dt} ms, got dt = {dt:g} ms")
    dt = _given_or_noted(graph, "dt", dt)
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise InputError(f"dt must be positive and finite [ms], got {dt!r}")
    spikes = "pulse" if spikes is None else spikes
    if spikes not in SPIKES:
        raise InputError(f"spikes must be one of {', '.join(map(repr, SPIKES))}, got {spikes!r}")

    names = _population_nodes(graph)
    wiring = Wiring(graph, names)
    links = {name: wiring.links(name) for name in names[1:]}
    units = {
        name: to_ours(
            graph.where(name),
            graph.nodes[name],
            wiring.size(name),
            dt=dt,
            spikes=spikes,
            scale=_scale(graph, name, t_ref),
        )
        for name in names[1:]
    }
    layers = _layers(names, links)
    output = _output_population(graph, wiring)
    populations = {names[0]: _population(graph, names[0], wiring.size(names[0]), 0, None)}
    for name in names[1:]:
        current = _current(graph, name, wiring, units[name], dt=dt, settled_bias=settled_bias)
        populations[name] = _population(graph, name, wiring.size(name), layers[name], units[name].neuron, current)
    order = sorted(names[1:], key=lambda name: (name == output, *_place(graph, name, layers[name])))
    projections = [
        (_projection_place(graph, link), _projection(graph, populations, name, link, units[name]))
        for name in order
        for link in sorted(links[name], key=lambda link: order.index(link.source) if link.source in order else -1)
    ]
    projections.sort(key=lambda placed: placed[0])
    foreign = {"nir": {"version": graph.version, "dt": dt, "spikes": spikes}}
    return NetworkDescription(
        [populations[name] for name in (names[0], *order)],
        [projection for _, projection in projections],
        float(trial_duration),
        graph.note.get("encoding", {}),
        graph.note.get("metadata", {}) if graph.note else foreign,
    )


def _given_or_noted(graph: Graph, name: str, given: float | None) -> float | None:
    noted = graph.note.get(name)
    if given is not None or noted is None:
        return given
    try:
        return float(noted)
    except (TypeError, ValueError):
        raise FileError(f"{graph.path} has notes of semsync whose {name} is no number: {noted!r}") from None


def _population_nodes(graph: Graph) -> tuple[str, ...]:
    """The input, then all neuron nodes."""
    inputs = [name for name in graph.nodes if graph.kind(name) == "Input"]
    if len(inputs) != 1:
        raise InputError(f"{graph.path} must have one Input node, it has {_listed(inputs)}")
    neurons = sorted(name for name in graph.nodes if graph.kind(name) in NEURONS)
    for name in sorted(graph.nodes):
        if graph.kind(name) in WHY_NOT:
            raise InputError(f"{graph.where(name)} does not map: {WHY_NOT[graph.kind(name)]}")
    if not neurons:
        raise InputError(f"{graph.path} has no node of neurons (CubaLIF or LIF)")
    return inputs[0], *neurons


def _output_population(graph: Graph, wiring: Wiring) -> str:
    outputs = [name for name in graph.nodes if graph.kind(name) == "Output"]
    if len(outputs) != 1:
        raise InputError(f"{graph.path} must have one Output node, it has {_listed(outputs)}")
    links = wiring.links(outputs[0])
    if len(links) != 1 or graph.kind(links[0].source) == "Input":
        raise InputError(f"{graph.where(outputs[0])} must be given the spikes of one node of neurons")
    (link,) = links
    in_between = [name for name in link.via if graph.kind(name) != "Identity"]
    if in_between:
        raise InputError(
            f"{graph.where(in_between[0])} does not map: it lies between the neurons {link.source!r} and the output"
        )
    return link.source


def _scale(graph: Graph, name: str, t_ref: float | None) -> LIFNeuron:
    """The neuron that a node of ours was, or one that lends foreign nodes its units."""
    noted = graph.note_of(name).get("neuron")
    if noted is None:
        return LIFNeuron(tau_m=1.0, tau_syn=1.0, t_ref=0.0 if t_ref is None else t_ref)
    try:
        values = {key: float(value) for key, value in noted.items()}
        return LIFNeuron(**(values if t_ref is None else {**values, "t_ref": t_ref}))
    except (TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{graph.where(name)} has notes of semsync that describe no neuron: {error}") from error


def _layers(names: tuple[str, ...], links: Mapping[str, list[Link]]) -> dict[str, int]:
    """Layer of each population: the longest way from the input, edges that close a loop left out."""
    targets: dict[str, list[str]] = {name: [] for name in names}
    for target, incoming in links.items():
        for link in incoming:
            targets[link.source].append(target)
    layers = dict.fromkeys(names, 0)

    def visit(name: str, stack: tuple[str, ...]) -> None:
        for target in targets[name]:
            if target not in (*stack, name) and layers[name] + 1 > layers[target]:
                layers[target] = layers[name] + 1
                visit(target, (*stack, name))

    visit(names[0], ())
    return {name: max(layer, 1) if name != names[0] else 0 for name, layer in layers.items()}


def _place(graph: Graph, name: str, layer: int) -> tuple[int, int, str]:
    noted = graph.note_of(name)
    return (int(noted["index"]), 0, name) if "index" in noted else (layer, 1, name)


def _projection_place(graph: Graph, link: Link) -> float:
    indices = [graph.note_of(name)["projection"] for name in link.via if "projection" in graph.note_of(name)]
    return float(indices[0]) if indices else np.inf


def _population(
    graph: Graph,
    name: str,
    size: int,
    layer: int,
    neuron: LIFNeuron | None,
    current: NDArray[np.float64] | float = 0.0,
) -> Population:
    noted = graph.note_of(name)
    cell_type = noted.get("cell_type")
    fits = isinstance(cell_type, str) and len(cell_type) == size
    return Population(
        str(noted.get("name", name)),
        size,
        int(noted.get("layer", layer)),
        neuron,
        np.array(list(cell_type), dtype="<U1") if fits else None,  # type: ignore[arg-type]
        current,  # type: ignore[arg-type]
    )


def _current(
    graph: Graph, name: str, wiring: Wiring, units: NeuronUnits, *, dt: float | None, settled_bias: bool
) -> NDArray[np.float64]:
    bias = wiring.constant(name)
    if not bias.any():
        return np.zeros(len(bias))
    noted = graph.note_of(name)
    if units.neuron.tau_syn > 0 and not (settled_bias or noted.get("settled_bias")):
        raise InputError(
            f"{graph.where(name)} does not map: the bias that reaches it is filtered by its synapses, so that it sets "
            f"in with tau_syn; settled_bias=True takes it for a constant current"
        )
    exact = np.asarray(noted.get("I_e", ()), dtype=np.float64)
    if exact.shape == bias.shape and dt is not None and np.array_equal(bias_of_current(units.neuron, exact, dt), bias):
        return exact
    return bias * units.current


def _projection(
    graph: Graph, populations: Mapping[str, Population], target: str, link: Link, units: NeuronUnits
) -> Projection:
    obeys_dale = any(graph.note_of(name).get("obeys_dale", False) for name in link.via)
    return Projection(
        populations[link.source].name, populations[target].name, link.weights * units.weight, link.delay, obeys_dale
    )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"
