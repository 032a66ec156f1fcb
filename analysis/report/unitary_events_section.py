"""The section on unitary events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analyze import Analysis
from ..figures.unitary_events import unitary_events
from .section import Drawing, Section
from .words import within

_MOST_FIGURES = 6
_DISTRIBUTIONS = {
    "poisson": "a Poisson distribution with this mean",
    "exact": "the exact distribution given how many bins each unit fills in each trial",
}


def section(analysis: Analysis) -> Section | None:
    """For every window and class, a figure of the set of units with the highest joint surprise."""
    table = analysis.extras["unitary_events"]
    if not len(table) or not np.isfinite(table["p_value"]).any():
        return None
    drawings: list[Drawing] = []
    for _, rows in table.groupby(["window", "stimulus_class"], sort=False):
        window, label = str(rows["window"].iloc[0]), int(rows["stimulus_class"].iloc[0])
        if len(drawings) < _MOST_FIGURES and np.isfinite(rows["p_value"]).any():
            axes = unitary_events(rows)
            name = f"unitary_events_{len(drawings) + 1}"
            alt = "Rates, joint spikes and joint surprise of a set of units over time"
            drawings.append(Drawing(name, axes, alt, [_words(window, label, rows)]))
    return Section("unitary-events", "Unitary events", drawings, [_method(table)])


def _words(window: str, label: int, rows: pd.DataFrame) -> str:
    ids = [name for name in rows.columns if name.startswith("unit_id_")]
    tested = rows[np.isfinite(rows["p_value"])]
    best = tested.loc[tested["p_value"].idxmin()]
    of_class = f", class {label}" if label >= 0 else ""
    alpha = float(rows["alpha"].iloc[0])
    n_sets = len(rows[ids].drop_duplicates())
    n_low, n_found = (int((tested[column] < alpha).sum()) for column in ("p_value", "q_value"))
    return (
        f"{within(window)}{of_class}: of {len(tested)} sliding windows of {n_sets} {'set' if n_sets == 1 else 'sets'} "
        f"of units, {n_low} have p < {alpha:g} and {n_found} have q < {alpha:g}. The highest joint surprise, of units "
        f"{' and '.join(str(best[name]) for name in ids)}, is {best['Js']:.2f} from {best['t_start_ms']:g} to "
        f"{best['t_stop_ms']:g} ms: {best['n_emp']:g} joint spikes in {best['n_trials']} trials, {best['n_exp']:.1f} "
        "expected."
    )


def _method(table: pd.DataFrame) -> str:
    first = table.iloc[0]
    return (
        f"Joint spikes are bins of {first['bin_size_ms']:g} ms in which all units of a set spike; a pair of spikes "
        "that the border of a bin parts is missed. The number expected comes from the units' rates in each sliding "
        f"window ({first['expectation']}), and p from {_DISTRIBUTIONS[first['test']]}, one-sided; q by Benjamini "
        "and Hochberg over all positions, sets and classes of a window, of which overlapping positions are alike."
    )
