"""The section on sparseness."""

from __future__ import annotations

from ..analyze import Analysis
from .section import Section, Table
from .words import Value, number

_COLUMNS = {
    "population_sparseness": "population",
    "population_sparseness_of_means": "population, of class means",
    "lifetime_sparseness": "lifetime",
    "permutation_lifetime_sparseness": "lifetime, classes permuted",
}


def section(analysis: Analysis) -> Section | None:
    """One row for each window and group."""
    table = analysis.extras["sparseness"]
    if not len(table):
        return None
    rows = [
        [str(row["window"]), str(row["name"]), str(row["n_units"])]
        + [number(Value(float(row[column]), float(row[f"{column}_sem"]))) for column in _COLUMNS]
        for _, row in table.iterrows()
    ]
    method = (
        "0: all responses are equal; 1: a single one is not zero. Population sparseness is over the units of a group, "
        "in single trials and of the mean counts of each class; lifetime sparseness over classes, of a unit's mean "
        "counts. Variable counts alone look sparse: what permuted classes give stands beside. Means with standard "
        "errors over trials, classes and units."
    )
    head = ["window", "group", "units", *_COLUMNS.values()]
    return Section("sparseness", "Sparseness", paragraphs=[method], table=Table(head, rows))
