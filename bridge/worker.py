"""A worker process: ``python -m semsync.bridge.worker WORK_FOLDER --name 0``, under ``mpirun`` with ``--ranks N``.

It reads the job from the work folder, the numbers of its chunks, a line each, from standard input, simulates them in
NEST and writes each as a result file, until the input ends. On its standard output are only lines of JSON for the
parent: ``{"trials": 1}`` after each trial, ``{"chunk": 3}`` after each result file, ``{"error": kind, "message":
sentence}`` before it gives up. What NEST prints goes to the log in the work folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from ..errors import SemsyncError
from .job import Chunk, Job, log_name
from .kernel_network import KernelNetwork
from .nest_kernel import load_nest
from .ranks import Ranks

Report = Callable[..., None]


def run_chunks(job: Job, chunks: Iterable[int], report: Report, ranks: Ranks) -> None:
    """Simulate some chunks of a job in this process, on every rank the same."""
    nest = load_nest()
    ranks.check(nest)
    network = None
    for chunk in chunks:
        trials, plan = job.trials_of(chunk), job.plan_of(chunk)
        if network is None or network.plan.resolution != plan.resolution:
            network = KernelNetwork(nest, plan)
        times, unit, trial = [], [], []
        for start in range(0, len(trials), plan.session):
            together = trials[start : start + plan.session]
            stimuli = [job.stimuli.of_trial(int(k)) for k in together]
            times_of_session, unit_of_session, row = network.present(stimuli, first_trial=int(together[0]))
            times.append(times_of_session)
            unit.append(unit_of_session)
            trial.append(together[row].astype(np.int32))
            report(trials=len(together))
        times_of_all, unit_of_all, trial_of_all = (ranks.gather(np.concatenate(part)) for part in (times, unit, trial))
        if ranks.is_first:
            job.write_chunk(chunk, Chunk(times_of_all, unit_of_all, trial_of_all, f"NEST {nest.__version__}"))
        report(chunk=chunk)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker; the exit status is 0 when all chunks are written."""
    parser = argparse.ArgumentParser(prog="semsync.bridge.worker", description="Simulate chunks of a job in NEST.")
    parser.add_argument("work_folder", type=Path)
    parser.add_argument("--name", type=int, default=0, help="number of this worker, for its log")
    parser.add_argument("--ranks", type=int, default=1, help="number of MPI ranks that it was started as")
    options = parser.parse_args(arguments)
    channel, ranks = _take_standard_output(), None

    def report(**message: object) -> None:
        if ranks is None or ranks.is_first or "error" in message:
            channel.write(json.dumps(message) + "\n")
            channel.flush()

    try:
        ranks = Ranks(options.ranks)
        run_chunks(Job.load(options.work_folder), _asked_for(ranks), report, ranks)
        return 0
    except BrokenPipeError:
        pass  # the parent is gone
    except SemsyncError as error:
        report(error=type(error).__name__, message=str(error))
        _log_traceback()
    except Exception as error:
        first_line = (str(error).splitlines() or [""])[0]
        log = options.work_folder / log_name(options.name)
        message = f"a NEST worker failed with {type(error).__name__}: {first_line} (the traceback is in {log})"
        report(error="SemsyncError", message=message)
        _log_traceback()
    if ranks is not None:
        ranks.abort()
    return 1


def _log_traceback() -> None:
    """After the report: where the disk is full, the log cannot be written either."""
    with contextlib.suppress(OSError):
        traceback.print_exc()


def _asked_for(ranks: Ranks) -> Iterator[int]:
    """Chunks as the parent asks for them."""
    while line := ranks.share(sys.stdin.readline() if ranks.is_first else ""):
        yield int(line)


def _take_standard_output() -> TextIO:
    """Keep the standard output for reports; all else that this process prints goes where its errors go."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    sys.exit(main())
