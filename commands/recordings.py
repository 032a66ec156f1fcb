"""Commands on data: analyze a recording, fetch a data set."""

from __future__ import annotations

from pathlib import Path

import click

from .options import PATH
from .output import ProgressBars


@click.command()
@click.argument("recording", type=PATH)
@click.option("--out", type=PATH, help="Folder for results.json and report.html; RECORDING-analysis without it.")
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
    type=PATH,
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
    from ..pipeline.recorded import analyse_file

    folder = out or recording.with_name(f"{recording.stem}-analysis")
    with ProgressBars() as progress:
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


@click.command()
@click.argument("name")
@click.option("--folder", type=PATH, help="Where the files lie or go; the user's cache without it.")
def data(name: str, folder: Path | None) -> None:
    """Fetch a data set where needed, verify it, and tell its sizes.

    \b
    Examples:
      semsync data mnist
      semsync data mnist --folder /data/mnist      use files that are there
    """
    from ..models import datasets

    dataset = datasets.load(name, folder, download=True)
    sizes = ", ".join(
        f"{len(split)} {title}"
        for title, split in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test))
    )
    click.echo(f"{dataset.name}: {sizes}; {dataset.n_features} features, {dataset.n_classes} classes; verified")
