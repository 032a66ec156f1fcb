"""The section on decoding against chance."""

from __future__ import annotations

import numpy as np

from ..analyze import Analysis
from .section import Section, Table
from .words import Value, number


def section(analysis: Analysis) -> Section | None:
    """One row for each window, group, feature and decoder."""
    table = analysis.extras["decoding"]
    if not len(table) or not np.isfinite(table["p_value"]).any():
        return None
    rows = [
        [
            str(row["window"]),
            str(row["name"]),
            f"{row['features']}, {row['decoder']}",
            number(Value(float(row["accuracy"]), float(row["accuracy_sem"])), "%"),
            f"{number(float(row['permutation_accuracy']), '%')}, {number(float(row['permutation_accuracy_95']), '%')}",
            number(float(row["chance_accuracy"]), "%"),
            f"{row['p_value']:.2g}",
            f"{row['q_value']:.2g}",
            number(float(row["balanced_accuracy"]), "%"),
        ]
        for _, row in table.iterrows()
    ]
    head = ["window", "group", "decoder", "accuracy", "permuted: mean, 95 %", "commonest class", "p", "q", "balanced"]
    n_permutations = int(table["n_permutations"].iloc[0])
    method = (
        f"Accuracy of held-out trials. Permuted: the same with classes permuted among the trials of each fold, "
        f"{n_permutations:,} times; p is the share that is at least as accurate, q by Benjamini and Hochberg over "
        "all rows of a window. Always answering the commonest class can be right more often than a decoder that is "
        "informative; the balanced accuracy, a mean over classes, gives nothing for it."
    )
    return Section("decoding-chance", "Decoding against chance", paragraphs=[method], table=Table(head, rows))
