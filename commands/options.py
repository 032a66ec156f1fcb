"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..pipeline.config import RunConfig

PATH = click.Path(path_type=Path)


class TimeStep(click.ParamType):
    """A time step in ms, or auto."""

    name = "ms|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if value == "auto":
            return "auto"
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor auto", param, ctx)


def run_options(command: Any) -> Any:
    """Options that `run` and `train` share."""
    options = [
        click.argument("preset", default="digits"),
        click.option("--out", type=PATH, help="Folder of the run; runs/PRESET without it."),
        click.option("--seed", type=click.IntRange(min=0), help="Of initial weights, order, noise and statistics."),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the preset: training.epochs=5, ..."
        ),
        click.option("--resume", is_flag=True, help="Go on with the run in --out."),
        click.option("--data-folder", type=PATH, help="Folder of the data set's files; see `semsync data`."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def config_of(preset: str, settings: tuple[str, ...], seed: int | None, n_trials: int | None = None) -> RunConfig:

    from ..pipeline.config import load_config

    if n_trials is not None:
        settings = (*settings, f"simulation.n_trials={n_trials}")
    return load_config(preset, settings, seed=seed)


def split_options(command: Any) -> Any:
    """Which part of a data set is shown to a network."""
    options = [
        click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True),
        click.option("--n-trials", type=click.IntRange(min=1), help="Only the first so many samples."),
        click.option("--data-folder", type=PATH, help="Folder of the data set's files; see `semsync data`."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def dataset_options(command: Any) -> Any:
    """Options of commands that show a data set to a network."""
    return click.option("--dataset", required=True, help="digits, yin-yang or mnist.")(split_options(command))


def network_options(command: Any) -> Any:
    """A network, and the options of the data set that it is shown."""
    return click.argument("network", type=PATH)(dataset_options(command))
