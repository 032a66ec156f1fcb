"""Sections on the measures of an analysis, alike for a network's run and for any recording."""

from __future__ import annotations

import numpy as np

from ...network_description import NetworkDescription
from ...spike_table import SpikeTable
from ..analyze import Analysis
from ..figures import (
    class_distances,
    decoding_accuracy,
    information_gain,
    new_axes,
    packet_size,
    packet_width,
    pathway_picture,
    pathways,
    raster,
    unit_information,
)
from ..figures.series import layer_series, main_window, windows
from ..measures import find_groups, find_window, stimulus_classes
from ..measures.windows import WindowSpec
from . import paragraphs
from .extra_sections import extra_sections
from .section import Drawing, Section

_MAX_RASTER_SPIKES = 4000
PICTURE_WORDS = (
    "Each row is an excitatory unit, each column a class; the colour is the share of that class in the unit's "
    "strength. Only the units that drive some class most strongly are shown, sorted by the class that they prefer: "
    "bright steps down the diagonal are pathways of single classes, an even colour is none."
)


def measure_sections(
    analysis: Analysis,
    control: Analysis | None,
    recording: SpikeTable | None,
    network: NetworkDescription | None,
    control_network: NetworkDescription | None = None,
) -> list[Section]:
    """All sections that the data allow."""
    sections = [
        packet_section(analysis, control),
        information_section(analysis, control),
        separability_section(analysis, control, recording),
        pathway_section(analysis, network, control_network),
        *extra_sections(analysis),
    ]
    return [section for section in sections if section is not None]


def packet_section(analysis: Analysis, control: Analysis | None) -> Section | None:
    """Width and size of pulse packets, for every window."""
    found = _windows(analysis)
    drawings = []
    if np.isfinite(layer_series(analysis, found[0], "packet_sd_ms").values).any():
        axes = new_axes(len(found), 3, height_mm=54 * len(found))
        for row, window in zip(axes, found, strict=True):
            packet_width(analysis, control, window=window, axes=row)
        words = paragraphs.packet_width_words(analysis, control)
        drawings.append(Drawing("packet_width", axes, "Width of pulse packets by layer, in each window", words))
    axes = new_axes(len(found), 2, width_mm=130, height_mm=52 * len(found))
    for row, window in zip(axes, found, strict=True):
        packet_size(analysis, control, window=window, axes=row)
    words = paragraphs.packet_size_words(analysis, control)
    drawings.append(Drawing("packet_size", axes, "Size of pulse packets and participation by layer and window", words))
    return Section("packets", "Pulse packets", drawings)


def information_section(analysis: Analysis, control: Analysis | None) -> Section | None:
    """Information gain of single units."""
    words = paragraphs.information_gain_words(analysis, control)
    if not words or not len(analysis.units):
        return None
    axes = information_gain(analysis, control)
    drawings = [
        Drawing("information_gain", axes, "Information gain of excitatory and inhibitory units by layer", words)
    ]
    alt = "Mutual information of every unit with the class, sorted, group by group"
    drawings.append(
        Drawing("unit_information", unit_information(analysis), alt, paragraphs.informative_words(analysis))
    )
    return Section("information", "What single units tell about the class", drawings)


def separability_section(analysis: Analysis, control: Analysis | None, recording: SpikeTable | None) -> Section | None:
    """Decoding of the class, and distances between classes."""
    words = paragraphs.decoding_words(analysis, control)
    if not words:
        return None
    found = _windows(analysis)
    axes = new_axes(1, len(found), width_mm=min(180, 85 * len(found)), height_mm=60)
    for ax, window in zip(axes[0], found, strict=True):
        decoding_accuracy(analysis, control, window=window, ax=ax)
    drawings = [Drawing("decoding_accuracy", axes, "Accuracy of decoding the class, by layer and window", words)]
    words = paragraphs.class_distance_words(analysis)
    if words and recording is not None and stimulus_classes(recording) is not None:
        spec = _window_spec(analysis, recording)
        drawn = class_distances(recording, window=spec, by=analysis.settings.get("by"))
        alt = "Jaccard distance between trials, class by class, in every layer"
        drawings.append(Drawing("class_distances", drawn, alt, words))
    return Section("separability", "Separability of the classes", drawings)


def pathway_section(
    analysis: Analysis, network: NetworkDescription | None, control_network: NetworkDescription | None
) -> Section | None:
    """Class-specific excitatory pathways."""
    words = paragraphs.pathway_words(analysis)
    if not words:
        return None
    drawings = [Drawing("pathways", pathways(analysis), "Selectivity of pathways, and share of spikes on them", words)]
    if network is not None:
        picture = pathway_picture(network, control_network)
        alt = "Share of each class in the strength of the top units of every hidden layer"
        drawings.append(Drawing("pathway_picture", picture, alt, [PICTURE_WORDS]))
    return Section("pathways", "Pathways to the classes", drawings)


def raster_section(recording: SpikeTable, trial: int, control: SpikeTable | None, by: str | None) -> Section:
    """One trial through the layers, in the network and in its control."""
    tables = [("", recording)] if control is None else [("trained", recording), ("untrained", control)]
    n_groups = len(find_groups(recording, by))
    axes = new_axes(len(tables), 1, height_mm=min(88, 24 + 16 * n_groups) * len(tables), sharex=True)
    t_stop = max(_shown_until(table, trial) for _, table in tables)
    for ax, (title, table) in zip(axes[:, 0], tables, strict=True):
        raster(table, trial, by=by, t_stop=t_stop, title=title, ax=ax)
        ax.label_outer()
    words = [paragraphs.raster_words(table, trial, by, title) for title, table in tables]
    if any(t_stop < table.times[table.trial == trial].max(initial=-np.inf) for _, table in tables):
        words.append(f"Only the beginning of the trial, up to {t_stop:,.0f} ms, is drawn.")
    drawing = Drawing("raster", axes, f"Spikes of trial {trial}, group by group", words)
    layered = by in (None, "layer") and "layer" in recording.units
    title = "One trial through the layers" if layered else "One trial, group by group"
    return Section("raster", title if n_groups > 1 else "One trial", [drawing])


def _windows(analysis: Analysis) -> list[str]:
    """All windows, the main one first."""
    main = main_window(analysis)
    return [main, *(window for window in windows(analysis) if window != main)]


def _window_spec(analysis: Analysis, recording: SpikeTable) -> WindowSpec:
    """What the main window was made from: its name, or a pair of times."""
    for spec in analysis.settings["windows"]:
        pair = spec if isinstance(spec, str) else (float(spec[0]), float(spec[1]))
        if pair not in ("all", "decision") and find_window(recording, pair).name == main_window(analysis):
            return pair
    return main_window(analysis)


def _shown_until(table: SpikeTable, trial: int) -> float:
    """Where a raster ends: a little after the last spike, or where more spikes would run into one black area."""
    times = table.times[table.trial == trial]
    stop = float(table.t_stop[trial])
    if len(times) > _MAX_RASTER_SPIKES:
        return float(times[_MAX_RASTER_SPIKES])
    return min(stop, float(times[-1]) * 1.03 if len(times) and times[-1] > 0 else stop)
