"""What spike counts and first-spike latencies of single units tell about the class, by every estimator."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..measures.information import CORRECTIONS
from ..measures.permutation import q_values, say_if_few_permutations
from ..measures.quadratic import N_PARTS
from .extra import Extra, parameter
from .unit_columns import unit_columns

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables

_WORDS = {"count": "spike counts", "latency": "latencies"}


@dataclasses.dataclass(frozen=True)
class Information(Extra):
    """Mutual information of a unit's response and the class.

    Table `information`: a row for each window, unit and response, ``"count"`` or ``"latency"``, which recordings of
    counts do not have. Columns: `n_trials`, `n_active_trials`, `n_responses` (different ones that were seen),
    `information_bits_<estimator>`, `p_value` (of the plug-in estimate, classes permuted over trials), `q_value`
    (Benjamini-Hochberg over the units of the window that were tested, for each response), `n_permutations`. Tested are
    units that are active in `min_active_trials` and gave more than one response.
    """

    name = "information"
    summary = "mutual information of spike count and of latency with the class, by every estimator"
    needs_times = False
    needs_classes = True

    n_bins: int = parameter(4, "equally populated bins of counts, and of latencies beside silence", minimum=2)
    counts: str = parameter("binned", "counts in bins, or every count by itself", choices=("binned", "exact"))

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        import pandas as pd

        from ..counts_only import has_times
        from ..measures.response_information import count_responses, latency_responses, response_information

        assert window.classes is not None
        settings, table = window.settings, window.table
        n_active = window.activity.sum(axis=0)
        responses = {"count": count_responses(table.counts(), self.n_bins if self.counts == "binned" else None)}
        if has_times(table):
            responses["latency"] = latency_responses(window.first_spikes, self.n_bins)
        if np.unique(window.classes, return_counts=True)[1].min() < N_PARTS:
            window.lacks.append(
                f"A class has fewer than {N_PARTS} trials in window {window.window.name!r}: no quadratic extrapolation."
            )
        tables = []
        for response, values in responses.items():
            found = response_information(
                values,
                window.classes,
                n_permutations=settings.n_permutations,
                seed=settings.seed_for(f"information {response}", window.number),
            )
            tested = (n_active >= settings.min_active_trials) & (found.n_responses > 1)
            p_value: NDArray[np.float64] = np.where(tested, found.p_value, np.nan)
            window.lacks += say_if_few_permutations(
                settings.n_permutations,
                settings.alpha,
                int(tested.sum()),
                where=f"for {_WORDS[response]} in window {window.window.name!r}",
            )
            tables.append(
                pd.DataFrame(
                    unit_columns(window)
                    | {
                        "response": response,
                        "n_trials": table.n_trials,
                        "n_active_trials": n_active,
                        "n_responses": found.n_responses,
                    }
                    | {f"information_bits_{name.replace('-', '_')}": found.bits[name] for name in CORRECTIONS}
                    | {"p_value": p_value, "q_value": q_values(p_value), "n_permutations": found.n_permutations}
                )
            )
        return {"information": pd.concat(tables, ignore_index=True)}
