"""Recordings in and out: every file and object becomes a :class:`~semsync.SpikeTable` once, here.

:func:`load_recording` finds the reader of a file. NIX goes through Neo, NWB through pynwb; both are imported where they
are used. What a reader assumed is in the table's ``annotations['notes']``, and what a recording does not have in
``annotations['lacks']``, as sentences.
"""

from .gdf import load_gdf
from .neo_blocks import from_neo, to_neo
from .nix import load_nix, save_nix
from .nwb import load_nwb, save_nwb
from .registry import FORMATS, RecordingFormat, load_recording

__all__ = [
    "FORMATS",
    "RecordingFormat",
    "from_neo",
    "load_gdf",
    "load_nix",
    "load_nwb",
    "load_recording",
    "save_nix",
    "save_nwb",
    "to_neo",
]
