"""A saved network in another form, for those who run it elsewhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import bridge
from ..bridge.nir.write import SNNTORCH_DT
from ..errors import FileError, InputError
from ..models.encoding import encoder_from
from ..network_description import NetworkDescription
from .networks import beside, load_network
from .saved_network import load_stimuli

N_STIMULI = 5


def export_network(
    network: str | Path,
    to: str,
    out: Path | None = None,
    *,
    dataset: str | None = None,
    split: str = "test",
    n_stimuli: int = N_STIMULI,
    data_folder: Path | None = None,
    overwrite: bool = False,
    nir_dt: float | None = None,
    reading: Mapping[str, Any] | None = None,
) -> tuple[Path, ...]:
    """Write a network in another form.

    Parameters
    ----------
    network : path
        A file, or ``pretrained:NAME``.
    to : str
        A name of :func:`formats`.
    out : path, optional
        Beside the network without it.
    dataset : str, optional
        Of which the first `n_stimuli` samples of `split` go with a script, with the spike times that torch finds (where
        it is installed).
    overwrite : bool
        Replace files that are there.
    nir_dt : float, optional
        Of a NIR graph: time step of the framework that is to read it [ms]; see :func:`semsync.bridge.write_nir`.
    reading : mapping, optional
        What a NIR graph does not say itself; see :func:`semsync.pipeline.networks.load_network`.

    Returns
    -------
    tuple of Path
        Files that were written.

    Raises
    ------
    InputError
        When there is no such format, network or data set, or they do not fit each other.
    FileError
        When a file exists or cannot be written.
    """
    if to not in _WRITERS:
        raise InputError(f"there is no format {to!r} to export to; known are {', '.join(formats())}")
    writer, suffix = _WRITERS[to]
    if nir_dt is not None:
        if to != "nir":
            raise InputError("the time step of a framework (--nir-dt) goes with a NIR graph alone (--to nir)")
        writer = partial(_write_nir, dt=nir_dt)
    description = load_network(network, **(reading or {}))
    stimuli: dict[str, Any] = {}
    if dataset is not None:
        stimuli = _stimuli(description, dataset, split, n_stimuli, data_folder)
    return writer(description, out or beside(network, suffix), stimuli, overwrite)


def formats() -> list[str]:
    """Names that :func:`export_network` accepts."""
    return sorted(_WRITERS)


def _stimuli(
    description: NetworkDescription, dataset: str, split: str, n_stimuli: int, data_folder: Path | None
) -> dict[str, Any]:
    samples = load_stimuli(description, dataset, split, n_stimuli, data_folder)
    times = encoder_from(description.encoding)(samples.features)
    if importlib.util.find_spec("torch") is not None:
        from .stages import torch_recording

        times = torch_recording(description, samples).first_spikes()
    return {"first_spikes": times, "labels": np.asarray(samples.labels)}


def _write_pynest(
    description: NetworkDescription, out: Path, stimuli: dict[str, Any], overwrite: bool
) -> tuple[Path, ...]:
    return bridge.write_pynest(description, out, **stimuli, overwrite=overwrite)


def _write_nir(
    description: NetworkDescription, out: Path, stimuli: dict[str, Any], overwrite: bool, dt: float = SNNTORCH_DT
) -> tuple[Path, ...]:
    _refuse(out, stimuli, overwrite)
    bridge.write_nir(description, out, dt=dt)
    return (out,)


def _write_own(
    description: NetworkDescription, out: Path, stimuli: dict[str, Any], overwrite: bool
) -> tuple[Path, ...]:
    _refuse(out, stimuli, overwrite)
    return (description.save(out),)


def _refuse(out: Path, stimuli: dict[str, Any], overwrite: bool) -> None:
    if stimuli:
        raise InputError("stimuli of a data set go with a PyNEST script alone (--to pynest)")
    if out.exists() and not overwrite:
        raise FileError(f"{out} exists; choose another --out or add --overwrite")


_Writer = Callable[[NetworkDescription, Path, dict[str, Any], bool], tuple[Path, ...]]
# What writes a format, and how the file's name goes on when none is given.
_WRITERS: dict[str, tuple[_Writer, str]] = {
    "nir": (_write_nir, ".nir"),
    "pynest": (_write_pynest, "_pynest.py"),
    "semsync": (_write_own, ".safetensors"),
}
