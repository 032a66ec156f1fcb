"""The observations of Oberste-Frielinghaus et al. (2025), arXiv:2508.12975, each as one number with a sign.

A claim that trained networks show and their controls do not is a claim about learning; so every number here is computed
for both, for every seed, by the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .analyze import Analysis
from .figures.pathways import pathway_series
from .figures.series import layer_series, windows

_NAN = float("nan")


@dataclass(frozen=True)
class Effect:
    """One observation as a number that is positive where the paper's claim holds.

    Attributes
    ----------
    key : str
    claim : str
        In the paper's sense.
    definition : str
        Of the number.
    published : float or None
        The same from the published spikes (150 test images, 4-layer network with Dale's law), where it can be had.
    measure : callable
        From an analysis and the name of a window to the number; NaN where it is not defined.
    """

    key: str
    claim: str
    definition: str
    published: float | None
    measure: Callable[[Analysis, str], float]


def _hidden(analysis: Analysis, window: str, column: str) -> NDArray[np.float64]:
    """A measure in the input and every hidden layer, in order; empty where the analysis has no such window."""
    if window not in windows(analysis):
        return np.empty(0)
    return layer_series(analysis, window, column).values[:-1]


def _spread(analysis: Analysis, window: str) -> float:
    half = _hidden(analysis, window, "packet_shortest_half_ms")
    return float(np.log(_largest(half[1:]) / half[0])) if len(half) > 1 and half[0] > 0 else _NAN


def _convergence(analysis: Analysis, window: str) -> float:
    half = _hidden(analysis, window, "packet_shortest_half_ms")
    return float(np.log(_largest(half) / half[-1])) if len(half) > 1 and half[-1] > 0 else _NAN


def _rise_of_information(analysis: Analysis, window: str) -> float:
    gain = _hidden(analysis, window, "information_gain_E")
    return float(gain[-1] - gain[1]) if len(gain) > 2 else _NAN


def _excitatory_above_inhibitory(analysis: Analysis, window: str) -> float:
    excitatory, inhibitory = (_hidden(analysis, window, f"information_gain_{kind}") for kind in "EI")
    return float(excitatory[-1] - inhibitory[-1]) if len(excitatory) > 1 and len(inhibitory) > 1 else _NAN


def _rise_of_separability(analysis: Analysis, window: str) -> float:
    accuracy = _hidden(analysis, window, "decoding_accuracy")
    return float(accuracy[-1] - accuracy[0]) if len(accuracy) > 1 else _NAN


def _separability(analysis: Analysis, window: str) -> float:
    accuracy, chance = (_hidden(analysis, window, column) for column in ("decoding_accuracy", "chance_accuracy"))
    return float(accuracy[-1] - chance[-1]) if len(accuracy) > 1 and len(chance) > 1 else _NAN


def _pathway_rise(analysis: Analysis, window: str) -> float:
    selectivity = pathway_series(analysis, window, "selectivity").values
    return float(selectivity[-1] - selectivity[0]) if len(selectivity) > 1 else _NAN


def _pathway_taken(analysis: Analysis, window: str) -> float:
    share, chance = (pathway_series(analysis, window, column).values for column in ("share", "share_chance"))
    return float(share[-1] - chance[-1]) if len(share) and len(chance) else _NAN


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else _NAN


EFFECTS = (
    Effect(
        "spread",
        "Input volleys, synchronous by construction, first spread out in time.",
        "logarithm of the widest hidden packet's shortest half over the input's",
        float(np.log(0.108 / 0.037)),
        _spread,
    ),
    Effect(
        "convergence",
        "Then they converge into sharp packets.",
        "logarithm of the widest packet's shortest half over the last hidden layer's",
        float(np.log(0.108 / 0.012)),
        _convergence,
    ),
    Effect(
        "semantization",
        "The information gain of excitatory neurons rises with depth.",
        "mean information gain of excitatory neurons, last minus first hidden layer",
        None,
        _rise_of_information,
    ),
    Effect(
        "inhibition",
        "That of inhibitory neurons stays low.",
        "mean information gain in the last hidden layer, excitatory minus inhibitory neurons",
        None,
        _excitatory_above_inhibitory,
    ),
    Effect(
        "separability",
        "Classes become separable with depth.",
        "cross-validated decoding accuracy, last hidden layer minus input",
        0.99 - 0.72,
        _rise_of_separability,
    ),
    Effect(
        "separable",
        "In the last hidden layer they are separable.",
        "cross-validated decoding accuracy in the last hidden layer, minus chance",
        0.99 - 0.1,
        _separability,
    ),
    Effect(
        "pathways",
        "Class-specific excitatory pathways grow more pronounced with depth.",
        "selectivity of the pathways through the weights, last minus first hidden layer",
        None,
        _pathway_rise,
    ),
    Effect(
        "pathways-taken",
        "Spikes take the pathway of the right class.",
        "share of excitatory spikes on it in the last hidden layer, minus chance",
        None,
        _pathway_taken,
    ),
)


@dataclass(frozen=True)
class Estimate:
    """An effect over seeds: one value each, NaN where it is not defined."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        found = self._defined
        return float(np.mean(found)) if found else _NAN

    @property
    def sd(self) -> float:
        """Standard deviation over seeds; NaN for one."""
        found = self._defined
        return float(np.std(found, ddof=1)) if len(found) > 1 else _NAN

    @property
    def is_shown(self) -> bool:
        """Positive on average, and in every seed where it is defined."""
        return bool(self._defined) and min(self._defined) > 0

    @property
    def _defined(self) -> list[float]:
        return [value for value in self.values if np.isfinite(value)]


def estimate(effect: Effect, analyses: Sequence[Analysis], window: str = "decision") -> Estimate:
    """An effect in the analyses of several seeds."""
    return Estimate(tuple(effect.measure(analysis, window) for analysis in analyses))


def verdict(trained: Estimate, controls: Mapping[str, Estimate]) -> str:
    """Whether trained networks show an effect, and which controls show at least half of it.

    Examples
    --------
    >>> from semsync.analysis.effects import Estimate, verdict
    >>> verdict(Estimate((0.5, 0.7)), {"untrained": Estimate((0.1, -0.2)), "shuffled": Estimate((0.2, 0.5))})
    'holds, but at least half as strongly in shuffled'
    """
    if not trained.is_shown:
        return "holds on average, not in every seed" if trained.mean > 0 else "does not hold"
    rivals = [name for name, control in controls.items() if control.mean >= trained.mean / 2]
    return f"holds, but at least half as strongly in {', '.join(rivals)}" if rivals else "holds, and in no control"
