"""How often independent units would spike in the same bins, given how often each does."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def joint_count_distribution(counts: NDArray[np.integer], n_bins: int) -> NDArray[np.float64]:
    """Distribution of the number of joint bins over trials, when each unit's filled bins lie anywhere in each trial.

    Exact: of the bins that the first units share, those that the next unit fills too are hypergeometric, trials add.

    Parameters
    ----------
    counts : int array, shape [n_trials, n_units]
        Bins that each unit fills in each trial.
    n_bins : int
        Bins of a trial.

    Returns
    -------
    float array
        Probability of 0, 1, 2, ... joint bins over all trials, up to the most that are possible.

    Examples
    --------
    Two units that fill one of four bins each share it in a quarter of the cases, in each of two trials:

    >>> joint_count_distribution(np.array([[1, 1], [1, 1]]), n_bins=4).tolist()
    [0.5625, 0.375, 0.0625]
    """
    total = np.ones(1)
    for row in counts:
        total = np.convolve(total, _of_trial(tuple(sorted(row.tolist())), n_bins))
    return total


@lru_cache(maxsize=10_000)
def _of_trial(counts: tuple[int, ...], n_bins: int) -> NDArray[np.float64]:
    from scipy.stats import hypergeom

    probability = np.zeros(counts[0] + 1)
    probability[counts[0]] = 1.0
    shared = np.arange(counts[0] + 1)
    for count in counts[1:]:
        # Rows: bins shared before; columns: bins shared with this unit too.
        probability = probability @ hypergeom.pmf(shared[None], n_bins, shared[:, None], count)
    return probability
