"""Unitary events of pairs or small sets of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import InputError
from ..measures.unitary_events import EXPECTATIONS, TESTS, BinnedTrials
from .coincidences import strata
from .extra import Extra, parameter

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables

_MANY_CLIPPED = 0.01


@dataclass(frozen=True)
class UnitaryEventsInWindows(Extra):
    """See :func:`~semsync.analysis.measures.unitary_events.unitary_events`."""

    name: ClassVar[str] = "unitary-events"
    summary: ClassVar[str] = "joint spikes of pairs or small sets of units in sliding windows, with joint surprise"

    set_size: int = parameter(2, "units that spike together", minimum=2, maximum=6)
    bin_size: float = parameter(5.0, "spikes in one bin are joint", unit="ms", above=0)
    win_size: float = parameter(100.0, "sliding window, a multiple of bin_size", unit="ms", above=0)
    win_step: float = parameter(5.0, "its step, a multiple of bin_size", unit="ms", above=0)
    expectation: str = parameter("analytic_TrialByTrial", "rates of each trial, or of all", choices=EXPECTATIONS)
    test: str = parameter("poisson", "Poisson, as in the literature, or exact given each trial's counts", choices=TESTS)
    alpha: float = parameter(0.05, "level of significance", above=0, maximum=0.5)
    classes: str = parameter("together", "trials of all classes, or each class", choices=("together", "each"))
    min_trials: int = parameter(10, "fewer trials, of a class or all, are left out", minimum=1)
    max_sets: int = parameter(50, "more sets of units are refused", minimum=1)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """One table, ``unitary_events``: a row for each set of units, class and position of the sliding window."""
        import pandas as pd

        from ..measures.permutation import q_values
        from ..measures.unitary_events import unitary_events

        table = window.table
        n_sets = comb(table.n_units, self.set_size)
        if not n_sets:
            raise InputError(f"unitary events of {self.set_size} units need as many, and there are {table.n_units}")
        if n_sets > self.max_sets:
            raise InputError(
                f"unitary events are computed for up to max_sets = {self.max_sets} sets of units, and {table.n_units} "
                f"units make {n_sets:,} of {self.set_size}; choose units (--units-where) or raise max_sets"
            )
        binned = BinnedTrials(table, bin_size=self.bin_size, win_size=self.win_size, win_step=self.win_step)
        self._say_what_binning_loses(window, binned)
        stratum, labels = strata(window, self.classes)
        frames = []
        for one, label in enumerate(labels):
            trials = np.flatnonzero(stratum == one)
            if len(trials) < self.min_trials:
                of_class = f" of class {label}" if label >= 0 else ""
                window.lacks.append(
                    f"Window {window.window.name!r} has {len(trials)} trials{of_class}, fewer than min_trials = "
                    f"{self.min_trials}: no unitary events."
                )
                continue
            for rows in combinations(range(table.n_units), self.set_size):
                found = unitary_events(binned, rows, trials=trials, expectation=self.expectation, test=self.test)
                units = {f"unit_id_{i + 1}": table.units["unit_id"][row] for i, row in enumerate(rows)}
                rates = {f"rate_{i + 1}_hz": found.rate[:, i] for i in range(len(rows))}
                columns: dict[str, Any] = {
                    "stimulus_class": label,
                    **units,
                    "t_start_ms": found.t_start,
                    "t_stop_ms": found.t_stop,
                    "n_trials": len(trials),
                    "n_emp": found.n_emp,
                    "n_exp": found.n_exp,
                    **rates,
                    "Js": found.Js,
                    "p_value": found.p_value,
                }
                frames.append(pd.DataFrame(columns))
        if not frames:
            return {}
        joined = pd.concat(frames, ignore_index=True)
        joined["q_value"] = q_values(joined["p_value"].to_numpy())
        joined = joined.assign(
            bin_size_ms=self.bin_size, expectation=self.expectation, test=self.test, alpha=self.alpha
        )
        return {"unitary_events": joined}

    def _say_what_binning_loses(self, window: WindowTables, binned: BinnedTrials) -> None:
        from ..measures.coincidences import find_time_step

        n_spikes, n_clipped = int(binned.n_spikes.sum()), int(binned.n_clipped.sum())
        if n_clipped > _MANY_CLIPPED * n_spikes:
            window.lacks.append(
                f"Unitary events in window {window.window.name!r}: {n_clipped} of {n_spikes} spikes share a bin of "
                f"{self.bin_size:g} ms with another of their unit, and do not count."
            )
        step = find_time_step(window.table)
        if np.isfinite(step) and abs(round(self.bin_size / step) * step - self.bin_size) > 1e-6:
            window.lacks.append(
                f"Spike times lie on a grid of {step:g} ms, of which bins of {self.bin_size:g} ms hold now more and "
                "now fewer points: unitary events take a bin_size that is a multiple of it."
            )
