"""When in a trial units tell about the class, and when the class can be decoded: in windows that slide."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..measures.permutation import q_values, say_if_few_permutations
from ..measures.summary import mean_of_finite, sem_of_finite
from .extra import Extra, parameter
from .unit_columns import unit_columns

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.groups import UnitGroup
    from ..measures.sliding import SlidingWindow
    from ..measures.window_tables import WindowTables

_NAN = float("nan")


@dataclasses.dataclass(frozen=True)
class TimeCourse(Extra):
    """Information and decoding in windows that slide over the trials.

    A window is judged by the trials that hold all of it, `n_trials`; the others have ended, or not begun.

    Table `time_course_units`: a row for each sliding window and unit. `information_bits`, mutual information of the
    unit's response in the window and the class, corrected as the analysis says; `p_value`, classes permuted over
    trials, for units that are active in `min_active_trials`; `q_value`, Benjamini-Hochberg over units and sliding
    windows together.

    Table `time_course`: a row for each sliding window and group. `information_bits`, mean over units with its `_sem`;
    `fraction_informative`, the share of units with q <= alpha; `accuracy`, cross-validated, of the nearest class mean
    of spike counts, with `accuracy_sem`, `permutation_accuracy`, `permutation_accuracy_95`, `chance_accuracy`,
    `p_value` and `q_value` (over groups and sliding windows).

    Both have `t_start_ms`, `t_stop_ms` and `n_permutations`.
    """

    name = "time-course"
    summary = "information of units and decoding of groups in windows that slide over the trial"
    needs_times = False
    needs_classes = True

    win_size: float | None = parameter(None, "width of the windows; a tenth of the longest trial", unit="ms", above=0)
    win_step: float | None = parameter(None, "by how much they are displaced; half the width", unit="ms", above=0)
    response: str = parameter("count", "spike count, or whether there is a spike", choices=("count", "activity"))
    n_bins: int = parameter(4, "equally populated bins of counts", minimum=2)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        import pandas as pd

        from ..measures.sliding import sliding_windows

        settings = window.settings
        size, step = self._size_and_step(window)
        units, groups = [], []
        for number, sliding in enumerate(sliding_windows(window.table, size, step)):
            columns = self._of_units(window, sliding, number)
            units.append(pd.DataFrame(columns))
            groups += [
                {**_times(sliding), "layer": group.layer, "name": group.name, "n_units": len(group.rows)}
                | {"n_trials": len(sliding.trials)}
                | _information_of(group, columns)
                | _decoding_of(group, window, sliding)
                for group in window.groups
            ]
        of_units, of_groups = pd.concat(units, ignore_index=True), pd.DataFrame(groups)
        for table, what in ((of_units, "units and sliding windows"), (of_groups, "groups and sliding windows")):
            table["q_value"] = q_values(table["p_value"])
            table["n_permutations"] = settings.n_permutations
            window.lacks += say_if_few_permutations(
                settings.n_permutations,
                settings.alpha,
                int(np.isfinite(table["p_value"]).sum()),
                tests=what,
                where=f"in the time course of window {window.window.name!r}",
            )
        informative = (
            (of_units["q_value"] <= settings.alpha).groupby([of_units["t_start_ms"], of_units["layer"]]).mean()
        )
        key = pd.MultiIndex.from_frame(of_groups[["t_start_ms", "layer"]])
        of_groups["fraction_informative"] = informative.reindex(key).to_numpy()
        return {"time_course": of_groups, "time_course_units": of_units}

    def _size_and_step(self, window: WindowTables) -> tuple[float, float]:
        """[ms]; whole bins where the recording is counts.

        Raises
        ------
        InputError
            When windows of counts would not begin and end at edges of bins.
        """
        from ..counts_only import check_windows, has_times
        from ..recordings.binned import BIN_EDGES

        table = window.table
        longest = float((table.t_stop - table.t_start).max())
        size = self.win_size if self.win_size is not None else longest / 10
        step = self.win_step if self.win_step is not None else size / 2
        if has_times(table):
            return size, step
        bin_size = float(np.diff(table.annotations[BIN_EDGES])[0])
        if self.win_size is None:
            size = bin_size * max(1, round(size / bin_size))
        if self.win_step is None:
            step = bin_size * max(1, round(size / 2 / bin_size))
        first = float(table.t_start.min())
        check_windows(table, [(first, first + size), (first + step, first + step + size)])
        return size, step

    def _of_units(self, window: WindowTables, sliding: SlidingWindow, number: int) -> dict[str, NDArray[Any]]:
        from ..measures.response_information import count_responses, response_information

        assert window.classes is not None
        settings, n_units = window.settings, window.table.n_units
        n_active = (sliding.counts > 0).sum(axis=0)
        bits, p_value = np.full(n_units, _NAN), np.full(n_units, _NAN)
        classes = window.classes[sliding.trials]
        if len(np.unique(classes)) > 1:
            active = sliding.counts if self.response == "count" else np.minimum(sliding.counts, 1)
            found = response_information(
                count_responses(active, self.n_bins),
                classes,
                corrections=[settings.correction],
                n_permutations=settings.n_permutations,
                seed=settings.seed_for("time course", window.number, number),
            )
            bits = found.bits[settings.correction]
            p_value = np.where(n_active >= settings.min_active_trials, found.p_value, _NAN)
        times = {name: np.full(n_units, value) for name, value in _times(sliding).items()}
        return (
            times
            | unit_columns(window)
            | {"n_trials": np.full(n_units, len(sliding.trials)), "n_active_trials": n_active}
            | {"information_bits": bits, "p_value": p_value}
        )


def _times(sliding: SlidingWindow) -> dict[str, float]:
    return {"t_start_ms": sliding.t_start, "t_stop_ms": sliding.t_stop}


def _information_of(group: UnitGroup, columns: dict[str, NDArray[Any]]) -> dict[str, float]:
    bits = columns["information_bits"][group.rows]
    return {"information_bits": mean_of_finite(bits), "information_bits_sem": sem_of_finite(bits)}


def _decoding_of(group: UnitGroup, window: WindowTables, sliding: SlidingWindow) -> dict[str, float]:
    from ..measures.decoding import decode

    assert window.classes is not None
    settings = window.settings
    names = (
        "accuracy", "accuracy_sem", "permutation_accuracy", "permutation_accuracy_95", "chance_accuracy", "p_value"
    )  # fmt: skip
    classes = window.classes[sliding.trials]
    _, index, n_trials = np.unique(classes, return_inverse=True, return_counts=True)
    enough = n_trials >= settings.n_splits
    if enough.sum() < 2:
        return dict.fromkeys(names, _NAN)
    rows = np.flatnonzero(enough[index])
    found = decode(
        sliding.counts[np.ix_(rows, group.rows)],
        classes[rows],
        n_splits=settings.n_splits,
        n_permutations=settings.n_permutations,
        seed=settings.seed,
    )
    permuted = found.permutation_accuracy
    values = (found.accuracy, found.sem, permuted.mean(), np.quantile(permuted, 0.95), found.chance, found.p_value)
    return dict(zip(names, map(float, values), strict=True))
