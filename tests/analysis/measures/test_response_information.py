"""Information of counts and latencies: by definition, with known truth, and at chance."""

from __future__ import annotations

import importlib
from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, poisson
from sklearn.metrics import mutual_info_score

from semsync.analysis.measures import (
    count_responses,
    information_gain,
    latency_responses,
    mutual_information,
    response_information,
)
from semsync.analysis.measures.information import CORRECTIONS, bayesian_count
from semsync.errors import InputError

N_CLASSES = 4


def poisson_information(rates: np.ndarray) -> float:
    """I(N; C) of a Poisson count with one rate for each of the equally frequent classes [bits]."""
    probability = poisson.pmf(np.arange(200)[:, None], rates)
    mean = probability.mean(axis=1, keepdims=True)
    ratio = np.divide(probability, mean, out=np.ones_like(probability), where=probability > 0)
    return float((probability * np.log2(ratio)).sum() / len(rates))


@given(arrays(int, (14, 3), elements=st.integers(0, 4)), arrays(int, 12, elements=st.integers(0, 2)))
def test_plugin_is_scikit_learns_and_corrections_are_their_formulas(values, classes):
    classes = np.array([0, 1, *classes])
    responses = count_responses(values, None)
    found = response_information(
        responses, classes, corrections=["plugin", "miller-madow", "panzeri-treves"], n_permutations=0
    )
    labels = sorted(set(classes.tolist()))
    for u, column in enumerate(responses.T.tolist()):
        expected = mutual_info_score(classes, column) / log(2)
        assert found.bits["plugin"][u] == pytest.approx(expected, abs=1e-12)
        seen = [[column[i] for i in range(14) if classes[i] == label] for label in labels]
        n_all = len(set(column))
        miller_madow = (sum(len(set(s)) - 1 for s in seen) - (n_all - 1)) / (2 * 14 * log(2))
        assert found.bits["miller-madow"][u] == pytest.approx(expected - miller_madow, abs=1e-12)
        estimated = [int(bayesian_count(np.array([[s.count(r)] for r in sorted(set(column))]), n_all)[0]) for s in seen]
        panzeri_treves = (sum(r - 1 for r in estimated) - (n_all - 1)) / (2 * 14 * log(2))
        assert found.bits["panzeri-treves"][u] == pytest.approx(expected - panzeri_treves, abs=1e-12)
        assert found.n_responses[u] == n_all
    assert np.isnan(found.p_value).all()


def test_two_responses_are_activity(monkeypatch):
    rng = np.random.default_rng(0)
    classes = rng.integers(0, N_CLASSES, 90)
    activity = rng.random((90, 40)) < 0.2 + 0.1 * classes[:, None]
    found = response_information(activity.astype(int), classes, n_permutations=50, seed=3)
    for correction in set(CORRECTIONS) - {"shuffle"}:
        expected = mutual_information(activity, classes, correction=correction, seed=3)
        np.testing.assert_allclose(found.bits[correction], expected, atol=1e-12)
    # In blocks and chunks of any size the permutations are the same.
    module = importlib.import_module("semsync.analysis.measures.response_information")
    monkeypatch.setattr(module, "_BLOCK", 1000)
    monkeypatch.setattr(module, "_CHUNK", 1000)
    again = response_information(activity.astype(int), classes, n_permutations=50, seed=3)
    np.testing.assert_array_equal(found.p_value, again.p_value)
    for correction in CORRECTIONS:
        np.testing.assert_allclose(found.bits[correction], again.bits[correction], atol=1e-12)


def test_p_value_and_shuffle_by_a_loop_over_permutations():
    rng = np.random.default_rng(1)
    classes = np.repeat([0, 1, 2], [7, 9, 5])
    counts = rng.poisson(1 + classes[:, None], (21, 6))
    found = response_information(counts, classes, corrections=["plugin", "shuffle"], n_permutations=4000, seed=2)
    null = np.array(
        [[mutual_info_score(rng.permutation(classes), counts[:, u]) / log(2) for u in range(6)] for _ in range(300)]
    )
    expected = np.mean(null >= found.bits["plugin"] - 1e-9, axis=0)
    np.testing.assert_allclose(found.p_value, expected, atol=4 * np.sqrt(0.25 / 300 + 0.25 / 4000))
    shuffle = found.bits["plugin"] - found.bits["shuffle"]
    np.testing.assert_allclose(shuffle, null.mean(axis=0), atol=4 * null.std(axis=0).max() / np.sqrt(300))


def test_responses_are_equally_populated_and_keep_equal_counts_together():
    rng = np.random.default_rng(0)
    different = rng.permuted(np.tile(np.arange(80), (5, 1)), axis=1).T
    for u in range(5):
        assert np.bincount(count_responses(different, 4)[:, u]).tolist() == [20, 20, 20, 20]
    counts = rng.poisson(2, (300, 20))
    responses = count_responses(counts, 4)
    for u in range(20):
        of_count = {count: set(responses[counts[:, u] == count, u].tolist()) for count in set(counts[:, u].tolist())}
        assert all(len(found) == 1 for found in of_count.values())
        ordered = [of_count[count].pop() for count in sorted(of_count)]
        assert ordered == sorted(ordered)
        assert set(ordered) == set(range(max(ordered) + 1))
    first = rng.normal(20, 3, (200, 3))
    first[rng.random((200, 3)) < 0.3] = np.inf
    first[:, 2] = np.inf
    responses = latency_responses(first, 5)
    assert (responses[:, 2] == 0).all()
    for u in range(2):
        silent = np.isinf(first[:, u])
        assert set(responses[silent, u]) == {5}
        n_each = np.bincount(responses[~silent, u])
        assert len(n_each) == 5
        assert np.ptp(n_each) <= 1
    with pytest.raises(InputError, match="n_bins must be at least 2, got 1"):
        count_responses(counts, 1)


def test_known_information_of_poisson_counts_is_recovered():
    # 200 recordings of 200 trials each. Stated interval: the truth within 0.015 bits of the mean estimate, for the
    # corrected estimates, where the plug-in one is 0.07 bits too large.
    rates = np.array([1.0, 2.0, 4.0, 8.0])
    truth = poisson_information(rates)
    assert truth == pytest.approx(0.7377, abs=1e-4)
    rng = np.random.default_rng(0)
    classes = np.arange(200) % N_CLASSES
    counts = rng.poisson(rates[classes][:, None], (200, 200))
    found = response_information(count_responses(counts, None), classes, n_permutations=0).bits
    error = {name: values.mean() - truth for name, values in found.items()}
    assert 0.05 < error["plugin"] < 0.1
    for correction in ("panzeri-treves", "quadratic"):
        assert abs(error[correction]) < 0.015
        # The truth lies within two standard deviations of a single estimate in about 95 % of them.
        inside = np.abs(found[correction] - truth) < 2 * found[correction].std()
        assert 0.92 <= inside.mean() <= 0.98


def test_known_information_of_latencies_is_recovered():
    # Gaussian latencies of two classes at distance d, never silent, cut at their common median: a binary channel.
    rng = np.random.default_rng(1)
    classes = np.arange(200) % 2
    first = 20 + rng.normal(0, 1, (200, 200)) + 1.5 * classes[:, None]
    wrong = norm.cdf(-0.75)
    truth = 1 + wrong * log2(wrong) + (1 - wrong) * log2(1 - wrong)
    found = response_information(latency_responses(first, 2), classes, n_permutations=0).bits
    for correction in ("miller-madow", "panzeri-treves", "quadratic"):
        assert abs(found[correction].mean() - truth) < 0.01
    # Silence tells too: a unit that is silent for one class, and fires at any time for the other, has one bit.
    silent = np.where(classes[:, None] == 1, np.inf, first)
    assert response_information(latency_responses(silent, 2), classes, n_permutations=0).bits["plugin"][0] == 1.0


@pytest.mark.parametrize("kind", ["binned", "exact", "latency"])
def test_false_positives_are_five_in_a_hundred(kind):
    rng = np.random.default_rng(7)
    classes = np.arange(80) % N_CLASSES
    counts = rng.poisson(3.0, (80, 4000))
    if kind == "latency":
        first = np.where(rng.random(counts.shape) < 0.7, rng.exponential(10, counts.shape), np.inf)
        responses = latency_responses(first)
    else:
        responses = count_responses(counts, 4 if kind == "binned" else None)
    found = response_information(responses, classes, corrections=["plugin"], n_permutations=99, seed=1)
    assert 0.04 <= np.mean(found.p_value <= 0.05) <= 0.06


@pytest.mark.parametrize("balanced", [False, True])
def test_quadratic_extrapolation_of_information_gain(balanced):
    rng = np.random.default_rng(2)
    probability = np.linspace(0.1, 0.7, 6)
    classes = np.arange(120) % 6
    activity = rng.random((120, 2000)) < probability[classes, None]
    share = probability / probability.sum()
    truth = 1 + (share * np.log2(share)).sum() / log2(6)
    error = {
        correction: information_gain(activity, classes, balanced=balanced, correction=correction).mean() - truth
        for correction in ("plugin", "quadratic")
    }
    assert abs(error["quadratic"]) < 0.2 * error["plugin"]


def test_quadratic_extrapolation_needs_four_trials_of_a_class():
    activity, classes = np.ones((9, 1), dtype=bool), [0] * 6 + [3] * 3
    for measure in (mutual_information, information_gain):
        with pytest.raises(InputError, match="needs 4 of each; class 3 has 3"):
            measure(activity, classes, correction="quadratic")
    assert np.isnan(response_information([[0]] * 9, classes).bits["quadratic"]).all()


def test_what_cannot_be_used_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="at least two classes"):
        response_information([[0], [1]], [1, 1])
    with pytest.raises(InputError, match=r"classes must have shape \[n_trials\], got \(3,\)"):
        response_information([[0], [1]], [1, 1, 0])
    with pytest.raises(InputError, match="correction must be one of"):
        response_information([[0], [1]], [1, 0], corrections=["jackknife"])
