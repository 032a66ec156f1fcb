"""Networks by path, or by name where they come with the package."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from ..bridge.nir import read_nir
from ..errors import InputError
from ..network_description import NetworkDescription, Projection

PREFIX = "pretrained:"
NIR_SUFFIX = ".nir"


def pretrained_names() -> list[str]:
    """Names that follow ``pretrained:``."""
    return sorted(p.name.removesuffix(".safetensors") for p in _folder().iterdir() if p.name.endswith(".safetensors"))


def load_network(network: str | Path, **reading: Any) -> NetworkDescription:
    """A network from a file, or one that comes with the package: ``pretrained:NAME``.

    Parameters
    ----------
    network : str or path
        Ours, or a NIR graph of any framework (``.nir``).
    **reading
        What a NIR graph does not say itself: further arguments of :func:`semsync.bridge.read_nir`.

    Raises
    ------
    InputError
        When there is no network of that name, or something is said about a network that says it itself.
    FileError
        See :meth:`NetworkDescription.load` and :func:`semsync.bridge.read_nir`.

    Examples
    --------
    >>> from semsync.pipeline.networks import load_network
    >>> [population.size for population in load_network("pretrained:yin-yang-delays").populations]
    [5, 30, 3]
    """
    text = str(network)
    if text.endswith(NIR_SUFFIX):
        return read_nir(network, **reading)
    if reading:
        sentence = f"{', '.join(reading)} can only be given for a NIR graph (.nir)"
        raise InputError(f"{text} says itself what it is; {sentence}")
    if not text.startswith(PREFIX):
        return NetworkDescription.load(network)
    name = text.removeprefix(PREFIX)
    if name not in pretrained_names():
        close = difflib.get_close_matches(name, pretrained_names(), n=1)
        hint = f"did you mean {PREFIX}{close[0]}?" if close else f"there are {', '.join(pretrained_names())}"
        raise InputError(f"there is no pretrained network {name!r}; {hint}")
    with as_file(_folder() / f"{name}.safetensors") as path:
        return NetworkDescription.load(path)


def beside(network: str | Path, suffix: str) -> Path:
    """Path for what is made from a network: beside its file, or in the current folder."""
    text = str(network)
    if text.startswith(PREFIX):
        return Path(text.removeprefix(PREFIX) + suffix)
    path = Path(network)
    return path.with_name(path.stem + suffix)


def rounded(description: NetworkDescription, metadata: Mapping[str, Any]) -> NetworkDescription:
    """The network with weights and delays in single precision, half the size on disk, and `metadata` added to its own.

    How the networks that come with the package were made: see their metadata for the command.
    """
    projections = [
        Projection(
            p.source, p.target, p.weights.astype(np.float32), p.delay.astype(np.float32), obeys_dale=p.obeys_dale
        )
        for p in description.projections
    ]
    return NetworkDescription(
        description.populations,
        projections,
        description.trial_duration,
        description.encoding,
        {**description.metadata, **metadata},
    )


def _folder() -> Any:
    return files(__package__ or "") / "pretrained"
