"""Worker processes on this machine: start them, feed them, restart the dead, end them all. Knows no NEST."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ... import errors
from ...errors import SemsyncError
from ..job import Job, log_name
from .mpirun import mpi_environment, mpirun

if TYPE_CHECKING:
    from . import Report

MAX_DEATHS = 3  # in a row, without a chunk finished in between

logger = logging.getLogger(__name__)


class LocalExecutor:
    """As many processes as asked for, which live as long as there are chunks.

    Parameters
    ----------
    n_workers, n_ranks : int
        See :func:`semsync.bridge.simulate`.
    """

    def __init__(self, n_workers: int, n_ranks: int = 1) -> None:
        self._n_workers, self._n_ranks = n_workers, n_ranks
        mpirun(n_ranks)

    def run(self, job: Job, chunks: Sequence[int], report: Report) -> None:
        """See :class:`Executor`."""
        with LocalWorkers(job, min(self._n_workers, len(chunks)), self._n_ranks) as workers:
            workers.run(chunks, report)


@dataclass
class Worker:
    """One worker process and the chunk it is at."""

    name: int
    process: subprocess.Popen[bytes]
    chunk: int | None = None
    n_deaths: int = 0
    n_trials_under_way: int = 0
    error: SemsyncError | None = None
    unread: bytes = field(default=b"", repr=False)

    def give(self, chunk: int) -> None:
        self.chunk = chunk
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is seen when its reports are read
            self.process.stdin.write(b"%d\n" % chunk)
            self.process.stdin.flush()


class LocalWorkers:
    """Worker processes of one job, kept with their networks built until they are closed.

    Parameters
    ----------
    job : Job
        Whose folder is prepared.
    n_workers, n_ranks : int
    first_name : int
        Number of the first worker, for its log.
    """

    def __init__(self, job: Job, n_workers: int, n_ranks: int = 1, first_name: int = 0) -> None:
        self._job, self._n_ranks = job, n_ranks
        self._names = range(first_name, first_name + n_workers)
        self._workers: list[Worker] = []
        self._is_ended = False

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, chunks: Sequence[int], report: Report) -> None:
        """See :class:`Executor`."""
        pending = deque(chunks)
        for name in self._names[len(self._workers) :]:
            self._workers.append(Worker(name, self._start(name)))
        with selectors.DefaultSelector() as selector:

            def listen(worker: Worker) -> None:
                assert worker.process.stdout is not None
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

            for worker in self._workers:
                if pending:
                    worker.give(pending.popleft())
                    listen(worker)
            while selector.get_map():
                for key, _ in selector.select():
                    worker = key.data
                    received = os.read(key.fd, 65536)
                    if received:
                        _read_reports(worker, received, report)
                        if worker.chunk is not None:
                            continue
                        if pending:
                            worker.give(pending.popleft())
                        else:
                            selector.unregister(key.fileobj)
                        continue
                    selector.unregister(key.fileobj)
                    self._start_again(worker, report)
                    listen(worker)

    def end(self) -> None:
        """Terminate all processes; a run under way in another thread then ends with an error."""
        self._is_ended = True
        for worker in self._workers:
            if worker.chunk is None and self._n_ranks > 1:
                assert worker.process.stdin is not None
                worker.process.stdin.close()  # idle ranks end by themselves, faster than mpirun ends them
            elif worker.process.poll() is None:
                worker.process.terminate()

    def close(self) -> None:
        """End all processes and wait for it."""
        self.end()
        for worker in self._workers:
            try:
                worker.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                worker.process.kill()
            _close(worker.process)

    def _start(self, name: int) -> subprocess.Popen[bytes]:
        command = [*mpirun(self._n_ranks), sys.executable, "-m", "semsync.bridge.worker", str(self._job.folder)]
        command += ["--name", str(name), "--ranks", str(self._n_ranks)]
        environment = os.environ | {"PYNEST_QUIET": "1", "OMP_NUM_THREADS": "1"} | mpi_environment(self._n_ranks)
        with open(self._job.folder / log_name(name), "ab") as log:
            # A session of its own: Ctrl-C reaches the parent alone, which ends the workers.
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def _start_again(self, worker: Worker, report: Report) -> None:
        """Replace a worker that ended before its chunk was done; raises when that is of no use."""
        status = worker.process.wait()
        _close(worker.process)
        if self._is_ended:
            raise SemsyncError("the simulation was ended")
        if worker.error is not None:
            raise worker.error
        assert worker.chunk is not None
        worker.n_deaths += 1
        worker.unread = b""
        if worker.n_deaths == MAX_DEATHS:
            trials = self._job.trials_of(worker.chunk)
            raise SemsyncError(
                f"a NEST worker died {MAX_DEATHS} times at trials {trials[0]}..{trials[-1]} (exit status {status}); "
                f"its log is {self._job.folder / log_name(worker.name)}"
            )
        logger.warning("worker %d died (exit status %d) and is started again", worker.name, status)
        report(-worker.n_trials_under_way)
        worker.n_trials_under_way = 0
        worker.process = self._start(worker.name)
        worker.give(worker.chunk)


def _close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _read_reports(worker: Worker, received: bytes, report: Report) -> None:
    *lines, worker.unread = (worker.unread + received).split(b"\n")
    for line in lines:
        message = json.loads(line)
        if "trials" in message:
            worker.n_trials_under_way += message["trials"]
            report(message["trials"])
        elif "chunk" in message:
            worker.chunk = None
            worker.n_trials_under_way = 0
            worker.n_deaths = 0
        elif "error" in message:
            kind = getattr(errors, message["error"], SemsyncError)
            worker.error = kind(message["message"])
