"""Decoding with permuted classes, many permutations at once: what accuracy chance gives.

Classes are permuted among the trials of a fold. The folds then stay as they are and hold as many trials of each class
as before, so that permuted and true classes are decoded in exactly the same way; without information every such
permutation was as likely as the true order, which makes the test exact (Ojala and Garriga 2010, JMLR 11, 1833).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .classes import one_hot

_CHUNK = 8_000_000  # numbers in the class means, and in the scores, of one chunk of permutations
RIDGE = 1.0


def permute_within_folds(
    index: NDArray[np.integer], fold: NDArray[np.integer], n_permutations: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Classes of trials, permuted among the trials of each fold; shape [n_permutations, n_trials].

    Examples
    --------
    >>> import numpy as np
    >>> permuted = permute_within_folds(np.array([5, 6, 7, 7]), np.array([0, 0, 1, 1]), 3, np.random.default_rng(0))
    >>> permuted[:, 2:].tolist()
    [[7, 7], [7, 7], [7, 7]]
    """
    order = np.argsort(fold, kind="stable")
    permuted = np.empty((n_permutations, len(index)), dtype=np.int32)
    permuted[:, order] = index[np.argsort(fold + rng.random(permuted.shape), axis=1)]
    return permuted


def decode_permuted(
    X: NDArray[np.float32],
    permuted: NDArray[np.integer],
    fold: NDArray[np.integer],
    *,
    decoder: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy and balanced accuracy under each order of the classes.

    Parameters
    ----------
    X : float array, shape [n_trials, n_units]
    permuted : int array, shape [n_permutations, n_trials]
        Class of each trial, from 0; every fold holds as many trials of a class in all rows.
    fold : int array, shape [n_trials]
        In which each trial is held out, from 0.
    decoder : {"nearest-mean", "linear"}
        Decide as :func:`~semsync.analysis.measures.decode` does.

    Returns
    -------
    float arrays, shape [n_permutations]
    """
    if not len(permuted):
        return np.empty(0), np.empty(0)
    n_classes, n_trials = int(permuted[0].max()) + 1, len(fold)
    folds = [np.flatnonzero(fold == f) for f in range(int(fold.max()) + 1)]
    n_of_class = np.bincount(permuted[0], minlength=n_classes)
    smoothers = [_ridge_smoother(X, test) for test in folds] if decoder == "linear" else []
    size = max(1, _CHUNK // (n_classes * max(n_trials, X.shape[1] * (len(folds) + 1))))
    accuracy, balanced = np.empty(len(permuted)), np.empty(len(permuted))
    for start in range(0, len(permuted), size):
        index = permuted[start : start + size]
        predicted = np.empty_like(index)
        scores = _linear_scores(index, folds, smoothers) if smoothers else _mean_scores(X, index, folds, n_classes)
        for test, of_class in scores:
            predicted[:, test] = np.argmax(of_class, axis=1)
        right = predicted == index
        accuracy[start : start + size] = right.sum(axis=1) / n_trials
        balanced[start : start + size] = (right / n_of_class[index]).sum(axis=1) / n_classes
    return accuracy, balanced


def _mean_scores(
    X: NDArray[np.float32], index: NDArray[np.integer], folds: list[NDArray[np.intp]], n_classes: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.floating]]]:
    """Held-out trials and how near each is to each class, shape [n_permutations, n_classes, n_held_out]."""
    sums, n_trials = [], []
    for test in folds:
        members = one_hot(index[:, test], n_classes)
        sums.append((members.reshape(-1, len(test)) @ X[test]).reshape(len(index), n_classes, X.shape[1]))
        n_trials.append(members[0].sum(axis=1))
    all_sums, n_all = np.sum(sums, axis=0), np.sum(n_trials, axis=0)
    for test, of_fold, n_of_fold in zip(folds, sums, n_trials, strict=True):
        means = (all_sums - of_fold) / (n_all - n_of_fold)[:, None]
        products = (means.reshape(-1, X.shape[1]) @ X[test].T).reshape(len(index), n_classes, len(test))
        yield test, products - (means**2).sum(axis=2)[..., None] / 2


def _linear_scores(
    index: NDArray[np.integer], folds: list[NDArray[np.intp]], smoothers: list[NDArray[np.float32]]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.floating]]]:
    n_classes = int(index[0].max()) + 1
    for test, smoother in zip(folds, smoothers, strict=True):
        train = np.setdiff1d(np.arange(index.shape[1]), test)
        targets = one_hot(index[:, train], n_classes)
        products = (targets.reshape(-1, len(train)) @ smoother.T).reshape(len(index), n_classes, len(test))
        yield test, products + targets.mean(axis=2)[..., None]


def _ridge_smoother(X: NDArray[np.float32], test: NDArray[np.intp]) -> NDArray[np.float32]:
    """What ridge regression with intercept makes of training targets: a matrix [n_held_out, n_training], once a fold.

    Least squares on one-hot targets decides as scikit-learn's RidgeClassifier does on targets of -1 and 1.
    """
    train = np.setdiff1d(np.arange(len(X)), test)
    mean = X[train].mean(axis=0, dtype=np.float64)
    fitted, held_out = X[train] - mean, X[test] - mean
    if fitted.shape[1] <= fitted.shape[0]:
        inner = fitted.T @ fitted + RIDGE * np.eye(fitted.shape[1])
        smoother = held_out @ np.linalg.solve(inner, fitted.T)
    else:
        outer = fitted @ fitted.T + RIDGE * np.eye(fitted.shape[0])
        smoother = np.linalg.solve(outer, fitted @ held_out.T).T
    return smoother.astype(np.float32)
