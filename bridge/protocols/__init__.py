"""The ladder of realism: each rung changes one thing about how a network is run in NEST. A small file each.

Rungs are applied in the order of this table. None of these files imports NEST.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any

from ...errors import InputError

if TYPE_CHECKING:
    from .conductance import Conductance as Conductance
    from .delays import Delays as Delays
    from .grid import Grid as Grid
    from .heterogeneity import Heterogeneity as Heterogeneity
    from .jitter import Jitter as Jitter
    from .noise import Noise as Noise
    from .ongoing import Ongoing as Ongoing
    from .plan import Plan as Plan
    from .protocol import Protocol as Protocol
    from .refractory import Refractory as Refractory
    from .rung import Rung as Rung
    from .unreliable import Unreliable as Unreliable

RUNGS = {
    "refractory": "Refractory",
    "grid": "Grid",
    "conductance": "Conductance",
    "heterogeneity": "Heterogeneity",
    "delays": "Delays",
    "jitter": "Jitter",
    "unreliable": "Unreliable",
    "noise": "Noise",
    "ongoing": "Ongoing",
}
_HOMES = {attribute: name for name, attribute in RUNGS.items()} | {
    "Plan": "plan",
    "Protocol": "protocol",
    "Rung": "rung",
}

__all__ = [
    "Conductance",
    "Delays",
    "Grid",
    "Heterogeneity",
    "Jitter",
    "Noise",
    "Ongoing",
    "Plan",
    "Protocol",
    "Refractory",
    "Rung",
    "Unreliable",
    "get_rung",
    "protocol_names",
]


def protocol_names() -> list[str]:
    """Names that a protocol may be made of: ``exact``, and every rung of the ladder."""
    return ["exact", *RUNGS]


def get_rung(name: str) -> type[Rung]:
    """The class of a rung.

    Raises
    ------
    InputError
        When there is none of this name.
    """
    if name not in RUNGS:
        near = difflib.get_close_matches(name, protocol_names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(protocol_names())}"
        raise InputError(f"there is no protocol {name!r}; {hint}")
    return getattr(importlib.import_module(f"{__name__}.{name}"), RUNGS[name])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
