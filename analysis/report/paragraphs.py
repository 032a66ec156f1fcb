"""What the measures of an analysis show, in words: a paragraph per figure, from the numbers alone."""

from __future__ import annotations

from math import isfinite

import numpy as np

from ...spike_table import SpikeTable
from ..analyze import Analysis
from ..figures.class_distances import class_labels
from ..figures.information_gain import cell_types
from ..figures.pathways import pathway_series
from ..figures.series import LayerSeries, layer_series, main_window, windows
from ..figures.style import CELL_TYPE_NAMES
from ..measures import find_groups
from .words import (
    WIDTH,
    Change,
    Shape,
    Value,
    Verbs,
    before_output,
    change,
    contrast,
    counted,
    joined,
    number,
    place,
    profile,
    shape,
    values_of,
    within,
)

CONTROL_NAME = "in the untrained network"
_NARROWING = (Shape.FALL, Shape.HUMP)


def packet_width_words(analysis: Analysis, control: Analysis | None = None) -> list[str]:
    """On the width of pulse packets."""
    window = main_window(analysis)
    half = before_output(layer_series(analysis, window, "packet_shortest_half_ms"))
    if not len(half):
        return ["No packet in this window has the three spikes that a width takes."]
    subject = "the shortest interval with half of a packet's spikes"
    paragraphs = [
        joined(
            profile(f"{within(window)}, {subject}", half, "ms", WIDTH),
            _matched_words(analysis, window),
            profile(
                "The standard deviation of spike times",
                before_output(layer_series(analysis, window, "packet_sd_ms")),
                "ms",
                WIDTH,
            ),
            _shuffle_words(analysis, window, half),
        )
    ]
    if control is not None:
        paragraphs.append(
            _control_words(analysis, control, window, "packet_shortest_half_ms", "ms", WIDTH, ("wider", "narrower"))
        )
    for other in windows(analysis):
        if other != window:
            paragraphs.append(_other_window_words(analysis, other, half))
    return [paragraph for paragraph in paragraphs if paragraph]


def packet_size_words(analysis: Analysis, control: Analysis | None = None) -> list[str]:
    """On the size of pulse packets."""
    window = main_window(analysis)
    size = layer_series(analysis, window, "packet_size")
    participation = layer_series(analysis, window, "participation")
    paragraphs = [
        joined(
            profile(f"{within(window)}, a packet's number of spikes", before_output(size)),
            profile("The share of the units that take part", before_output(participation), "%"),
        )
    ]
    if control is not None:
        paragraphs.append(
            _control_words(analysis, control, window, "participation", "%", Verbs(), ("larger", "smaller"))
        )
    return [paragraph for paragraph in paragraphs if paragraph]


def information_gain_words(analysis: Analysis, control: Analysis | None = None) -> list[str]:
    """On what single units tell about the class."""
    window = main_window(analysis)
    paragraphs = []
    last: dict[str, tuple[str, Value]] = {}
    for kind in cell_types(analysis):
        column = "information_gain" if kind == "-" else f"information_gain_{kind}"
        series = before_output(layer_series(analysis, window, column))
        if not len(series):
            continue
        last[kind] = (series.names[-1], values_of(series)[-1])
        whose = "units" if kind == "-" else f"{CELL_TYPE_NAMES[kind]} units"
        sentence = profile(f"{within(window)}, the mean information gain of {whose}", series)
        beside = (
            _control_words(analysis, control, window, column, "", Verbs(), ("larger", "smaller")) if control else ""
        )
        paragraphs.append(joined(sentence, beside))
    if {"E", "I"} <= set(last) and last["E"][0] == last["I"][0]:
        paragraphs.append(
            contrast(
                f"In {place(last['E'][0])} the information gain of excitatory units",
                last["E"][1],
                "that of inhibitory units",
                last["I"][1],
            )
        )
    return [paragraph for paragraph in paragraphs if paragraph]


def informative_words(analysis: Analysis) -> list[str]:
    """On how many units of each group are informative."""
    window, settings = main_window(analysis), analysis.settings
    rows = layer_series(analysis, window, "fraction_informative").defined()
    units = analysis.units[analysis.units["window"] == window]
    layer_of = dict(zip(analysis.layers["name"], analysis.layers["layer"], strict=True))
    parts = []
    for name, share in zip(rows.names, rows.values, strict=True):
        of_group = units["layer"] == layer_of[name]
        n_units = int(of_group.sum())
        n_low = int((units.loc[of_group, "p_value"] < settings["alpha"]).sum())
        parts.append(f"{round(share * n_units)} of {n_units} in {place(name)} ({n_low} with p < {settings['alpha']:g})")
    if not parts:
        return []
    return [
        f"Informative at a false discovery rate of {settings['alpha']:g} are {', '.join(parts)} "
        f"({settings['n_permutations']:,} permutations of the classes over trials). Units active in fewer than "
        f"{settings['min_active_trials']} trials are not tested and have no information gain."
    ]


def decoding_words(analysis: Analysis, control: Analysis | None = None) -> list[str]:
    """On how well the class can be read from a layer."""
    window = main_window(analysis)
    series = layer_series(analysis, window, "decoding_accuracy").defined()
    if not len(series):
        return []
    chance = layer_series(analysis, window, "chance_accuracy").values
    level = float(chance[np.isfinite(chance)].mean())
    above = [
        name
        for name, value in zip(series.names, values_of(series), strict=True)
        if change(Value(level, 0.0), value) is Change.UP
    ]
    if len(above) == len(series):
        verdict = f"Every one of them lies above chance ({number(level, '%')})."
    elif above:
        verdict = f"Above chance ({number(level, '%')}) are {', '.join(map(place, above))} only."
    else:
        verdict = f"None of them lies above chance ({number(level, '%')})."
    subject = "the class of a trial is decoded from which units are active with an accuracy that"
    paragraphs = [joined(profile(f"{within(window)}, {subject}", series, "%"), verdict)]
    if control is not None:
        paragraphs.append(
            _control_words(analysis, control, window, "decoding_accuracy", "%", Verbs(), ("higher", "lower"))
        )
    for other in windows(analysis):
        if other != window:
            elsewhere = layer_series(analysis, other, "decoding_accuracy")
            paragraphs.append(profile(f"{within(other)}, this accuracy", elsewhere, "%"))
    return [paragraph for paragraph in paragraphs if paragraph]


def class_distance_words(analysis: Analysis) -> list[str]:
    """On distances between trials of one class and of two."""
    window = main_window(analysis)
    ratio = before_output(layer_series(analysis, window, "jaccard_ratio"))
    if not len(ratio):
        return []
    within_class, between = (layer_series(analysis, window, f"jaccard_{which}") for which in ("within", "between"))
    sentences = [
        f"{number(float(ratio.values[row]))} in {place(name)} "
        f"({number(float(between.only((name,)).values[0]))} over {number(float(within_class.only((name,)).values[0]))})"
        for row, name in enumerate(ratio.names)
    ]
    return [
        f"{within(window)}, the mean Jaccard distance of trials of two classes over that of trials of one class is "
        f"{', '.join(sentences)}. At 1 classes would not matter; dark squares on the diagonal are classes whose trials "
        "use the same units."
    ]


def pathway_words(analysis: Analysis) -> list[str]:
    """On class-specific pathways in the weights, and on the spikes that take them."""
    window = main_window(analysis)
    selectivity = pathway_series(analysis, window, "selectivity")
    if not len(selectivity):
        return []
    control = pathway_series(analysis, window, "selectivity", network="control")
    paragraphs = [
        joined(
            profile(
                "The mean selectivity of excitatory units' strength towards the outputs "
                "(0: all alike, 1: a single one)",
                selectivity,
            ),
            *_layerwise_contrasts("It", selectivity, control),
            "A product of non-negative matrices grows selective towards the output by itself, so only the difference "
            "from the control counts."
            if len(control)
            else "There is no control here, and a product of non-negative matrices grows selective towards the "
            "output by itself.",
        )
    ]
    share = pathway_series(analysis, window, "share").defined()
    chance = pathway_series(analysis, window, "share_chance").defined()
    p_values = pathway_series(analysis, window, "p_value").defined()
    if len(share) and share.names == chance.names == p_values.names:
        parts = [
            f"{number(value, '%')} in {place(name)} (by chance {number(float(by_chance), '%')}, p = {p:.2g})"
            for name, value, by_chance, p in zip(
                share.names, values_of(share), chance.values, p_values.values, strict=True
            )
        ]
        paragraphs.append(
            f"{within(window)}, the share of a trial's excitatory spikes on the pathway of its own class is "
            f"{', '.join(parts)}. Chance is that share with classes permuted over trials."
        )
        paragraphs.append(_control_share_words(analysis, window))
    return [paragraph for paragraph in paragraphs if paragraph]


def _control_share_words(analysis: Analysis, window: str) -> str:
    """On the same spikes, held against the pathways in the control's weights."""
    share, chance = (
        pathway_series(analysis, window, column, network="control").defined() for column in ("share", "share_chance")
    )
    if not len(share) or share.names != chance.names:
        return ""
    return (
        f"Held against the pathways in the untrained weights, the same spikes give {number(values_of(share)[-1], '%')} "
        f"in {place(share.names[-1])}, by chance {number(float(chance.values[-1]), '%')}."
    )


def _layerwise_contrasts(what: str, series: LayerSeries, control: LayerSeries) -> list[str]:
    if series.names != control.names:
        return []
    higher: list[str] = []
    lower: list[str] = []
    same: list[str] = []
    for name, value, other in zip(series.names, values_of(series), values_of(control), strict=True):
        {Change.UP: higher, Change.DOWN: lower}.get(change(other, value), same).append(place(name))
    return [
        f"{what} is {how} {CONTROL_NAME} in {', '.join(names)}."
        for how, names in (("larger than", higher), ("smaller than", lower), ("not clearly different from that", same))
        if names
    ]


def _matched_words(analysis: Analysis, window: str) -> str:
    matched = before_output(layer_series(analysis, window, "packet_shortest_half_matched_ms"))
    sizes = layer_series(analysis, window, "matched_size").values
    sizes = sizes[np.isfinite(sizes)]
    if not len(matched) or not len(sizes):
        return ""
    return profile(f"With all packets cut to {int(sizes[0])} spikes, it", matched, "ms", WIDTH)


def _shuffle_words(analysis: Analysis, window: str, half: LayerSeries) -> str:
    shuffled = layer_series(analysis, window, "packet_shortest_half_shuffled_ms").only(half.names)
    if not len(shuffled) or not isfinite(shuffled.values[-1]):
        return ""
    value, other = values_of(half)[-1], values_of(shuffled)[-1]
    what, beside = f"In {place(half.names[-1])} the shortest half", "that with decision times shuffled over trials"
    meaning = {
        Change.DOWN: "These packets are timed to the decision of their own trial.",
        Change.NONE: "How sharp these packets are does not hang on the decision time of their own trial.",
    }
    return joined(
        contrast(what, value, beside, other, "ms", ("wider", "narrower")), meaning.get(change(other, value), "")
    )


def _control_words(
    analysis: Analysis,
    control: Analysis,
    window: str,
    column: str,
    unit: str,
    verbs: Verbs,
    adjectives: tuple[str, str],
) -> str:
    """The control's course, and the difference in the last layer before the output that both have."""
    if window not in windows(control):
        return ""
    series, other = (before_output(layer_series(which, window, column)) for which in (analysis, control))
    common = [name for name in series.names if name in other.names]
    if not common:
        return ""
    value, beside = (values_of(which.only((common[-1],)))[0] for which in (series, other))
    return joined(
        profile(f"{CONTROL_NAME.capitalize()} it", other, unit, verbs),
        contrast(
            f"In {place(common[-1])} the trained network's value",
            value,
            f"that {CONTROL_NAME}",
            beside,
            unit,
            adjectives,
        ),
    )


def _other_window_words(analysis: Analysis, other: str, half: LayerSeries) -> str:
    elsewhere = before_output(layer_series(analysis, other, "packet_shortest_half_ms"))
    sentence = profile(f"{within(other)}, the shortest half", elsewhere, "ms", WIDTH)
    if len(elsewhere) < 2 or len(half) < 2 or not half.ordered:
        return sentence
    if shape(half)[0] in _NARROWING and shape(elsewhere)[0] not in (*_NARROWING, Shape.UNKNOWN):
        return joined(sentence, "The narrowing is not seen there.")
    return sentence


def raster_words(table: SpikeTable, trial: int, by: str | None = None, condition: str = "") -> str:
    """On one trial: what was shown, what was decided, and which units had fired by then."""
    which = f"Trial {trial}" + (f" of the {condition} network" if condition else "")
    column = {
        name: table.trials[name][trial]
        for name in ("stimulus_class", "decision_time", "decision")
        if name in table.trials
    }
    named = class_labels(table, table.trials["stimulus_class"][[trial]])[0] if "stimulus_class" in column else ""
    shows = f" shows class {named}" if named else " is shown"
    decided_at = float(column.get("decision_time", float("inf")))
    of_trial = table.select(trials=[trial])
    whole = of_trial.counts()[0] > 0
    if not isfinite(decided_at):
        ending = "; it ends without a decision" if "decision_time" in column else ""
        parts = [_active(whole[group.rows], group.name) for group in find_groups(table, by)]
        return f"{which}{shows}{ending}. Active are {', '.join(parts)}."
    until = of_trial.window(t_stop=decided_at).counts()[0] > 0
    parts = [_active(until[group.rows], group.name) for group in find_groups(table, by) if group.name != "output"]
    choice = f" for class {column['decision']}" if "decision" in column else ""
    later = int(whole.sum() - until.sum())
    return (
        f"{which}{shows}; it is decided{choice} after {number(decided_at, 'ms')}, the first output spike (green line). "
        f"By then {', '.join(parts)} have fired; {counted(later, 'unit')} more fire only later."
    )


def _active(active: np.ndarray, name: str) -> str:
    of_layer = "" if name == "all units" else f" of {place(name)}"
    return f"{int(active.sum())} of {len(active)} units{of_layer}"
