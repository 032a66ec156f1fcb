"""Cross-validated decoding of the class from groups of units, held against chance by permutation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..measures.permutation import q_values, say_if_few_permutations
from .extra import Extra

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.decoding import Decoding as Decoded
    from ..measures.window_tables import WindowTables


@dataclasses.dataclass(frozen=True)
class Decoding(Extra):
    """What the standard table's decoding would be worth by chance.

    Table `decoding`: a row for each window, group, `features` (``"activity"``, ``"count"``, ``"latency"``) and
    `decoder` (``"nearest-mean"``, ``"linear"``). Columns: `accuracy` with `accuracy_sem`; `permutation_accuracy` and
    `permutation_accuracy_95`, mean and 95 % quantile of the accuracies with classes permuted among the trials of each
    fold; `p_value`, and `q_value` over all rows of the window, so that the best of several decoders is none by chance;
    `balanced_accuracy` (mean over classes) with the same; `chance_accuracy`, of always answering the commonest class;
    `n_permutations`, `n_splits`, `n_classes`, `n_trials`, `n_units`.

    Table `decoding_confusion`: a row for each pair of `stimulus_class` and `decoded_class`, with `n_trials` and their
    `share` of the trials of the class.
    """

    name = "decoding"
    summary = "decoding of the class with chance levels by permutation, balanced accuracy and confusions"
    needs_times = False
    needs_classes = True

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        import pandas as pd

        from ..counts_only import has_times
        from ..measures.decoding import DECODERS, decode, latency_features

        settings, classes = window.settings, window.decoded_classes
        if classes is None:
            window.lacks.append(f"No two classes in window {window.window.name!r} have enough trials to be decoded.")
            return {}
        trials = np.flatnonzero(classes >= 0)
        counts = window.table.counts()
        rows, confusions = [], []
        for group in window.groups:
            chosen = np.ix_(trials, group.rows)
            features: dict[str, NDArray[Any]] = {"activity": window.activity[chosen], "count": counts[chosen]}
            if has_times(window.table):
                features["latency"] = latency_features(window.first_spikes[chosen])
            for (name, values), decoder in [(pair, decoder) for pair in features.items() for decoder in DECODERS]:
                decoded = decode(
                    values,
                    classes[trials],
                    decoder=decoder,
                    n_splits=settings.n_splits,
                    n_permutations=settings.n_permutations,
                    seed=settings.seed,
                )
                key = {"layer": group.layer, "name": group.name, "features": name, "decoder": decoder}
                sizes = {"n_units": len(group.rows), "n_trials": len(trials), "n_classes": len(decoded.confusion)}
                rows.append(key | sizes | _columns(decoded) | {"n_splits": settings.n_splits})
                confusions.append(pd.DataFrame(key | _confusion(decoded, np.unique(classes[trials]))))
        table = pd.DataFrame(rows)
        window.lacks += say_if_few_permutations(
            settings.n_permutations,
            settings.alpha,
            len(table),
            tests="decoded groups, features and decoders",
            where=f"in window {window.window.name!r}",
        )
        for column in ("q_value", "balanced_q_value"):
            table[column] = q_values(table[column.replace("q_value", "p_value")])
        return {"decoding": table, "decoding_confusion": pd.concat(confusions, ignore_index=True)}


def _columns(decoded: Decoded) -> dict[str, float]:
    return {
        "accuracy": decoded.accuracy,
        "accuracy_sem": decoded.sem,
        "chance_accuracy": decoded.chance,
        "permutation_accuracy": float(decoded.permutation_accuracy.mean()),
        "permutation_accuracy_95": float(np.quantile(decoded.permutation_accuracy, 0.95)),
        "p_value": decoded.p_value,
        "balanced_accuracy": decoded.balanced_accuracy,
        "balanced_permutation_accuracy": float(decoded.permutation_balanced_accuracy.mean()),
        "balanced_permutation_accuracy_95": float(np.quantile(decoded.permutation_balanced_accuracy, 0.95)),
        "balanced_p_value": decoded.balanced_p_value,
        "n_permutations": len(decoded.permutation_accuracy),
    }


def _confusion(decoded: Decoded, labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    n_classes = len(labels)
    return {
        "stimulus_class": np.repeat(labels, n_classes),
        "decoded_class": np.tile(labels, n_classes),
        "n_trials": decoded.confusion.ravel(),
        "share": (decoded.confusion / decoded.confusion.sum(axis=1, keepdims=True)).ravel(),
    }
