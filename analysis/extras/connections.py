"""Functional connections of short latency: which units drive which, and whether they prefer the same class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..measures.connection_preferences import equal_preference, preferred_by_count
from ..measures.connection_truth import (
    agreement,
    precision_recall_curve,
    rank_correlation,
    ranking_auc,
    true_weights,
)
from ..measures.summary import mean_of_finite
from ..measures.window_tables import WindowTables
from .connection_test import CorrelogramExtra, TestedPair
from .extra import parameter

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ConnectionsExtra(CorrelogramExtra):
    """Tables ``connections``, ``connection_summary``, ``connection_classes``, and with the network's weights
    ``connection_truth`` and ``connection_curve``."""

    name: ClassVar[str] = "connections"
    summary: ClassVar[str] = "functional connections from cross-correlograms, and the classes that they join"
    needs_times: ClassVar[bool] = False

    n_listed: int = parameter(1000, "most significant pairs that are listed, for each two groups", minimum=1)
    strong: float = parameter(
        0.1, "share of the synapses, by weight, that precision and recall are also given for", above=0, maximum=1
    )

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """See :class:`Extra`."""
        import pandas as pd

        preferred, predictor = _preferred(window), self.test_of(window).predictor
        tables: dict[str, list[pd.DataFrame]] = {}
        for number, pair in enumerate(self.tested(window)):
            weights = _weights(window, pair)
            tables.setdefault("connections", []).append(
                pd.DataFrame(_listed(window, pair, preferred, weights, self.n_listed))
            )
            tables.setdefault("connection_summary", []).append(
                pd.DataFrame([_summary(window, pair, preferred, number) | {"predictor": predictor}])
            )
            if preferred is not None:
                tables.setdefault("connection_classes", []).append(pd.DataFrame(_classes(window, pair, preferred)))
            if weights is not None:
                rows, curves = _truth(window, pair, weights, self.strong)
                tables.setdefault("connection_truth", []).append(pd.DataFrame(rows))
                tables.setdefault("connection_curve", []).extend(map(pd.DataFrame, curves))
        return {name: pd.concat(rows, ignore_index=True) for name, rows in tables.items() if rows}


def _preferred(window: WindowTables) -> NDArray[np.int64] | None:
    return None if window.classes is None else preferred_by_count(window.table.counts(), window.classes)


def _weights(window: WindowTables, pair: TestedPair) -> NDArray[np.float64] | None:
    if window.description is None:
        return None
    try:
        return true_weights(window.table, window.description, pair.source.rows, pair.target.rows)
    except InputError as error:
        if str(error) not in window.lacks:
            window.lacks.append(str(error))
        return None


def _listed(
    window: WindowTables,
    pair: TestedPair,
    preferred: NDArray[np.int64] | None,
    weights: NDArray[np.float64] | None,
    n_listed: int,
) -> dict[str, Any]:
    found = pair.connections
    tested = np.flatnonzero(np.isfinite(found.p_value))
    size = np.abs(found.score.ravel()[tested])
    chosen = tested[np.argsort(-size, kind="stable")[:n_listed]]
    i, j = np.unravel_index(chosen, found.p_value.shape)
    source, target = pair.source.rows[i], pair.target.rows[j]
    unit_id = window.table.units["unit_id"]
    columns: dict[str, Any] = {
        "source": pair.source.name,
        "target": pair.target.name,
        "source_unit": unit_id[source],
        "target_unit": unit_id[target],
        "peak_lag_ms": found.peak_lag_ms[i, j],
        "efficacy": found.efficacy[i, j],
        "sign": found.sign[i, j],
        "expected": found.expected[i, j],
        "p_value": found.p_value[i, j],
        "q_value": pair.q_value[i, j],
    }
    if preferred is not None:
        columns |= {
            "source_class": preferred[source],
            "target_class": preferred[target],
            "equal_class": (preferred[source] == preferred[target]) & (preferred[source] >= 0),
        }
    return columns if weights is None else columns | {"weight": weights[i, j]}


def _summary(
    window: WindowTables, pair: TestedPair, preferred: NDArray[np.int64] | None, number: int
) -> dict[str, Any]:
    found, settings = pair.connections, window.settings
    tested = np.isfinite(found.p_value)
    n_tested = int(tested.sum())
    significant = tested & (pair.q_value < settings.alpha)
    excitatory = significant & (found.sign > 0)
    row: dict[str, Any] = {
        "source": pair.source.name,
        "target": pair.target.name,
        "n_pairs": found.p_value.size - (len(pair.source.rows) if pair.within else 0),
        "n_tested": n_tested,
        "share_below_alpha": float((found.p_value[tested] < settings.alpha).mean()) if n_tested else np.nan,
        "n_significant": int(significant.sum()),
        "n_excitatory": int(excitatory.sum()),
        "n_inhibitory": int((significant & (found.sign < 0)).sum()),
        "efficacy": mean_of_finite(found.efficacy[excitatory]),
        "peak_lag_ms": float(np.median(found.peak_lag_ms[excitatory])) if excitatory.any() else np.nan,
    }
    if preferred is None:
        return row
    equal = equal_preference(
        excitatory,
        tested,
        found.expected,
        preferred[pair.source.rows],
        preferred[pair.target.rows],
        same_group=pair.within,
        n_permutations=settings.n_permutations,
        seed=settings.seed_for("connections", window.number, number),
    )
    return row | {
        "share_equal": equal.share,
        "share_equal_chance": equal.chance,
        "share_equal_matched": equal.share_matched,
        "share_equal_p_value": equal.p_value,
        "n_permutations": settings.n_permutations,
    }


def _classes(window: WindowTables, pair: TestedPair, preferred: NDArray[np.int64]) -> dict[str, Any]:
    """Numbers of pairs by the classes that their units prefer."""
    labels = np.unique(preferred[preferred >= 0])
    of_source, of_target = (np.searchsorted(labels, preferred[group.rows]) for group in (pair.source, pair.target))
    tested = np.isfinite(pair.connections.p_value)
    tested &= (preferred[pair.source.rows] >= 0)[:, None] & (preferred[pair.target.rows] >= 0)
    cell = of_source[:, None] * len(labels) + of_target
    significant = tested & (pair.q_value < window.settings.alpha)
    size = len(labels) ** 2
    return {
        "source": pair.source.name,
        "target": pair.target.name,
        "source_class": np.repeat(labels, len(labels)),
        "target_class": np.tile(labels, len(labels)),
        "n_tested": np.bincount(cell[tested], minlength=size),
        "n_excitatory": np.bincount(cell[significant & (pair.connections.sign > 0)], minlength=size),
        "n_inhibitory": np.bincount(cell[significant & (pair.connections.sign < 0)], minlength=size),
    }


def _truth(
    window: WindowTables, pair: TestedPair, weights: NDArray[np.float64], strong: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    tested = np.isfinite(pair.connections.p_value)
    score, weight = pair.connections.score[tested], weights[tested]
    p_value = pair.connections.p_value[tested]
    found = pair.q_value[tested] < window.settings.alpha
    synapse = weight != 0
    hit = found & synapse
    common = {
        "source": pair.source.name,
        "target": pair.target.name,
        "share_below_alpha_without_synapse": mean_of_finite(p_value[~synapse] < window.settings.alpha),
        "sign_agreement": mean_of_finite(np.sign(score[hit]) == np.sign(weight[hit])),
        "share_positive_weights": mean_of_finite(weight[synapse] > 0),
        "auc_sign": ranking_auc(score[synapse], weight[synapse] > 0),
        "rank_correlation": rank_correlation(score[synapse], weight[synapse]),
        "rank_correlation_efficacy": rank_correlation(pair.connections.efficacy[tested][synapse], weight[synapse]),
    }
    criteria = {"any synapse": 0.0}
    if strong < 1:
        largest = np.quantile(np.abs(weight[synapse]), 1 - strong) if synapse.any() else np.inf
        criteria[f"strongest {100 * strong:g} %"] = float(largest)
    rows, curves = [], []
    for criterion, smallest in criteria.items():
        rows.append(common | {"criterion": criterion} | asdict(agreement(score, found, weight, smallest)))
        recall, precision, threshold = precision_recall_curve(score, weight, smallest)
        if len(recall):
            key = {"source": pair.source.name, "target": pair.target.name, "criterion": criterion}
            curves.append(key | {"score": threshold, "recall": recall, "precision": precision})
    return rows, curves
