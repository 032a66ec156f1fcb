"""The section on cross-correlograms."""

from __future__ import annotations

from ..analyze import Analysis
from ..figures import correlograms
from ..figures.series import main_window
from .connections_section import NULL_HYPOTHESES
from .section import Drawing, Section


def section(analysis: Analysis) -> Section | None:
    """The correlograms of the most significant pairs."""
    table = analysis.extras["correlograms"]
    window = main_window(analysis)
    rows = table[table["window"] == window]
    if not len(rows):
        window = str(table["window"].iloc[0])
        rows = table[table["window"] == window]
    n_pairs = rows["pair"].nunique()
    null = NULL_HYPOTHESES[str(rows["predictor"].iloc[0])]
    words = [
        f"Cross-correlograms of the {n_pairs} pairs that speak most clearly for a connection. Bars: target spikes by "
        f"lag from the source's spikes. Green: what is expected {null}, with 95 % of what chance makes of it, lag by "
        "lag. The pairs shown were picked from all that were tested."
    ]
    drawing = Drawing(
        "correlograms",
        correlograms(analysis, window=window),
        "Cross-correlograms of the most significant pairs of units, with expectation and band",
        words,
    )
    return Section("correlograms", "Cross-correlograms", [drawing])
