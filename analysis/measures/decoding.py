"""Separability of classes by cross-validated decoding of single trials, through scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .classes import one_hot
from .decoding_permutations import RIDGE, decode_permuted, permute_within_folds

DECODERS = ("nearest-mean", "linear")


@dataclass(frozen=True)
class Decoding:
    """Result of :func:`decode`.

    Attributes
    ----------
    accuracy : float
        Share of held-out trials that were decoded correctly.
    sem : float
        Its binomial standard error over trials; up to a quarter too small, because held-out trials share their
        training trials. The exact reference is `permutation_accuracy`.
    chance : float
        Accuracy of always answering the most frequent class.
    predicted : int array, shape [n_trials]
        Class decoded for each trial while it was held out.
    balanced_accuracy : float
        Mean over classes of the share of their trials that were decoded correctly: 1 / K for any constant answer.
    confusion : int array, shape [n_classes, n_classes]
        Trials by true class (row) and decoded class (column), classes ascending.
    permutation_accuracy, permutation_balanced_accuracy : float array, shape [n_permutations]
        The same with classes permuted among the trials of each fold.
    """

    accuracy: float
    sem: float
    chance: float
    predicted: NDArray[np.int64]
    balanced_accuracy: float
    confusion: NDArray[np.int64]
    permutation_accuracy: NDArray[np.float64]
    permutation_balanced_accuracy: NDArray[np.float64]

    @property
    def p_value(self) -> float:
        """(1 + #{permuted >= observed}) / (1 + n_permutations) of the accuracy; NaN without permutations.

        Accuracies are whole numbers of trials: with few trials ties make the test conservative.
        """
        return _p_value(self.accuracy, self.permutation_accuracy)

    @property
    def balanced_p_value(self) -> float:
        """The same for the balanced accuracy."""
        return _p_value(self.balanced_accuracy, self.permutation_balanced_accuracy)


def decode(
    features: ArrayLike,
    classes: ArrayLike,
    *,
    decoder: str = "nearest-mean",
    n_splits: int = 5,
    n_permutations: int = 0,
    seed: int = 0,
) -> Decoding:
    """Decode the class of held-out trials from a feature of every unit, in stratified folds.

    Parameters
    ----------
    features : array, shape [n_trials, n_units]
        Participation (0 or 1), or :func:`latency_features`.
    classes : int array, shape [n_trials]
    decoder : {"nearest-mean", "linear"}
        The nearest class mean (Euclidean), or ridge regression on class indicators: linear, in closed form, so it
        neither iterates nor fails to converge, and a fold of 10,000 trials x 2,000 units takes a second.
    n_splits : int
        Number of folds.
    n_permutations : int
        Repeats with classes permuted among the trials of each fold; 0 for none.
    seed : int

    Raises
    ------
    InputError
        On an unknown decoder, or when a class has fewer trials than there are folds.

    Examples
    --------
    >>> decode([[0], [0], [0], [1], [1], [1]], [0, 0, 0, 1, 1, 1], n_splits=3).accuracy
    1.0
    """
    from threadpoolctl import threadpool_limits

    if decoder not in DECODERS:
        raise InputError(f"decoder must be one of {', '.join(map(repr, DECODERS))}, got {decoder!r}")
    X = np.asarray(features, dtype=np.float32)
    y = np.asarray(classes)
    labels, n_trials = np.unique(y, return_counts=True)
    if n_splits < 2:
        raise InputError(f"n_splits must be at least 2, got {n_splits}")
    if len(labels) < 2 or n_trials.min() < n_splits:
        fewest = dict(zip(labels.tolist(), n_trials.tolist(), strict=True))
        raise InputError(
            f"decoding in {n_splits} folds needs two classes with at least {n_splits} trials each, "
            f"got trials per class {fewest}"
        )
    fold = _folds(y, n_splits, seed)
    # The products of a fold are small: threads wait for each other more than they help, tenfold where cores are busy.
    with threadpool_limits(1, user_api="blas"):
        predicted = _predict_held_out(X, y, decoder, fold)
    true, decoded = np.searchsorted(labels, y), np.searchsorted(labels, predicted)
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (true, decoded), 1)
    accuracy = float(np.trace(confusion) / len(y))
    permuted = permute_within_folds(true, fold, n_permutations, np.random.default_rng(seed))
    permuted_accuracy, permuted_balanced = decode_permuted(X, permuted, fold, decoder=decoder)
    return Decoding(
        accuracy=accuracy,
        sem=float(np.sqrt(accuracy * (1 - accuracy) / len(y))),
        chance=float(n_trials.max() / len(y)),
        predicted=predicted,
        balanced_accuracy=float(np.mean(np.diag(confusion) / n_trials)),
        confusion=confusion,
        permutation_accuracy=permuted_accuracy,
        permutation_balanced_accuracy=permuted_balanced,
    )


def latency_features(first_spikes: ArrayLike) -> NDArray[np.float32]:
    """Finite stand-in for first-spike times: exp(-(t - t_0) / scale), 0 for silence, 1 for the earliest spike.

    Parameters
    ----------
    first_spikes : float array, shape [n_trials, n_units]
        [ms], ``inf`` for silence.

    Returns
    -------
    float32 array, shape [n_trials, n_units]
        t_0 is the earliest spike of all, scale the SD of all first-spike times [ms]; neither looks at the classes.
        Participation still counts: a late spike lies close to silence.

    Examples
    --------
    >>> import numpy as np
    >>> latency_features([[2.0, np.inf], [2.0, np.inf]]).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    first = np.asarray(first_spikes, dtype=np.float64)
    spikes = first[np.isfinite(first)]
    if not len(spikes):
        return np.zeros(first.shape, dtype=np.float32)
    scale = spikes.std()
    return np.exp(-(first - spikes.min()) / (scale if scale > 0 else 1.0)).astype(np.float32)


def _p_value(observed: float, permuted: NDArray[np.float64]) -> float:
    if not len(permuted):
        return float("nan")
    return float((1 + np.count_nonzero(permuted >= observed - 1e-12)) / (1 + len(permuted)))


def _folds(y: NDArray[Any], n_splits: int, seed: int) -> NDArray[np.int64]:
    """The fold in which each trial is held out."""
    from sklearn.model_selection import StratifiedKFold

    fold = np.empty(len(y), dtype=np.int64)
    for number, (_, test) in enumerate(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(y, y)):
        fold[test] = number
    return fold


def _predict_held_out(
    X: NDArray[np.float32], y: NDArray[Any], decoder: str, fold: NDArray[np.int64]
) -> NDArray[np.int64]:
    from sklearn.linear_model import RidgeClassifier

    predicted = np.empty(len(y), dtype=np.int64)
    for number in range(int(fold.max()) + 1):
        train, test = fold != number, fold == number
        if decoder == "linear":
            predicted[test] = RidgeClassifier(alpha=RIDGE).fit(X[train], y[train]).predict(X[test])
        else:
            predicted[test] = _nearest_mean(X[train], y[train], X[test])
    return predicted


def _nearest_mean(X: NDArray[np.float32], y: NDArray[Any], held_out: NDArray[np.float32]) -> NDArray[Any]:
    """As scikit-learn's NearestCentroid, which refuses or warns of units that are constant within a class."""
    labels, index, n_trials = np.unique(y, return_inverse=True, return_counts=True)
    means = one_hot(index, len(labels)) @ X / n_trials[:, None].astype(np.float32)
    # The squared norm of the held-out trial is the same for all classes.
    return labels[np.argmax(held_out @ means.T - (means**2).sum(axis=1) / 2, axis=1)]
