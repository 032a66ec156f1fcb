"""What a process does with the memory that it frees."""

from __future__ import annotations

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEEP = 512 * 2**20
_LARGEST = 32 * 2**20  # the most that glibc takes


def keep_freed_memory() -> bool:
    """Keep up to 512 MiB of freed memory instead of giving it back to the system; whether that can be set here.

    A training step frees and takes again the same few arrays of megabytes. Given back each time, they cost thousands of
    page faults a step: more than half of its time was spent on them. Linux with glibc only; elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        logger.debug("the C library has no mallopt: freed memory is given back at once")
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, _KEEP) and mallopt(_M_MMAP_THRESHOLD, _LARGEST))
