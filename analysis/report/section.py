"""What a report is made of: sections with figures, the words under them, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Drawing:
    """A figure in a report.

    Attributes
    ----------
    name : str
        Of its file, when it is saved.
    axes : matplotlib Axes, or array of them
    alt : str
        What it shows, for readers who cannot see it.
    words : sequence of str
        Paragraphs that stand under it.
    """

    name: str
    axes: Any
    alt: str
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; a cell may hold several lines."""

    head: Sequence[str]
    rows: Sequence[Sequence[str | tuple[str, ...]]]
    caption: str = ""


@dataclass(frozen=True)
class Claim:
    """Something that the recording was expected to show, and whether it does."""

    claim: str
    verdict: str
    reasons: str


@dataclass(frozen=True)
class Section:
    """One heading and what stands under it."""

    key: str
    title: str
    drawings: Sequence[Drawing] = ()
    paragraphs: Sequence[str] = ()
    claims: Sequence[Claim] = ()
    table: Table | None = None


@dataclass(frozen=True)
class KeyNumber:
    """A number at the head of a report."""

    value: str
    label: str
    good: bool | None = None


@dataclass(frozen=True)
class Page:
    """A whole report, ready to be written."""

    title: str
    subtitle: str
    key_numbers: Sequence[KeyNumber]
    sections: Sequence[Section]
    lacks: Sequence[str] = ()
    notes: Sequence[str] = ()
    methods: Sequence[Any] = ()
    settings: Sequence[tuple[str, str]] = ()
    config_text: str = ""
