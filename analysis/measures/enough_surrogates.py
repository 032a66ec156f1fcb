"""How many surrogates a test takes, once many tests share one control of false discoveries."""

from __future__ import annotations

from math import ceil, floor

from ...errors import InputError
from .permutation import n_discoveries_needed, require_permutations

LARGEST_SHARE = 0.05  # of the tests that may have to be significant together before one of them can be


def require_surrogates(n_surrogates: int, n_tests: int, alpha: float, what: str) -> str | None:
    """Refuse a number of surrogates that is too small for Benjamini and Hochberg's control over `n_tests`.

    The smallest p-value is ``1 / (1 + n_surrogates)``; a lone discovery among `n_tests` needs one of at most
    ``alpha / n_tests``. That up to a twentieth of the tests have to be significant together is let pass and said; more
    is refused.

    Parameters
    ----------
    n_surrogates, n_tests : int
    alpha : float
        False discovery rate.
    what : str
        What is tested, in the plural.

    Returns
    -------
    str or None
        A sentence where a lone discovery is out of reach.

    Raises
    ------
    InputError
        With the number of surrogates that is needed.

    Examples
    --------
    >>> require_surrogates(1000, 40, 0.05, "pairs of units")
    >>> require_surrogates(1000, 200, 0.05, "pairs of units")
    'With 1000 surrogates, q < 0.05 takes at least 4 of 200 pairs of units that are significant together.'
    """
    require_permutations(n_surrogates, alpha)
    needed = n_discoveries_needed(n_tests, n_surrogates, alpha)
    allowed = max(1, floor(LARGEST_SHARE * n_tests))
    if needed > allowed:
        at_least = ceil(n_tests / alpha / allowed - 1 - 1e-9)
        raise InputError(
            f"n_surrogates = {n_surrogates} is too small for {n_tests} {what} at a false discovery rate of {alpha:g}: "
            f"none could be significant unless {needed} were; at least {at_least} surrogates are needed"
        )
    if needed > 1:
        return (
            f"With {n_surrogates} surrogates, q < {alpha:g} takes at least {needed} of {n_tests} {what} that are "
            "significant together."
        )
    return None
