"""How the pipeline tells what it is doing; the command line draws it, a script may ignore it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Progress(Protocol):
    """Told about each stage."""

    def __call__(self, stage: str, n_done: int, n_all: int, note: str = "") -> None: ...


def silent(stage: str, n_done: int, n_all: int, note: str = "") -> None:
    """Tell nobody."""


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """A curve in one line of text: the last `width` values, between the smallest and the largest of them.

    Examples
    --------
    >>> from semsync.pipeline.progress import sparkline
    >>> sparkline([0.5, 0.9, 0.95, 1.0])
    '▁▇▇█'
    """
    shown = list(values)[-width:]
    low, high = min(shown), max(shown)
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[round((value - low) / ((high - low) or 1) * (len(bars) - 1))] for value in shown)
