"""The section on information in spike counts and latencies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analyze import Analysis
from ..figures import information_by_unit
from ..measures.information import CORRECTIONS
from .section import Drawing, Section, Table
from .words import counted, number, place, within

_RESPONSES = {"count": "spike counts", "latency": "first-spike latencies"}


def section(analysis: Analysis) -> Section | None:
    """Units ranked by information in each window, and every estimator's mean beside the others."""
    table = analysis.extras["information"]
    if not len(table) or not np.isfinite(table["p_value"]).any():
        return None
    alpha = float(analysis.settings.get("alpha", 0.05))
    drawings = []
    for number_of_window, window in enumerate(dict.fromkeys(table["window"]), start=1):
        rows = table[table["window"] == window]
        if np.isfinite(rows["p_value"]).any():
            axes = information_by_unit(table, window=str(window), alpha=alpha)
            words = [_words(str(window), str(response), of_one, alpha) for response, of_one in rows.groupby("response")]
            alt = "Information of each unit's responses about the class, units ranked within their group"
            drawings.append(Drawing(f"information_by_unit_{number_of_window}", axes, alt, words))
    n_permutations = int(table["n_permutations"].iloc[0])
    method = (
        "Mutual information of a unit's response in a trial and the class. Counts and latencies are put into equally "
        "populated bins without looking at the class; silence is a latency of its own. Shown is the estimate corrected "
        f"after Panzeri and Treves. p: {n_permutations:,} permutations of classes over trials; q: Benjamini and "
        "Hochberg over the units of a window."
    )
    return Section(
        "response-information", "Information in counts and latencies", drawings, [method], table=_means(table)
    )


def _words(window: str, response: str, rows: pd.DataFrame, alpha: float) -> str:
    tested = rows[np.isfinite(rows["p_value"])]
    parts = []
    for name, of_group in tested.groupby("name", sort=False):
        n_found = int((of_group["q_value"] <= alpha).sum())
        parts.append(f"{n_found} of {counted(len(of_group), 'tested unit')} of {place(str(name))}")
    found = ", ".join(parts) if parts else "no unit"
    return f"{within(window)}, {_RESPONSES[response]} tell about the class in {found} at q ≤ {alpha:g}."


def _means(table: pd.DataFrame) -> Table:
    tested = table[np.isfinite(table["p_value"])]
    columns = {name: f"information_bits_{name.replace('-', '_')}" for name in CORRECTIONS}
    rows = [
        [
            *map(str, key),
            str(len(of_group)),
            *(number(float(of_group[column].mean())) for column in columns.values()),
        ]
        for key, of_group in tested.groupby(["window", "response", "name"], sort=False)
    ]
    caption = "Mean over tested units, in bits, by estimator."
    return Table(["window", "response", "group", "units", *columns], rows, caption)
