"""How improbable a count is, from the mean and the variance that a null hypothesis gives it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc, gammainc, gammaincc

_POISSON = 1e-6  # relative difference of mean and variance below which the count is Poisson


def upper_tail(count: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> NDArray[np.float64]:
    """Mid p-value of a count as large: P(N > count) + P(N = count) / 2, broadcast.

    N is Poisson where the variance equals the mean (the test of Stark and Abeles 2009,
    doi:10.1016/j.jneumeth.2008.12.029), binomial where it is smaller (a sum of unequal coin tosses is close to the
    binomial of equal mean and variance: Ehm 1991, Statistics and Probability Letters 11:7) and negative binomial where
    it is larger.

    Parameters
    ----------
    count, mean, variance : array

    Returns
    -------
    float array
        1 where mean and count are 0, as nothing can be said.

    Examples
    --------
    >>> from scipy.stats import binom, poisson
    >>> bool(np.isclose(upper_tail(9, 4, 4), poisson.sf(9, 4) + poisson.pmf(9, 4) / 2))
    True
    >>> bool(np.isclose(upper_tail(9, 4, 3.2), binom.sf(9, 20, 0.2) + binom.pmf(9, 20, 0.2) / 2))
    True
    """
    return (reaching(count, mean, variance) + reaching(np.asarray(count) + 1, mean, variance)) / 2


def lower_tail(count: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> NDArray[np.float64]:
    """Mid p-value of a count as small: 1 minus :func:`upper_tail`, exact where it is tiny."""
    k = np.asarray(count)
    return (reaching(k, mean, variance, complement=True) + reaching(k + 1, mean, variance, complement=True)) / 2


def nearer_tail(
    count: NDArray[np.integer], mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The upper tail of counts at or above their mean, the lower tail of the others; and which are above, all alike in
    shape."""
    above = count >= mean
    tail = np.empty(count.shape)
    tail[above] = upper_tail(count[above], mean[above], variance[above])
    tail[~above] = lower_tail(count[~above], mean[~above], variance[~above])
    return tail, above


def reaching(
    count: ArrayLike, mean: ArrayLike, variance: ArrayLike, *, complement: bool = False
) -> NDArray[np.float64]:
    """P(N >= count), or P(N < count) as the complement; see :func:`upper_tail`."""
    k, mu, var = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in (count, mean, variance)))
    gamma, beta = (gammaincc, betaincc) if complement else (gammainc, betainc)
    result = np.full(k.shape, 0.0 if complement else 1.0)
    open_ = k > 0
    result[open_ & (mu <= 0)] = 1.0 if complement else 0.0
    ratio = np.divide(var, mu, out=np.ones(k.shape), where=mu > 0)
    narrow = open_ & (mu > 0) & (ratio < 1 - _POISSON)
    wide = open_ & (mu > 0) & (ratio > 1 + _POISSON)
    poisson = open_ & (mu > 0) & ~narrow & ~wide
    result[poisson] = gamma(k[poisson], mu[poisson])
    if narrow.any():
        share = 1 - np.maximum(ratio[narrow], 1e-9)
        n = mu[narrow] / share
        # At n the last outcome is reached; a count beyond it has no probability.
        beyond = k[narrow] >= n + 1
        inside = beta(k[narrow], np.maximum(n - k[narrow] + 1, 1e-300), share)
        result[narrow] = np.where(beyond, 1.0 if complement else 0.0, inside)
    if wide.any():
        share = 1 - 1 / ratio[wide]
        result[wide] = beta(k[wide], mu[wide] / (ratio[wide] - 1), share)
    return result
