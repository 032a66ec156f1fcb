"""Recordings in and out: every file and object becomes a :class:`~semsync.SpikeTable` once, here.

:func:`load_recording` finds the reader of a file. NIX goes through Neo, NWB through pynwb; both are imported where they
are used. What a reader assumed is in the table's ``annotations['notes']``, and what a recording does not have in
``annotations['lacks']``, as sentences.
"""

from .binned import binned_table, load_binned
from .gdf import load_gdf
from .inspection import Inspection, inspect_recording
from .neo_blocks import from_neo, to_neo
from .neo_files import load_neo
from .nest_ascii import load_nest_ascii
from .nix import load_nix, save_nix
from .nwb import load_nwb, save_nwb
from .registry import FORMATS, RecordingFormat, load_recording
from .spike_list import load_spike_list

__all__ = [
    "FORMATS",
    "Inspection",
    "RecordingFormat",
    "binned_table",
    "from_neo",
    "inspect_recording",
    "load_binned",
    "load_gdf",
    "load_neo",
    "load_nest_ascii",
    "load_nix",
    "load_nwb",
    "load_recording",
    "load_spike_list",
    "save_nix",
    "save_nwb",
    "to_neo",
]
