"""Rows of the pathway table of one window."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ...network_description import NetworkDescription
from ...spike_table import SpikeTable
from .classes import stimulus_classes
from .pathways import (
    KINDS,
    PathwayStrength,
    pathway_selectivity,
    pathway_share,
    pathway_strengths,
    rows_of_populations,
    top_overlap,
    top_units,
)
from .settings import Settings
from .summary import mean_of_finite, sem_of_finite


def pathway_rows(
    table: SpikeTable,
    window: str,
    number: int,
    settings: Settings,
    description: NetworkDescription,
    control: NetworkDescription | None,
) -> list[dict[str, Any]]:
    """One row per network, kind of pathway and hidden layer.

    The control's pathways are held against the same spikes.

    Parameters
    ----------
    table : SpikeTable
        Cut to the window.
    window : str
        Its name.
    number : int
        Its number, for the seed.
    settings : Settings
    description, control : NetworkDescription
    """
    networks = {"network": description} | ({} if control is None else {"control": control})
    counts = table.counts()
    rows = []
    for (network, net), kind in product(networks.items(), KINDS):
        rows_of = rows_of_populations(table, net)
        for pathway in pathway_strengths(net, kind):
            active = counts[:, rows_of[pathway.population][pathway.units]]
            key = {"window": window, "network": network, "kind": kind}
            rows.append(key | _row(table, active, pathway, number, settings))
    return rows


def _row(
    table: SpikeTable, counts: np.ndarray, pathway: PathwayStrength, number: int, settings: Settings
) -> dict[str, Any]:
    n_units, n_classes = pathway.strength.shape
    n_top = min(settings.n_top or max(1, n_units // n_classes), n_units)
    top = top_units(pathway.strength, n_top)
    selectivity = pathway_selectivity(pathway.strength)
    row: dict[str, Any] = {
        "layer": pathway.layer,
        "name": pathway.population,
        "n_units": n_units,
        "n_top": n_top,
        "selectivity": mean_of_finite(selectivity),
        "selectivity_sem": sem_of_finite(selectivity),
        "overlap": top_overlap(top),
        "overlap_expected": n_top / n_units,
    }
    classes = stimulus_classes(table)
    if classes is None:
        undefined = ("share", "share_sem", "share_other", "share_chance", "p_value")
        return row | {"n_trials": 0} | dict.fromkeys(undefined, float("nan"))
    seed = settings.seed_for("pathways", number, pathway.layer, len(pathway.kind))
    share = pathway_share(counts, top, classes, n_permutations=settings.n_permutations, seed=seed)
    return row | {
        "n_trials": int(np.isfinite(share.right).sum()),
        "share": mean_of_finite(share.right),
        "share_sem": sem_of_finite(share.right),
        "share_other": mean_of_finite(share.other),
        "share_chance": share.chance,
        "p_value": share.p_value,
    }
