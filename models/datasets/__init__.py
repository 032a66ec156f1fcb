"""Data sets by name; each module is imported only when its data set is loaded."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from .dataset import Dataset, Split

__all__ = ["DATASETS", "Dataset", "Split", "load"]

DATASETS = ("digits", "yin-yang", "mnist")


def load(name: str, folder: str | Path | None = None, *, download: bool = False) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : {"digits", "yin-yang", "mnist"}
    folder : path, optional
        Where its files are, for a data set that has files (see :func:`semsync.models.datasets.mnist.load`).
    download : bool
        Whether to fetch files that are missing.

    Raises
    ------
    InputError
        For an unknown name.
    FileError
        When files are missing or not the original ones.

    Examples
    --------
    >>> from semsync.models import datasets
    >>> digits = datasets.load("digits")
    >>> len(digits.train), len(digits.validation), len(digits.test), digits.n_features
    (1257, 180, 360, 64)
    """
    if name == "digits":
        from . import digits

        return digits.load()
    if name == "yin-yang":
        from . import yin_yang

        return yin_yang.load()
    if name == "mnist":
        from . import mnist

        return mnist.load(folder, download=download)
    raise InputError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
