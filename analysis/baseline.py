"""Responses of units against a baseline window of the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..spike_table import SpikeTable
from .counts_only import check_windows
from .measures.permutation import q_values
from .measures.windows import WindowSpec, find_windows

if TYPE_CHECKING:
    import pandas as pd

_MS_PER_S = 1000.0


def baseline_responses(
    table: SpikeTable, baseline: tuple[float, float], windows: Sequence[WindowSpec] = ("all",)
) -> pd.DataFrame:
    """Rates in windows beside those in a baseline window, for each unit.

    Only trials that hold the whole baseline take part. The test is Wilcoxon's signed-rank test of the two rates, paired
    by trial; where they never differ, p is 1.

    Parameters
    ----------
    table : SpikeTable
    baseline : (float, float)
        [ms from onset], within the trials.
    windows : sequence of {"all", "decision"} or (t_start, t_stop)
        See :func:`~semsync.analysis.measures.find_window`.

    Returns
    -------
    DataFrame
        One row per window and unit: `window`, `unit_id`, `n_trials`, `rate_hz`, `baseline_rate_hz`, `response_hz`
        (their difference), `response_sem_hz`, `p_value`, and `q_value` (Benjamini-Hochberg over the window's units).

    Raises
    ------
    InputError
        When no trial holds the baseline.

    Examples
    --------
    >>> trials = {"start": [-50.0, 50.0], "stop": [50.0, 150.0], "onset": [0.0, 100.0]}
    >>> table = SpikeTable([-10.0, 9.0, 12.0, 2.0], [0] * 4, [0, 0, 0, 1], {"unit_id": [7]}, trials)
    >>> baseline_responses(table, (-50, 0), [(0, 50)])[["rate_hz", "baseline_rate_hz", "response_hz"]].values.tolist()
    [[30.0, 10.0, 20.0]]
    """
    import pandas as pd
    from scipy.stats import wilcoxon

    t_start, t_stop = (float(border) for border in baseline)
    if not t_start < t_stop:
        raise InputError(f"a baseline must be (t_start, t_stop) in ms with t_start < t_stop, got {baseline!r}")
    check_windows(table, [(t_start, t_stop)])
    slack = 1e-6
    holds = (table.t_start <= t_start + slack) & (table.t_stop >= t_stop - slack)
    if not holds.any():
        first, last = table.t_start.min(initial=np.inf), table.t_stop.max(initial=-np.inf)
        raise InputError(
            f"no trial holds the baseline from {t_start:g} to {t_stop:g} ms: they last from {first:g} to {last:g} ms"
        )
    # A spike at the end of the baseline, which is often the onset, is not of the baseline.
    counts = table.window(t_start, np.nextafter(t_stop, -np.inf)).counts()
    before = _rates(counts, np.full(table.n_trials, t_stop - t_start))
    frames = []
    for window in find_windows(table, windows)[0]:
        duration = window.t_stop - window.t_start
        after = _rates(table.window(window.t_start, window.t_stop).counts(), duration)
        rows = holds & window.included & (duration > 0)
        # Equal rates of windows that differ in length must be equal to the test.
        difference = np.round(after[rows] - before[rows], 9)
        p_values = np.full(table.n_units, np.nan)
        varied = np.any(difference != 0, axis=0)
        if len(difference):
            p_values[~varied] = 1.0
        if varied.any():
            p_values[varied] = wilcoxon(difference[:, varied], axis=0, zero_method="zsplit", method="approx").pvalue
        n_trials = int(rows.sum())
        frames.append(
            pd.DataFrame(
                {
                    "window": window.name,
                    "unit_id": table.units["unit_id"],
                    "n_trials": n_trials,
                    "rate_hz": _mean(after[rows]),
                    "baseline_rate_hz": _mean(before[rows]),
                    "response_hz": _mean(difference),
                    "response_sem_hz": difference.std(axis=0, ddof=1) / np.sqrt(n_trials) if n_trials > 1 else np.nan,
                    "p_value": p_values,
                    "q_value": q_values(p_values),
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _rates(counts: NDArray[np.int64], duration: NDArray[np.float64]) -> NDArray[np.float64]:
    """[Hz], shape [n_trials, n_units], from durations [ms], shape [n_trials]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return counts * _MS_PER_S / duration[:, None]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
