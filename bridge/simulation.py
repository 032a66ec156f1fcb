"""Run a network in NEST: the parent's side, without NEST."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, MissingDependencyError, SemsyncError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable, decisions
from .job import Job
from .nest_kernel import INSTALL
from .protocols import get_protocol
from .protocols.protocol import Protocol
from .workers import run_workers

CHUNK_SIZE = 25  # trials; a result file each, and what a killed worker loses at most


def simulate(
    description: NetworkDescription,
    input_times: ArrayLike,
    protocol: str = "exact",
    *,
    resolution: float = 0.1,
    classes: ArrayLike | None = None,
    n_workers: int = 1,
    chunk_size: int = CHUNK_SIZE,
    work_folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> SpikeTable:
    """Present stimuli to a network in NEST and record every spike.

    Trials are spread over worker processes, each with a NEST kernel of its own; results are the same, to the last bit,
    for any number of workers. A worker that dies is started again and loses only its chunk.

    Parameters
    ----------
    description : NetworkDescription
    input_times : array, shape [n_trials, n_inputs]
        Spike time of each input [ms] from the onset of the trial, ``inf`` for a silent input.
    protocol : str
        See :func:`protocol_names`.
    resolution : float
        Step h of the simulation [ms]. Spike times do not lie on it in the exact protocol, but an excursion above
        threshold shorter than h can be missed.
    classes : int array, shape [n_trials], optional
        Class of each stimulus, >= 0.
    n_workers : int
        Number of processes, of one thread each.
    chunk_size : int
        Trials per result file.
    work_folder : path, optional
        Where inputs and results of finished chunks are kept. With the folder of an earlier call that was cut short,
        only missing chunks are simulated. A temporary folder without.
    progress : callable, optional
        Called with the number of trials done and the number of all trials.
    seed : int
        Of NEST's random generators, in protocols that use them.

    Returns
    -------
    SpikeTable
        Units of all populations in their order, inputs included; times from the onset of the trial. Decisions are
        those of the first output spike (of simultaneous ones that of the lowest row).

    Raises
    ------
    InputError
        On spike times that are negative, NaN or after the end of the trial, wrong shapes, unknown protocols, or a
        network that the protocol cannot run.
    FileError
        When the work folder cannot be written or holds another simulation.
    MissingDependencyError
        Without NEST, or with a version that is not supported.
    SemsyncError
        When a worker fails or keeps dying.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import LIFNeuron, NetworkDescription
    >>> from semsync.bridge import simulate
    >>> neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
    >>> network = NetworkDescription.from_weights([[[3.0, 0.1]], [[3.0], [0.0]]], neuron, trial_duration=50.0)
    >>> recording = simulate(network, [[1.0], [np.inf]])
    >>> recording
    SpikeTable(3 spikes, 4 units, 2 trials)
    >>> recording.times.round(6).tolist()
    [1.0, 7.190613, 13.381226]
    """
    times = _check_input_times(description, input_times)
    stimulus_class = _check_classes(classes, len(times))
    for name, value in (("n_workers", n_workers), ("chunk_size", chunk_size)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, got {value!r}")
    if not 0 <= seed < 2**32 - 1:
        raise InputError(f"seed must lie in 0..{2**32 - 2}, got {seed!r}")
    instance = get_protocol(protocol)(description, resolution)
    if importlib.util.find_spec("nest") is None:
        raise MissingDependencyError(f"simulating needs NEST, which is not installed: {INSTALL}")

    folder = Path(tempfile.mkdtemp(prefix="semsync-")) if work_folder is None else Path(work_folder)
    job = Job(folder, description, times, protocol, float(resolution), int(seed), int(chunk_size))
    is_temporary = work_folder is None
    try:
        job.prepare()
        _run(job, n_workers, progress)
        return _recording(job, instance, stimulus_class)
    except SemsyncError as error:
        is_temporary &= type(error) is not SemsyncError  # whose sentence points to a log in the folder
        raise
    finally:
        if is_temporary:
            shutil.rmtree(folder, ignore_errors=True)


def _run(job: Job, n_workers: int, progress: Callable[[int, int], None] | None) -> None:
    missing = job.missing_chunks()
    n_done = job.n_trials - sum(len(job.trials_of(chunk)) for chunk in missing)

    def report(n_new: int) -> None:
        nonlocal n_done
        n_done += n_new
        if progress is not None:
            progress(n_done, job.n_trials)

    report(0)
    if missing:
        run_workers(job, missing, n_workers, report)


def _recording(job: Job, protocol: Protocol, stimulus_class: NDArray[np.int64] | None) -> SpikeTable:
    description, schedule = job.description, protocol.schedule
    chunks = [job.read_chunk(chunk) for chunk in range(job.n_chunks)]
    input_trial, input_unit = np.nonzero(np.isfinite(job.input_times))
    start = np.arange(job.n_trials) * schedule.trial_period
    times = np.concatenate([job.input_times[input_trial, input_unit], *(chunk.times for chunk in chunks)])
    unit = np.concatenate([input_unit, *(chunk.unit for chunk in chunks)])
    trial = np.concatenate([input_trial, *(chunk.trial for chunk in chunks)])
    decision_time, decision = _decisions(description, job.n_trials, times, unit, trial)
    trials: dict[str, NDArray[Any]] = {
        "start": start,
        "stop": start + description.trial_duration,
        "onset": start,
        "decision_time": decision_time,
        "decision": decision,
    }
    if stimulus_class is not None:
        trials["stimulus_class"] = stimulus_class
    annotations = {
        "simulator": ", ".join(sorted({chunk.simulator for chunk in chunks})),
        "protocol": job.protocol,
        "resolution": job.resolution,
        "seed": job.seed,
        "trial_duration": float(description.trial_duration),
        "trial_period": schedule.trial_period,
    }
    return SpikeTable(times, unit, trial, description.unit_table(), trials, annotations)


def _decisions(
    description: NetworkDescription,
    n_trials: int,
    times: NDArray[np.float64],
    unit: NDArray[np.int32],
    trial: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Time of the first output spike [ms] and its row in the output population; inf and -1 without one."""
    size = description.output.size
    row = unit - sum(population.size for population in description.populations[:-1])
    output = row >= 0
    first = np.full((n_trials, size), np.inf)
    np.minimum.at(first, (trial[output], row[output]), times[output])
    return decisions(first)


def _check_input_times(description: NetworkDescription, input_times: ArrayLike) -> NDArray[np.float64]:
    try:
        times = np.array(input_times, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"input_times must be an array of numbers [n_trials, n_inputs]: {error}") from error
    n_inputs = description.input.size
    if times.ndim != 2 or times.shape[1] != n_inputs or not len(times):
        raise InputError(
            f"input_times must have shape [n_trials, {n_inputs}] with at least one trial, got {times.shape}"
        )
    # NEST drops such spikes without a word.
    bad = np.argwhere(~((times >= 0) & (times <= description.trial_duration) | (times == np.inf)))
    if len(bad):
        trial, unit = bad[0]
        raise InputError(
            f"input_times must lie in 0..{description.trial_duration:g} ms (the trial), or be inf for a silent input; "
            f"trial {trial}, input {unit} has {times[trial, unit]} ({len(bad)} in all)"
        )
    return times


def _check_classes(classes: ArrayLike | None, n_trials: int) -> NDArray[np.int64] | None:
    if classes is None:
        return None
    stimulus_class = np.asarray(classes)
    if stimulus_class.shape != (n_trials,) or stimulus_class.dtype.kind not in "iu" or stimulus_class.min() < 0:
        raise InputError(
            f"classes must be integers >= 0, one for each of the {n_trials} trials, "
            f"got shape {stimulus_class.shape} of {stimulus_class.dtype}"
        )
    return stimulus_class.astype(np.int64)
