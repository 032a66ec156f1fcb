"""Analyses beyond the standard tables, by name: ``semsync analyze FILE --also NAME:key=value``. A file each."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable

from ...errors import InputError
from ...named import parse_named
from .extra import Extra

EXTRAS: dict[str, str] = {
    "synchrony": "Synchrony",
    "coincidences": "PairCoincidences",
    "unitary-events": "UnitaryEventsInWindows",
    "patterns": "SpikePatterns",
    "connections": "ConnectionsExtra",
    "correlograms": "CorrelogramsExtra",
    "decoding": "Decoding",
    "information": "Information",
    "noise-correlations": "NoiseCorrelations",
    "sparseness": "Sparseness",
    "time-course": "TimeCourse",
}

__all__ = ["EXTRAS", "Extra", "find_extras", "get_extra"]


def get_extra(name: str) -> type[Extra]:
    """The class of an additional analysis.

    Raises
    ------
    InputError
        When there is none of this name.
    """
    if name not in EXTRAS:
        near = difflib.get_close_matches(name, EXTRAS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(EXTRAS)}"
        raise InputError(f"there is no analysis {name!r}; {hint}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    found: type[Extra] = getattr(module, EXTRAS[name])
    return found


def find_extras(given: Iterable[str | Extra]) -> list[Extra]:
    """Additional analyses from their text, such as ``"synchrony:n_surrogates=200"``; several are joined by ``+``.

    Raises
    ------
    InputError
        On a name or parameter that there is not, or an analysis named twice.
    """
    extras: list[Extra] = []
    for item in given:
        if isinstance(item, Extra):
            extras.append(item)
        else:
            extras += [get_extra(name).of(values) for name, values in parse_named(item, "an analysis")]
    names = [extra.name for extra in extras]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"analysis {name!r} is named more than once")
    return extras
