"""The main job: train -> export -> NEST -> recording -> analysis -> report."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..bridge import compare
from ..errors import FileError, InputError
from ..models import datasets
from ..models.randomness import generator
from ..models.ranks import Ranks
from ..network_description import NetworkDescription
from . import stages
from .config import RunConfig, load_config
from .controls import shuffled
from .nix_copy import nix_copy
from .progress import Progress, silent
from .run_folder import RunFolder, environment, read_json, write_json
from .summary import summarise

logger = logging.getLogger(__name__)


def run(
    config: RunConfig,
    out: str | Path,
    *,
    resume: bool = False,
    data_folder: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Run the main job in the folder `out` and return what is in its ``results.json``.

    Parameters
    ----------
    config : RunConfig
    out : path
        Made if it does not exist. One that is not empty needs `resume`.
    resume : bool
        Go on with a run that was cut short: finished stages are read, training goes on after its last epoch, the
        simulation after its last chunk. The result is that of a run that was never cut, bit for bit.
    data_folder : path, optional
        Where data sets that do not ship with a dependency lie.
    progress : callable
        See :class:`Progress`.

    Raises
    ------
    SemsyncError
        In one sentence, before any work is lost.
    """
    if Ranks.of_environment().n > 1:
        raise InputError(
            "only `semsync train` runs in several processes; then go on with `semsync run --resume` in one"
        )
    folder = _open(out, config, resume)
    with folder.writing():
        started = time.perf_counter()
        logger.info("configuration: %s", config.model_dump_json())
        dataset = datasets.load(config.dataset, data_folder)
        training = stages.train(config, dataset, folder, progress)
        results = _simulate_and_analyse(config, dataset, folder, progress)
        results["training"] = {
            "n_epochs": len(training.history),
            "best_epoch": training.best_epoch,
            "validation_accuracy": training.history[training.best_epoch].validation_accuracy
            if training.history
            else None,
        }
        write_json(folder.results, results)
        progress("report", 0, 1)
        write_report(folder.root)
        progress("report", 1, 1)
        logger.info("done in %.1f s", time.perf_counter() - started)
    return results


def run_seeds(
    config: RunConfig,
    n_seeds: int,
    out: str | Path,
    *,
    resume: bool = False,
    data_folder: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Repeat :func:`run` with `n_seeds` seeds from the configuration's on, each in a folder ``seed-K`` of `out`.

    Returns
    -------
    dict
        Like that of :func:`run`, with means in place of numbers, and their spread under ``"sd"``.
    """
    if n_seeds < 1:
        raise InputError(f"the number of seeds must be at least 1, got {n_seeds}")
    folder = _open(out, config, resume)
    runs = {}
    for seed in range(config.seed, config.seed + n_seeds):

        def of_seed(stage: str, n_done: int, n_all: int, note: str = "", seed: int = seed) -> None:
            progress(f"seed {seed}: {stage}", n_done, n_all, note)

        own = folder.root / f"seed-{seed}"
        seeded = config.model_copy(update={"seed": seed})
        if (own / "results.json").exists() and (own / "report.html").exists():
            _open(own, seeded, resume)  # refuses the results of another configuration
            runs[seed] = read_json(own / "results.json")
        else:
            runs[seed] = run(seeded, own, resume=own.exists(), data_folder=data_folder, progress=of_seed)
    results = summarise(runs)
    write_json(folder.results, results)
    write_report(folder.root)
    return results


def train_only(
    config: RunConfig,
    out: str | Path,
    *,
    n_seeds: int | None = None,
    resume: bool = False,
    data_folder: str | Path | None = None,
    progress: Progress = silent,
) -> dict[int, tuple[Path, float]]:
    """The first stage of :func:`run` alone, or of :func:`run_seeds` where `n_seeds` is given.

    Under ``torchrun`` all processes train each network together; only the first writes, and returns something.

    Returns
    -------
    dict of int to (Path, float)
        For each seed the path of the network and its accuracy on the test set.
    """
    ranks = Ranks.of_environment()
    root = Path(out)
    if ranks.is_first and n_seeds is not None:
        _open(root, config, resume)
    trained = {}
    for seed in range(config.seed, config.seed + (n_seeds or 1)):
        own = root if n_seeds is None else root / f"seed-{seed}"
        seeded = config.model_copy(update={"seed": seed})
        dataset = datasets.load(config.dataset, data_folder)
        if not ranks.is_first:
            stages.help_training(seeded, dataset, RunFolder.paths(own), ranks)
            continue
        folder = _open(own, seeded, resume or (n_seeds is not None and own.exists()))
        with folder.writing():
            stages.train(seeded, dataset, folder, progress, ranks)
            table = stages.torch_recording(NetworkDescription.load(folder.network()), dataset.test)
            trained[seed] = folder.network(), stages.accuracy(table)
    ranks.part()
    return trained


def _open(out: str | Path, config: RunConfig, resume: bool) -> RunFolder:
    folder = RunFolder(out, resume=resume)
    plain = config.model_dump(mode="json")
    if folder.config.exists():
        earlier = load_config(str(folder.config)).model_dump(mode="json")
        changed = _difference(earlier, plain)
        if changed:
            raise InputError(f"{folder.root} holds a run of another configuration, which differs in {changed}")
    else:
        write_json(folder.config, {"config": plain, "environment": environment()})
    return folder


def _difference(earlier: Any, now: Any, prefix: str = "") -> str:
    """Dotted name of the first key in which two configurations differ, empty if none does."""
    if not (isinstance(earlier, dict) and isinstance(now, dict)):
        return "" if earlier == now else f"{prefix.rstrip('.')} ({earlier!r}, now {now!r})"
    for key in sorted(earlier.keys() | now.keys()):
        found = _difference(earlier.get(key), now.get(key), f"{prefix}{key}.")
        if found:
            return found
    return ""


def _simulate_and_analyse(
    config: RunConfig, dataset: datasets.Dataset, folder: RunFolder, progress: Progress
) -> dict[str, Any]:
    split = dataset.test.first(config.simulation.n_trials)
    descriptions = {condition: NetworkDescription.load(folder.network(condition)) for condition in stages.CONDITIONS}
    if config.analysis.shuffled_control:
        descriptions["shuffled"] = shuffled(descriptions["trained"], generator(config.seed, "shuffled weights"))
        descriptions["shuffled"].save(folder.network("shuffled"))
    reference = stages.torch_recording(descriptions["trained"], split)
    recordings, analyses = {}, {}
    with ExitStack() as beside:
        for condition, description in descriptions.items():
            started = time.perf_counter()
            recordings[condition] = stages.simulate(
                description, split, config.simulation, folder, condition, progress, config.seed
            )
            logger.info("%s network in NEST: %.1f s", condition, time.perf_counter() - started)
            if condition == "trained":
                nwb, nix = (folder.recording(condition, suffix) for suffix in (".nwb", ".nix"))
                beside.enter_context(nix_copy(nwb, nix, progress))
        comparison = compare(reference, recordings["trained"], descriptions["trained"])
        stages.save_spike_times(reference, recordings["trained"], folder)
        control = descriptions["untrained"]
        for number, (condition, recording) in enumerate(recordings.items()):
            progress("analyse", number, len(recordings), condition)
            analyses[condition] = stages.analyse(
                recording, config, folder, condition, descriptions[condition],
                control if condition == "trained" else None,
            )  # fmt: skip
        progress("analyse", len(recordings), len(recordings))
    return {
        "dataset": config.dataset,
        "preset": config.preset,
        "seed": config.seed,
        "n_test": len(split),
        "torch": {"test_accuracy": stages.accuracy(reference)},
        "nest": {
            "test_accuracy": stages.accuracy(recordings["trained"]),
            "protocol": config.simulation.protocol,
            "resolution_ms": stages.resolutions(recordings["trained"]),
            **comparison.to_dict(),
        },
        "layers": {condition: stages.layer_rows(analysis) for condition, analysis in analyses.items()},
        "pathways": analyses["trained"].to_dict(["pathways"])["pathways"],
        "lacks": list(analyses["trained"].lacks),
    }


def write_report(root: str | Path) -> Path:
    """Write ``report.html`` of a finished run, of several seeds, or of a validation, from what lies in its folder.

    Raises
    ------
    FileError
        When the folder holds no finished run.
    """
    from .reporting import seeds_report, single_report, validation_report

    if not (Path(root) / "results.json").exists():
        raise FileError(f"{root} holds no finished run (there is no results.json); finish it with run --resume")
    folder = RunFolder(root, resume=True)
    results = read_json(folder.results)
    if "curves" in results:
        validation_report(folder, results)
    else:
        (seeds_report if "seeds" in results else single_report)(folder, results)
    return folder.report
