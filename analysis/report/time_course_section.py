"""The section on information and decoding in windows that slide over the trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analyze import Analysis
from ..figures import time_course
from .section import Drawing, Section
from .words import Value, number, place, within


def section(analysis: Analysis) -> Section | None:
    """A figure for every window."""
    table = analysis.extras["time_course"]
    if not len(table) or not np.isfinite(table["information_bits"]).any():
        return None
    alpha = float(analysis.settings.get("alpha", 0.05))
    drawings = []
    for number_of_window, window in enumerate(dict.fromkeys(table["window"]), start=1):
        rows = table[table["window"] == window]
        axes = time_course(table, window=str(window), alpha=alpha)
        words = [_words(str(window), rows, alpha)]
        alt = "Information of units and accuracy of decoding in windows that slide over the trial, by group"
        drawings.append(Drawing(f"time_course_{number_of_window}", axes, alt, words))
    first = table.iloc[0]
    method = (
        f"Windows of {first['t_stop_ms'] - first['t_start_ms']:g} ms; only trials that hold all of a window count for "
        "it. Information: mean over units of the mutual information of the response in the window and the class, "
        f"corrected for its bias ({analysis.settings.get('correction')}). Accuracy: nearest class mean of spike "
        f"counts, cross-validated. p: {int(first['n_permutations']):,} permutations of classes; q: Benjamini and "
        "Hochberg over all units, or groups, and sliding windows together. Windows that overlap share spikes."
    )
    return Section("time-course", "When units tell about the class", drawings, [method])


def _words(window: str, rows: pd.DataFrame, alpha: float) -> str:
    parts = []
    for name, of_group in rows.groupby("name", sort=False):
        decoded = of_group[of_group["q_value"] <= alpha]
        if not len(decoded):
            parts.append(f"the class can be decoded at no time from {place(str(name))}")
            continue
        best = of_group.iloc[int(np.nanargmax(of_group["accuracy"].to_numpy(dtype=np.float64)))]
        parts.append(
            f"from {place(str(name))} the class can first be decoded from {decoded['t_start_ms'].min():g} to "
            f"{decoded['t_stop_ms'].iloc[0]:g} ms, and best from {best['t_start_ms']:g} to {best['t_stop_ms']:g} ms "
            f"({number(Value(float(best['accuracy']), float(best['accuracy_sem'])), '%')})"
        )
    return f"{within(window)}: {'; '.join(parts)} (q ≤ {alpha:g})."
