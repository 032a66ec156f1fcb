"""Recordings in and out: every file and object becomes a :class:`~semsync.SpikeTable` once, here."""

from .neo_blocks import from_neo, to_neo
from .nix import load_nix, save_nix

__all__ = ["from_neo", "load_nix", "save_nix", "to_neo"]
