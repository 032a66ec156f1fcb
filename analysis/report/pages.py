"""From the content of a report to the page that is written: which sections, in which order."""

from __future__ import annotations

import json
from functools import singledispatch
from typing import Any

from ..figures.profile import LABELS
from ..figures.series import main_window, windows
from .claims import claims
from .comparison_page import comparison_page
from .content import ComparisonReport, RecordingReport, ReproductionReport, RunReport, ValidationReport
from .layer_table import layer_table_section
from .measure_sections import measure_sections, raster_section
from .methods import DEFINITIONS, settings_rows
from .reproduction_section import reproduction_page
from .run_sections import equality_section, learning_section, run_key_numbers
from .section import KeyNumber, Page, Section
from .seeds_section import seeds_section
from .validation_section import validation_page


@singledispatch
def build_page(content: Any) -> Page:
    """The page of a report."""
    kinds = "a RunReport, a RecordingReport, a ReproductionReport, a ValidationReport or a ComparisonReport"
    raise TypeError(f"a report is {kinds}, got {type(content).__name__}")


@build_page.register
def _(content: RunReport) -> Page:
    analysis, control = content.trained, content.untrained
    lacks = [] if analysis is None else list(analysis.lacks)
    if analysis is not None and control is not None and main_window(analysis) not in windows(control):
        control = None
        lacks.append(
            "The untrained network makes no decision: it cannot be compared up to the decision, and is left out."
        )
    sections: list[Section | None] = []
    if analysis is not None:
        found = claims(analysis, control)
        sections.append(Section("claims", "What the run shows", claims=found) if found else None)
    sections += [learning_section(content), equality_section(content)]
    if content.recording is not None:
        by = analysis.settings.get("by") if analysis is not None else None
        sections.append(raster_section(content.recording, content.trial, content.control_recording, by))
    if analysis is not None:
        sections += measure_sections(analysis, control, content.recording, content.network, content.control_network)
    sections.append(seeds_section(content.seeds))
    if analysis is not None:
        sections.append(layer_table_section(analysis, control, LABELS))
    results = content.results
    about = [f"data set {results['dataset']}"] if "dataset" in results else []
    about += [f"preset {results['preset']}"] if "preset" in results else []
    about += [f"seed {results['seed']}"] if "seed" in results else []
    return Page(
        content.title,
        ", ".join(about),
        run_key_numbers(content),
        [section for section in sections if section is not None],
        lacks=lacks,
        methods=DEFINITIONS if analysis is not None else (),
        settings=settings_rows(analysis.settings if analysis is not None else {}, content.environment),
        config_text=json.dumps(content.config, indent=2, default=str) if content.config else "",
    )


@build_page.register
def _(content: RecordingReport) -> Page:
    analysis, recording = content.analysis, content.recording
    sections: list[Section] = []
    numbers = []
    if recording is not None:
        sections.append(raster_section(recording, content.trial, None, analysis.settings.get("by")))
        numbers = [
            KeyNumber(f"{recording.n_units:,}", "units"),
            KeyNumber(f"{recording.n_trials:,}", "trials"),
            KeyNumber(f"{recording.n_spikes:,}", "spikes"),
        ]
    sections += measure_sections(analysis, None, recording, content.network)
    sections.append(layer_table_section(analysis, None, LABELS))
    return Page(
        content.title,
        content.source if content.source != content.title else "",
        numbers,
        sections,
        lacks=[*(recording.annotations.get("lacks", ()) if recording is not None else ()), *analysis.lacks],
        notes=content.notes,
        methods=DEFINITIONS,
        settings=settings_rows(analysis.settings, content.environment),
    )


build_page.register(ComparisonReport, comparison_page)
build_page.register(ReproductionReport, reproduction_page)
build_page.register(ValidationReport, validation_page)
