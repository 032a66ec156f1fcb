from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestCentroid

from semsync.analysis.measures import decode, distances, jaccard_separation, latency_features
from semsync.errors import InputError


def selective_activity(n_trials=150, n_units=40, n_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, n_classes, n_trials)
    probability = np.where(np.arange(n_units) % n_classes == classes[:, None], 0.5, 0.3)
    return rng.random((n_trials, n_units)) < probability, classes


def test_nearest_mean_is_scikit_learns():
    activity, classes = selective_activity()
    expected = np.empty_like(classes)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=3).split(activity, classes):
        model = NearestCentroid().fit(activity[train].astype(float), classes[train])
        expected[test] = model.predict(activity[test].astype(float))
    np.testing.assert_array_equal(decode(activity, classes, seed=3).predicted, expected)


@pytest.mark.parametrize("decoder", ["nearest-mean", "linear"])
def test_uninformative_units_decode_at_chance_and_informative_ones_do_not(decoder):
    rng = np.random.default_rng(0)
    classes = np.arange(400) % 4
    chance = decode(rng.random((400, 30)) < 0.5, classes, decoder=decoder)
    assert abs(chance.accuracy - 0.25) < 3 * chance.sem
    assert chance.chance == 0.25
    perfect = decode(np.eye(4)[classes], classes, decoder=decoder)
    assert (perfect.accuracy, perfect.sem) == (1.0, 0.0)


def test_permutation_chance():
    activity, classes = selective_activity()
    result = decode(activity, classes, n_permutations=19, seed=1)
    assert result.p_value == 1 / 20
    assert abs(result.permutation_accuracy.mean() - 0.2) < 0.06
    assert np.isnan(decode(activity, classes).p_value)


def test_decoding_from_silence_answers_the_first_class_and_does_not_fail():
    result = decode(np.zeros((20, 3)), np.arange(20) % 2)
    assert result.accuracy == 0.5


def test_decoding_refuses_classes_smaller_than_the_folds():
    with pytest.raises(InputError, match=r"at least 5 trials each, got trials per class \{0: 7, 1: 3\}"):
        decode(np.zeros((10, 2)), [0] * 7 + [1] * 3)
    with pytest.raises(InputError, match="decoder must be one of"):
        decode(np.zeros((10, 2)), [0, 1] * 5, decoder="svm")


def test_latency_tells_classes_apart_that_participation_does_not():
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 2
    first = 10 + rng.normal(0, 0.3, (200, 4)) + 2 * classes[:, None] * [1, -1, 1, -1]
    assert decode(np.isfinite(first), classes).accuracy == 0.5
    assert decode(latency_features(first), classes).accuracy == 1.0
    features = latency_features(np.where(first < 9, np.inf, first))
    assert np.all((features >= 0) & (features <= 1))
    assert np.all(features[first < 9] == 0)
    assert np.all(features[first >= 9] > 0)
    assert not latency_features(np.full((3, 2), np.inf)).any()


@pytest.mark.parametrize("block", [7, 1024])
def test_jaccard_separation_is_scipys(block, monkeypatch):
    monkeypatch.setattr(distances, "_BLOCK", block)
    activity, classes = selective_activity()
    activity[:3] = False
    distance = squareform(pdist(activity, "jaccard"))
    first, second = np.triu_indices(len(classes), k=1)
    same, pairs = classes[first] == classes[second], distance[first, second]
    result = jaccard_separation(activity, classes)
    assert result.within == pytest.approx(pairs[same].mean(), rel=1e-6)
    assert result.between == pytest.approx(pairs[~same].mean(), rel=1e-6)
    assert result.ratio == pytest.approx(result.between / result.within)
    # 40 units: distances are fractions with denominators up to 40, far enough apart for the histogram.
    assert result.auc == pytest.approx(roc_auc_score(~same, np.round(pairs, 9)), abs=1e-9)
    assert (result.n_pairs_within, result.n_pairs_between) == (same.sum(), (~same).sum())


def test_jaccard_refuses_what_has_no_pairs():
    with pytest.raises(InputError, match="two classes, one with two trials"):
        jaccard_separation(np.ones((2, 3)), [0, 1])
