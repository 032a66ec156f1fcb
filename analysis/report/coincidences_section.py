"""The section on coincidences of pairs of units."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analyze import Analysis
from ..figures.coincidences import coincidences, pair_names
from .section import Drawing, Section, Table
from .words import number, within

_N_ROWS = 12


def section(analysis: Analysis) -> Section | None:
    """A figure for every window, and the pairs with the smallest p-values."""
    table = analysis.extras["coincidences"]
    tested = table[np.isfinite(table["p_value"])] if len(table) else table
    if not len(tested):
        return None
    drawings = []
    for window in dict.fromkeys(tested["window"]):
        rows = tested[tested["window"] == window]
        axes = coincidences(table, window=window)
        drawings.append(
            Drawing("coincidences", axes, "Coincidences of pairs of units against surrogates", [_words(rows)])
        )
    return Section(
        "coincidences", "Coincidences of pairs of units", drawings, [_method(tested.iloc[0])], table=_best(tested)
    )


def _words(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    n_found = int((rows["q_value"] < rows["alpha"]).sum())
    tests = f"{len(rows)} {'test' if len(rows) == 1 else 'tests'} of {_n_pairs(rows)}"
    return (
        f"{within(str(first['window']))}, {n_found} of {tests} have more coincidences within "
        f"±{first['max_lag_ms']:g} ms than {first['n_surrogates']} surrogates, at q < {first['alpha']:g}."
    )


def _n_pairs(rows: pd.DataFrame) -> str:
    n_pairs = len(rows[["unit_id_1", "unit_id_2"]].drop_duplicates())
    return f"{n_pairs} {'pair' if n_pairs == 1 else 'pairs'} of units"


def _method(first: pd.Series) -> str:
    moved = "" if first["surrogate"] in ("shuffle_isis", "trial_shuffling") else f" by {first['dither_ms']:g} ms"
    grid = first["time_step_ms"]
    on_grid = f" on the recording's grid of {grid:g} ms" if np.isfinite(grid) else ""
    return (
        f"A coincidence is two spikes of one trial, one of each unit, at most {first['max_lag_ms']:g} ms apart. "
        f"Surrogates: {first['surrogate']}{moved}{on_grid}. The test is one-sided, p = (1 + surrogates with as many or "
        f"more) / (1 + {first['n_surrogates']}), q by Benjamini and Hochberg over the tests of a window. It tells "
        "nothing of where coincidences come from: common input faster than the dither, and spikes that two units share "
        "by the recording or the sorting, look alike."
    )


def _best(tested: pd.DataFrame) -> Table:
    best = tested.sort_values("p_value", kind="stable").head(_N_ROWS)
    rows = [
        [
            str(row["window"]),
            name,
            str(row["observed"]),
            f"{row['expected']:.1f} ± {row['expected_sd']:.1f}",
            number(float(row["z"])),
            f"{row['p_value']:.2g}",
            f"{row['q_value']:.2g}",
        ]
        for name, (_, row) in zip(pair_names(best), best.iterrows(), strict=True)
    ]
    caption = "Tests with the smallest p-values; expected: mean and standard deviation over surrogates."
    return Table(["window", "units", "observed", "expected", "z", "p", "q"], rows, caption)
