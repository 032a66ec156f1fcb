"""Coincidences of pairs of units, tested against surrogates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..measures.surrogates import SURROGATES
from .extra import Extra, parameter

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables


@dataclass(frozen=True)
class PairCoincidences(Extra):
    """See :func:`~semsync.analysis.measures.coincidences.coincidence_test`."""

    name: ClassVar[str] = "coincidences"
    summary: ClassVar[str] = "coincident spikes of every pair of units, against surrogates; q over pairs"

    max_lag: float = parameter(2.0, "largest lag of two spikes that coincide", unit="ms", minimum=0)
    surrogate: str = parameter("dither_spikes", "kind of surrogate", choices=tuple(SURROGATES))
    dither: float = parameter(25.0, "how far surrogates move spikes", unit="ms", above=0)
    n_surrogates: int = parameter(1000, "number of surrogates", minimum=1)
    alpha: float = parameter(0.05, "false discovery rate", above=0, maximum=0.5)
    pairs: str = parameter("all", "pairs of units, by the groups of the analysis", choices=("all", "within", "between"))
    classes: str = parameter("together", "trials of all classes, or each class", choices=("together", "each"))
    max_units: int = parameter(200, "more units are refused", minimum=2)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """One table, ``coincidences``: a row for each pair of units, and each class where asked for."""
        import pandas as pd

        from ..measures.coincidences import coincidence_test
        from ..measures.enough_surrogates import require_surrogates
        from ..measures.permutation import q_values

        table = window.table
        if table.n_units > self.max_units:
            raise InputError(
                f"coincidences are counted for up to max_units = {self.max_units} units, and there are "
                f"{table.n_units}; choose some (--units-where, --unit-rate) or raise max_units"
            )
        first, second, group = self._pairs(window)
        stratum, labels = strata(window, self.classes)
        n_spikes = np.stack([table.counts()[stratum == one].sum(axis=0) for one in range(len(labels))])
        fires = n_spikes > 0
        n_tests = int(np.count_nonzero(fires[:, first] & fires[:, second]))
        if not n_tests:
            window.lacks.append(f"No two units spike in window {window.window.name!r}: no coincidences.")
            return {}
        window.lacks += require_surrogates(self.n_surrogates, self.alpha, n_tests=n_tests, what="pairs of units")
        found = coincidence_test(
            table,
            max_lag=self.max_lag,
            surrogate=self.surrogate,
            dither=self.dither,
            n_surrogates=self.n_surrogates,
            alpha=self.alpha,
            pairs=(first, second),
            stratum=stratum,
            seed=window.settings.seed_for("coincidences", window.number),
        )
        n_pairs, n_strata = len(found.first), len(labels)
        unit_id = table.units["unit_id"]
        columns: dict[str, Any] = {
            "stimulus_class": np.repeat(labels, n_pairs),
            "unit_id_1": np.tile(unit_id[found.first], n_strata),
            "unit_id_2": np.tile(unit_id[found.second], n_strata),
            "name_1": np.tile(group[found.first], n_strata),
            "name_2": np.tile(group[found.second], n_strata),
            "n_trials": np.repeat([np.count_nonzero(stratum == one) for one in range(n_strata)], n_pairs),
            "n_spikes_1": n_spikes[:, found.first].ravel(),
            "n_spikes_2": n_spikes[:, found.second].ravel(),
            "observed": found.observed.ravel(),
            "expected": found.expected.ravel(),
            "expected_sd": found.sd.ravel(),
            "z": found.z.ravel(),
            "p_value": found.p_value.ravel(),
            "q_value": q_values(found.p_value.ravel()),
            "max_lag_ms": self.max_lag,
            "surrogate": self.surrogate,
            "dither_ms": self.dither,
            "n_surrogates": self.n_surrogates,
            "alpha": self.alpha,
            "time_step_ms": found.time_step,
        }
        return {"coincidences": pd.DataFrame(columns)}

    def _pairs(self, window: WindowTables) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.str_]]:
        """Rows of the units of each pair, and the group of each unit."""
        names = np.full(window.table.n_units, "", dtype=object)
        for item in window.groups:
            names[item.rows] = item.name
        group = names.astype(str)
        first, second = np.triu_indices(window.table.n_units, k=1)
        if self.pairs != "all":
            chosen = (group[first] == group[second]) == (self.pairs == "within")
            first, second = first[chosen], second[chosen]
        if not len(first):
            raise InputError(f"there is no pair of units with pairs={self.pairs} among {window.table.n_units} units")
        return first, second, group


def strata(window: WindowTables, classes: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stratum of each trial of a window, and the stimulus class of each stratum: -1 for all classes together.

    Raises
    ------
    InputError
        When each class is asked for of a recording that has none.
    """
    n_trials = window.table.n_trials
    if classes == "together":
        return np.zeros(n_trials, dtype=np.int64), np.array([-1])
    if window.classes is None:
        raise InputError("classes=each needs stimulus classes, and the recording has none")
    labels, stratum = np.unique(window.classes, return_inverse=True)
    return stratum.astype(np.int64), labels
