"""A recording copied from NWB to NIX by a process of its own: through Neo a unit takes 30 ms of one core."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..analysis.recordings import load_nwb, save_nix
from ..errors import FileError, SemsyncError
from .progress import Progress


@contextmanager
def nix_copy(nwb: Path, nix: Path, progress: Progress) -> Iterator[None]:
    """Have the file `nix` made of `nwb` while the caller works; leaving waits for it. A file that exists is kept.

    Raises
    ------
    FileError
        When the copy cannot be made. Nothing is left of it then, nor when the caller's work fails.
    """
    if nix.exists():
        yield
        return
    command = [sys.executable, "-m", "semsync.pipeline.nix_copy", str(nwb), str(nix)]
    # A session of its own: Ctrl-C reaches the caller alone, which ends the copy.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield
        progress("copy to NIX", 0, 1)
        _, said = process.communicate()
        progress("copy to NIX", 1, 1)
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    if process.returncode < 0:
        raise FileError(f"the process that writes {nix} was ended by signal {-process.returncode}; go on with --resume")
    if process.returncode > 0:
        raise FileError(said.strip().splitlines()[-1])


def _copy(nwb: str, nix: str) -> None:
    # As an exception, so that the half-written file is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"the process that writes {nix} was ended; go on with --resume"))
    try:
        save_nix(load_nwb(nwb), nix, overwrite=True)
    except SemsyncError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _copy(*sys.argv[1:])
