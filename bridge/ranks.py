"""The processes that share one NEST kernel: this one alone, or all MPI ranks of a worker.

Every rank runs the same code; its neurons are a share of all, and it records their spikes only. The first rank listens
to the parent and writes results. mpi4py is loaded only for several ranks, and before NEST.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError

INSTALL = "docs/clusters.md says how to install NEST with MPI"
Value = TypeVar("Value")


class Ranks:
    """One process, or several of one MPI.

    Parameters
    ----------
    n : int
        How many there are meant to be.

    Raises
    ------
    MissingDependencyError
        Without mpi4py, or when the processes do not find one another.
    """

    def __init__(self, n: int) -> None:
        self.n, self._communicator = n, None
        if n == 1:
            return
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise MissingDependencyError(
                f"several MPI ranks need mpi4py, which cannot be loaded ({error}): pip install mpi4py; {INSTALL}"
            ) from error
        if n != MPI.COMM_WORLD.size:
            raise MissingDependencyError(
                f"{n} MPI ranks were started, but mpi4py sees {MPI.COMM_WORLD.size}: mpirun and mpi4py must be of the "
                f"same MPI; {INSTALL}"
            )
        self._communicator = MPI.COMM_WORLD

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that listens, reports and writes."""
        return self._communicator is None or self._communicator.rank == 0

    def check(self, nest: Any) -> None:
        """Refuse a NEST that does not share its kernel among the ranks."""
        if self.n == 1:
            return
        if not nest.build_info.get("have_mpi"):
            raise MissingDependencyError(f"the NEST that is installed was built without MPI; {INSTALL}")
        if nest.num_processes != self.n:
            raise MissingDependencyError(
                f"{self.n} MPI ranks were started, but NEST sees {nest.num_processes}: mpirun, mpi4py and NEST must be "
                f"of the same MPI; {INSTALL}"
            )

    def share(self, value: Value) -> Value:
        """What the first rank has, on all."""
        return value if self._communicator is None else self._communicator.bcast(value)

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """The arrays of all ranks, one behind the other, on the first; on the others their own."""
        if self._communicator is None:
            return values
        parts = self._communicator.gather(values)
        return values if parts is None else np.concatenate(parts)

    def abort(self) -> None:
        """End all other ranks, which may wait for this one."""
        if self._communicator is not None:
            self._communicator.Abort(1)
