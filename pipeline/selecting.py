"""From text, as the command line gives it, to which trials and units are analysed; and tables as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from ..analysis.selection import Criteria
from ..errors import InputError

_RANGES = ("trial_rate", "unit_rate")
_NUMBERS = ("min_presence", "max_isi_violations", "refractory")


def criteria_of(selecting: Mapping[str, str]) -> Criteria:
    """Criteria from their names and texts; a range is ``MIN,MAX``, and either side can be left out.

    Examples
    --------
    >>> criteria_of({"where": "choice == 1", "unit_rate": "0.5,"}).unit_rate
    (0.5, inf)
    """
    values: dict[str, Any] = dict(selecting)
    for name in values:
        option = "--" + name.replace("_", "-")
        if name in _RANGES:
            values[name] = _range(values[name], option)
        elif name in _NUMBERS:
            values[name] = _number(values[name], option)
    return Criteria(**values)


def two_times(text: str, option: str) -> tuple[float, float]:
    """``0,600`` as two times [ms].

    Raises
    ------
    InputError
        Naming the option.
    """
    try:
        t_start, t_stop = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} expects two times in ms with a comma between, as 0,600, got {text!r}") from None
    return t_start, t_stop


def _range(text: str, option: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(
            f"{option} expects a smallest and a largest value with a comma between, as 0.5,50, got {text!r}"
        )
    smallest, largest = (_number(part, option) if part.strip() else None for part in parts)
    return 0.0 if smallest is None else smallest, inf if largest is None else largest


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{option} expects a number, got {text!r}") from None
