"""Options of commands on recordings: how a file is read, and which trials and units are analysed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

READING = ("trials", "class_column", "align", "span", "units", "time_unit", "resolution", "io")
SELECTING = (
    "where", "units_where", "trial_rate", "unit_rate", "min_presence", "max_isi_violations", "refractory",
)  # fmt: skip


def reading_options(command: Any) -> Any:
    """How a recording is read."""
    return _with(
        command,
        click.option("--trials", help="NWB, NIX: name of the trials (of a table, Epoch or Event). CSV, NEST: a file."),
        click.option("--class-column", help="Column of the trials with the stimulus class."),
        click.option("--align", help="Column of the trials that times count from; GDF: event codes, as 111,112."),
        click.option("--span", metavar="T0,T1", help="From when to when a trial lasts, around the onset [ms]."),
        click.option("--units", help="CSV, Parquet, NEST: file with a table of units."),
        click.option(
            "--time-unit",
            type=click.Choice(["ms", "s"]),
            help="CSV, Parquet, NEST, npz: of times, where no name says it.",
        ),
        click.option("--io", metavar="NAME", help="Read with a reader of Neo, as PlexonIO or BlackrockIO."),
        click.option("--resolution", type=float, help="NEST: of the simulation [ms], where times are in steps."),
    )


def selection_options(command: Any) -> Any:
    """Which trials and units are analysed."""
    return _with(
        command,
        click.option("--where", metavar="CONDITION", help='Trials for which it holds: "contrast > 0.5 and hit == 1".'),
        click.option("--units-where", metavar="CONDITION", help="Units for which it holds: \"area == 'VISp'\"."),
        click.option("--trial-rate", metavar="MIN,MAX", help="Trials whose mean rate over units lies between [Hz]."),
        click.option("--unit-rate", metavar="MIN,MAX", help="Units whose mean rate lies between [Hz]: 0.5,50 or 0.5,"),
        click.option("--min-presence", metavar="SHARE", help="Units that spike in this share of ten equal stretches."),
        click.option(
            "--max-isi-violations", metavar="SHARE", help="Units with at most this share of intervals too short."
        ),
        click.option("--refractory", metavar="MS", help="Intervals below are too short; 1.5 without it."),
    )


def given(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """The options of these names that a user gave, as text."""
    return {name: str(options[name]) for name in names if options.get(name) is not None}


def _with(command: Any, *options: Callable[[Any], Any]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command
