"""The page of a validation: what each rung of the ladder costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..figures.validation_curves import validation_curves
from .content import ValidationReport
from .methods import settings_rows
from .section import Drawing, KeyNumber, Page, Section, Table

_PER_FIGURE = 5  # curves side by side that are still read on a page
_HEAD = [
    "accuracy",
    "decided",
    "decision time (ms)",
    "shift of spike times, first / last hidden layer (ms)",
    "their spread (ms)",
    "missing spikes",
    "shortest half, last hidden layer (ms)",
    "information gain, E",
]
_WORDS = (
    "Means over networks; bars are standard deviations over networks. Grey and dotted lines: the same measure of the "
    "exact network. Spikes up to the decision. The spread of spike times is the standard deviation of each neuron's "
    "first spike against the exact network, for spikes that both have."
)


def validation_page(content: ValidationReport) -> Page:
    """Curves of every protocol, and the table behind them."""
    results = content.results
    swept = [curve for curve in results["curves"] if curve["axis"]]
    drawings = []
    for start in range(0, len(swept), _PER_FIGURE):
        part = swept[start : start + _PER_FIGURE]
        drawings.append(
            Drawing(
                f"validation_{start // _PER_FIGURE + 1}",
                validation_curves({**results, "curves": part}, others=content.others),
                "Accuracy, decision time, spread of spike times, packet width and information gain under "
                + ", ".join(curve["protocol"] for curve in part),
                [_WORDS] if start == 0 else [],
            )
        )
    others = content.others
    rows = [
        ["exact", "", *(_percent(other["exact"]["accuracy"]) for other in others.values()), *_row(results["exact"])]
    ]
    for curve in results["curves"]:
        for number, point in enumerate(curve["points"]):
            value = f"{curve['axis']} = {point['value']:g} {curve['unit']}".strip() if curve["axis"] else ""
            beside = [_accuracy_beside(other, point["protocol"]) for other in others.values()]
            rows.append(["" if number else curve["protocol"], value, *beside, *_row(point)])
    networks = results["networks"]
    about = f"{len(networks)} network{'s' * (len(networks) > 1)} on {results['n_samples']:,} {results['split']} samples"
    return Page(
        content.title,
        f"{about} of {results['dataset']}",
        [
            KeyNumber(_percent(results["exact"]["accuracy"]), "accuracy of the exact network"),
            KeyNumber(str(len(rows) - 1), "points along the ladder"),
        ],
        [
            Section("curves", "What each step towards realism costs", drawings),
            Section(
                "numbers",
                "The numbers",
                table=Table(
                    ["protocol", "", *(f"accuracy, {name}" for name in others), *_HEAD],
                    rows,
                    "Mean ± SD over networks.",
                ),
            ),
        ],
        settings=[
            *settings_rows({}, content.environment),
            ("networks", ", ".join(networks)),
            ("time step", f"{results['resolution_ms']:g} ms"),
            ("seed", str(results["seed"])),
        ],
    )


def _accuracy_beside(other: Mapping[str, Any], protocol: str) -> str:
    points = (point for curve in other["curves"] for point in curve["points"])
    return next((_percent(point["accuracy"]) for point in points if point["protocol"] == protocol), "–")


def _row(point: Mapping[str, Any]) -> list[str]:
    hidden: Sequence[Mapping[str, Any]] = point["layers"][:-1] or point["layers"]
    first, last = hidden[0], hidden[-1]
    return [
        _percent(point["accuracy"]),
        _percent(point["decided"]),
        _number(point["decision_time_ms"]),
        f"{_number(first['shift_ms'])} / {_number(last['shift_ms'])}",
        f"{_number(first['sd_ms'])} / {_number(last['sd_ms'])}",
        f"{_percent(first['missing'], 0)} / {_percent(last['missing'], 0)}",
        _number(last["packet_shortest_half_ms"]),
        _number(last["information_gain_E"]),
    ]


def _percent(summary: Mapping[str, Any], digits: int = 1) -> str:
    if summary["mean"] is None:
        return "–"
    spread = "" if summary["sd"] is None else f" ± {100 * summary['sd']:.{digits}f}"
    return f"{100 * summary['mean']:.{digits}f}{spread} %"


def _number(summary: Mapping[str, Any]) -> str:
    if summary["mean"] is None:
        return "–"
    return f"{summary['mean']:.2f}" + ("" if summary["sd"] is None else f" ± {summary['sd']:.2f}")
