"""Chunks as tasks of a Dask cluster: an existing one, or one of this machine. The parent's side."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ... import __version__, errors
from ...errors import InputError, MissingDependencyError, SemsyncError
from ..job import Job
from .dask_task import Failure, RemoteJob, end_job, simulate_chunk

if TYPE_CHECKING:
    from . import Report

INSTALL = "pip install 'semsync[dask]'"
LOCAL = "local"
TIMEOUT = 10  # seconds to find a scheduler

logger = logging.getLogger(__name__)


class DaskExecutor:
    """Each chunk a task; as many at once as the cluster has threads.

    Results come back as arrays and are written here as they come, so nothing is shared with the cluster but the
    network connection, and an interrupted simulation is resumed as without Dask. What a dead Dask worker was at is done
    by another one.

    Parameters
    ----------
    dask : str, Client or cluster
        Address of a scheduler, "local" for a cluster of `n_workers` threads in this process (NEST still runs in
        processes of its own), a ``distributed.Client``, or what one can be made of (``dask_jobqueue.SLURMCluster``).
    n_workers, n_ranks : int
        See :func:`semsync.bridge.simulate`.

    Raises
    ------
    InputError
        When `dask` is none of these.
    MissingDependencyError
        Without Dask.
    """

    def __init__(self, dask: Any, n_workers: int, n_ranks: int = 1) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise MissingDependencyError(f"running on Dask needs 'distributed', which is not installed: {INSTALL}")
        if not isinstance(dask, str) and not hasattr(dask, "scheduler_address") and not hasattr(dask, "submit"):
            raise InputError(f"dask must be an address, 'local', a Client or a cluster, got {dask!r}")
        self._dask, self._n_workers, self._n_ranks = dask, n_workers, n_ranks

    def run(self, job: Job, chunks: Sequence[int], report: Report) -> None:
        """See :class:`Executor`."""
        with self._client() as client:
            _check_versions(client)
            if not client.scheduler_info(n_workers=-1)["workers"]:
                logger.warning("the Dask cluster has no worker yet; the simulation waits for one")
            _run(client, job, chunks, report, self._n_ranks)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        from distributed import Client, LocalCluster

        if hasattr(self._dask, "submit"):
            yield self._dask
        elif self._dask == LOCAL:
            # Dask's own worker processes would import the user's script a second time.
            with (
                LocalCluster(
                    n_workers=1,
                    threads_per_worker=self._n_workers,
                    processes=False,
                    memory_limit=None,
                    dashboard_address="127.0.0.1:0",
                ) as cluster,
                Client(cluster, set_as_default=False) as client,
            ):
                yield client
        else:
            if isinstance(self._dask, str):
                _check_address(self._dask)
            with Client(self._dask, timeout=TIMEOUT, set_as_default=False) as client:
                yield client


def _check_address(address: str) -> None:
    """Refuse an address where nobody listens before a Client is made, which in vain may wait for ever to be closed."""
    from distributed.comm import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    try:
        scheme, location = parse_address(address)
        get_backend(scheme)
        if scheme in ("tcp", "tls"):
            socket.create_connection(parse_host_port(location), timeout=TIMEOUT).close()
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r} ({error}); "
            f"expected an address such as tcp://host:8786, or 'local'"
        ) from error


def _run(client: Any, job: Job, chunks: Sequence[int], report: Report, n_ranks: int) -> None:
    import dask
    from distributed import as_completed

    token = uuid.uuid4().hex
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
        # A task, not scattered data: when all workers that hold it are gone, the scheduler makes it anew.
        remote_job = client.submit(
            RemoteJob, token, job.input_files(), n_ranks, __version__, key=f"semsync-job-{token}", pure=False
        )
    names = [f"semsync-chunk-{token}-{chunk}" for chunk in chunks]
    futures = {
        client.submit(simulate_chunk, remote_job, chunk, key=name, pure=False): chunk
        for name, chunk in zip(names, chunks, strict=True)
    }
    try:
        for future in as_completed(list(futures), loop=client.loop):
            chunk = futures.pop(future)
            result = _result(client, future, job, chunk)
            job.write_chunk(chunk, result)
            report(len(job.trials_of(chunk)))
    finally:
        with contextlib.suppress(Exception):  # a cluster that is gone has nothing to end
            client.cancel(list(futures))
            client.run(end_job, token, on_error="ignore")


def _result(client: Any, future: Any, job: Job, chunk: int) -> Any:
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    trials = job.trials_of(chunk)
    try:
        result = future.result()
    except KilledWorker as error:
        raise SemsyncError(
            f"Dask workers died at trials {trials[0]}..{trials[-1]}, perhaps for lack of memory: {error}"
        ) from error
    except Exception as error:
        # The client may not have noticed yet.
        if isinstance(error, CommClosedError) or client.status != "running":
            raise SemsyncError(
                f"the connection to the Dask scheduler was lost; finished chunks are kept in {job.folder}"
            ) from error
        first_line = (str(error).splitlines() or [""])[0]
        raise SemsyncError(
            f"Dask could not run trials {trials[0]}..{trials[-1]}: {type(error).__name__}: {first_line}"
        ) from error
    if isinstance(result, Failure):
        for name, log in result.logs.items():
            (job.folder / name).write_bytes(log)
        message = result.message.replace(result.folder, str(job.folder)) if result.folder else result.message
        raise getattr(errors, result.kind, SemsyncError)(message)
    return result


def _check_versions(client: Any) -> None:
    """Refuse workers that have no semsync, or another one, before anything is sent to them."""
    versions = client.get_versions(packages=["semsync"])
    own = versions["client"]["packages"]
    for address, worker in versions["workers"].items():
        found = worker["packages"]
        if _minor(found["python"]) != _minor(own["python"]):
            raise MissingDependencyError(
                f"Dask worker {address} runs Python {_minor(found['python'])}, but this is {_minor(own['python'])}: "
                f"use the same on both sides"
            )
        if own["semsync"] is not None and found["semsync"] != own["semsync"]:
            has = "no semsync" if found["semsync"] is None else f"semsync {found['semsync']}"
            raise MissingDependencyError(
                f"Dask worker {address} has {has}, but this is {own['semsync']}: install the same version everywhere"
            )


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
