"""Whether groups of units are more synchronous than their rates explain."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..analyze import Analysis
from ..figures.series import main_window
from ..figures.style import readable
from ..figures.synchrony import complexity_distributions, synchrony_against_surrogates, synchrony_rows
from ..figures.windows import window_title
from ..measures.surrogates import SURROGATES
from .section import Drawing, Section, Table
from .words import Value, joined, number, place, within

_HEADS = {
    "packet_shortest_half_ms": "shortest half (ms)",
    "packet_sd_ms": "SD (ms)",
    "packet_width_ms": "width on background (ms)",
    "complexity": "coincident units",
    "synchronous_bins": "synchronous bins a trial",
    "spike_contrast": "spike-contrast",
    "spike_time_tiling": "spike-time tiling",
}


def section(analysis: Analysis) -> Section | None:
    """Figures of the main window, and all numbers in a table."""
    table = analysis.extras["synchrony"]
    if not len(table):
        return None
    windows = list(dict.fromkeys(table["window"]))
    window = main_window(analysis) if main_window(analysis) in windows else windows[0]
    rows = synchrony_rows(analysis, "synchrony", window)
    axes = synchrony_against_surrogates(analysis, window=window)
    alt = "Width of packets and coincident units of each group, observed and in surrogates"
    drawings = [Drawing("synchrony", axes, alt, [_what_surrogates_are(rows), _words(analysis, window, rows)])]
    complexity = synchrony_rows(analysis, "complexity", window)
    if ((complexity["n_coincident"] > 1) & (complexity["n_bins"] + complexity["surrogate_mean"] > 0)).any():
        alt = "Number of bins by number of coincident units, observed and in surrogates"
        drawings.append(Drawing("complexity", complexity_distributions(analysis, window=window), alt))
    return Section("synchrony", "Synchrony against surrogates", drawings, table=_table(table))


def _what_surrogates_are(rows: Any) -> str:
    first = rows.iloc[0]
    dither = "" if first["surrogate"] in ("shuffle_isis", "trial_shuffling") else f" ({first['dither_ms']:g} ms)"
    n_tests, n_surrogates = int(rows["p_value"].notna().sum()), rows["n_surrogates"].max()
    return (
        f"{n_surrogates} surrogates by {first['surrogate']}{dither}: {SURROGATES[first['surrogate']]}. They keep the "
        "number of spikes, and what they lack is finer timing. p is two-sided, q by Benjamini and Hochberg over the "
        f"{n_tests} tests of the window; stars mark q below the level of the analysis."
    )


def _words(analysis: Analysis, window: str, rows: Any) -> str:
    """Which groups have sharper packets, and which more coincidences, than surrogates."""
    alpha = float(analysis.settings.get("alpha", 0.05))
    half = _of_measure("packets (shortest half) are", rows, "packet_shortest_half_ms", alpha, ("sharper", "wider"))
    together = _of_measure("coincidences of units are", rows, "complexity", alpha, ("rarer", "more frequent"))
    sentences = [sentence for sentence in (half, together) if sentence]
    return joined(
        *(f"{start}, {sentence}" for start, sentence in zip((within(window), "There"), sentences, strict=False))
    )


def _of_measure(what: str, rows: Any, measure: str, alpha: float, adjectives: tuple[str, str]) -> str:
    tested = rows[(rows["measure"] == measure) & rows["p_value"].notna()]
    if not len(tested):
        return ""
    parts = []
    for adjective, sign in zip(adjectives, (-1, 1), strict=True):
        differ = tested[(tested["q_value"] < alpha) & (np.sign(tested["observed"] - tested["surrogate_mean"]) == sign)]
        names = [
            f"{place(str(row['name']))} ({number(_value(row))} against {number(row['surrogate_mean'])})"
            for _, row in differ.iterrows()
        ]
        if names:
            parts.append(f"{adjective} than in surrogates in {', '.join(names)}")
    if not parts:
        return f"{what} not told apart from surrogates in any group at q < {alpha:g}."
    rest = len(tested) - int((tested["q_value"] < alpha).sum())
    others = f"; in {rest} of {len(tested)} groups they are not told apart" if rest else ""
    return f"{what} {' and '.join(parts)}{others}."


def _value(row: Any) -> Value:
    return Value(float(row["observed"]), float(row["observed_sem"]))


def _table(table: Any) -> Table:
    head = ["window", "group", "measure", "observed", "surrogates", "ratio", "z", "p", "q"]
    rows = []
    before = ("", "")
    for _, row in table.iterrows():
        if not np.isfinite(row["observed"]):
            continue
        key = (window_title(row["window"]), readable(str(row["name"])))
        measure = _HEADS[row["measure"]]
        if row["measure"] == "synchronous_bins":
            measure += f" (>= {row['n_coincident']} units)"
        rows.append(
            [
                key[0] if key[0] != before[0] else "",
                key[1] if key != before else "",
                measure,
                number(_value(row)),
                f"{number(row['surrogate_mean'])}, SD {number(row['surrogate_sd'])}",
                number(row["ratio"]),
                f"{row['z']:.1f}" if np.isfinite(row["z"]) else "–",
                number(row["p_value"]),
                number(row["q_value"]),
            ]
        )
        before = key
    n = int(table["n_surrogates"].max())
    return Table(head, rows, f"{n} surrogates; the smallest possible p is {2 / (1 + n):.2g}.")
