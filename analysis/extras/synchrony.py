"""Synchrony of each group of units, held against surrogates that keep rates and counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..measures.elephant_measures import draw_sample
from ..measures.enough_surrogates import require_surrogates
from ..measures.groups import UnitGroup
from ..measures.permutation import q_values
from ..measures.spike_batch import SpikeBatch, observed_batch, surrogate_batch
from ..measures.surrogates import SURROGATES, Surrogates
from ..measures.synchrony import (
    SYNCHRONY_MEASURES,
    PopulationSample,
    against_surrogates,
    bins_with,
    many_coincident_units,
    standard_errors,
    synchrony_of,
    two_sided_p_values,
)
from ..measures.tiling import draw_pairs
from .extra import Extra, parameter

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables

_SPIKES_AT_ONCE = 500_000
_MOST_BINS = 100_000  # of spike-contrast, in all sampled trials together


@dataclass(frozen=True)
class Synchrony(Extra):
    """See :class:`~semsync.analysis.measures.surrogates.Surrogates` for what each kind of surrogate keeps."""

    name: ClassVar[str] = "synchrony"
    summary: ClassVar[str] = "packets, coincidences and correlation of each group against surrogates"

    surrogate: str = parameter("jitter_spikes", "kind of surrogate", choices=tuple(SURROGATES))
    n_surrogates: int = parameter(1000, "number of surrogates", minimum=1)
    dither: float = parameter(5.0, "largest displacement, or bins of jitter_spikes", unit="ms", above=0)
    refractory_period: float = parameter(2.0, "dead time that dithering with it keeps", unit="ms", minimum=0)
    bin_size: float = parameter(1.0, "bins of the complexity distribution", unit="ms", above=0)
    min_coincident: int = parameter(0, "units of a synchronous bin; 0: what few filled bins reach", minimum=0)
    dt: float = parameter(1.0, "reach of the spike-time tiling coefficient", unit="ms", above=0)
    min_bin: float = parameter(0.5, "smallest bin of spike-contrast", unit="ms", above=0)
    n_sample_trials: int = parameter(50, "trials of the fit, of spike-contrast and of the tiling", minimum=1)
    n_sample_units: int = parameter(20, "units of spike-contrast and of the tiling", minimum=1)
    n_pairs: int = parameter(50, "pairs of these units for the tiling", minimum=1)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """Tables `synchrony` (a row per group and measure) and `complexity` (per group and number of coincident units).

        Raises
        ------
        InputError
            When `n_surrogates` is too small for the analysis's `alpha`, over all measures of all groups.
        """
        settings = window.settings
        n_spikes = window.table.counts().sum(axis=0)
        fires = [group for group in window.groups if n_spikes[group.rows].any()]
        remarks = require_surrogates(
            self.n_surrogates,
            settings.alpha,
            n_tests=len(fires) * len(SYNCHRONY_MEASURES),
            what=f"tests of synchrony in window {window.window.name!r}",
            two_sided=True,
        )
        try:
            surrogates = Surrogates(
                window.table, self.surrogate, dither=self.dither, refractory_period=self.refractory_period
            )
        except InputError as error:
            return self._nothing(window, str(error))
        if self.surrogate == "shuffle_isis" and window.table.counts().max(initial=0) < 2:
            return self._nothing(window, "shuffle_isis changes nothing where no unit has two spikes in a trial")
        samples = [self._sample(window, group, number) for number, group in enumerate(window.groups)]
        whole = observed_batch(window.table)
        observed = [self._measure(whole, group, sample) for group, sample in zip(window.groups, samples, strict=True)]
        drawn: list[list[tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]]] = [[] for _ in window.groups]
        for batch in self._batches(surrogates, np.random.default_rng(settings.seed_for("synchrony", window.number))):
            for results, group, sample in zip(drawn, window.groups, samples, strict=True):
                results.append(self._measure(batch, group, sample))
        rows, bins = [], []
        for group, sample, (values, distribution), results in zip(window.groups, samples, observed, drawn, strict=True):
            of_surrogates = {name: np.concatenate([result[0][name] for result in results]) for name in values}
            distributions = np.concatenate([result[1] for result in results])
            rows += self._rows(
                window,
                group,
                sample,
                values,
                distribution,
                of_surrogates,
                distributions,
                standard_errors(whole, group.rows, sample),
                surrogates.resolution,
            )
            bins.append(self._bins(window, group, distribution[0], distributions))
        window.lacks += remarks
        return self._tables(rows, bins)

    def _nothing(self, window: WindowTables, why: str) -> dict[str, pd.DataFrame]:
        window.lacks.append(f"The window {window.window.name!r} has no analysis of synchrony: {why}.")
        return {}

    def _sample(self, window: WindowTables, group: UnitGroup, number: int) -> PopulationSample:
        settings = window.settings
        sample = draw_sample(
            window.table, group.rows, n_trials=self.n_sample_trials, n_units=self.n_sample_units,
            seed=settings.seed_for("synchrony sample", window.number, number),
        )  # fmt: skip
        seed = settings.seed_for("synchrony pairs", window.number, number)
        return PopulationSample(sample.trials, sample.units, draw_pairs(len(sample.units), self.n_pairs, seed))

    def _measure(
        self, batch: SpikeBatch, group: UnitGroup, sample: PopulationSample
    ) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
        shortest = float(batch.duration[sample.trials].sum()) / _MOST_BINS
        min_bin = max(self.min_bin, shortest)
        return synchrony_of(batch, group.rows, sample, bin_size=self.bin_size, dt=self.dt, min_bin=min_bin)

    def _batches(self, surrogates: Surrogates, rng: np.random.Generator) -> Iterator[SpikeBatch]:
        at_once = max(1, _SPIKES_AT_ONCE // max(1, surrogates.table.n_spikes))
        for start in range(0, self.n_surrogates, at_once):
            yield surrogate_batch(surrogates, min(at_once, self.n_surrogates - start), rng)

    def _rows(
        self,
        window: WindowTables,
        group: UnitGroup,
        sample: PopulationSample,
        values: dict[str, NDArray[np.float64]],
        distribution: NDArray[np.int64],
        of_surrogates: dict[str, NDArray[np.float64]],
        distributions: NDArray[np.int64],
        errors: dict[str, float],
        resolution: float,
    ) -> list[dict[str, Any]]:
        n_trials = window.table.n_trials
        at_least = self.min_coincident or many_coincident_units(distribution, distributions)
        values = values | {"synchronous_bins": bins_with(distribution, at_least, n_trials)}
        of_surrogates = of_surrogates | {"synchronous_bins": bins_with(distributions, at_least, n_trials)}
        rows = []
        for measure in SYNCHRONY_MEASURES:
            result = against_surrogates(float(values[measure][0]), of_surrogates[measure])
            sampled_trials = measure in ("packet_width_ms", "spike_contrast", "spike_time_tiling")
            sampled_units = measure in ("spike_contrast", "spike_time_tiling")
            rows.append(
                {
                    "layer": group.layer,
                    "name": group.name,
                    "measure": measure,
                    "observed": result.observed,
                    "observed_sem": errors.get(measure, float("nan")),
                    "surrogate_mean": result.surrogate_mean,
                    "surrogate_sd": result.surrogate_sd,
                    "ratio": result.observed / result.surrogate_mean if result.surrogate_mean else float("nan"),
                    "z": result.z,
                    "p_value": result.p_value,
                    "n_surrogates": result.n_surrogates,
                    "surrogate": self.surrogate,
                    "dither_ms": self.dither,
                    "resolution_ms": resolution,
                    "bin_size_ms": self.bin_size,
                    "n_coincident": at_least if measure == "synchronous_bins" else 0,
                    "n_trials": len(sample.trials) if sampled_trials else n_trials,
                    "n_units": len(sample.units) if sampled_units else len(group.rows),
                }
            )
        return rows

    def _bins(
        self, window: WindowTables, group: UnitGroup, observed: NDArray[np.int64], surrogates: NDArray[np.int64]
    ) -> dict[str, Any]:
        largest = int(np.max(np.flatnonzero(observed + surrogates.sum(axis=0)), initial=0))
        n_bins = surrogates[:, : largest + 1].T.astype(np.float64)
        seen = observed[: largest + 1].astype(np.float64)
        return {
            "layer": group.layer,
            "name": group.name,
            "n_coincident": np.arange(largest + 1),
            "n_bins": observed[: largest + 1],
            "surrogate_mean": n_bins.mean(axis=1),
            "surrogate_sd": n_bins.std(axis=1, ddof=1),
            "p_value": two_sided_p_values(seen, n_bins),
            "n_surrogates": self.n_surrogates,
            "bin_size_ms": self.bin_size,
        }

    def _tables(self, rows: list[dict[str, Any]], bins: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
        import pandas as pd

        synchrony = _with_q_values(pd.DataFrame(rows))
        complexity = _with_q_values(pd.concat(map(pd.DataFrame, bins), ignore_index=True))
        return {"synchrony": synchrony, "complexity": complexity}


def _with_q_values(table: pd.DataFrame) -> pd.DataFrame:
    """The family is the table: all groups and measures, or numbers of units, of a window."""
    before = list(table.columns).index("p_value") + 1
    table.insert(before, "q_value", q_values(table["p_value"].to_numpy()))
    return table
