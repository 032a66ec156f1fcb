"""From a trained network to NEST and back as a recording.

    description = export(network)
    recording = simulate(description, stimuli, protocol)
    comparison = compare(reference, recording, description)

Networks of other frameworks come in and ours go out as NIR graphs: read_nir, write_nir.

NEST runs only in worker processes of their own, which never load torch; importing this module loads neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparison import Comparison as Comparison
    from .comparison import GrazingSpike as GrazingSpike
    from .comparison import compare as compare
    from .deviation import Deviation as Deviation
    from .deviation import deviations as deviations
    from .nir import read_nir as read_nir
    from .nir import write_nir as write_nir
    from .protocols import Protocol as Protocol
    from .protocols import protocol_names as protocol_names
    from .pynest_script import write_pynest as write_pynest
    from .safe_step import safe_resolution as safe_resolution
    from .simulation import simulate as simulate
    from .trained_network import export as export

_HOMES = {
    "Comparison": "comparison",
    "Deviation": "deviation",
    "GrazingSpike": "comparison",
    "Protocol": "protocols",
    "compare": "comparison",
    "deviations": "deviation",
    "export": "trained_network",
    "protocol_names": "protocols",
    "read_nir": "nir",
    "safe_resolution": "safe_step",
    "simulate": "simulation",
    "write_nir": "nir",
    "write_pynest": "pynest_script",
}

__all__ = [
    "Comparison",
    "Deviation",
    "GrazingSpike",
    "Protocol",
    "compare",
    "deviations",
    "export",
    "protocol_names",
    "read_nir",
    "safe_resolution",
    "simulate",
    "write_nir",
    "write_pynest",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
