"""Files on disk: what every reader checks first, and writing that never leaves half a file behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import FileError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def require_file(path: str | Path, expected: str) -> Path:
    """The path of a file that exists, can be read and is not empty.

    Parameters
    ----------
    path : str or Path
    expected : str
        What the file should be, with its article ("a NIX file"), for the message.

    Raises
    ------
    FileError
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(f"{path} is a folder, expected {expected}")
    if not path.exists():
        raise FileError(f"there is no file {path}, expected {expected}")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise FileError(f"{path} is empty, expected {expected}")
    except PermissionError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}), expected {expected}") from error
    return path


def is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


def require_hdf5(path: str | Path, expected: str) -> Path:
    """As :func:`require_file`, for formats that are HDF5 inside; a file cut short is refused too."""
    import h5py

    path = require_file(path, expected)
    if not is_hdf5(path):
        raise FileError(f"{path} is not an HDF5 file, expected {expected}")
    try:
        with h5py.File(path, "r"):
            pass
    except OSError as error:
        raise FileError(f"{path} is not a readable HDF5 file ({one_line(error)}), expected {expected}") from error
    return path


@contextmanager
def written_beside(path: str | Path, overwrite: bool, n_bytes: int) -> Iterator[Path]:
    """Write to ``<name>.partial<ext>``, and rename it once it is complete.

    Parameters
    ----------
    path : str or Path
        The file to make.
    overwrite : bool
        Replace a file of that name.
    n_bytes : int
        Size that the file will not exceed. It is reserved first, because HDF5 may crash when the disk is full.

    Yields
    ------
    Path
        The name to write to.

    Raises
    ------
    FileError
        When the file exists (without `overwrite`), its folder is missing, or writing fails; the half-written file is
        removed and a file already there is left as it was.
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder, expected the name of a file")
    if path.exists() and not overwrite:
        raise FileError(f"{path} exists already; choose another name, or pass overwrite=True to replace it")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {path.parent}")
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        _reserve(partial, n_bytes)
        yield partial
        partial.replace(path)
    # A full disk reaches us as OSError or RuntimeError from h5py, and as a plain Exception from hdmf.
    except Exception as error:
        raise FileError(f"cannot write {path}: {one_line(error)}") from error
    finally:
        partial.unlink(missing_ok=True)


def _reserve(path: Path, n_bytes: int) -> None:
    """An `OSError` where a file of this size has no room; the space is free again once the file is written anew."""
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, n_bytes)


def one_line(error: BaseException) -> str:
    """The message of another library's error on one line."""
    return " ".join(str(error).split()) or type(error).__name__
