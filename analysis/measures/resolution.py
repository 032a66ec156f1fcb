"""The clock that spike times were taken with: a recording on a grid needs surrogates on the same grid.

On a grid of 1 ms, spikes at most 1 ms apart are those 0 or 1 ticks apart, three of them; moved off the grid, they would
be found together a third less often, in a recording without any synchrony.
"""

from __future__ import annotations

import numpy as np

from ...spike_table import SpikeTable

# Steps of time of simulators, and sampling intervals of 20, 24.4, 25, 30, 32, 40, 50 and 100 kHz [ms].
RESOLUTIONS = (1.0, 0.5, 0.25, 0.2, 0.125, 0.1, 0.05, 1 / 24.4140625, 0.04, 1 / 30, 1 / 32, 0.025, 0.02, 0.01)
_FEWEST = 10  # spikes beside the first of their trial, below which a grid cannot be told from chance
_OFF = 1e-5  # ms; farther from a grid than any rounding of times


def find_resolution(table: SpikeTable) -> float:
    """The coarsest of ``RESOLUTIONS`` of which all times between the spikes of a trial are multiples [ms]; 0 without.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import SpikeTable
    >>> times = np.array([3, 7, 8, 9, 12, 20, 21, 24, 31, 40, 44]) / 10 + 0.03
    >>> table = SpikeTable(times, [0] * 11, [0] * 11, {"unit_id": [0]}, {"start": [0.0], "stop": [5.0]})
    >>> find_resolution(table)
    0.1
    """
    since_first = table.times - first_of_trial(table)[table.trial]
    since_first = since_first[since_first > _OFF]
    if len(since_first) < _FEWEST:
        return 0.0
    for resolution in RESOLUTIONS:
        for some in (since_first[:100], since_first):
            if np.abs(some - np.round(some / resolution) * resolution).max() > _OFF:
                break
        else:
            return resolution
    return 0.0


def first_of_trial(table: SpikeTable) -> np.ndarray:
    """Time of the first spike of each trial [ms], 0 without one, shape [n_trials]; the spikes of a table are sorted."""
    first = np.zeros(table.n_trials)
    trials, rows = np.unique(table.trial, return_index=True)
    first[trials] = table.times[rows]
    return first
