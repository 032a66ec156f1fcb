"""How the kernel is compiled: numba, cached on disk, for the folder as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_STAMP = _stamp()


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` without the GIL, with a cache that any change in this folder outdates.

    numba looks at a function's own file alone; a function that is compiled into another file's would go on as it was.
    With numba's default error model a division by zero would raise; here it follows IEEE 754. No fast-math: what it
    fuses or reorders differs between the process that compiles and those that read the cache.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        compiled._cache._cache_file._source_stamp = _STAMP
        return compiled

    return decorate
