"""How neurons, synapses and stimuli are made in NEST: one small file per protocol, found by its name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ...errors import InputError

if TYPE_CHECKING:
    from .protocol import Protocol

__all__ = ["get_protocol", "protocol_names"]

_PROTOCOLS = {"exact": ("exact", "ExactProtocol")}


def protocol_names() -> list[str]:
    """Names that :func:`semsync.bridge.simulate` accepts as `protocol`."""
    return sorted(_PROTOCOLS)


def get_protocol(name: str) -> type[Protocol]:
    """The protocol class of a name.

    Raises
    ------
    InputError
        When there is none of this name.
    """
    if name not in _PROTOCOLS:
        raise InputError(f"there is no protocol {name!r}; known are {', '.join(protocol_names())}")
    module, attribute = _PROTOCOLS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
