"""How the pipeline tells what it is doing; the command line draws it, a script may ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about each stage."""

    def __call__(self, stage: str, n_done: int, n_all: int, note: str = "") -> None: ...


def silent(stage: str, n_done: int, n_all: int, note: str = "") -> None:
    """Tell nobody."""
