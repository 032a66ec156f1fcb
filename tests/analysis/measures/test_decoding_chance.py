"""Chance levels of decoding: the same decisions as scikit-learn's, and a test that keeps its level."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_score, permutation_test_score
from sklearn.neighbors import NearestCentroid

from semsync.analysis.measures import decode
from semsync.analysis.measures.decoding_permutations import decode_permuted, permute_within_folds

MODELS = {"nearest-mean": NearestCentroid(), "linear": RidgeClassifier(alpha=1.0)}


def weakly_selective(n_trials=120, n_units=30, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    classes = rng.choice(n_classes, n_trials, p=np.arange(1, n_classes + 1) / (n_classes * (n_classes + 1) / 2))
    counts = rng.poisson(np.where(np.arange(n_units) % n_classes == classes[:, None], 1.3, 1.0))
    return counts.astype(float), classes


@pytest.mark.parametrize("decoder", MODELS)
@pytest.mark.parametrize("n_units", [8, 200])  # ridge regression is solved on the smaller side
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_permutation_is_decoded_as_scikit_learn_decodes_it(decoder, n_units, n_classes):
    counts, classes = weakly_selective(n_units=n_units, n_classes=n_classes)
    fold = np.empty(len(classes), dtype=int)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=1).split(counts, classes))
    for number, (_, test) in enumerate(folds):
        fold[test] = number
    permuted = permute_within_folds(classes, fold, 12, np.random.default_rng(0))
    accuracy, balanced = decode_permuted(counts.astype(np.float32), permuted, fold, decoder=decoder)
    for row, order in enumerate(permuted):
        for number in range(4):
            assert sorted(order[fold == number]) == sorted(classes[fold == number])
        predicted = np.empty_like(order)
        for train, test in folds:
            predicted[test] = MODELS[decoder].fit(counts[train], order[train]).predict(counts[test])
        assert accuracy[row] == pytest.approx(np.mean(predicted == order), abs=1e-12)
        assert balanced[row] == pytest.approx(balanced_accuracy_score(order, predicted), abs=1e-12)


@pytest.mark.parametrize("decoder", MODELS)
def test_accuracy_confusion_and_chance_level_are_scikit_learns(decoder):
    counts, classes = weakly_selective()
    result = decode(counts, classes, decoder=decoder, n_permutations=400, seed=2)
    splits = StratifiedKFold(5, shuffle=True, random_state=2)
    scores = cross_val_score(MODELS[decoder], counts, classes, cv=splits)
    sizes = [len(test) for _, test in splits.split(counts, classes)]
    assert result.accuracy == pytest.approx(np.average(scores, weights=sizes), abs=1e-12)
    np.testing.assert_array_equal(result.confusion, confusion_matrix(classes, result.predicted))
    assert result.balanced_accuracy == pytest.approx(balanced_accuracy_score(classes, result.predicted))
    # scikit-learn permutes over all trials and cuts new folds each time; chance is the same up to the draws.
    _, permuted, _ = permutation_test_score(MODELS[decoder], counts, classes, cv=splits, n_permutations=30, n_jobs=1)
    error = np.sqrt(permuted.var() / 30 + result.permutation_accuracy.var() / 400)
    assert abs(result.permutation_accuracy.mean() - permuted.mean()) < 4 * error
    assert 0.6 < result.permutation_accuracy.std() / permuted.std() < 1.7


def test_false_positives_are_five_in_a_hundred():
    # 2,000 recordings without information. Accuracies are whole trials, and equal ones count as reached: with 200
    # trials that costs little.
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 4
    p_values = [decode(rng.random((200, 5)) < 0.4, classes, n_permutations=19, seed=i).p_value for i in range(2000)]
    assert 0.04 <= np.mean(np.array(p_values) <= 0.05) <= 0.06


def test_p_value_by_definition():
    counts, classes = weakly_selective(seed=3)
    result = decode(counts, classes, n_permutations=99)
    reached = sum(accuracy >= result.accuracy - 1e-12 for accuracy in result.permutation_accuracy)
    assert result.p_value == (1 + reached) / 100
    reached = sum(accuracy >= result.balanced_accuracy - 1e-12 for accuracy in result.permutation_balanced_accuracy)
    assert result.balanced_p_value == (1 + reached) / 100


def test_a_constant_answer_has_the_balanced_accuracy_of_chance():
    classes = np.repeat([0, 1], [30, 10])
    result = decode(np.zeros((40, 2)), classes, n_permutations=19)
    assert (result.accuracy, result.balanced_accuracy, result.p_value) == (0.75, 0.5, 1.0)
