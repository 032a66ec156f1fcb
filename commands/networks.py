"""Commands on a network that is there: evaluate, simulate, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import PATH, dataset_options, network_options
from .output import ProgressBars, print_comparison


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
@network_options
@click.option("--out", type=PATH, help="Recording to write (.nix or .nwb); NETWORK_recording.nix without it.")
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
    from ..pipeline.networks import beside
    from ..pipeline.saved_network import simulate as simulate_network

    out = out or beside(network, "_recording.nix")
    with ProgressBars() as progress:
        result = simulate_network(
            network, dataset, out, split=split, n_samples=n_trials, data_folder=data_folder, protocol=protocol,
            resolution=resolution, n_workers=workers, resume=resume, progress=progress,
        )  # fmt: skip
    click.echo(f"accuracy in NEST: {result.accuracy:.2%} of {result.n_samples} {split} samples of {dataset}")
    if result.comparison is None:
        click.echo("no comparison of spike times: torch is not installed")
    else:
        print_comparison(result.comparison)
    click.echo(f"speed: {result.images_per_second:.1f} images per second")
    click.echo(f"recording: {out}")


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
    from ..pipeline.networks import beside
    from ..pipeline.validation import validate as validate_networks

    folder = out or beside(networks[0], "-validation")
    with ProgressBars() as progress:
        results = validate_networks(
            networks, dataset, folder, protocols=protocols, sweep=sweep, split=split, n_samples=n_trials,
            data_folder=data_folder, resolution=resolution, n_workers=workers, seed=seed, resume=resume,
            progress=progress,
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
