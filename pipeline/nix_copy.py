"""A recording copied from NWB to NIX by a process of its own: through Neo a unit takes 30 ms of one core."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
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
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        try:
            yield
            progress("copy to NIX", 0, 1)
            said = process.stderr.read()
            process.wait()
            progress("copy to NIX", 1, 1)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode < 0:
        raise FileError(f"the process that writes {nix} was ended by signal {-process.returncode}; go on with --resume")
    if process.returncode > 0:
        raise FileError(said.strip().splitlines()[-1])


def _end_with_caller() -> None:
    """Its end closes the pipe: two copies, of it and of a resumed run, would write to the same file."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _copy(nwb: str, nix: str) -> None:
    # As an exception, so that the half-written file is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"the process that writes {nix} was ended; go on with --resume"))
    threading.Thread(target=_end_with_caller, daemon=True).start()
    try:
        save_nix(load_nwb(nwb), nix, overwrite=True)
    except SemsyncError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _copy(*sys.argv[1:])
