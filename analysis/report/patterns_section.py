"""The section on spike patterns."""

from __future__ import annotations

import pandas as pd

from ..analyze import Analysis
from ..figures.patterns import patterns
from .section import Drawing, Section, Table
from .words import within

_N_ROWS = 15


def section(analysis: Analysis) -> Section | None:
    """For every window a figure, and the significant patterns."""
    spectrum, found = analysis.extras["pattern_spectrum"], analysis.extras["patterns"]
    if not len(spectrum):
        return None
    drawings: list[Drawing] = []
    for window in dict.fromkeys(spectrum["window"]):
        name = f"patterns_{len(drawings) + 1}"
        axes = patterns(spectrum, found, window=window)
        words = [_words(window, spectrum[spectrum["window"] == window], found[found["window"] == window])]
        drawings.append(
            Drawing(name, axes, "Signatures of spike patterns, and the patterns that are significant", words)
        )
    return Section("patterns", "Spike patterns", drawings, [_method(spectrum.iloc[0])], table=_table(found))


def _words(window: str, spectrum: pd.DataFrame, found: pd.DataFrame) -> str:
    first = spectrum.iloc[0]
    n_candidates, n_signatures = int(spectrum["n_patterns"].sum()), len(spectrum)
    n_significant = int((spectrum["q_value"] < first["alpha"]).sum())
    recur = "pattern recurs" if n_candidates == 1 else "patterns recur"
    left = "pattern is" if len(found) == 1 else "patterns are"
    words = (
        f"{within(window)}, {n_candidates:,} {recur} among {first['n_units']} units. Of "
        f"{n_signatures} {'signature' if n_signatures == 1 else 'signatures'}, {n_significant} have q < "
        f"{first['alpha']:g} against {first['n_surrogates']} surrogates"
    )
    return (
        f"{words}; {len(found)} {left} left once those that others explain are taken out."
        if n_significant
        else f"{words}."
    )


def _method(first: pd.Series) -> str:
    moved = "" if first["surrogate"] in ("shuffle_isis", "trial_shuffling") else f" by {first['dither_ms']:g} ms"
    return (
        f"SPADE in bins of {first['bin_size_ms']:g} ms, over at most {first['winlen']} bins. A signature is a number "
        "of spikes and of occurrences; its p-value, (1 + surrogates with as large a pattern as often) / (1 + "
        f"{first['n_surrogates']}), holds for all patterns that have it. q by Benjamini and Hochberg over the "
        f"signatures of a window. Surrogates: {first['surrogate']}{moved}."
    )


def _table(found: pd.DataFrame) -> Table | None:
    if not len(found):
        return None
    rows = [
        [
            str(row["window"]),
            row["unit_ids"].replace(",", ", "),
            row["lags_ms"].replace(",", ", "),
            str(row["n_occurrences"]),
            f"{row['p_value']:.2g}",
            f"{row['q_value']:.2g}",
        ]
        for _, row in found.head(_N_ROWS).iterrows()
    ]
    caption = "Significant patterns: units in the order of their spikes, and their lags behind the first."
    return Table(["window", "units", "lags (ms)", "occurrences", "p", "q"], rows, caption)
