"""The commands of the command line, by what they work on."""

from __future__ import annotations
