"""How many surrogates a test takes, alone and once many tests share one control of false discoveries."""

from __future__ import annotations

from math import ceil, floor

from ...errors import InputError
from .permutation import n_discoveries_needed

LARGEST_SHARE = 0.05  # of the tests that may have to be significant together before one of them can be


def require_surrogates(
    n_surrogates: int, alpha: float, *, n_tests: int = 1, what: str = "tests", two_sided: bool = False
) -> list[str]:
    """Refuse a number of surrogates that is too small for Benjamini and Hochberg's control over `n_tests`.

    The smallest p-value is ``1 / (1 + n_surrogates)``, twice that of a two-sided test; a lone discovery among `n_tests`
    needs one of at most ``alpha / n_tests``. That up to a twentieth of the tests have to be significant together is let
    pass and said; more is refused.

    Parameters
    ----------
    n_surrogates : int
    alpha : float
        False discovery rate.
    n_tests : int
        Tests that are corrected together.
    what : str
        What is tested, in the plural.
    two_sided : bool

    Returns
    -------
    list of str
        A sentence for `lacks` where a lone discovery is out of reach.

    Raises
    ------
    InputError
        With the number of surrogates that is needed.

    Examples
    --------
    >>> require_surrogates(1000, 0.05, n_tests=40, what="pairs of units")
    []
    >>> require_surrogates(1000, 0.05, n_tests=200, what="pairs of units")
    ['With 1000 surrogates, q < 0.05 takes at least 4 of 200 pairs of units that are significant together.']
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}")
    sides = 2 if two_sided else 1
    if sides / (1 + n_surrogates) > alpha:
        raise InputError(
            f"n_surrogates = {n_surrogates} cannot give a {'two-sided ' if two_sided else ''}p-value of {alpha:g}: at "
            f"least {_needed(1, sides, alpha)} are needed"
        )
    needed = n_discoveries_needed(sides * n_tests, n_surrogates, alpha)
    allowed = max(1, floor(LARGEST_SHARE * n_tests))
    if needed > allowed:
        raise InputError(
            f"n_surrogates = {n_surrogates} is too small for {n_tests} {what} at a false discovery rate of {alpha:g}: "
            f"none could be significant unless {needed} were; at least {_needed(n_tests / allowed, sides, alpha)} "
            "surrogates are needed"
        )
    if needed > 1:
        return [
            f"With {n_surrogates} surrogates, q < {alpha:g} takes at least {needed} of {n_tests} {what} that are "
            "significant together."
        ]
    return []


def _needed(n_tests_each: float, sides: int, alpha: float) -> int:
    return ceil(sides * n_tests_each / alpha - 1 - 1e-9)
