"""Commands on data: inspect and analyze a recording, compare analyses, fetch a data set."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from .options import PATH
from .output import ProgressBars
from .recording_options import READING, SELECTING, given, reading_options, selection_options


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
@click.option(
    "--by", metavar="COLUMN", help="How units are grouped: layer, area, population or any column of the unit table."
)
@click.option(
    "--network",
    type=PATH,
    help="The network that was recorded, a file or pretrained:NAME: adds pathways from its weights.",
)
@reading_options
@selection_options
@click.option("--baseline", metavar="T0,T1", help="Rates of units against this window before the onset [ms].")
@click.option(
    "--also",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    help="An additional analysis; may be given again. `semsync analyses` lists them with their parameters.",
)
@click.option("--n-permutations", type=click.IntRange(min=0), default=1000, show_default=True)
@click.option(
    "--matched-size", type=click.IntRange(min=3), help="Spikes that packets are cut to; from the data without."
)
@click.option("--min-active-trials", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def analyze(
    recording: Path,
    out: Path | None,
    overwrite: bool,
    windows: tuple[str, ...],
    by: str | None,
    network: Path | None,
    baseline: str | None,
    also: tuple[str, ...],
    n_permutations: int,
    matched_size: int | None,
    min_active_trials: int,
    seed: int,
    **options: Any,
) -> None:
    """Analyse a recording: synchrony, selectivity, separability, as far as it allows.

    It can be a NIX, NWB, GDF, CSV or Parquet file, an npz archive of counts, or recorder files of NEST (a file, their
    folder, or a pattern in quotes). `semsync inspect` tells what is in it.

    \b
    Examples:
      semsync analyze runs/digits/recording.nix
      semsync analyze session.nwb --trials trials --class-column stimulus --where "contrast > 0.5"
      semsync analyze session.nwb --span -300,600 --baseline -300,0 --window 0,600 --unit-rate 0.5,
      semsync analyze monkey.gdf --align 111,112,113,114 --span 0,600
      semsync analyze spikes.csv --time-unit s --trials trials.csv --class-column stimulus
      semsync analyze nest-data/ --resolution 0.1
    """
    from ..pipeline.recorded import analyse_file

    # A pattern of NEST's files has characters that no folder should have.
    name = re.sub(r"[*?\[\]]", "", recording.stem).strip("-_.") or "recording"
    folder = out or recording.with_name(f"{name}-analysis")
    with ProgressBars() as progress:
        results = analyse_file(
            recording, folder, overwrite=overwrite, windows=windows, by=by, network=network,
            reading=given(options, READING), selecting=given(options, SELECTING), baseline=baseline, also=also,
            n_permutations=n_permutations, matched_size=matched_size, min_active_trials=min_active_trials, seed=seed,
            progress=progress,
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
def analyses() -> None:
    """List the additional analyses of `semsync analyze --also`, with their parameters."""
    from ..analysis.extras import EXTRAS, get_extra

    for name in EXTRAS:
        extra = get_extra(name)
        click.echo(f"{name}: {extra.summary}")
        for item in fields(extra):
            meaning, unit = item.metadata["meaning"], item.metadata["unit"]
            choices = item.metadata["choices"]
            default = "" if item.default is None else f" [default: {item.default}{' ' * bool(unit)}{unit}]"
            click.echo(f"    {item.name}: {meaning}{': ' * bool(choices)}{', '.join(choices)}{default}")


@click.command()
@click.argument("sides", metavar="[NAME=]FOLDER[,FOLDER...]...", nargs=-1, required=True)
@click.option("--out", type=PATH, help="Folder for the results; NAME-NAME-comparison without it.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier comparison in --out.")
@click.option(
    "--map",
    "groups",
    multiple=True,
    metavar="A=B",
    help="Groups to hold against each other, as 'hidden 3=VISp'; may be given again. "
    "Default: those of the same name, or every one with every other.",
)
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="A=B",
    help="Windows to hold against each other, as decision=all; may be given again. Default: those of the same name.",
)
@click.option("--measure", "measures", multiple=True, metavar="KEY", help="Only this one; may be given again.")
@click.option("--n-resamples", type=click.IntRange(min=100), default=1000, show_default=True, help="Of the bootstrap.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def compare(
    sides: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    groups: tuple[str, ...],
    windows: tuple[str, ...],
    measures: tuple[str, ...],
    n_resamples: int,
    seed: int,
) -> None:
    """Compare analyses: model with recording, or any set, judged by the spread of seeds or sessions.

    A folder is one of `semsync analyze` or `semsync run`. The seeds of a run are the members of an ensemble; so are
    folders with commas between them, or of a pattern in quotes. FOLDER:untrained is the control of a run.

    \b
    Examples:
      semsync compare model=runs/mnist mouse=mouse-analysis --window decision=all --map "hidden 3=VISp"
      semsync compare trained=runs/mnist untrained=runs/mnist:untrained
      semsync compare "young=sessions/young-*" "old=sessions/old-*" --measure information_bits
    """
    from ..pipeline.comparing import compare_folders

    with ProgressBars() as progress:
        folder, results = compare_folders(
            sides, out, overwrite=overwrite, windows=windows, groups=groups, measures=measures,
            n_resamples=n_resamples, seed=seed, progress=progress,
        )  # fmt: skip
    for sentence in results["notes"]:
        click.echo(f"note: {sentence}")
    click.echo(f"results: {folder.results}")
    click.echo(f"report:  {folder.report}")


@click.command()
@click.argument("recording", type=PATH)
@reading_options
def inspect(recording: Path, **options: Any) -> None:
    """Tell what is in a recording, and which analysis to try.

    \b
    Examples:
      semsync inspect session.nwb
      semsync inspect spikes.csv --trials trials.csv --time-unit s
      semsync inspect nest-data/
    """
    from ..analysis.recordings import inspect_recording
    from ..pipeline.recorded import reader_options
    from .inspection_text import inspection_lines

    found = inspect_recording(recording, **reader_options(given(options, READING)))
    click.echo("\n".join(inspection_lines(found)))


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
