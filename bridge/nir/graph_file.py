"""NIR files, opened with care: HDF5 in, a flat graph out. Nothing in them is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import FileError, InputError, MissingDependencyError

FORMAT = "semsync-nir"
FORMAT_VERSION = 1
NOTE = "semsync"  # key of our notes in a node's metadata: plain JSON


@dataclass(frozen=True)
class Graph:
    """A NIR graph without subgraphs.

    Attributes
    ----------
    path : Path
        Where it came from.
    nodes : mapping of str to nir.NIRNode
        Nodes of subgraphs are called SUBGRAPH.NODE.
    edges : tuple of (str, str)
        Sorted.
    inner : frozenset of str
        Inputs and outputs of subgraphs, which do nothing.
    note : mapping
        What semsync wrote about the whole network; empty in files of others.
    version : str
        Of NIR.
    """

    path: Path
    nodes: Mapping[str, Any]
    edges: tuple[tuple[str, str], ...]
    inner: frozenset[str]
    note: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def kind(self, name: str) -> str:
        """The node's type in NIR, "Identity" for those that do nothing."""
        kind = type(self.nodes[name]).__name__
        return "Identity" if name in self.inner or kind == "Flatten" else kind

    def sources(self, name: str) -> list[str]:
        """Nodes with an edge to this one."""
        return [source for source, target in self.edges if target == name]

    def where(self, name: str) -> str:
        """What to call a node in a sentence."""
        return f"{self.path}: node {name!r} ({type(self.nodes[name]).__name__})"

    def note_of(self, name: str) -> Mapping[str, Any]:
        """What semsync wrote about a node; empty for nodes of others."""
        text = (getattr(self.nodes[name], "metadata", None) or {}).get(NOTE)
        return {} if text is None else _parse(self.path, text)


def require_nir() -> Any:
    """The package ``nir``.

    Raises
    ------
    MissingDependencyError
        When it is not installed.
    """
    try:
        import nir
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "reading and writing NIR graphs needs the package nir, which is not installed: pip install 'semsync[nir]'"
        ) from error
    return nir


def read_graph(path: Path) -> Graph:
    """Read a NIR file.

    Raises
    ------
    FileError
        When it is missing, truncated, of another kind, or was written by a newer semsync.
    InputError
        When it has a node of a type that NIR does not know, or a subgraph that cannot be opened up.
    """
    nir = require_nir()
    if not path.is_file():
        raise FileError(f"there is no NIR file {path}")
    try:
        version = _refuse_unknown_types(nir, path)
        # Types are checked where they matter here, and with sentences that name the node.
        graph = nir.read(path, type_check=False)
    except (InputError, FileError):
        raise
    except (OSError, KeyError, ValueError, TypeError, AssertionError, AttributeError, RuntimeError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(f"{path} is not a readable NIR graph ({first_line}); is it truncated?") from error
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    _flatten(nir, path, graph, "", nodes, edges)
    for edge in edges:
        for end in edge:
            if end not in nodes:
                raise FileError(f"{path}: the edge {edge[0]!r} -> {edge[1]!r} names a node that is not there")
    inner = frozenset(
        name for name, node in nodes.items() if isinstance(node, (nir.Input, nir.Output)) and name not in graph.nodes
    )
    return Graph(path, nodes, tuple(sorted(set(edges))), inner, _note_of_graph(path, graph), version)


def note(values: Mapping[str, Any]) -> dict[str, str]:
    """Metadata of a node that say `values`."""
    return {NOTE: json.dumps(values, sort_keys=True)}


def _note_of_graph(path: Path, graph: Any) -> Mapping[str, Any]:
    text = graph.metadata.get(NOTE)
    if text is None:
        return {}
    found = _parse(path, text)
    if found.get("format") != FORMAT:
        raise FileError(f"{path} has notes of semsync of another kind (its format is {found.get('format')!r})")
    newest = found.get("format_version")
    if not isinstance(newest, int) or newest > FORMAT_VERSION:
        raise FileError(
            f"{path} has {FORMAT} format_version {newest}, this semsync reads up to {FORMAT_VERSION}; "
            f"please upgrade semsync"
        )
    return found


def _parse(path: Path, text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise FileError(f"{path} has notes of semsync that are not JSON ({error})") from error
    if not isinstance(found, dict):
        raise FileError(f"{path} has notes of semsync that are no JSON object")
    return found


def _refuse_unknown_types(nir: Any, path: Path) -> str:
    import h5py

    with h5py.File(path, "r") as file:
        version = file["version"].asstr()[()] if "version" in file else ""
        pending = [("", file["node"])]
        while pending:
            name, node = pending.pop()
            kind = node["type"].asstr()[()]
            if not isinstance(getattr(nir, kind, None), type):
                raise InputError(f"{path}: node {name!r} is of type {kind!r}, which NIR {nir.version} does not know")
            if not name and kind != "NIRGraph":
                raise FileError(f"{path} holds a single {kind} node, expected a NIR graph")
            if kind == "NIRGraph":
                prefix = f"{name}." if name else ""
                pending += [(prefix + child, node["nodes"][child]) for child in node["nodes"]]
    return str(version)


def _flatten(
    nir: Any, path: Path, graph: Any, prefix: str, nodes: dict[str, Any], edges: list[tuple[str, str]]
) -> None:
    """Put the nodes of subgraphs in their place."""
    entry, leave = {}, {}
    for name, node in graph.nodes.items():
        full = prefix + name
        if not isinstance(node, nir.NIRGraph):
            nodes[full], entry[name], leave[name] = node, full, full
            continue
        for found, kind, ends in ((entry, nir.Input, "inputs"), (leave, nir.Output, "outputs")):
            inside = [inner for inner, inner_node in node.nodes.items() if isinstance(inner_node, kind)]
            if len(inside) != 1:
                raise InputError(
                    f"{path}: node {full!r} (NIRGraph) does not map: a subgraph must have one Input and one Output, "
                    f"it has {len(inside)} {ends}"
                )
            found[name] = f"{full}.{inside[0]}"
        _flatten(nir, path, node, f"{full}.", nodes, edges)
    for source, target in graph.edges:
        edges.append((leave.get(source, prefix + source), entry.get(target, prefix + target)))
