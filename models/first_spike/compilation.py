"""How the kernel is compiled: numba, cached on disk, for the folder as a whole."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

# OpenMP threads spin while they wait: on a machine that does anything else a step took 8 times as long. This layer
# sleeps, but must not be entered by two threads at once.
if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER = "workqueue"
ONE_AT_A_TIME = threading.Lock()


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_STAMP = _stamp()


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` with a cache that any change in this folder outdates.

    numba looks at a function's own file alone; a function that is compiled into another file's would go on as it was.
    With numba's default error model a division by zero would end one thread's share of the work in silence; here it
    follows IEEE 754. No fast-math: what it fuses or reorders differs between the process that compiles and those that
    read the cache.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = numba.njit(cache=True, error_model="numpy", **options)(function)
        compiled._cache._cache_file._source_stamp = _STAMP
        return compiled

    return decorate
