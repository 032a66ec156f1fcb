"""The section on noise and signal correlations."""

from __future__ import annotations

from ..analyze import Analysis
from .section import Section, Table
from .words import number


def section(analysis: Analysis) -> Section | None:
    """One row for each window and pair of groups."""
    table = analysis.extras["noise_correlations"]
    if not len(table):
        return None
    rows = [
        [
            str(row["window"]),
            str(row["name_1"]) if row["name_1"] == row["name_2"] else f"{row['name_1']} – {row['name_2']}",
            f"{row['n_pairs']:,}",
            f"{row['noise_correlation']:.4f}",
            f"{row['noise_correlation_sd']:.3f}",
            f"{row['p_value']:.2g}",
            number(float(row["fraction_significant"]), "%"),
            f"{row['signal_correlation']:.3f}",
            f"{row['signal_noise_correlation']:.2f}",
        ]
        for _, row in table.iterrows()
    ]
    head = ["window", "groups", "pairs", "noise", "SD", "p", "pairs with q ≤ alpha", "signal", "noise with signal"]
    method = (
        "Spike counts are z-scored within each class; the noise correlation of two units is the Pearson correlation of "
        "what is left, their signal correlation that of mean counts over classes. Means and standard deviations are "
        "over pairs. Pairs share units, so the mean is not tested as a sample of numbers: p comes from "
        f"{int(table['n_permutations'].iloc[0]):,} permutations of trials within classes, for each unit by itself "
        "(between groups: for each group by itself). The last column is the correlation of the two over pairs."
    )
    return Section("noise-correlations", "Noise correlations", paragraphs=[method], table=Table(head, rows))
