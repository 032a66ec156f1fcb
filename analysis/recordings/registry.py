"""Which function reads which file: a format is one entry here and one module beside this one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FileError, InputError, MissingDependencyError
from ...spike_table import SpikeTable
from .binned import load_binned
from .files import is_hdf5, require_file
from .gdf import load_gdf
from .neo_files import load_neo
from .nest_ascii import is_folder_or_pattern, is_nest_ascii, load_nest_ascii, recorder_files
from .nix import is_nix, load_nix
from .nwb import is_nwb, load_nwb
from .spike_list import load_spike_list


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
        Whether a file is of this format, whatever it is called.
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
    "NEST": RecordingFormat((".dat",), load_nest_ascii, is_nest_ascii),
    "CSV": RecordingFormat((".csv", ".tsv", ".txt"), load_spike_list),
    "Parquet": RecordingFormat((".parquet", ".pq"), load_spike_list),
    "counts": RecordingFormat((".npz",), load_binned),
}


def load_recording(path: str | Path, **options: Any) -> SpikeTable:
    """Read a recording, by its content where that is HDF5 or of NEST, by its extension otherwise.

    Parameters
    ----------
    path : str or Path
        A file of one of `FORMATS`; for recorder files of NEST also their folder, or a pattern with ``*``.
    **options
        Passed to the function that loads the format. With `io`, the name of one of Neo's readers, that one reads it,
        see :func:`.neo_files.load_neo`.

    Raises
    ------
    FileError
        When the file is missing, of an unknown format, or cannot be read.
    InputError
        On options that the format does not have, or that do not fit the file.
    MissingDependencyError
        Without the library that reads the format.
    """
    path = Path(path)
    with named_packages(path):
        name = "Neo" if "io" in options else format_of(path)
        recording_format = RecordingFormat((), load_neo) if name == "Neo" else FORMATS[name]
        for option in options:
            if option not in recording_format.options:
                raise InputError(f"{name} files have no option {option!r}; they have {recording_format.options}")
        return recording_format.load(path, **options)


@contextmanager
def named_packages(path: Path) -> Iterator[None]:
    """A library that is not installed, as a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading {path} needs the package {error.name}; pip install 'semsync[analysis]' brings it"
        ) from error


def format_of(path: Path) -> str:
    """Which of `FORMATS` a file, a folder or a pattern is of.

    Raises
    ------
    FileError
        When there is no such file, or it is of none.
    """
    if is_folder_or_pattern(path):
        recorder_files(path)
        return "NEST"
    require_file(path, f"a recording ({_known()})")
    by_extension = next((name for name, f in FORMATS.items() if path.suffix.lower() in f.extensions), None)
    if is_hdf5(path):
        for name in ("NIX", "NWB"):
            is_ours = FORMATS[name].is_ours
            try:
                if is_ours is not None and is_ours(path):
                    return name
            # h5py has several kinds of errors for what is damaged.
            except Exception as error:
                if by_extension is None:
                    raise FileError(f"{path} is an HDF5 file that cannot be read; is it cut short?") from error
    elif is_nest_ascii(path):
        return "NEST"
    if by_extension is None:
        raise FileError(f"{path} is of no format that semsync reads; it reads {_known()}")
    return by_extension


def _known() -> str:
    return ", ".join(f"{name} ({', '.join(f.extensions)})" for name, f in FORMATS.items())
