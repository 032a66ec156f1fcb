"""Run a network in NEST: the parent's side, without NEST."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, MissingDependencyError, SemsyncError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable, decisions
from .executors import Executor, get_executor
from .job import Job
from .nest_kernel import INSTALL
from .protocols import Protocol, Rung
from .stimuli import Stimuli

CHUNK_SIZE = 25  # trials; a result file each, and what a killed worker loses at most


def simulate(
    description: NetworkDescription,
    stimuli: ArrayLike | SpikeTable,
    protocol: str | Rung | Protocol | Sequence[str | Rung] = "exact",
    *,
    resolution: float | ArrayLike = 0.1,
    classes: ArrayLike | None = None,
    n_workers: int = 1,
    n_ranks: int = 1,
    dask: Any = None,
    chunk_size: int = CHUNK_SIZE,
    work_folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> SpikeTable:
    """Present stimuli to a network in NEST and record every spike.

    Trials are spread over worker processes, each with a NEST kernel of its own; results are the same, to the last bit,
    for any number of workers, here or on a cluster. A worker that dies is started again and loses only its chunk.

    Parameters
    ----------
    description : NetworkDescription
    stimuli : array, shape [n_trials, n_inputs], or SpikeTable
        Spike time of each input [ms] from the onset of the trial, ``inf`` for a silent input; or any number of spikes
        for each input, as a table whose units are the inputs.
    protocol : str, Rung, Protocol, or several
        How the network is run: ``"exact"``, ``"refractory+noise:sd=2"``, ``[Refractory(), Noise(sd=2.0)]``. See
        :class:`Protocol` and :func:`protocol_names`.
    resolution : float, or array of shape [n_trials]
        Step h of the simulation [ms]. Spike times do not lie on it in the exact protocol, but an excursion above
        threshold shorter than h can be missed.
    classes : int array, shape [n_trials], optional
        Class of each stimulus, >= 0; those of a table of stimuli without.
    n_workers : int
        Number of processes, of one thread each.
    n_ranks : int
        MPI ranks over which each worker spreads the network, for networks that are too large or slow for one process.
        Needs a NEST with MPI, see docs/clusters.md.
    dask : str, Client or cluster, optional
        Where the workers run, instead of as `n_workers` processes of this machine: the address of a Dask scheduler, a
        ``distributed.Client``, a cluster, or "local". See docs/clusters.md.
    chunk_size : int
        Trials per result file.
    work_folder : path, optional
        Where inputs and results of finished chunks are kept. With the folder of an earlier call that was cut short,
        only missing chunks are simulated. A temporary folder without.
    progress : callable, optional
        Called with the number of trials done and the number of all trials.
    seed : int
        Of all that a protocol draws. The draws of a trial depend on its number, not on what ran before it.

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
        Without NEST, or with a version that is not supported; without Dask or MPI, where they are asked for.
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
    if classes is None and isinstance(stimuli, SpikeTable):
        classes = stimuli.trials.get("stimulus_class")
    spikes = Stimuli.of(description, stimuli)
    stimulus_class = _check_classes(classes, spikes.n_trials)
    if chunk_size < 1:
        raise InputError(f"chunk_size must be at least 1, got {chunk_size!r}")
    if not 0 <= seed < 2**32 - 1:
        raise InputError(f"seed must lie in 0..{2**32 - 2}, got {seed!r}")
    steps = _check_resolution(resolution, spikes.n_trials)
    executor = get_executor(n_workers, n_ranks, dask)
    if dask is None and importlib.util.find_spec("nest") is None:
        raise MissingDependencyError(f"simulating needs NEST, which is not installed: {INSTALL}")

    folder = Path(tempfile.mkdtemp(prefix="semsync-")) if work_folder is None else Path(work_folder)
    parsed = Protocol.of(protocol)
    drawing_ranks = n_ranks if parsed.draws_in_nest else 1
    job = Job(folder, description, spikes, steps, parsed, int(seed), int(chunk_size), drawing_ranks)
    is_temporary = work_folder is None
    try:
        if len(job.plans) > 1 and job.session > 1:
            raise InputError("trials that follow one another without a reset must have the same resolution")
        job.prepare()
        _run(job, executor, progress)
        return _recording(job, stimulus_class)
    except SemsyncError as error:
        is_temporary &= type(error) is not SemsyncError  # whose sentence points to a log in the folder
        raise
    finally:
        if is_temporary:
            shutil.rmtree(folder, ignore_errors=True)


def _run(job: Job, executor: Executor, progress: Callable[[int, int], None] | None) -> None:
    missing = job.missing_chunks()
    n_done = job.n_trials - sum(len(job.trials_of(chunk)) for chunk in missing)

    def report(n_new: int) -> None:
        nonlocal n_done
        n_done += n_new
        if progress is not None:
            progress(n_done, job.n_trials)

    report(0)
    if missing:
        executor.run(job, missing, report)


def _recording(job: Job, stimulus_class: NDArray[np.int64] | None) -> SpikeTable:
    description, stimuli, plans = job.description, job.stimuli, list(job.plans.values())
    chunks = [job.read_chunk(chunk) for chunk in range(job.n_chunks)]
    start = plans[0].schedule.onsets(job.n_trials)
    times = np.concatenate([stimuli.times, *(chunk.times for chunk in chunks)])
    unit = np.concatenate([stimuli.unit, *(chunk.unit for chunk in chunks)])
    trial = np.concatenate([stimuli.trial, *(chunk.trial for chunk in chunks)])
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
    if len(plans) > 1:
        trials["resolution"] = job.resolution
    annotations = {
        "simulator": ", ".join(sorted({chunk.simulator for chunk in chunks})),
        "protocol": str(job.protocol),
        "resolution": max(plan.resolution for plan in plans),
        "seed": job.seed,
        "trial_duration": float(description.trial_duration),
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


def _check_resolution(resolution: float | ArrayLike, n_trials: int) -> NDArray[np.float64]:
    steps = np.asarray(resolution, dtype=np.float64)
    if steps.shape not in ((), (n_trials,)):
        raise InputError(f"resolution must be one number, or one for each of the {n_trials} trials, got {steps.shape}")
    return np.array(np.broadcast_to(steps, (n_trials,)))


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
