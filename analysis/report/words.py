"""Sentences about numbers, that never say more than the numbers do.

Two values *differ* here when they are more than two standard errors of their difference apart. Every direction that a
sentence names (rises, narrows, larger than ...) has passed that; where it has not, the sentence says so, and where
there is no standard error, it gives the values and claims nothing.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from math import floor, hypot, isfinite, log10
from typing import NamedTuple

import numpy as np

from ..figures.series import LayerSeries
from ..figures.style import readable
from ..figures.windows import window_title

N_STANDARD_ERRORS = 2.0


class Value(NamedTuple):
    """A mean and its standard error, NaN where unknown."""

    mean: float
    sem: float = float("nan")


class Change(Enum):
    """How a second value lies to a first."""

    UP = 1
    DOWN = -1
    NONE = 0
    UNKNOWN = None


class Verbs(NamedTuple):
    """What growing and shrinking is called, for one subject and for many."""

    up: str = "rises"
    down: str = "falls"


WIDTH = Verbs("widens", "narrows")


def change(first: Value, second: Value) -> Change:
    """Whether `second` is larger or smaller than `first`, beyond two standard errors of the difference.

    Examples
    --------
    >>> change(Value(1.0, 0.1), Value(2.0, 0.1)).name, change(Value(1.0, 0.5), Value(2.0, 0.5)).name
    ('UP', 'NONE')
    """
    error = hypot(first.sem, second.sem)
    difference = second.mean - first.mean
    if not isfinite(error) or not isfinite(difference):
        return Change.UNKNOWN
    if abs(difference) <= N_STANDARD_ERRORS * error:
        return Change.NONE
    return Change.UP if difference > 0 else Change.DOWN


def number(value: Value | float, unit: str = "") -> str:
    """A value as text, with its standard error where there is one.

    Examples
    --------
    >>> number(Value(3.6512, 0.0498), "ms"), number(0.9111, "%"), number(1.2e-13, "ms")
    ('3.65 ± 0.05 ms', '91.1 %', '1.2e-13 ms')
    """
    mean, sem = value if isinstance(value, Value) else Value(value)
    if not isfinite(mean):
        return "–"
    if unit == "%":
        mean, sem = 100 * mean, 100 * sem
    after = f" {unit}" if unit else ""
    if not isfinite(sem) or sem == 0:
        if 0 < abs(mean) < 1e-3:
            return f"{mean:.1e}{after}"
        decimals = 2 if mean == 0 else max(0, 2 - floor(log10(abs(mean))))
        return f"{mean:,.{decimals}f}{after}"
    # As many digits as the error justifies: two of an error that begins with 1 or 2, else one.
    magnitude = floor(log10(sem))
    decimals = max(0, -magnitude + (sem / 10.0**magnitude < 3))
    return f"{mean:,.{decimals}f} ± {sem:,.{decimals}f}{after}"


def place(name: str) -> str:
    """A layer within a sentence: ``the input``, ``hidden 1``."""
    return f"the {name}" if name in ("input", "output") else readable(name)


def within(window: str) -> str:
    """A window at the beginning of a sentence."""
    return "Over all spikes" if window == "all" else window_title(window).capitalize()


def values_of(series: LayerSeries) -> list[Value]:
    """Means with their standard errors."""
    return [Value(float(mean), float(sem)) for mean, sem in zip(series.values, series.sems, strict=True)]


def before_output(series: LayerSeries) -> LayerSeries:
    """The layers that have a value, without a network's output, whose few units form no packet."""
    return series.only(tuple(name for name in series.names if name != "output")).defined()


class Shape(Enum):
    """The course of a measure over layers."""

    RISE = "rise"
    FALL = "fall"
    HUMP = "up, then down"
    DIP = "down, then up"
    FLAT = "no change"
    UNKNOWN = "no standard errors"


def shape(series: LayerSeries) -> tuple[Shape, int]:
    """The course of a measure, and the row of the turning point of a hump or dip (else 0).

    Parameters
    ----------
    series : LayerSeries
        At least two layers, all with a value.
    """
    values = values_of(series)
    first, last = values[0], values[-1]
    overall = change(first, last)
    if overall is Change.UNKNOWN:
        return Shape.UNKNOWN, 0
    turns = []
    for row, found, there, back in (
        (int(np.argmax(series.values)), Shape.HUMP, Change.UP, Change.DOWN),
        (int(np.argmin(series.values)), Shape.DIP, Change.DOWN, Change.UP),
    ):
        if change(first, values[row]) is there and change(values[row], last) is back:
            turns.append((abs(values[row].mean - (first.mean + last.mean) / 2), found, row))
    if turns:
        _, found, row = max(turns, key=lambda turn: turn[0])
        return found, row
    return {Change.UP: Shape.RISE, Change.DOWN: Shape.FALL, Change.NONE: Shape.FLAT}[overall], 0


def profile(subject: str, series: LayerSeries, unit: str = "", verbs: Verbs = Verbs()) -> str:  # noqa: B008
    """A sentence on a measure's course over layers, or over areas, whose order means nothing; "" without a value.

    Parameters
    ----------
    subject : str
        What is measured, in the singular, as a sentence begins.
    series : LayerSeries
    unit : str
    verbs : Verbs

    Examples
    --------
    >>> series = LayerSeries(("input", "hidden_1", "hidden_2"), np.array([1.0, 3.0, 2.0]), np.full(3, 0.1))
    >>> profile("The width", series, "ms", WIDTH)
    'The width first widens from 1.00 ± 0.10 ms in the input to 3.00 ± 0.10 ms in hidden 1, then narrows to 2.00 ± 0.10 ms in hidden 2.'
    """  # noqa: E501
    series = series.defined()
    values = values_of(series)
    if not len(series):
        return ""
    if len(series) == 1:
        return f"{subject} is {number(values[0], unit)} in {place(series.names[0])}."
    if not series.ordered:
        return _extremes(subject, series, unit)
    first, last = (f"{number(values[row], unit)} in {place(series.names[row])}" for row in (0, -1))
    found, turn = shape(series)
    if found in (Shape.HUMP, Shape.DIP):
        there, back = (verbs.up, verbs.down) if found is Shape.HUMP else (verbs.down, verbs.up)
        middle = f"{number(values[turn], unit)} in {place(series.names[turn])}"
        return f"{subject} first {there} from {first} to {middle}, then {back} to {last}."
    if found is Shape.UNKNOWN:
        return f"{subject} goes from {first} to {last}, without a standard error to judge the difference by."
    if found is Shape.FLAT:
        return f"{subject} does not change beyond its standard errors, from {first} to {last}."
    verb, against = (verbs.up, Change.DOWN) if found is Shape.RISE else (verbs.down, Change.UP)
    steps = [change(one, next_one) for one, next_one in pairwise(values)]
    overall = ", though not at every step" if against in steps else ""
    return f"{subject} {verb} from {first} to {last}{overall}."


def _extremes(subject: str, series: LayerSeries, unit: str) -> str:
    values = values_of(series)
    low, high = int(np.argmin(series.values)), int(np.argmax(series.values))
    smallest = f"{number(values[low], unit)} in {place(series.names[low])}"
    largest = f"{number(values[high], unit)} in {place(series.names[high])}"
    difference = change(values[low], values[high])
    if difference is Change.UP:
        return f"{subject} is smallest with {smallest} and largest with {largest}."
    between = f"{subject} lies between {smallest} and {largest}"
    if difference is Change.UNKNOWN:
        return f"{between}, without standard errors to judge the difference by."
    return f"{between}, which do not differ beyond their standard errors."


def contrast(
    what: str,
    value: Value,
    other_name: str,
    other: Value,
    unit: str = "",
    adjectives: tuple[str, str] = ("larger", "smaller"),
) -> str:
    """A sentence on two values at one place; "" when one of them is missing.

    Examples
    --------
    >>> contrast("It", Value(1.0, 0.1), "that of the control", Value(2.0, 0.1), "ms")
    'It is smaller than that of the control (1.00 ± 0.10 ms against 2.00 ± 0.10 ms).'
    """
    if not (isfinite(value.mean) and isfinite(other.mean)):
        return ""
    numbers = f"({number(value, unit)} against {number(other, unit)})"
    found = change(other, value)
    if found is Change.UNKNOWN:
        return f"{what} can only be set beside {other_name} {numbers}, without standard errors."
    if found is Change.NONE:
        return f"{what} does not differ from {other_name} beyond the standard errors {numbers}."
    return f"{what} is {adjectives[0] if found is Change.UP else adjectives[1]} than {other_name} {numbers}."


def joined(*sentences: str) -> str:
    """A paragraph of the sentences that say something."""
    return " ".join(sentence for sentence in sentences if sentence)


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number of things.

    Examples
    --------
    >>> counted(1, "spike"), counted(1200, "spike"), counted(0, "spike")
    ('1 spike', '1,200 spikes', 'no spikes')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n or 'no':{',' if n else ''}} {plural or noun + 's'}"
