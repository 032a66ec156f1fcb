"""What runs in a Dask worker: it keeps the job on its own disk, and NEST in processes beside it.

Nothing but bytes and arrays travels between the parent and the cluster, so they need share no files; a Dask worker may
have loaded torch, as NEST runs in the same worker processes as without Dask.
"""

from __future__ import annotations

import logging
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import SemsyncError
from ..job import Chunk, Job
from .local_workers import LocalWorkers

logger = logging.getLogger(__name__)

_jobs: weakref.WeakValueDictionary[str, RemoteJob] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class Failure:
    """Why a chunk was not simulated.

    Attributes
    ----------
    kind : str
        Name of the error's class.
    message : str
    folder : str
        Work folder on that machine, as the message may name it.
    logs : mapping of str to bytes
        By file name.
    """

    kind: str
    message: str
    folder: str
    logs: Mapping[str, bytes]


class RemoteJob:
    """A job in a Dask worker. It is sent to each once; processes and files go when the cluster lets go of it.

    Parameters
    ----------
    token : str
        By which the parent can end it.
    files : mapping of str to bytes
        Of the parent's work folder.
    n_ranks : int
    version : str
        Of semsync in the parent.
    """

    def __init__(self, token: str, files: Mapping[str, bytes], n_ranks: int, version: str) -> None:
        self._arguments = (token, files, n_ranks, version)
        self._n_ranks, self._version = n_ranks, version
        self._job: Job | None = None
        self._lock = threading.Lock()
        self._all: list[LocalWorkers] = []
        self._idle: list[LocalWorkers] = []
        self._folder: list[Path] = []
        self._is_ended = False
        weakref.finalize(self, _clean, self._all, self._folder)
        _jobs[token] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteJob, self._arguments

    def simulate(self, chunk: int) -> Chunk | Failure:
        """Simulate one chunk in a worker process that is free, or in a new one."""
        if self._version != __version__:
            message = (
                f"the Dask worker on {socket.gethostname()} has semsync {__version__}, but this is {self._version}: "
                f"install the same version everywhere"
            )
            return Failure("MissingDependencyError", message, "", {})
        workers = None
        try:
            job, workers = self._take()
            workers.run([chunk], lambda n_trials: None)
            result = job.read_chunk(chunk)
            job.chunk_path(chunk).unlink()
        except SemsyncError as error:
            if workers is not None:
                workers.close()
            logs = {path.name: path.read_bytes() for folder in self._folder for path in folder.glob("worker-*.log")}
            return Failure(type(error).__name__, str(error), "".join(map(str, self._folder)), logs)
        with self._lock:
            self._idle.append(workers)
        return result

    def end(self) -> None:
        """Terminate all processes."""
        with self._lock:
            self._is_ended = True
            for workers in self._all:
                workers.end()

    def _take(self) -> tuple[Job, LocalWorkers]:
        with self._lock:
            if self._is_ended:
                raise SemsyncError("the simulation was ended")
            if self._job is None:
                self._job = self._unpack()
            if not self._idle:
                self._idle.append(LocalWorkers(self._job, 1, self._n_ranks, first_name=len(self._all)))
                self._all.append(self._idle[-1])
            return self._job, self._idle.pop()

    def _unpack(self) -> Job:
        folder = Path(tempfile.mkdtemp(prefix="semsync-", dir=_local_directory()))
        self._folder.append(folder)
        _, files, _, _ = self._arguments
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return Job.load(folder)


def simulate_chunk(job: RemoteJob, chunk: int) -> Chunk | Failure:
    """The task of one chunk."""
    return job.simulate(chunk)


def end_job(token: str) -> None:
    """End a job in this Dask worker, if it is there; its tasks under way fail."""
    job = _jobs.get(token)
    if job is not None:
        job.end()


def _local_directory() -> str | None:
    from distributed import get_worker

    try:
        return get_worker().local_directory
    except ValueError:
        return None


def _clean(workers: list[LocalWorkers], folders: list[Path]) -> None:
    for one in workers:
        one.close()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
