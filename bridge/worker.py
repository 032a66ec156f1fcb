"""A worker process: ``python -m semsync.bridge.worker WORK_FOLDER --name 0 --chunks 0,2,4``.

It reads the job from the work folder, simulates its chunks in NEST, and writes each as a result file. On its standard
output are only lines of JSON for the parent: ``{"trials": 1}`` after each trial, ``{"chunk": 3}`` after each result
file, ``{"error": kind, "message": sentence}`` before it gives up. What NEST prints goes to the log in the work folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import SemsyncError
from .job import Chunk, Job, log_name
from .kernel_network import KernelNetwork
from .nest_kernel import load_nest

Report = Callable[..., None]


def run_chunks(job: Job, chunks: Sequence[int], report: Report) -> None:
    """Simulate some chunks of a job in this process."""
    nest = load_nest()
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
        simulator = f"NEST {nest.__version__}"
        job.write_chunk(chunk, Chunk(np.concatenate(times), np.concatenate(unit), np.concatenate(trial), simulator))
        report(chunk=chunk)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker; the exit status is 0 when all chunks are written."""
    parser = argparse.ArgumentParser(prog="semsync.bridge.worker", description="Simulate chunks of a job in NEST.")
    parser.add_argument("work_folder", type=Path)
    parser.add_argument("--name", type=int, default=0, help="number of this worker, for its log")
    parser.add_argument("--chunks", required=True, help="numbers of the chunks, separated by commas")
    options = parser.parse_args(arguments)
    report = _take_standard_output()
    try:
        job = Job.load(options.work_folder)
        run_chunks(job, [int(chunk) for chunk in options.chunks.split(",")], report)
    except BrokenPipeError:
        return 1  # the parent is gone
    except SemsyncError as error:
        traceback.print_exc()
        report(error=type(error).__name__, message=str(error))
        return 1
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        log = options.work_folder / log_name(options.name)
        message = f"a NEST worker failed with {type(error).__name__}: {first_line} (the traceback is in {log})"
        report(error="SemsyncError", message=message)
        return 1
    return 0


def _take_standard_output() -> Report:
    """Keep the standard output for reports; all else that this process prints goes where its errors go."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def report(**message: object) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return report


if __name__ == "__main__":
    sys.exit(main())
