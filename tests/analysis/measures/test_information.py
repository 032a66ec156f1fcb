from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from semsync.analysis.measures import (
    class_entropy,
    information_gain,
    mutual_information,
    permutation_p_values,
    preferred_class,
    q_values,
)
from semsync.analysis.measures.information import bayesian_count
from semsync.errors import InputError


def entropy(values: list) -> float:
    return -sum(values.count(v) / len(values) * log2(values.count(v) / len(values)) for v in set(values))


@given(arrays(bool, (12, 5)), arrays(int, 10, elements=st.integers(0, 3)))
def test_plugin_estimates_by_definition(activity, classes):
    classes = [0, 1, *classes.tolist()]
    gain = information_gain(activity, classes, min_active_trials=2)
    bits = mutual_information(activity, classes)
    balanced = information_gain(activity, classes, min_active_trials=1, balanced=True)
    for u in range(5):
        active = activity[:, u].tolist()
        joint = entropy(active) + entropy(classes) - entropy(list(zip(active, classes, strict=True)))
        assert bits[u] == pytest.approx(joint, abs=1e-12)
        given_active = [c for a, c in zip(active, classes, strict=True) if a]
        expected = 1 - entropy(given_active) / entropy(classes) if len(given_active) >= 2 else np.nan
        assert gain[u] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        labels = sorted(set(classes))
        rate = np.array([given_active.count(c) / classes.count(c) for c in labels])
        if rate.any():
            share = rate[rate > 0] / rate.sum()
            assert balanced[u] == pytest.approx(1 + (share * np.log2(share)).sum() / log2(len(labels)), abs=1e-12)


def test_perfectly_specific_unit():
    classes = np.arange(400) % 4
    activity = classes[:, None] == [[2]]
    for correction in ("plugin", "miller-madow", "panzeri-treves"):
        for balanced in (False, True):
            assert information_gain(activity, classes, correction=correction, balanced=balanced)[0] == 1.0
    assert mutual_information(activity, classes)[0] == pytest.approx(-0.25 * log2(0.25) - 0.75 * log2(0.75))
    assert preferred_class(activity, classes).tolist() == [2]
    two = np.arange(400) % 2
    assert mutual_information(two[:, None], two)[0] == pytest.approx(class_entropy([200, 200]))


def test_gain_against_unequal_priors_can_be_negative_where_the_balanced_one_is_not():
    classes = np.repeat([0, 1], [90, 10])
    activity = np.concatenate([np.arange(90) < 10, np.ones(10, dtype=bool)])[:, None]
    assert information_gain(activity, classes)[0] < 0
    assert information_gain(activity, classes, balanced=True)[0] > 0


@pytest.mark.parametrize("correction", ["miller-madow", "panzeri-treves", "shuffle"])
def test_corrections_remove_most_of_the_bias_of_uninformative_units(correction):
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 10
    activity = rng.random((200, 3000)) < 0.3
    plugin = mutual_information(activity, classes)
    corrected = mutual_information(activity, classes, correction=correction)
    assert plugin.mean() == pytest.approx(9 / (2 * 200 * np.log(2)), rel=0.1)
    assert abs(corrected.mean()) < 0.1 * plugin.mean()
    plugin = information_gain(activity, classes)
    corrected = information_gain(activity, classes, correction=correction)
    assert abs(corrected.mean()) < 0.2 * plugin.mean()
    plugin = information_gain(activity, classes, balanced=True)
    corrected = information_gain(activity, classes, balanced=True, correction=correction)
    assert abs(corrected.mean()) < 0.2 * plugin.mean()


@pytest.mark.parametrize("correction", ["miller-madow", "panzeri-treves", "shuffle"])
def test_corrections_come_closer_to_the_information_of_an_informative_unit(correction):
    rng = np.random.default_rng(1)
    probability = np.linspace(0.1, 0.7, 6)
    rate = probability.mean()

    def h(p):
        return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

    truth = h(rate) - h(probability).mean()
    classes = np.arange(120) % 6
    activity = rng.random((120, 4000)) < probability[classes, None]
    error = {c: abs(mutual_information(activity, classes, correction=c).mean() - truth) for c in ("plugin", correction)}
    assert error[correction] < 0.35 * error["plugin"]


def test_bayesian_count_of_classes():
    # Few draws from ten equal classes: more classes exist than were seen; one class throughout: no more than that.
    rng = np.random.default_rng(0)
    seen = rng.multinomial(12, np.full(10, 0.1), size=2000).T
    naive, estimate = (seen > 0).sum(axis=0), bayesian_count(seen, 10)
    assert np.all(estimate >= naive)
    assert abs(estimate.mean() - 10) < abs(naive.mean() - 10)
    assert bayesian_count(np.array([[30], [0], [0]]), 3).tolist() == [1]
    assert bayesian_count(np.array([[0], [0]]), 2).tolist() == [0]


def test_p_values_are_uniform_without_information():
    rng = np.random.default_rng(5)
    classes = rng.integers(0, 5, 300)
    activity = rng.random((300, 4000)) < 0.4
    p = permutation_p_values(activity, classes, n_permutations=199, seed=1)
    for level in (0.01, 0.05, 0.2, 0.5):
        # Three binomial standard deviations over 4,000 independent units.
        assert abs(np.mean(p <= level) - level) < 3 * np.sqrt(level * (1 - level) / 4000)


def test_p_values_by_definition():
    rng = np.random.default_rng(6)
    classes = np.array([0, 0, 0, 1, 1, 1, 1, 2])
    activity = rng.random((8, 6)) < 0.5
    p = permutation_p_values(activity, classes, n_permutations=4000, seed=2)
    observed = mutual_information(activity, classes)
    null = np.array([mutual_information(activity, rng.permutation(classes)) for _ in range(4000)])
    expected = np.mean(null >= observed - 1e-9, axis=0)
    np.testing.assert_allclose(p, expected, atol=4 * np.sqrt(0.25 * 2 / 4000))


def test_visual_cortex_knows_about_the_right_contrast(data_folder):
    # Steinmetz et al. (2019): 21 of 66 VISp units at p < 0.05, before any correction.
    recording = np.load(data_folder / "recordings" / "steinmetz2019_Lederberg_2017-12-05_VIS_10ms.npz")
    contrast = np.unique(recording["contrast_right"], return_inverse=True)[1]
    activity = recording["counts"][:, recording["area"] == "VISp"].sum(axis=2) > 0
    p = permutation_p_values(activity, contrast, n_permutations=999)
    assert len(p) == 66
    assert 19 <= np.count_nonzero(p < 0.05) <= 23
    assert 10 <= np.count_nonzero(q_values(p) < 0.05) <= np.count_nonzero(p < 0.05)


def test_informative_units_get_the_smallest_p_value_and_silent_ones_none_below_one():
    classes = np.arange(60) % 3
    activity = np.stack([classes == 0, np.zeros(60, dtype=bool), np.ones(60, dtype=bool)], axis=1)
    assert permutation_p_values(activity, classes, n_permutations=99).tolist() == [0.01, 1.0, 1.0]


def test_false_discoveries_are_controlled():
    rng = np.random.default_rng(0)
    false_share = []
    for _ in range(300):
        p = np.r_[rng.random(180), rng.random(20) * 1e-4]
        called = q_values(p) <= 0.1
        false_share.append(called[:180].sum() / max(1, called.sum()))
    assert np.mean(false_share) < 0.1
    assert np.isnan(q_values([np.nan, np.nan])).all()


def test_what_cannot_be_used_is_refused_in_a_sentence():
    activity, classes = np.ones((4, 1), dtype=bool), [0, 0, 1, 1]
    with pytest.raises(InputError, match=r"n_permutations = 18 cannot give a p-value of 0\.05: at least 19 are needed"):
        permutation_p_values(activity, classes, n_permutations=18)
    permutation_p_values(activity, classes, n_permutations=19)
    with pytest.raises(InputError, match="at least two classes"):
        mutual_information(activity, [3, 3, 3, 3])
    with pytest.raises(InputError, match=r"got \(4, 1\) and \(3,\)"):
        information_gain(activity, [0, 1, 1])
    with pytest.raises(InputError, match="correction must be one of 'plugin'"):
        information_gain(activity, classes, correction="jackknife")
