"""Who simulates the chunks of a job: processes of this machine, those of a Dask cluster; each alone or with MPI ranks.

All run the same worker, ``python -m semsync.bridge.worker``, and so give the same result, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import InputError

if TYPE_CHECKING:
    from ..job import Job

__all__ = ["Executor", "Report", "get_executor"]

Report = Callable[[int], None]


class Executor(Protocol):
    """Has chunks of a job simulated."""

    def run(self, job: Job, chunks: Sequence[int], report: Report) -> None:
        """Return when the result files of all chunks are written.

        Parameters
        ----------
        job : Job
        chunks : sequence of int
        report : callable
            Called with the number of trials newly done; negative when a dead worker's chunk is lost.

        Raises
        ------
        SemsyncError
            The error a worker ended with, or that one keeps dying. All workers are ended.
        """


def get_executor(n_workers: int, n_ranks: int = 1, dask: Any = None) -> Executor:
    """The executor that the arguments of :func:`semsync.bridge.simulate` ask for.

    Raises
    ------
    InputError
        On numbers below 1, or something that is no Dask cluster.
    MissingDependencyError
        Without Dask, or without ``mpirun``, where they are asked for.
    """
    for name, value in (("n_workers", n_workers), ("n_ranks", n_ranks)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, got {value!r}")
    if dask is None:
        from .local_workers import LocalExecutor

        return LocalExecutor(n_workers, n_ranks)
    from .dask_cluster import DaskExecutor

    return DaskExecutor(dask, n_workers, n_ranks)
