"""The kernel's work on all cores: threads that take one task after the other, until none is left.

numba's own layers for this either spin while they wait (OpenMP: on a machine that does anything else a training step
took eight times as long) or wake all their threads beside a caller that still runs, so that two of them come to share a
core while another is idle (workqueue: every second step took twice as long). Here the caller works as well, and a
thread that is held up keeps nobody waiting but for the task it has.

Each thread begins with a share of its own, of neighbouring tasks, and then helps the others. So from step to step the
same core mostly has the same weights and gradients, and has them in its cache.

A kernel is compiled without the GIL and begins ``kernel(tasks, ...)``: it takes tasks by :func:`next_task`. Whoever
takes a task, what it writes is the same, so results do not depend on the number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compilation import jit

ONE_AT_A_TIME = threading.Lock()  # the queues below, and memory that the kernel keeps, serve one caller

_LINE = 8  # integers of a cache line
_NONE_LEFT = 1 << 62

_Work = tuple[Callable[..., None], tuple[Any, ...]]
_n_threads: int = numba.config.NUMBA_NUM_THREADS


@intrinsic
def _count_up(typingctx: Any, shares: Any, thread: Any) -> Any:
    """``shares[thread, 0]``, counted up in the same instant."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        at = builder.gep(array.data, [builder.mul(arguments[1], ir.Constant(ir.IntType(64), _LINE))])
        return builder.atomic_rmw("add", at, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(shares, types.int64), codegen


@jit()
def next_task(tasks: Any) -> int:
    """The number of a task that nobody has taken; a number beyond all of them when none is left."""
    shares, own = tasks
    for distance in range(len(shares)):
        thread = (own + distance) % len(shares)
        if shares[thread, 0] < shares[thread, 1]:
            task = _count_up(shares, thread)
            if task < shares[thread, 1]:
                return task
    return _NONE_LEFT


def get_num_threads() -> int:
    """Threads of the kernel, the caller's included: all cores, or what NUMBA_NUM_THREADS said at the start."""
    return _n_threads


def set_num_threads(n_threads: int) -> None:
    """Choose the number of threads; it changes no result.

    Raises
    ------
    ValueError
        When it is below 1.
    """
    global _n_threads
    if n_threads < 1:
        raise ValueError(f"n_threads must be at least 1, got {n_threads}")
    _n_threads = n_threads


class _Workers:
    """Threads that wait for work, of this process: they do not survive a fork."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.work: SimpleQueue[_Work] = SimpleQueue()
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()
        self.n = 0

    def start(self, n: int) -> None:
        for _ in range(self.n, n):
            threading.Thread(target=self._serve, name="semsync-kernel", daemon=True).start()
        self.n = max(self.n, n)

    def _serve(self) -> None:
        while True:
            kernel, arguments = self.work.get()
            try:
                kernel(*arguments)
            except BaseException as error:
                self.done.put(error)
            else:
                self.done.put(None)


_workers = _Workers()


def run(kernel: Callable[..., None], n_tasks: int, *arguments: Any) -> None:
    """Call ``kernel(tasks, *arguments)`` on several threads; returns when all tasks are done.

    To be called with :data:`ONE_AT_A_TIME` held.
    """
    global _workers
    if _workers.process != os.getpid():
        _workers = _Workers()
    n_threads = max(1, min(_n_threads, n_tasks))
    n_helpers = n_threads - 1
    # The next task of each thread's share, and the end of it.
    shares = np.zeros((n_threads, _LINE), np.int64)
    shares[:, 0] = np.arange(n_threads) * n_tasks // n_threads
    shares[:, 1] = np.arange(1, n_threads + 1) * n_tasks // n_threads
    _workers.start(n_helpers)
    for thread in range(1, n_threads):
        _workers.work.put((kernel, ((shares, thread), *arguments)))
    errors: list[BaseException | None] = []
    try:
        kernel((shares, 0), *arguments)
    finally:
        # Nothing may still write when the caller goes on, not even after Ctrl-C.
        while len(errors) < n_helpers:
            errors.append(_workers.done.get())
    for error in errors:
        if error is not None:
            raise error
