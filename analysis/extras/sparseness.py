"""How few classes units answer to, and how few units answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..measures.summary import mean_of_finite, sem_of_finite
from .extra import Extra
from .unit_columns import unit_columns

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables


@dataclasses.dataclass(frozen=True)
class Sparseness(Extra):
    """Lifetime and population sparseness of spike counts, 0 (all alike) to 1 (a single one).

    Table `sparseness_units`: a row for each window and unit. `lifetime_sparseness` of the mean counts over classes,
    `permutation_lifetime_sparseness` (mean with classes permuted over trials: above 0 for no other reason than variable
    counts), `p_value`, `n_permutations`.

    Table `sparseness`: a row for each window and group. `population_sparseness` over units, mean over trials in which
    any fires; `population_sparseness_of_means` the same of the mean counts of each class, mean over classes;
    `lifetime_sparseness`, mean over units; each with `_sem`.
    """

    name = "sparseness"
    summary = "lifetime sparseness of units over classes, and population sparseness of trials"
    needs_times = False

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        import pandas as pd

        from ..measures.sparseness import class_means, lifetime_sparseness_by_chance, sparseness

        settings, table, classes = window.settings, window.table, window.classes
        counts = table.counts()
        nothing = np.full(table.n_units, np.nan)
        lifetime, chance, p_value = nothing, nothing, nothing
        means = np.full((0, table.n_units), np.nan)
        if classes is None:
            window.lacks.append("Without stimulus classes there is no lifetime sparseness.")
        else:
            means = class_means(counts, classes)
            lifetime = sparseness(means)
            chance, p_value = lifetime_sparseness_by_chance(
                counts,
                classes,
                n_permutations=settings.n_permutations,
                seed=settings.seed_for("sparseness", window.number),
            )
        rows = []
        for group in window.groups:
            of_trials = sparseness(counts[:, group.rows], axis=1)
            row = {"layer": group.layer, "name": group.name, "n_units": len(group.rows), "n_trials": table.n_trials}
            row["n_trials_with_spikes"] = int(np.count_nonzero(counts[:, group.rows].any(axis=1)))
            for name, values in (
                ("population_sparseness", of_trials),
                ("population_sparseness_of_means", sparseness(means[:, group.rows], axis=1)),
                ("lifetime_sparseness", lifetime[group.rows]),
                ("permutation_lifetime_sparseness", chance[group.rows]),
            ):
                row |= {name: mean_of_finite(values), f"{name}_sem": sem_of_finite(values)}
            rows.append(row)
        units = pd.DataFrame(
            unit_columns(window)
            | {
                "n_spikes": counts.sum(axis=0),
                "lifetime_sparseness": lifetime,
                "permutation_lifetime_sparseness": chance,
                "p_value": p_value,
                "n_permutations": settings.n_permutations,
            }
        )
        return {"sparseness": pd.DataFrame(rows), "sparseness_units": units}
