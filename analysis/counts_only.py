"""Recordings that are counts in bins: which measures they allow, and which are withheld."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError
from ..spike_table import SpikeTable
from .measures.windows import WindowSpec
from .recordings.binned import BIN_EDGES

# Columns that depend on how often a unit fires in a window, and not on when. Whatever is not named here is withheld.
_KEYS = ("window", "layer", "name", "trial", "stimulus_class", "unit_id", "cell_type", "area", "preferred_class")
_ALLOWED = (
    "n_", "packet_size", "matched_size", "participation", "rate", "information", "mutual_information",
    "fraction_informative", "p_value", "q_value", "chance_accuracy", "jaccard",
)  # fmt: skip
_DECODING = ("decoding_accuracy", "decoding_accuracy_sem", "decoding_accuracy_linear", "decoding_accuracy_linear_sem")


def check_windows(table: SpikeTable, windows: Sequence[WindowSpec]) -> None:
    """Windows of a user's on counts have to begin and end at edges of bins.

    Raises
    ------
    InputError
        Naming the border that is none.
    """
    edges = np.asarray(table.annotations.get(BIN_EDGES, ()), dtype=np.float64)
    if not len(edges):
        return
    for window in windows:
        for border in () if isinstance(window, str) else window:
            if edges[0] < border < edges[-1] and np.min(np.abs(edges - border)) > 1e-6:
                nearest = edges[np.argmin(np.abs(edges - border))]
                raise InputError(
                    f"a window of counts has to begin and end at edges of bins; {border:g} ms is none, the nearest is "
                    f"{nearest:g} ms"
                )


def has_times(table: SpikeTable) -> bool:
    """Whether the recording holds spike times, and not counts in bins."""
    return BIN_EDGES not in table.annotations


def withhold_times(table: SpikeTable, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of an analysis, NaN in what depends on when spikes fall; unchanged where spike times are known.

    Examples
    --------
    >>> from .recordings.binned import binned_table
    >>> table = binned_table({"counts": [[[1, 0], [0, 2]]], "bin_edges_ms": [0, 10, 20]})
    >>> withhold_times(table, pd.DataFrame({"packet_size": [3.0], "packet_sd_ms": [5.77]})).iloc[0].tolist()
    [3.0, nan]
    """
    if has_times(table):
        return frame
    withheld = [
        name
        for name in map(str, frame.columns)
        if name not in _KEYS and name not in _DECODING and not name.startswith(_ALLOWED)
    ]
    return frame.assign(**dict.fromkeys(withheld, np.nan))
