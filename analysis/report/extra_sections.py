"""Sections on the additional analyses, each made by a file of its own, found by the name of the table it shows."""

from __future__ import annotations

import importlib

from ..analyze import Analysis
from .section import Section

# Table of `Analysis.extras` to the module of this package whose function `section(analysis)` makes the section.
SECTIONS: dict[str, str] = {
    "synchrony": "synchrony_section",
    "information": "response_information_section",
    "time_course": "time_course_section",
    "decoding": "decoding_section",
    "noise_correlations": "noise_correlations_section",
    "sparseness": "sparseness_section",
    "coincidences": "coincidences_section",
    "unitary_events": "unitary_events_section",
    "pattern_spectrum": "patterns_section",
    "connection_summary": "connections_section",
    "correlograms": "correlograms_section",
}


def extra_sections(analysis: Analysis) -> list[Section | None]:
    """One for every table that has something to show, in the order of :data:`SECTIONS`."""
    return [
        importlib.import_module(f"..{module}", __name__).section(analysis)
        for table, module in SECTIONS.items()
        if table in analysis.extras
    ]
