"""Parameters that the analyses of cross-correlograms share, and the tests that these make of a window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..counts_only import has_times
from ..measures.connections import Connections, ConnectionTest, find_connections
from ..measures.correlogram_predictors import PREDICTORS
from ..measures.groups import UnitGroup
from ..measures.permutation import q_values
from ..measures.window_tables import WindowTables
from ..recordings.binned import BIN_EDGES
from .extra import Extra, parameter

AUTO = "auto"
PAIRS = ("between", "within", "both")


@dataclass(frozen=True)
class TestedPair:
    """Two groups and the tests of their units, sources by targets."""

    source: UnitGroup
    target: UnitGroup
    connections: Connections
    q_value: NDArray[np.float64]

    @property
    def within(self) -> bool:
        return self.source is self.target


@dataclass(frozen=True)
class CorrelogramExtra(Extra):
    """An analysis that tests ordered pairs of units by their cross-correlograms."""

    predictor: str = parameter(
        AUTO,
        "null hypothesis; auto: aligned where no unit fires twice in a trial, jitter otherwise",
        choices=(AUTO, *PREDICTORS),
    )
    bin_size: float = parameter(1.0, "bin of the lags", unit="ms", above=0)
    min_lag: float = parameter(1.0, "smallest lag that is tested, from source to target", unit="ms")
    max_lag: float = parameter(5.0, "largest lag that is tested", unit="ms")
    time_scale: float = parameter(
        10.0, "interval of the jitter, or standard deviation of the convolution's Gaussian", unit="ms", above=0
    )
    min_expected: float = parameter(5.0, "pairs with fewer coincidences expected in a bin are not tested", minimum=0)
    pairs: str = parameter("between", "between neighbouring layers or any areas, within one, or both", choices=PAIRS)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._test("jitter" if self.predictor == AUTO else self.predictor)

    def test_of(self, window: WindowTables) -> ConnectionTest:
        """The test of pairs of units of a window."""
        predictor = self.predictor
        if predictor == AUTO:
            table = window.table
            single = table.n_spikes == np.count_nonzero(window.activity)
            classes = np.zeros(table.n_trials) if window.classes is None else window.classes
            shuffles = np.unique(classes, return_counts=True)[1].max() > 1
            predictor = "aligned" if single and shuffles and has_times(table) else "jitter"
        return self._test(predictor)

    def _test(self, predictor: str) -> ConnectionTest:
        return ConnectionTest(predictor, self.bin_size, self.min_lag, self.max_lag, self.time_scale, self.min_expected)

    def tested(self, window: WindowTables) -> list[TestedPair]:
        """Tests of all pairs of groups, with q-values over all pairs of units. What cannot be done is put on record."""
        if not self._possible(window):
            return []
        groups = list(self._group_pairs(window))
        test = self.test_of(window)
        found = [find_connections(window.table, source.rows, target.rows, test) for source, target in groups]
        if not found:
            return []
        joined = q_values(np.concatenate([item.p_value.ravel() for item in found]))
        parts = np.split(joined, np.cumsum([item.p_value.size for item in found])[:-1])
        n_tested = int(np.isfinite(joined).sum())
        if not n_tested:
            window.lacks.append(
                f"No pair of units has {self.min_expected:g} coincidences expected in a bin of {self.bin_size:g} ms in "
                f"window {window.window.name!r}: no connections were tested."
            )
        return [
            TestedPair(source, target, item, q.reshape(item.p_value.shape))
            for (source, target), item, q in zip(groups, found, parts, strict=True)
        ]

    def _possible(self, window: WindowTables) -> bool:
        table = window.table
        edges = np.asarray(table.annotations.get(BIN_EDGES, ()), dtype=np.float64)
        if len(edges) > 1:
            n_bins = self.bin_size / np.diff(edges)
            if np.any(np.abs(n_bins - np.round(n_bins)) > 1e-6) or np.any(np.round(n_bins) < 1):
                window.lacks.append(
                    f"The analysis {self.name!r} of counts needs a bin_size that is a multiple of their bins of "
                    f"{edges[1] - edges[0]:g} ms, and not {self.bin_size:g} ms."
                )
                return False
        if self.predictor in ("shuffle", "aligned"):
            per_class = 0 if window.classes is None else int(np.unique(window.classes, return_counts=True)[1].max())
            if max(per_class, table.n_trials if window.classes is None else 0) < 2:
                window.lacks.append(f"The analysis {self.name!r} cannot shuffle trials: no class has two of them.")
                return False
        return True

    def _group_pairs(self, window: WindowTables) -> Iterator[tuple[UnitGroup, UnitGroup]]:
        groups = window.groups
        pairs = self.pairs
        if len(groups) == 1 and pairs == "between":
            window.lacks.append("There is a single group of units: connections are tested within it.")
            pairs = "within"
        if pairs in ("within", "both"):
            yield from ((group, group) for group in groups)
        if pairs in ("between", "both"):
            by = window.settings.by or ("layer" if "layer" in window.table.units else "area")
            for i, source in enumerate(groups):
                for j, target in enumerate(groups):
                    if i != j and (by != "layer" or abs(i - j) == 1):
                        yield source, target
