"""Commands that train: run, train, reproduce, and the report of what they left."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

import click

from .options import PATH, config_of, run_options
from .output import ProgressBars, failure, print_results


@click.command()
@run_options
@click.option("--seeds", "n_seeds", type=click.IntRange(min=1), help="Repeat with so many seeds; mean and spread.")
@click.option("--n-trials", type=click.IntRange(min=1), help="Simulate and analyse only so many test samples.")
def run(
    preset: str,
    out: Path | None,
    seed: int | None,
    settings: tuple[str, ...],
    resume: bool,
    data_folder: Path | None,
    n_seeds: int | None,
    n_trials: int | None,
) -> None:
    """Train, export, simulate in NEST, analyse and report.

    PRESET is digits (default), yin-yang, mnist, or the config.json of an earlier run.

    \b
    Examples:
      semsync run
      semsync run digits --seeds 3 --out runs/three
      semsync run mnist --set training.epochs=10 --n-trials 1000
      semsync run digits --resume                  go on after an interruption
    """
    from ..pipeline.run import run as run_once
    from ..pipeline.run import run_seeds

    config = config_of(preset, settings, seed, n_trials)
    folder = out or Path("runs") / config.preset
    with ProgressBars() as progress:
        if n_seeds is None:
            results = run_once(config, folder, resume=resume, data_folder=data_folder, progress=progress)
        else:
            results = run_seeds(config, n_seeds, folder, resume=resume, data_folder=data_folder, progress=progress)
    print_results(results)
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")


@click.command()
@run_options
@click.option("--seeds", "n_seeds", type=click.IntRange(min=1), help="Train with so many seeds; mean and spread.")
def train(
    preset: str,
    out: Path | None,
    seed: int | None,
    settings: tuple[str, ...],
    resume: bool,
    data_folder: Path | None,
    n_seeds: int | None,
) -> None:
    """Train a network and save it, without simulating it.

    `semsync run PRESET --out FOLDER --resume` goes on from here. Under torchrun, all processes train one network,
    each on its share of every batch.

    \b
    Examples:
      semsync train digits --out runs/digits
      semsync train mnist --set training.epochs=20
      semsync train mnist-short --seeds 3 --out runs/mnist
      torchrun --nproc-per-node=4 -m semsync train mnist --out runs/mnist
    """
    from ..pipeline.run import train_only

    config = config_of(preset, settings, seed)
    folder = out or Path("runs") / config.preset
    with ProgressBars() as progress:
        trained = train_only(config, folder, n_seeds=n_seeds, resume=resume, data_folder=data_folder, progress=progress)
    if not trained:
        # A helper of the first process. gloo's threads can abort an interpreter that is taking itself down.
        sys.stderr.flush()
        os._exit(0)
    accuracies = [accuracy for _, accuracy in trained.values()]
    for network, accuracy in trained.values():
        click.echo(f"test accuracy: {accuracy:.2%}  network: {network}")
    if len(accuracies) > 1:
        spread = statistics.stdev(accuracies)
        click.echo(f"mean: {statistics.fmean(accuracies):.2%} +- {spread:.2%} (SD over {len(accuracies)} seeds)")


@click.command()
@click.argument("paper")
@click.option("--quick", is_flag=True, help="A smaller net on digits: minutes instead of a night.")
@click.option("--out", type=PATH, help="Folder of the reproduction; runs/reproduce-PAPER without it.")
@click.option("--seeds", "n_seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Of the main net.")
@click.option("--n-trials", type=click.IntRange(min=1), help="Simulate and analyse only so many test samples.")
@click.option("--without-variants", is_flag=True, help="Leave out nets of other depths and with a silent background.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the configuration of every net.")
@click.option("--resume", is_flag=True, help="Go on with the reproduction in --out.")
@click.option("--data-folder", type=PATH, help="Folder of the data set's files; see `semsync data`.")
def reproduce(
    paper: str,
    quick: bool,
    out: Path | None,
    n_seeds: int,
    n_trials: int | None,
    without_variants: bool,
    settings: tuple[str, ...],
    resume: bool,
    data_folder: Path | None,
) -> None:
    """Reproduce a PAPER, claim by claim, with every control; exits with 1 if a claim's sign is not shown.

    PAPER is semantization: "Synchronization and semantization in deep spiking networks" (arXiv:2508.12975).

    \b
    Examples:
      semsync reproduce semantization --quick
      semsync reproduce semantization --out runs/semantization
      semsync reproduce semantization --out runs/semantization --resume
    """
    from ..pipeline.reproduce import reproduce as reproduce_paper

    folder = out or Path("runs") / f"reproduce-{paper}{'-quick' if quick else ''}"
    with ProgressBars() as progress:
        results = reproduce_paper(
            paper, folder, quick=quick, n_seeds=n_seeds, n_trials=n_trials, variants=not without_variants,
            settings=settings, resume=resume, data_folder=data_folder, progress=progress,
        )  # fmt: skip
    for claim in results["claims"]:
        click.echo(f"{'+' if claim['shown'] else '-'} {claim['claim']} It {claim['verdict']}.")
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")
    if not all(claim["shown"] for claim in results["claims"]):
        raise failure("not every claim has the sign of the paper; see the report")


@click.command()
@click.argument("folder", type=PATH)
def report(folder: Path) -> None:
    """Write report.html anew from the results in the FOLDER of a run.

    \b
    Example:
      semsync report runs/digits
    """
    from ..pipeline.run import write_report

    click.echo(f"report: {write_report(folder)}")
