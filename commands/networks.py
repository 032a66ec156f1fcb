"""Commands on a network that is there: evaluate, simulate, validate, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import PATH, TimeStep, dataset_options, network_options, split_options
from .output import ProgressBars, failure, print_comparison


@click.command()
@network_options
def evaluate(network: Path, dataset: str, split: str, n_trials: int | None, data_folder: Path | None) -> None:
    """Run a saved network in torch on a data set.

    NETWORK is a file, or the name of a network that comes with the package: pretrained:mnist-dale or
    pretrained:yin-yang-delays.

    \b
    Examples:
      semsync evaluate runs/digits/network.safetensors --dataset digits
      semsync evaluate pretrained:mnist-dale --dataset mnist
    """
    from ..pipeline.saved_network import evaluate as evaluate_network

    result = evaluate_network(network, dataset, split=split, n_samples=n_trials, data_folder=data_folder)
    click.echo(f"accuracy: {result.accuracy:.2%} of {result.n_samples} {split} samples of {dataset}")
    click.echo(f"decision time: {result.mean_decision_time_ms:.2f} ms, mean of {result.n_decided} with a decision")


@click.command()
@click.argument("network", type=PATH)
@click.option("--dataset", help="digits, yin-yang or mnist.")
@click.option("--stimuli", type=PATH, help="Input spikes of your own instead (.npz, see docs/validation.md).")
@split_options
@click.option("--out", type=PATH, help="Recording to write (.nix or .nwb); NETWORK_recording.nix without it.")
@click.option("--protocol", default="exact", show_default=True, help="How the network is run; see `semsync validate`.")
@click.option(
    "--resolution", type=TimeStep(), default="auto", show_default=True,
    help="Time step of NEST [ms]; auto: for each trial the largest at which no spike can be missed.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="NEST processes.")
@click.option("--ranks", type=click.IntRange(min=1), default=1, show_default=True, help="MPI ranks of each of them.")
@click.option("--dask", metavar="ADDRESS", help="Simulate on a Dask cluster: its scheduler's address, or local.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that a protocol draws.")
@click.option("--resume", is_flag=True, help="Go on with a simulation that was cut short.")
def simulate(
    network: Path,
    dataset: str | None,
    stimuli: Path | None,
    split: str,
    n_trials: int | None,
    data_folder: Path | None,
    out: Path | None,
    protocol: str,
    resolution: float | str,
    workers: int,
    ranks: int,
    dask: str | None,
    seed: int,
    resume: bool,
) -> None:
    """Run a saved network in NEST, compare its spike times with torch's, and save the recording.

    NETWORK is a file, or the name of a network that comes with the package: pretrained:mnist-dale or
    pretrained:yin-yang-delays.

    \b
    Examples:
      semsync simulate runs/digits/network.safetensors --dataset digits --n-trials 100
      semsync simulate pretrained:yin-yang-delays --dataset yin-yang
      semsync simulate pretrained:mnist-dale --dataset mnist --dask tcp://scheduler:8786 --workers 40
      semsync simulate mine.safetensors --stimuli spikes.npz --protocol refractory
    """
    from ..pipeline.networks import beside
    from ..pipeline.saved_network import simulate as simulate_network

    out = out or beside(network, "_recording.nix")
    with ProgressBars() as progress:
        result = simulate_network(
            network, out, dataset=dataset, stimuli=stimuli, split=split, n_samples=n_trials, data_folder=data_folder,
            protocol=protocol, resolution=resolution, n_workers=workers, n_ranks=ranks, dask=dask, seed=seed,
            resume=resume, progress=progress,
        )  # fmt: skip
    if result.accuracy is not None:
        shown = f"{split} samples of {dataset}" if dataset else f"trials of {stimuli}"
        click.echo(f"accuracy in NEST: {result.accuracy:.2%} of {result.n_samples} {shown}")
    click.echo(f"{result.n_spikes} spikes, inputs included, in {result.n_samples} trials")
    if result.comparison is None:
        click.echo(f"no comparison with torch: {result.why_no_comparison}")
    else:
        print_comparison(result.comparison)
    if len(result.n_trials_at) > 1:
        steps = ", ".join(f"{step:g} ms in {n_trials}" for step, n_trials in sorted(result.n_trials_at.items()))
        click.echo(f"time steps: {steps} trials")
    click.echo(f"speed: {result.images_per_second:.1f} images per second")
    click.echo(f"recording: {out}")


@click.command()
@click.argument("network", type=PATH)
@click.option("--to", required=True, type=click.Choice(["pynest", "nir", "semsync"]), help="What to write.")
@click.option("--out", type=PATH, help="File to write; beside the network without it.")
@click.option("--dataset", help="pynest: data set whose first samples go with the script, to run and compare at once.")
@click.option("--n-stimuli", type=click.IntRange(min=1), default=5, show_default=True, help="So many of them.")
@click.option("--data-folder", type=PATH, help="Folder of the data set's files; see `semsync data`.")
@click.option("--trial-duration", type=float, help="NIR graph of another framework: length of a trial [ms].")
@click.option("--dt", type=float, help="NIR graph of another framework: its time step [ms].")
@click.option("--spikes", type=click.Choice(["pulse", "jump"]), help="NIR graph of another framework: see docs/nir.md.")
@click.option("--t-ref", type=float, help="NIR graph of another framework: refractory period [ms].")
@click.option("--nir-dt", type=float, help="nir: time step [ms] of the framework that is to read it; 0.1 without it.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def export(
    network: Path,
    to: str,
    out: Path | None,
    dataset: str | None,
    n_stimuli: int,
    data_folder: Path | None,
    nir_dt: float | None,
    overwrite: bool,
    **nir: float | str | None,
) -> None:
    """Write a network for those who run it elsewhere, or read a NIR graph of another framework.

    pynest is a script that needs nothing but NEST and numpy, with its weights beside it; nir is a graph that other
    frameworks read; semsync is this package's own file, from a .nir graph.

    \b
    Examples:
      semsync export pretrained:mnist-dale --to pynest --dataset mnist
      semsync export runs/digits/network.safetensors --to nir --nir-dt 1
      semsync export theirs.nir --to semsync --dt 1 --trial-duration 100
    """
    from ..pipeline.exporting import export_network

    reading = {key: value for key, value in nir.items() if value is not None}
    for path in export_network(
        network, to, out, dataset=dataset, n_stimuli=n_stimuli, data_folder=data_folder, overwrite=overwrite,
        nir_dt=nir_dt, reading=reading,
    ):  # fmt: skip
        click.echo(f"written: {path}")


@click.command()
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK...")
@dataset_options
@click.option("--out", type=PATH, help="Folder of the validation; NETWORK-validation without it.")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    help="What to run the network under, as in noise or refractory+noise:kind=poisson; may be given again. "
    "Every rung of the ladder without it.",
)
@click.option("--sweep", metavar="KEY=A,B,C", help="Parameter of the protocol to vary; its usual axis without it.")
@click.option("--resolution", type=float, default=0.1, show_default=True, help="Time step of NEST [ms].")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="NEST processes.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that protocols draw.")
@click.option(
    "--beside",
    multiple=True,
    metavar="NAME=FOLDER",
    help="Draw a finished validation of other networks beside this one.",
)
@click.option("--resume", is_flag=True, help="Go on with a validation that was cut short.")
def validate(
    networks: tuple[str, ...],
    dataset: str,
    split: str,
    n_trials: int | None,
    data_folder: Path | None,
    out: Path | None,
    protocols: tuple[str, ...],
    sweep: str | None,
    resolution: float,
    workers: int,
    seed: int,
    beside: tuple[str, ...],
    resume: bool,
) -> None:
    """Run networks in NEST under more realistic dynamics, and show what each step costs.

    NETWORK is a file or pretrained:NAME. Several of one architecture (seeds) give means and spreads.

    \b
    Protocols, alone or joined by +, each with parameters behind a colon (see docs/validation.md):
      refractory     neurons fire again after t_ref
      grid           spikes on time steps, at a resolution
      conductance    conductance-based synapses, matched at threshold
      heterogeneity  time constants, thresholds, capacitances that differ by cv
      delays         delays that differ from synapse to synapse by sd
      jitter         delays that differ from trial to trial by sd
      unreliable     synapses that fail with p_fail
      noise          gaussian or poisson background that moves the membrane by sd
      ongoing        no reset between stimuli (with refractory)

    \b
    Examples:
      semsync validate runs/digits/network.safetensors --dataset digits
      semsync validate pretrained:mnist-dale --dataset mnist --n-trials 200 --protocol noise --sweep sd=0.5,1,2
      semsync validate runs/d/seed-*/network.safetensors --dataset digits --protocol refractory+noise:kind=poisson
    """
    from ..pipeline.networks import beside as path_beside
    from ..pipeline.validation import validate as validate_networks

    others = {}
    for text in beside:
        name, equals, other = text.partition("=")
        if not equals:
            raise failure(f"--beside expects NAME=FOLDER, got {text!r}")
        others[name] = Path(other)
    folder = out or path_beside(networks[0], "-validation")
    with ProgressBars() as progress:
        results = validate_networks(
            networks, dataset, folder, protocols=protocols, sweep=sweep, split=split, n_samples=n_trials,
            data_folder=data_folder, resolution=resolution, n_workers=workers, seed=seed, beside=others,
            resume=resume, progress=progress,
        )  # fmt: skip
    click.echo(f"{'exact':44}accuracy {_mean(results['exact']['accuracy'])}")
    for curve in results["curves"]:
        for point in curve["points"] if curve["axis"] else ():
            name = f"{curve['protocol']}, {curve['axis']} = {point['value']:g} {curve['unit']}".rstrip()
            click.echo(f"{name:44}accuracy {_mean(point['accuracy'])}")
    click.echo(f"results: {folder / 'results.json'}")
    click.echo(f"report:  {folder / 'report.html'}")


def _mean(summary: dict[str, Any]) -> str:
    spread = "" if summary["sd"] is None else f" +- {summary['sd']:.1%} (SD over {len(summary['values'])} networks)"
    return f"{summary['mean']:.1%}{spread}"
