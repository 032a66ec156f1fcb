"""The folder of a run: what lies where, who may write into it, and what made it."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import FileError

logger = logging.getLogger("semsync")

_PARTS = ("semsync", "torch", "numba", "numpy", "scipy", "nest-simulator", "neo", "elephant", "nixio", "pynwb")


class RunFolder:
    """Paths within the folder of a run.

    Raises
    ------
    FileError
        When the folder cannot be made or written, or holds a run and `resume` is false.
    """

    def __init__(self, root: str | Path, *, resume: bool = False) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise FileError(f"the output folder {self.root} is a file")
        if self.root.exists() and any(self.root.iterdir()) and not resume:
            raise FileError(f"the output folder {self.root} is not empty; add --resume or choose another --out")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make the output folder {self.root}: {error.strerror}") from error
        if not os.access(self.root, os.W_OK):
            raise FileError(f"the output folder {self.root} cannot be written")

    @classmethod
    def paths(cls, root: str | Path) -> RunFolder:
        """The paths alone, for a process that neither makes nor writes the folder."""
        folder = cls.__new__(cls)
        folder.root = Path(root)
        return folder

    @property
    def config(self) -> Path:
        return self.root / "config.json"

    @property
    def checkpoint(self) -> Path:
        return self.root / "checkpoint.safetensors"

    @property
    def history(self) -> Path:
        return self.root / "history.json"

    def network(self, condition: str = "trained") -> Path:
        return self.root / ("network.safetensors" if condition == "trained" else f"network_{condition}.safetensors")

    def recording(self, condition: str, suffix: str) -> Path:
        return self.root / (f"recording{suffix}" if condition == "trained" else f"recording_{condition}{suffix}")

    def analysis(self, condition: str = "trained") -> Path:
        return self.root / (f"analysis_{condition}.json")

    def simulation(self, condition: str = "trained") -> Path:
        """Where finished chunks of a simulation under way are kept."""
        return self.root / f"simulation_{condition}"

    @property
    def spike_times(self) -> Path:
        """Pairs of spike times, in torch and in NEST."""
        return self.root / "spike_times.npz"

    @property
    def results(self) -> Path:
        return self.root / "results.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for this process alone, and send the log of semsync to it as well.

        Raises
        ------
        FileError
            When another process is at it. However that ends, its hold ends with it.
        """
        with open(self.log, "a", encoding="utf-8") as file:
            try:
                _lock(file)
            except BlockingIOError:
                sentence = (
                    f"another process is writing to {self.root}: wait until it has ended, or choose another --out"
                )
                raise FileError(sentence) from None
            handler = _LogHandler(file)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            package = logging.getLogger("semsync")
            level = package.level
            package.addHandler(handler)
            package.setLevel(logging.INFO)
            try:
                yield
            except BaseException as error:
                package.error("stopped: %s", error or type(error).__name__)
                raise
            finally:
                package.removeHandler(handler)
                package.setLevel(level)


class _LogHandler(logging.StreamHandler[IO[str]]):
    """On a full disk no traceback for every line: closing the file says it once."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def _lock(file: IO[str]) -> None:
    """Raises BlockingIOError when another has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        logger.debug("this file system has no locks: %s", error)


def write_json(path: Path, content: Any) -> None:
    """Write beside the old file, then replace it.

    Raises
    ------
    FileError
        When it cannot be written, for example on a full disk.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """Raises FileError when the file is missing or truncated."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"there is no file {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise FileError(f"{path} is not readable JSON: {error}") from error


def environment() -> dict[str, Any]:
    """Versions and git revision that a run was made with."""
    versions: dict[str, str | None] = {}
    for part in _PARTS:
        try:
            versions[part] = importlib.metadata.version(part)
        except importlib.metadata.PackageNotFoundError:
            versions[part] = None
    return {
        "versions": versions,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "git_revision": _git_revision(),
    }


def _git_revision() -> str | None:
    """Of the checkout that semsync is run from, "+" after it when there are changes; None outside a checkout."""
    package = Path(__file__).resolve().parents[1]
    if not (package / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=package, capture_output=True, text=True, check=True).stdout

    try:
        return git("rev-parse", "HEAD").strip() + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
