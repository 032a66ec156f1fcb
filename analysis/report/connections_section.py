"""The section on functional connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..analyze import Analysis
from ..figures import connection_matrix, precision_recall
from ..figures.connection_matrix import connected_groups
from ..figures.series import main_window
from ..figures.style import readable
from .section import Drawing, Section, Table

if TYPE_CHECKING:
    import pandas as pd

NULL_HYPOTHESES = {
    "jitter": "if each target spike could as well lie elsewhere in a short interval",
    "convolution": "from the correlogram smoothed by a hollow Gaussian",
    "shuffle": "if trials of a class were exchanged",
    "aligned": "if trials of a class were exchanged, each counted from the latency of its units",
}


def section(analysis: Analysis) -> Section | None:
    """How many connections there are, which classes they join, and how they compare with the weights."""
    window = main_window(analysis)
    summary = analysis.extras["connection_summary"]
    if window not in set(summary["window"]):
        window = str(summary["window"].iloc[0])
    rows = summary[summary["window"] == window]
    if not rows["n_tested"].any():
        return None
    drawings = []
    if connected_groups(analysis, window):
        drawings.append(
            Drawing(
                "connection_matrix",
                connection_matrix(analysis, window=window),
                "Share of connected pairs by the classes that source and target prefer",
                [
                    "Share of the tested pairs with a significant excitatory connection, by the classes that both "
                    "units prefer. Connections between units of equal preference lie on the diagonal."
                ],
            )
        )
    curves = analysis.extras.get("connection_curve")
    if curves is not None and window in set(curves["window"]):
        drawings.append(
            Drawing(
                "precision_recall",
                precision_recall(analysis, window=window),
                "Precision against recall of connections, held against the network's weights",
                [_truth_words(analysis.extras["connection_truth"], window)],
            )
        )
    return Section("connections", "Functional connections", drawings, _words(analysis, rows), table=_table(rows))


def _words(analysis: Analysis, rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0]
    null = NULL_HYPOTHESES[str(first["predictor"])]
    words = [
        "A pair of units is connected where the source's spikes are followed by more (excitatory) or fewer "
        f"(inhibitory) spikes of the target than expected {null}. p-values hold over the tested lags; "
        f"Benjamini-Hochberg over the {int(rows['n_tested'].sum()):,} tested pairs of the window. No "
        "surrogates are drawn: their distribution is known. A functional connection is not a synapse: input that two "
        "units share, on the time scale of the lags, makes one too."
    ]
    if "share_equal" in rows:
        alpha = float(analysis.settings.get("alpha", 0.05))
        defined = rows[np.isfinite(rows["share_equal"])]
        n_above = np.count_nonzero(defined["share_equal_p_value"] < alpha)
        words.append(
            "Excitatory connections join units of equal class preference more often than with preferences permuted "
            f"over units (p < {alpha:g}, {int(first['n_permutations']):,} permutations) in {n_above} of {len(defined)} "
            "pairs of groups. 'Matched' is the share among pairs with as many expected coincidences: units of equal "
            "preference fire in the same trials, which alone makes their connections easier to find; and they share "
            "input."
        )
    return words


def _table(rows: pd.DataFrame) -> Table:
    head = ["from", "to", "tested pairs", "p < alpha", "excitatory", "inhibitory", "efficacy", "lag (ms)"]
    classes = "share_equal" in rows
    if classes:
        head += ["equal class", "chance", "matched", "p"]
    cells = []
    for _, row in rows.iterrows():
        line = [
            readable(str(row["source"])),
            readable(str(row["target"])),
            f"{int(row['n_tested']):,}",
            _percent(row["share_below_alpha"]),
            f"{int(row['n_excitatory']):,}",
            f"{int(row['n_inhibitory']):,}",
            _number(row["efficacy"], 3),
            _number(row["peak_lag_ms"], 1),
        ]
        if classes:
            line += [_percent(row[name]) for name in ("share_equal", "share_equal_chance", "share_equal_matched")]
            line.append(_number(row["share_equal_p_value"], 3))
        cells.append(line)
    caption = (
        "Efficacy: mean excess of target spikes per source spike, of significant excitatory connections; lag: their "
        "median. Where there can be no connection in one direction, the share of its pairs with p < alpha should be "
        "alpha; if it is larger, shared input is at work, and in the other direction too."
    )
    return Table(head, cells, caption)


def _truth_words(truth: pd.DataFrame, window: str) -> str:
    rows = truth[(truth["window"] == window) & (truth["n_found"] > 0)]
    connected = rows[(rows["criterion"] == "any synapse") & (rows["n_true"] > 0)]
    sentences = [
        f"{readable(str(row['source']))} to {readable(str(row['target']))}: {_percent(row['sign_agreement'])} of the "
        f"connections have the sign of the synapse, where {_percent(row['share_positive_weights'])} of the weights are "
        f"positive; rank correlation with the weight {row['rank_correlation']:.2f}"
        for _, row in connected.iterrows()
    ]
    without = truth[(truth["window"] == window) & (truth["criterion"] == "any synapse") & (truth["n_true"] == 0)]
    shares = without["share_below_alpha_without_synapse"].dropna()
    closing = (
        f" Pairs without a synapse have p < alpha in {_percent(shares.min())} to {_percent(shares.max())} of the cases."
        if len(shares)
        else ""
    )
    return "Held against the true weights. " + "; ".join(sentences) + "." * bool(sentences) + closing


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"


def _number(value: float, digits: int) -> str:
    return "–" if value != value else f"{value:.{digits}f}"
