"""Which function reads which file: a format is one entry here and one module beside this one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FileError, InputError, MissingDependencyError
from ...spike_table import SpikeTable
from .files import is_hdf5, require_file
from .gdf import load_gdf
from .nix import is_nix, load_nix
from .nwb import is_nwb, load_nwb


@dataclass(frozen=True)
class RecordingFormat:
    """A format of recordings.

    Attributes
    ----------
    extensions : tuple of str
        With the dot, in lower case.
    load : callable
        ``load(path, **options) -> SpikeTable``.
    is_ours : callable, optional
        Whether an HDF5 file is of this format, whatever it is called.
    """

    extensions: tuple[str, ...]
    load: Callable[..., SpikeTable]
    is_ours: Callable[[Path], bool] | None = None

    @property
    def options(self) -> list[str]:
        """Names of the options that `load` takes."""
        parameters = inspect.signature(self.load).parameters.values()
        return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


FORMATS: dict[str, RecordingFormat] = {
    "NIX": RecordingFormat((".nix",), load_nix, is_nix),
    "NWB": RecordingFormat((".nwb",), load_nwb, is_nwb),
    "GDF": RecordingFormat((".gdf",), load_gdf),
}


def load_recording(path: str | Path, **options: Any) -> SpikeTable:
    """Read a recording, by its content where that is HDF5, by its extension otherwise.

    Parameters
    ----------
    path : str or Path
        A NIX, NWB or GDF file.
    **options
        Passed to :func:`load_nix`, :func:`load_nwb` or :func:`load_gdf`.

    Raises
    ------
    FileError
        When the file is missing, of an unknown format, or cannot be read.
    InputError
        On options that the format does not have, or that do not fit the file.
    MissingDependencyError
        Without the library that reads the format.
    """
    path = require_file(path, f"a recording ({_known()})")
    try:
        name = _format_of(path)
        recording_format = FORMATS[name]
        for option in options:
            if option not in recording_format.options:
                raise InputError(f"{name} files have no option {option!r}; they have {recording_format.options}")
        return recording_format.load(path, **options)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading {path} needs the package {error.name}; pip install 'semsync[analysis]' brings it"
        ) from error


def _format_of(path: Path) -> str:
    by_extension = next((name for name, f in FORMATS.items() if path.suffix.lower() in f.extensions), None)
    if is_hdf5(path):
        try:
            for name, recording_format in FORMATS.items():
                if recording_format.is_ours is not None and recording_format.is_ours(path):
                    return name
        except OSError as error:
            if by_extension is None:
                raise FileError(f"{path} is an HDF5 file that cannot be read; is it cut short?") from error
    if by_extension is None:
        raise FileError(f"{path} is of no format that semsync reads; it reads {_known()}")
    return by_extension


def _known() -> str:
    return ", ".join(f"{name} ({', '.join(f.extensions)})" for name, f in FORMATS.items())
