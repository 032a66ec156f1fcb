"""Files of networks: one safetensors file, weights as tensors and all else as JSON in its header. Numpy only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import FileError

FORMAT = "semsync-network"
FORMAT_VERSION = 2  # 2: constant currents I_e, and instantaneous synapses (tau_syn = 0)

Network = TypeVar("Network")


def write_network(path: Path, plain: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], version: int) -> Path:
    """Write a network.

    Parameters
    ----------
    path : Path
    plain : mapping
        Plain JSON values.
    tensors : mapping of str to array
        Stored in single precision where that loses nothing.
    version : int
        Of the format.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    from safetensors.numpy import save_file

    header = {
        "format": FORMAT,
        "format_version": str(version),
        "description": json.dumps(plain, sort_keys=True),
    }
    replace_safetensors(path, {key: _smallest(values) for key, values in tensors.items()}, header, save_file, "network")
    return path


def read_network(path: Path, build: Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], Network]) -> Network:
    """Read what :func:`write_network` wrote, and build a network of its JSON values and tensors.

    Raises
    ------
    FileError
        When the file is missing, truncated, of another kind, or of a newer format version.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileError(f"there is no network file {path}")
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"{path} is not a readable safetensors file ({error}); is it truncated?") from error
    check_format(path, header, FORMAT, FORMAT_VERSION)
    try:
        return build(json.loads(header["description"]), tensors)
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise FileError(f"{path} says it is a {FORMAT} file, but its description lacks {error}") from error


def replace_safetensors(
    path: Path, tensors: Mapping[str, Any], header: Mapping[str, str], save_file: Callable[..., None], what: str
) -> None:
    """Write beside the old file, then replace it: a kill at any moment leaves one of the two whole.

    Parameters
    ----------
    save_file : callable
        Of ``safetensors.numpy`` or ``safetensors.torch``, as the tensors are.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    from safetensors import SafetensorError

    partial = path.with_name(path.name + ".partial")
    try:
        # safetensors makes files that only their owner may read; others get what the user's files usually get.
        partial.touch()
        mode = partial.stat().st_mode & 0o777
        save_file(tensors, partial, metadata=header)
        partial.chmod(mode)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)  # on a full disk every byte counts
        raise FileError(f"cannot write the {what} {path}: {error}") from error


def _smallest(values: NDArray[np.float64]) -> NDArray[Any]:
    """In single precision where that loses nothing."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    smallest = single if np.array_equal(single, values) else values
    return np.ascontiguousarray(smallest).reshape(values.shape)


def check_format(path: Path, header: Mapping[str, str], expected: str, newest: int) -> None:
    """Refuse a foreign file, or one of a newer format, in one sentence."""
    found = header.get("format")
    if found != expected:
        raise FileError(f"{path} is not a {expected} file (its header says {found!r})")
    version = header.get("format_version", "?")
    if not version.isdigit() or int(version) > newest:
        raise FileError(
            f"{path} has {expected} format_version {version}, this semsync reads up to {newest}; please upgrade semsync"
        )
