"""The four observations of Oberste-Frielinghaus et al. (2025), arXiv:2508.12975, and whether a run shows them.

A verdict takes more than a direction: an effect that the untrained network shows as strongly is not one of learning.
"""

from __future__ import annotations

from ..analyze import Analysis
from ..figures.pathways import pathway_series
from ..figures.series import LayerSeries, layer_series, main_window, windows
from .section import Claim
from .words import (
    WIDTH,
    Change,
    Shape,
    before_output,
    change,
    contrast,
    joined,
    number,
    place,
    profile,
    shape,
    values_of,
    within,
)

SEEN, PARTLY, NOT_SEEN, CONTROL_TOO = "seen", "partly seen", "not seen", "in the control too"
_UNTRAINED = "that in the untrained network"
_ALPHA = 0.05


def claims(analysis: Analysis, control: Analysis | None) -> list[Claim]:
    """A verdict on each observation that the analysis allows one on, for the main window."""
    window = main_window(analysis)
    found = [
        _packets(analysis, control, window),
        _specificity(analysis, control, window),
        _separability(analysis, control, window),
        _pathways(analysis, window),
    ]
    return [claim for claim in found if claim is not None]


def _packets(analysis: Analysis, control: Analysis | None, window: str) -> Claim | None:
    half, beside = _both(analysis, control, window, "packet_shortest_half_ms")
    if not _judgeable(half):
        return None
    verdict = {Shape.HUMP: SEEN, Shape.FALL: PARTLY}.get(shape(half)[0], NOT_SEEN)
    if verdict != NOT_SEEN and _judgeable(beside) and shape(beside)[0] in (Shape.HUMP, Shape.FALL):
        verdict = CONTROL_TOO
    return Claim(
        "Volleys first spread out in time, then converge into sharp packets.",
        verdict,
        joined(
            profile(f"{within(window)}, the shortest half", half, "ms", WIDTH),
            profile("In the untrained network it", beside, "ms", WIDTH),
        ),
    )


def _specificity(analysis: Analysis, control: Analysis | None, window: str) -> Claim | None:
    excitatory, beside = _both(analysis, control, window, "information_gain_E")
    inhibitory, _ = _both(analysis, None, window, "information_gain_I")
    if not _judgeable(excitatory) or excitatory.names[-1:] != inhibitory.names[-1:]:
        return None
    last, other = values_of(excitatory)[-1], values_of(inhibitory)[-1]
    rises, exceeds = shape(excitatory)[0] is Shape.RISE, change(other, last) is Change.UP
    verdict = SEEN if rises and exceeds else PARTLY if rises or exceeds else NOT_SEEN
    return Claim(
        "Excitatory units grow specific to classes with depth, inhibitory ones less.",
        _against_control(verdict, excitatory, beside),
        joined(
            profile("The mean information gain of excitatory units", excitatory),
            contrast(f"In {place(excitatory.names[-1])} it", last, "that of inhibitory units", other),
            _contrast_with_control(excitatory, beside),
        ),
    )


def _separability(analysis: Analysis, control: Analysis | None, window: str) -> Claim | None:
    accuracy, beside = _both(analysis, control, window, "decoding_accuracy")
    if not _judgeable(accuracy):
        return None
    verdict = {Shape.RISE: SEEN, Shape.HUMP: PARTLY}.get(shape(accuracy)[0], NOT_SEEN)
    return Claim(
        "Classes become separable with depth.",
        _against_control(verdict, accuracy, beside),
        joined(profile("The decoding accuracy", accuracy, "%"), _contrast_with_control(accuracy, beside, "%")),
    )


def _pathways(analysis: Analysis, window: str) -> Claim | None:
    selectivity = pathway_series(analysis, window, "selectivity").defined()
    beside = pathway_series(analysis, window, "selectivity", network="control").defined()
    share = pathway_series(analysis, window, "share").defined()
    p_values = pathway_series(analysis, window, "p_value").only(share.names)
    chance = pathway_series(analysis, window, "share_chance").only(share.names)
    if not _judgeable(selectivity) or not len(share):
        return None
    rises, taken = shape(selectivity)[0] is Shape.RISE, p_values.values[-1] < _ALPHA
    verdict = SEEN if rises and taken else PARTLY if rises or taken else NOT_SEEN
    taken_words = (
        f"In {place(share.names[-1])} {number(values_of(share)[-1], '%')} of a trial's excitatory spikes lie on its "
        f"class's pathway, by chance {number(float(chance.values[-1]), '%')} (p = {p_values.values[-1]:.2g})."
    )
    return Claim(
        "Excitatory pathways of single classes grow more pronounced with depth, and spikes take them.",
        _against_control(verdict, selectivity, beside),
        joined(
            profile("The selectivity of pathways", selectivity),
            _contrast_with_control(selectivity, beside),
            taken_words,
        ),
    )


def _both(analysis: Analysis, control: Analysis | None, window: str, column: str) -> tuple[LayerSeries, LayerSeries]:
    """The measure in the layers before the output; the control's is empty without one."""
    series = before_output(layer_series(analysis, window, column))
    if control is None or window not in windows(control):
        return series, series.only(())
    return series, before_output(layer_series(control, window, column))


def _judgeable(series: LayerSeries) -> bool:
    return len(series) > 1 and series.ordered and shape(series)[0] is not Shape.UNKNOWN


def _against_control(verdict: str, series: LayerSeries, control: LayerSeries) -> str:
    """An effect is learned only if the last layer exceeds the control's."""
    if verdict == NOT_SEEN or series.names[-1] not in control.names:
        return verdict
    beside = values_of(control.only(series.names[-1:]))[0]
    return verdict if change(beside, values_of(series)[-1]) is Change.UP else CONTROL_TOO


def _contrast_with_control(series: LayerSeries, control: LayerSeries, unit: str = "") -> str:
    name = series.names[-1]
    if name not in control.names:
        return ""
    beside = values_of(control.only((name,)))[0]
    return contrast(f"In {place(name)} it", values_of(series)[-1], _UNTRAINED, beside, unit)
