"""What commands say: results, progress, and errors that a user can mend as one sentence."""

from __future__ import annotations

import sys
from typing import Any

import click


def failure(sentence: str) -> click.ClickException:
    error = click.ClickException(sentence)
    error.show = lambda file=None: click.echo(f"semsync: {sentence}", err=True)  # type: ignore[method-assign]
    return error


def print_results(results: dict[str, Any]) -> None:
    spread = results.get("sd", {})
    for where in ("torch", "nest"):
        sd = spread.get(where, {}).get("test_accuracy")
        n_seeds = len(results.get("seeds", []))
        more = "" if sd is None else f" +- {sd:.2%} (SD over {n_seeds} seeds)"
        click.echo(f"{where + ':':7}{results[where]['test_accuracy']:.2%}{more} of {results['n_test']} test samples")
    print_comparison(results["nest"])


def print_comparison(nest: dict[str, Any]) -> None:
    click.echo(
        f"torch against NEST: {nest['n_spikes_compared']} spikes, largest difference "
        f"{nest['max_abs_difference_ms']:.1e} ms, {nest['n_spiking_mismatches']} spiking mismatches, "
        f"{nest['n_decision_mismatches']} other decisions, {nest['n_grazing']} grazing spikes"
    )
    if not nest["equal"]:
        click.echo(f"NOT EQUAL: {nest['n_unexplained']} differences that no grazing spike explains")


class ProgressBars:
    """Draws stages as bars on a terminal; elsewhere a line for each finished stage."""

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> ProgressBars:
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
