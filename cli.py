"""The command line: parse, call, print. All work is done elsewhere, and imported only when a command needs it."""

from __future__ import annotations

import errno
import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .errors import SemsyncError

if TYPE_CHECKING:
    from .pipeline.config import RunConfig

_PATH = click.Path(path_type=Path)


class _Commands(click.Group):
    """Commands in the order of the work, and errors that a user can mend as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SemsyncError as error:
            raise _fail(str(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _fail("the disk is full; free some space, then go on with --resume") from error
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("semsync"):
                raise
            sentence = f"this command needs {error.name}, which is not installed: pip install 'semsync[all]'"
            raise _fail(sentence) from error
        except KeyboardInterrupt:
            click.echo("\nsemsync: interrupted; finished work is kept, go on with --resume", err=True)
            raise SystemExit(130) from None


def _fail(sentence: str) -> click.ClickException:
    error = click.ClickException(sentence)
    error.show = lambda file=None: click.echo(f"semsync: {sentence}", err=True)  # type: ignore[method-assign]
    return error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="semsync")
def main() -> None:
    """Train spiking networks with exact spike times, prove them in NEST, analyse them as cortex is analysed.

    \b
    Examples:
      semsync run                                  train, simulate, analyse and report on digits
      semsync run yin-yang --seeds 3 --out runs/yy
      semsync simulate runs/digits/network.safetensors --dataset digits
      semsync analyze recording.nwb
    """


def _run_options(command: Any) -> Any:
    """Options that `run` and `train` share."""
    options = [
        click.argument("preset", default="digits"),
        click.option("--out", type=_PATH, help="Folder of the run; runs/PRESET without it."),
        click.option("--seed", type=click.IntRange(min=0), help="Of initial weights, order, noise and statistics."),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the preset: training.epochs=5, ..."
        ),
        click.option("--resume", is_flag=True, help="Go on with the run in --out."),
        click.option("--data-folder", type=_PATH, help="Folder of the data set's files; see `semsync data`."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _config(preset: str, settings: tuple[str, ...], seed: int | None, n_trials: int | None = None) -> RunConfig:
    from .pipeline.config import load_config

    if n_trials is not None:
        settings = (*settings, f"simulation.n_trials={n_trials}")
    return load_config(preset, settings, seed=seed)


@main.command()
@_run_options
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
    from .pipeline.run import run as run_once
    from .pipeline.run import run_seeds

    config = _config(preset, settings, seed, n_trials)
    folder = out or Path("runs") / config.preset
    with _Progress() as progress:
        if n_seeds is None:
            results = run_once(config, folder, resume=resume, data_folder=data_folder, progress=progress)
        else:
            results = run_seeds(config, n_seeds, folder, resume=resume, data_folder=data_folder, progress=progress)
    _print_results(results)
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")


@main.command()
@_run_options
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
    from .pipeline.run import train_only

    config = _config(preset, settings, seed)
    folder = out or Path("runs") / config.preset
    with _Progress() as progress:
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


def _network_options(command: Any) -> Any:
    """Options of commands that show a data set to a saved network."""
    options = [
        click.argument("network", type=_PATH),
        click.option("--dataset", required=True, help="digits, yin-yang or mnist."),
        click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True),
        click.option("--n-trials", type=click.IntRange(min=1), help="Only the first so many samples."),
        click.option("--data-folder", type=_PATH, help="Folder of the data set's files; see `semsync data`."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@_network_options
def evaluate(network: Path, dataset: str, split: str, n_trials: int | None, data_folder: Path | None) -> None:
    """Run a saved network in torch on a data set.

    NETWORK is a file, or the name of a network that comes with the package: pretrained:mnist-dale or
    pretrained:yin-yang-delays.

    \b
    Examples:
      semsync evaluate runs/digits/network.safetensors --dataset digits
      semsync evaluate pretrained:mnist-dale --dataset mnist
    """
    from .pipeline.saved_network import evaluate as evaluate_network

    result = evaluate_network(network, dataset, split=split, n_samples=n_trials, data_folder=data_folder)
    click.echo(f"accuracy: {result.accuracy:.2%} of {result.n_samples} {split} samples of {dataset}")
    click.echo(f"decision time: {result.mean_decision_time_ms:.2f} ms, mean of {result.n_decided} with a decision")


@main.command()
@_network_options
@click.option("--out", type=_PATH, help="Recording to write (.nix or .nwb); NETWORK_recording.nix without it.")
@click.option("--protocol", default="exact", show_default=True, help="How the network is run in NEST.")
@click.option("--resolution", type=float, default=0.1, show_default=True, help="Time step of NEST [ms].")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="NEST processes.")
@click.option("--resume", is_flag=True, help="Go on with a simulation that was cut short.")
def simulate(
    network: Path,
    dataset: str,
    split: str,
    n_trials: int | None,
    data_folder: Path | None,
    out: Path | None,
    protocol: str,
    resolution: float,
    workers: int,
    resume: bool,
) -> None:
    """Run a saved network in NEST, compare its spike times with torch's, and save the recording.

    NETWORK is a file, or the name of a network that comes with the package: pretrained:mnist-dale or
    pretrained:yin-yang-delays.

    \b
    Examples:
      semsync simulate runs/digits/network.safetensors --dataset digits --n-trials 100
      semsync simulate pretrained:yin-yang-delays --dataset yin-yang
    """
    from .pipeline.networks import beside
    from .pipeline.saved_network import simulate as simulate_network

    out = out or beside(network, "_recording.nix")
    with _Progress() as progress:
        result = simulate_network(
            network, dataset, out, split=split, n_samples=n_trials, data_folder=data_folder, protocol=protocol,
            resolution=resolution, n_workers=workers, resume=resume, progress=progress,
        )  # fmt: skip
    click.echo(f"accuracy in NEST: {result.accuracy:.2%} of {result.n_samples} {split} samples of {dataset}")
    if result.comparison is None:
        click.echo("no comparison of spike times: torch is not installed")
    else:
        _print_comparison(result.comparison)
    click.echo(f"speed: {result.images_per_second:.1f} images per second")
    click.echo(f"recording: {out}")


@main.command()
@click.argument("recording", type=_PATH)
@click.option("--out", type=_PATH, help="Folder for results.json and report.html; RECORDING-analysis without it.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier analysis in --out.")
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="WINDOW",
    help="all, decision, or t_start,t_stop in ms from onset; may be given again. Default: all and decision.",
)
@click.option("--by", type=click.Choice(["layer", "area", "population"]), help="How units are grouped.")
@click.option(
    "--network",
    type=_PATH,
    help="The network that was recorded, a file or pretrained:NAME: adds pathways from its weights.",
)
@click.option("--trials", help="NWB: name of the table of trials.")
@click.option("--class-column", help="NWB: column of the table of trials with the stimulus class.")
@click.option("--align", help="Event or column that times count from (GDF: event code or codes, as 111,112).")
@click.option("--span", metavar="T0,T1", help="GDF: from when to when a trial lasts, around the event [ms].")
@click.option("--n-permutations", type=click.IntRange(min=0), default=1000, show_default=True)
@click.option("--min-active-trials", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def analyze(
    recording: Path,
    out: Path | None,
    overwrite: bool,
    windows: tuple[str, ...],
    by: str | None,
    network: Path | None,
    n_permutations: int,
    min_active_trials: int,
    seed: int,
    **reading: str | None,
) -> None:
    """Analyse a recording (NIX, NWB or GDF): synchrony, selectivity, separability, as far as it allows.

    \b
    Examples:
      semsync analyze runs/digits/recording.nix
      semsync analyze session.nwb --trials trials --class-column stimulus
      semsync analyze monkey.gdf --align 111,112,113,114 --span 0,600
    """
    from .pipeline.recorded import analyse_file

    folder = out or recording.with_name(f"{recording.stem}-analysis")
    with _Progress() as progress:
        results = analyse_file(
            recording, folder, overwrite=overwrite, windows=windows, by=by, network=network,
            reading={key: value for key, value in reading.items() if value is not None},
            n_permutations=n_permutations, min_active_trials=min_active_trials, seed=seed, progress=progress,
        )  # fmt: skip
    click.echo(
        f"{results['recording']['n_units']} units, {results['recording']['n_trials']} trials, "
        f"{results['recording']['n_spikes']} spikes"
    )
    for sentence in results["recording"]["notes"]:
        click.echo(f"assumed: {sentence}")
    for sentence in results["lacks"]:
        click.echo(f"lacking: {sentence}")
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")


@main.command()
@click.argument("paper")
@click.option("--quick", is_flag=True, help="A smaller net on digits: minutes instead of a night.")
@click.option("--out", type=_PATH, help="Folder of the reproduction; runs/reproduce-PAPER without it.")
@click.option("--seeds", "n_seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Of the main net.")
@click.option("--n-trials", type=click.IntRange(min=1), help="Simulate and analyse only so many test samples.")
@click.option("--without-variants", is_flag=True, help="Leave out nets of other depths and with a silent background.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the configuration of every net.")
@click.option("--resume", is_flag=True, help="Go on with the reproduction in --out.")
@click.option("--data-folder", type=_PATH, help="Folder of the data set's files; see `semsync data`.")
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
    from .pipeline.reproduce import reproduce as reproduce_paper

    folder = out or Path("runs") / f"reproduce-{paper}{'-quick' if quick else ''}"
    with _Progress() as progress:
        results = reproduce_paper(
            paper, folder, quick=quick, n_seeds=n_seeds, n_trials=n_trials, variants=not without_variants,
            settings=settings, resume=resume, data_folder=data_folder, progress=progress,
        )  # fmt: skip
    for claim in results["claims"]:
        click.echo(f"{'+' if claim['shown'] else '-'} {claim['claim']} It {claim['verdict']}.")
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")
    if not all(claim["shown"] for claim in results["claims"]):
        raise _fail("not every claim has the sign of the paper; see the report")


@main.command()
@click.argument("folder", type=_PATH)
def report(folder: Path) -> None:
    """Write report.html anew from the results in the FOLDER of a run.

    \b
    Example:
      semsync report runs/digits
    """
    from .pipeline.run import write_report

    click.echo(f"report: {write_report(folder)}")


@main.command()
@click.argument("name")
@click.option("--folder", type=_PATH, help="Where the files lie or go; the user's cache without it.")
def data(name: str, folder: Path | None) -> None:
    """Fetch a data set where needed, verify it, and tell its sizes.

    \b
    Examples:
      semsync data mnist
      semsync data mnist --folder /data/mnist      use files that are there
    """
    from .models import datasets

    dataset = datasets.load(name, folder, download=True)
    sizes = ", ".join(
        f"{len(split)} {title}"
        for title, split in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test))
    )
    click.echo(f"{dataset.name}: {sizes}; {dataset.n_features} features, {dataset.n_classes} classes; verified")


def _print_results(results: dict[str, Any]) -> None:
    spread = results.get("sd", {})
    for where in ("torch", "nest"):
        sd = spread.get(where, {}).get("test_accuracy")
        n_seeds = len(results.get("seeds", []))
        more = "" if sd is None else f" +- {sd:.2%} (SD over {n_seeds} seeds)"
        click.echo(f"{where + ':':7}{results[where]['test_accuracy']:.2%}{more} of {results['n_test']} test samples")
    _print_comparison(results["nest"])


def _print_comparison(nest: dict[str, Any]) -> None:
    click.echo(
        f"torch against NEST: {nest['n_spikes_compared']} spikes, largest difference "
        f"{nest['max_abs_difference_ms']:.1e} ms, {nest['n_spiking_mismatches']} spiking mismatches, "
        f"{nest['n_decision_mismatches']} other decisions, {nest['n_grazing']} grazing spikes"
    )
    if not nest["equal"]:
        click.echo(f"NOT EQUAL: {nest['n_unexplained']} differences that no grazing spike explains")


class _Progress:
    """Draws stages as bars on a terminal; elsewhere a line for each finished stage."""

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> _Progress:
        if self.on_terminal:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            self.bars = Bars(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True),
            )  # fmt: skip
            self.bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.on_terminal:
            self.bars.stop()

    def __call__(self, stage: str, n_done: int, n_all: int, note: str = "") -> None:
        if not self.on_terminal:
            if n_done == n_all:
                click.echo(f"{stage}: {n_done}/{n_all} {note}".rstrip(), err=True)
            return
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(stage, total=n_all, note=note)
        self.bars.update(self.tasks[stage], completed=n_done, total=n_all, note=note)


if __name__ == "__main__":
    main()
