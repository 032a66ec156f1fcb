"""The parent's side of the workers: start them, listen, restart the dead, end them all. Knows no NEST."""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .. import errors
from ..errors import SemsyncError
from .job import Job, log_name

MAX_DEATHS = 3  # in a row, without a chunk finished in between

logger = logging.getLogger(__name__)


@dataclass
class Worker:
    """One worker process and the chunks it still owes."""

    name: int
    chunks: list[int]
    process: subprocess.Popen[bytes]
    n_deaths: int = 0
    n_trials_under_way: int = 0
    error: SemsyncError | None = None
    unread: bytes = field(default=b"", repr=False)


def run_workers(job: Job, chunks: Sequence[int], n_workers: int, report: Callable[[int], None]) -> None:
    """Have chunks simulated by worker processes, and return when all result files are written.

    Parameters
    ----------
    job : Job
    chunks : sequence of int
    n_workers : int
    report : callable
        Called with the number of trials that a worker has newly done; negative when a dead worker's chunk is lost.

    Raises
    ------
    SemsyncError
        The error a worker ended with, or that one keeps dying. All other workers are ended.
    """
    n_workers = min(n_workers, len(chunks))
    shares = [list(chunks[name::n_workers]) for name in range(n_workers)]
    workers: list[Worker] = []
    with selectors.DefaultSelector() as selector:

        def listen(worker: Worker) -> None:
            assert worker.process.stdout is not None
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

        try:
            for name, share in enumerate(shares):
                workers.append(Worker(name, share, _start(job, name, share)))
                listen(workers[-1])
            while selector.get_map():
                for key, _ in selector.select():
                    worker = key.data
                    received = os.read(key.fd, 65536)
                    if received:
                        _read_reports(worker, received, report)
                        continue
                    selector.unregister(key.fileobj)
                    if _owes(job, worker, report):
                        worker.process = _start(job, worker.name, worker.chunks)
                        listen(worker)
        finally:
            _end([worker.process for worker in workers])


def _start(job: Job, name: int, chunks: Sequence[int]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "semsync.bridge.worker", str(job.folder)]
    command += ["--name", str(name), "--chunks", ",".join(map(str, chunks))]
    environment = os.environ | {"PYNEST_QUIET": "1", "OMP_NUM_THREADS": "1"}
    with open(job.folder / log_name(name), "ab") as log:
        # A session of its own: Ctrl-C reaches the parent alone, which ends the workers.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _read_reports(worker: Worker, received: bytes, report: Callable[[int], None]) -> None:
    *lines, worker.unread = (worker.unread + received).split(b"\n")
    for line in lines:
        message = json.loads(line)
        if "trials" in message:
            worker.n_trials_under_way += message["trials"]
            report(message["trials"])
        elif "chunk" in message:
            worker.chunks.remove(message["chunk"])
            worker.n_trials_under_way = 0
            worker.n_deaths = 0
        elif "error" in message:
            kind = getattr(errors, message["error"], SemsyncError)
            worker.error = kind(message["message"])


def _owes(job: Job, worker: Worker, report: Callable[[int], None]) -> bool:
    """Whether a worker that ended is to be started again; raises when that is of no use."""
    status = worker.process.wait()
    log = job.folder / log_name(worker.name)
    if worker.error is not None:
        raise worker.error
    if not worker.chunks:
        return False
    worker.n_deaths += 1
    worker.unread = b""
    if worker.n_deaths == MAX_DEATHS:
        trials = job.trials_of(worker.chunks[0])
        raise SemsyncError(
            f"a NEST worker died {MAX_DEATHS} times at trials {trials[0]}..{trials[-1]} (exit status {status}); "
            f"its log is {log}"
        )
    logger.warning("worker %d died (exit status %d) and is started again", worker.name, status)
    report(-worker.n_trials_under_way)
    worker.n_trials_under_way = 0
    return True


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
