from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

from semsync.analysis.measures.noise_correlations import (
    correlation_p_values,
    noise_correlations,
    pooled_correlations,
    signal_correlations,
    z_score_within_classes,
)

CLASSES = np.arange(80) % 4


def correlated_counts(share: float, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Poisson counts of mean 5 that share spikes: every pair has the noise correlation `share`; tuned to the class."""
    common = rng.poisson(5 * share, (80, 1))
    return common + rng.poisson(5 * (1 - share), (80, n_units)) + 3 * CLASSES[:, None]


def test_noise_and_signal_correlations_by_loops():
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (80, 6)) + CLASSES[:, None] * [0, 1, 2, 0, 1, 3]
    counts[CLASSES == 2, 0] = 4  # does not vary in one class
    within = z_score_within_classes(counts, CLASSES)
    noise, signal = noise_correlations(within), signal_correlations(counts, CLASSES)
    p_value = correlation_p_values(noise, within.n_free)
    for i in range(6):
        for j in range(i):
            x, y = [], []
            for k in range(4):
                a, b = counts[k == CLASSES, i], counts[k == CLASSES, j]
                if a.std() and b.std():
                    x += ((a - a.mean()) / a.std()).tolist()
                    y += ((b - b.mean()) / b.std()).tolist()
            assert noise[i, j] == pytest.approx(pearsonr(x, y).statistic)
            assert within.n_shared[i, j] == len(x)
            means = [[counts[k == CLASSES, u].mean() for k in range(4)] for u in (i, j)]
            if np.ptp(means[0]) and np.ptp(means[1]):
                assert signal[i, j] == pytest.approx(np.corrcoef(means)[0, 1])
    assert ((p_value > 0) | np.eye(6, dtype=bool)).all()


def test_one_class_is_pearsons_correlation_with_its_p_value():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30))
    within = z_score_within_classes(np.c_[x, x + 3 * y], np.zeros(30, dtype=int))
    found = pearsonr(x, x + 3 * y)
    assert noise_correlations(within)[0, 1] == pytest.approx(found.statistic)
    assert correlation_p_values(noise_correlations(within), within.n_free)[0, 1] == pytest.approx(found.pvalue)


def test_known_correlation_is_recovered_over_200_recordings_and_tuning_is_none():
    rng = np.random.default_rng(2)
    pooled, tuned = [], []
    for seed in range(200):
        within = z_score_within_classes(correlated_counts(0.3, 4, rng), CLASSES)
        pooled.append(pooled_correlations(within, [np.arange(4)], n_permutations=19, seed=seed)[0][0, 0])
        tuned.append(noise_correlations(z_score_within_classes(correlated_counts(0, 2, rng), CLASSES))[0, 1])
    assert np.mean(pooled) == pytest.approx(0.3, abs=3 * np.std(pooled) / np.sqrt(200))
    assert np.mean(tuned) == pytest.approx(0, abs=3 * np.std(tuned) / np.sqrt(200))


def test_false_positives_are_five_in_a_hundred():
    rng = np.random.default_rng(3)
    groups = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    of_pairs, of_groups, between = [], [], []
    for seed in range(2000):
        # Between groups also where the units of a group vary together.
        common = np.repeat(rng.poisson(0.3, (80, 2)), 3, axis=1) if seed % 2 else 0
        counts = rng.poisson(1.0, (80, 6)) + common + CLASSES[:, None]
        within = z_score_within_classes(counts, CLASSES)
        p_value = correlation_p_values(noise_correlations(within), within.n_free)
        p_pooled = pooled_correlations(within, groups, n_permutations=19, seed=seed)[1]
        between.append(p_pooled[0, 1])
        if not seed % 2:
            of_pairs.append(p_value[np.triu_indices(6, k=1)])
            of_groups.append(np.diag(p_pooled))
    assert len(between) == np.size(of_groups) == 2000
    for found in (of_pairs, of_groups, between):
        assert 0.04 <= np.mean(np.array(found) <= 0.05) <= 0.06


def test_groups_that_vary_together_are_told_from_those_that_do_not():
    rng = np.random.default_rng(4)
    counts = np.c_[correlated_counts(0.4, 5, rng), correlated_counts(0.4, 5, rng)]
    within = z_score_within_classes(counts, CLASSES)
    pooled, p_value = pooled_correlations(within, [np.arange(5), np.arange(5, 10)], n_permutations=199)
    noise = noise_correlations(within)
    assert pooled[0, 0] == pytest.approx(noise[:5, :5][np.triu_indices(5, k=1)].mean())
    assert pooled[0, 1] == pytest.approx(noise[:5, 5:].mean())
    assert p_value[0, 0] == p_value[1, 1] == 1 / 200
    assert p_value[0, 1] > 0.05


def test_units_that_never_vary_have_no_correlation():
    within = z_score_within_classes(np.c_[np.zeros(80), np.full(80, 3), CLASSES], CLASSES)
    assert np.isnan(noise_correlations(within)).all()
    pooled, p_value = pooled_correlations(within, [np.arange(3)], n_permutations=19)
    assert np.isnan(pooled).all()
    assert np.isnan(p_value).all()
