"""Noise and signal correlations of pairs of units, within and between groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..measures.permutation import q_values
from ..measures.summary import mean_of_finite
from .extra import Extra, parameter
from .unit_columns import unit_columns

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables


@dataclasses.dataclass(frozen=True)
class NoiseCorrelations(Extra):
    """Spike count correlations of units that are active in `min_active_trials`.

    Table `noise_correlation_pairs`: a row for each window and pair of units. `noise_correlation` (Pearson, counts
    z-scored within classes), `fisher_z` of it, `p_value` (Student's t, two-sided), `q_value` (Benjamini-Hochberg over
    the pairs of the window), `signal_correlation` (of mean counts over classes), `n_trials` of the classes in which
    both vary.

    Table `noise_correlations`: a row for each window and pair of groups. Means over the `n_pairs` pairs of
    `noise_correlation`, `fisher_z` and `signal_correlation`; `p_value` of the pairs together, trials permuted within
    classes for each unit (between groups: for each group) by itself; `fraction_significant` (q <= alpha);
    `signal_noise_correlation`, over pairs; `n_permutations`.
    """

    name = "noise-correlations"
    summary = "noise and signal correlations of spike counts, within and between groups"
    needs_times = False

    max_units: int = parameter(200, "units in all; of more, as many are drawn from every group", minimum=2)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        import pandas as pd

        from ..measures import noise_correlations as measures

        settings, classes = window.settings, window.classes
        if classes is None:
            window.lacks.append("Without stimulus classes all trials are one class for noise correlations.")
            classes = np.zeros(window.table.n_trials, dtype=np.int64)
        units = self._drawn(window)
        if sum(map(len, units)) < 2:
            window.lacks.append(
                f"Fewer than two units are active in {settings.min_active_trials} trials of window "
                f"{window.window.name!r}: no noise correlations."
            )
            return {}
        chosen = np.concatenate(units)
        counts = window.table.counts()[:, chosen]
        within = measures.z_score_within_classes(counts, classes)
        noise, signal = measures.noise_correlations(within), measures.signal_correlations(counts, classes)
        p_value = measures.correlation_p_values(noise, within.n_free)
        member = np.repeat(np.arange(len(units)), [len(rows) for rows in units])
        first, second = np.triu_indices(len(chosen), k=1)
        columns = unit_columns(window)
        with np.errstate(divide="ignore"):
            pairs = pd.DataFrame(
                {
                    f"{column}_{number}": columns[column][chosen][rows]
                    for number, rows in ((1, first), (2, second))
                    for column in ("layer", "name", "unit_id", "cell_type")
                }
                | {
                    "n_trials": within.n_shared[first, second].astype(np.int64),
                    "noise_correlation": noise[first, second],
                    "fisher_z": np.arctanh(noise[first, second]),
                    "p_value": p_value[first, second],
                    "q_value": q_values(p_value[first, second]),
                    "signal_correlation": signal[first, second],
                }
            )
        _, p_pooled = measures.pooled_correlations(
            within,
            [np.flatnonzero(member == number) for number in range(len(units))],
            n_permutations=settings.n_permutations,
            seed=settings.seed_for("noise correlations", window.number),
        )
        rows = []
        for a, group in enumerate(window.groups):
            for b, other in enumerate(window.groups[a:], start=a):
                of_groups = pairs[(member[first] == a) & (member[second] == b)]
                if len(of_groups):
                    names = {"layer_1": group.layer, "name_1": group.name, "layer_2": other.layer, "name_2": other.name}
                    sizes = {"n_units_1": len(units[a]), "n_units_2": len(units[b]), "n_pairs": len(of_groups)}
                    rows.append(
                        names
                        | sizes
                        | _means(of_groups, settings.alpha)
                        | {"p_value": p_pooled[a, b], "n_permutations": settings.n_permutations}
                    )
        return {"noise_correlations": pd.DataFrame(rows), "noise_correlation_pairs": pairs}

    def _drawn(self, window: WindowTables) -> list[NDArray[np.intp]]:
        """Active units of each group, in their order; all, or as many of each as there is room for."""
        enough = window.activity.sum(axis=0) >= window.settings.min_active_trials
        active = [group.rows[enough[group.rows]] for group in window.groups]
        n_active = np.array([len(rows) for rows in active])
        if n_active.sum() <= self.max_units:
            return active
        n_drawn = np.minimum(n_active, max(2, self.max_units // max(1, int(np.count_nonzero(n_active)))))
        window.lacks.append(
            f"Noise correlations in window {window.window.name!r} are of {n_drawn.sum()} of {n_active.sum()} active "
            "units, drawn from every group."
        )
        drawn = []
        for number, (rows, n) in enumerate(zip(active, n_drawn, strict=True)):
            rng = np.random.default_rng(window.settings.seed_for("units of pairs", window.number, number))
            drawn.append(np.sort(rng.choice(rows, n, replace=False)))
        return drawn


def _means(pairs: pd.DataFrame, alpha: float) -> dict[str, Any]:
    noise, signal = pairs["noise_correlation"], pairs["signal_correlation"]
    known = noise.notna() & signal.notna()
    related = noise[known].corr(signal[known]) if known.sum() > 2 else float("nan")
    return {
        "noise_correlation": mean_of_finite(noise),
        "noise_correlation_sd": float(noise.std()),
        "fisher_z": mean_of_finite(pairs["fisher_z"]),
        "fraction_significant": float((pairs["q_value"] <= alpha).mean()),
        "signal_correlation": mean_of_finite(signal),
        "signal_noise_correlation": float(related),
    }
