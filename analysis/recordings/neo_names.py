"""Which column names an annotation of Neo's objects can have, and what the others are called."""

from __future__ import annotations

from .header import TIME_IN_TRIAL, TRIAL

# Names that Neo's constructors, or NixIO, keep for themselves.
# fmt: off
_NEO_NAMES = {
    "name", "description", "file_origin", "times", "durations", "labels", "units", "dtype", "copy", "t_start", "t_stop",
    "sampling_rate", "sampling_period", "waveforms", "left_sweep", "array_annotations", "annotations", "nix_name",
    "neo_name", TIME_IN_TRIAL, TRIAL,
}
# fmt: on
_PREFIX = "column_"


def escape(name: str) -> str:
    return _PREFIX + name if name in _NEO_NAMES or name.startswith(_PREFIX) else name


def unescape(name: str) -> str:
    return name.removeprefix(_PREFIX)
