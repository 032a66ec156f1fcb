"""How a worker of several MPI ranks is started on this machine, or in this allocation of a cluster."""

from __future__ import annotations

import os
import shlex
import shutil

from ...errors import MissingDependencyError

LAUNCHER = "SEMSYNC_MPIRUN"  # environment variable: another launcher and its options, e.g. "srun --mpi=pmix"

# Ranks of several workers share a machine, perhaps with fewer cores than ranks, so none is bound to a core.
_OPEN_MPI = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",  # Open MPI 4
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",  # on a busy machine ranks that spin while they wait took eight times as long
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # Open MPI 5
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def mpirun(n_ranks: int) -> list[str]:
    """What comes before the command of a worker; nothing for one rank.

    Raises
    ------
    MissingDependencyError
        When there is no such launcher.
    """
    if n_ranks == 1:
        return []
    launcher = shlex.split(os.environ.get(LAUNCHER) or "mpirun")
    if shutil.which(launcher[0]) is None:
        raise MissingDependencyError(
            f"n_ranks = {n_ranks} needs {launcher[0]!r}, which is not found: install Open MPI and a NEST with MPI "
            f"(docs/clusters.md), or set {LAUNCHER} to another launcher"
        )
    return [*launcher, "-n", str(n_ranks)]


def mpi_environment(n_ranks: int) -> dict[str, str]:
    """Environment variables for the launcher; those that the user has set win."""
    if n_ranks == 1:
        return {}
    wanted = _OPEN_MPI | (_AS_ROOT if hasattr(os, "getuid") and os.getuid() == 0 else {})
    return {name: value for name, value in wanted.items() if name not in os.environ}
