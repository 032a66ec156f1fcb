"""Loading NEST, in a worker process only."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..errors import MissingDependencyError, SemsyncError

MIN_VERSION, BELOW_VERSION = (3, 9), (4, 0)  # measured with 3.10.0
INSTALL = "pip install 'nest-simulator>=3.9,<4' (Linux x86_64 or macOS)"


def load_nest() -> Any:
    """The ``nest`` module, quiet and of a supported version.

    Raises
    ------
    SemsyncError
        In a process that has loaded torch: the two crash each other.
    MissingDependencyError
        Without NEST, or with a version outside the supported range.
    """
    if "torch" in sys.modules:
        raise SemsyncError("NEST cannot be loaded into a process that has loaded torch; use semsync.bridge.simulate")
    os.environ["PYNEST_QUIET"] = "1"
    try:
        import nest
    except ImportError as error:
        raise MissingDependencyError(f"simulating needs NEST, which cannot be loaded ({error}): {INSTALL}") from error
    check_version(getattr(nest, "__version__", "unknown"))
    if hasattr(nest, "VerbosityLevel"):
        nest.verbosity = nest.VerbosityLevel.ERROR
    else:  # before 3.10
        nest.set_verbosity("M_ERROR")
    return nest


def check_version(version: str) -> None:
    """Refuse a NEST version outside the supported range."""
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not MIN_VERSION <= parts < BELOW_VERSION:
        raise MissingDependencyError(f"NEST {version} is installed, semsync supports >= 3.9 and < 4: {INSTALL}")
