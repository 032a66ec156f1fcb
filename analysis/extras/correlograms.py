"""Cross-correlograms of the pairs of units that speak most clearly for a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..measures.binned_spikes import bin_spikes
from ..measures.connections import predict_correlograms
from ..measures.correlograms import n_reached
from ..measures.window_tables import WindowTables
from .connection_test import CorrelogramExtra, TestedPair
from .extra import parameter

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CorrelogramsExtra(CorrelogramExtra):
    """Table ``correlograms``: one row per pair and lag."""

    name: ClassVar[str] = "correlograms"
    summary: ClassVar[str] = "cross-correlograms of the most significant pairs, with predictor and band"
    needs_times: ClassVar[bool] = False

    n_pairs: int = parameter(8, "pairs that are shown, over all groups", minimum=1, maximum=200)
    shown_lag: float = parameter(20.0, "largest lag that is shown, on either side", unit="ms", above=0)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """See :class:`Extra`."""
        import pandas as pd

        tested = self.tested(window)
        if not tested:
            return {}
        score = np.concatenate([np.abs(pair.connections.score).ravel() for pair in tested])
        first = np.cumsum([0, *(pair.q_value.size for pair in tested)])
        # NaN sorts last: pairs that were not tested are never shown.
        order = np.argsort(-score, kind="stable")[: self.n_pairs]
        rows = []
        for rank, place in enumerate(order[np.isfinite(score[order])]):
            number = int(np.searchsorted(first, place, side="right")) - 1
            i, j = np.unravel_index(place - first[number], tested[number].q_value.shape)
            rows.append(pd.DataFrame(self._correlogram(window, tested[number], int(i), int(j), rank)))
        return {"correlograms": pd.concat(rows, ignore_index=True)} if rows else {}

    def _correlogram(self, window: WindowTables, pair: TestedPair, i: int, j: int, rank: int) -> dict[str, Any]:
        test = self.test_of(window)
        last = int(np.floor(self.shown_lag / self.bin_size + 1e-9))
        source, target = pair.source.rows[[i]], pair.target.rows[[j]]
        aligned_by = (pair.source.rows, pair.target.rows)
        prediction = predict_correlograms(window.table, source, target, test, -last, last, aligned_by=aligned_by)
        reached = n_reached(bin_spikes(window.table, self.bin_size).select(source), -last, last)[0]
        unit_id = window.table.units["unit_id"]
        return {
            "pair": rank,
            "source": pair.source.name,
            "target": pair.target.name,
            "source_unit": unit_id[source[0]],
            "target_unit": unit_id[target[0]],
            "lag_ms": np.arange(-last, last + 1) * self.bin_size,
            "count": prediction.counts[0, 0],
            "expected": prediction.expected[0, 0],
            "expected_sd": np.sqrt(prediction.variance[0, 0]),
            "n_source_spikes": reached,
            "predictor": test.predictor,
            "p_value": pair.connections.p_value[i, j],
            "q_value": pair.q_value[i, j],
        }
