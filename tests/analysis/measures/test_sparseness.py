from __future__ import annotations

import numpy as np
import pytest

from semsync.analysis.measures.sparseness import class_means, lifetime_sparseness_by_chance, sparseness
from semsync.errors import InputError


def test_sparseness_by_the_formula_of_vinje_and_gallant():
    rng = np.random.default_rng(0)
    responses = rng.poisson(2, (7, 30)) * rng.random((7, 30))
    found = sparseness(responses)
    for u in range(30):
        r = responses[:, u]
        expected = (1 - (r.sum() / 7) ** 2 / ((r**2).sum() / 7)) / (1 - 1 / 7)
        assert found[u] == pytest.approx(expected)
    np.testing.assert_allclose(sparseness(responses.T, axis=1), found)
    np.testing.assert_allclose(sparseness(10 * responses), found)


def test_limits():
    assert sparseness(np.eye(5)).tolist() == pytest.approx([1.0] * 5)
    assert sparseness(np.full((5, 2), 3.0)).tolist() == pytest.approx([0.0] * 2)
    assert np.isnan(sparseness(np.zeros((5, 1)))).all()
    assert np.isnan(sparseness(np.ones((1, 3)))).all()
    # k of n equal responses: (1 - k / n) / (1 - 1 / n).
    assert sparseness(np.repeat([1.0, 0.0], [3, 7])[:, None])[0] == pytest.approx((1 - 0.3) / 0.9)
    with pytest.raises(InputError, match="must be >= 0 to have a sparseness, got -1"):
        sparseness([[1.0], [-1.0]])


def test_variable_counts_alone_look_sparse_and_the_permutations_know_it():
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 6
    counts = rng.poisson(0.5, (60, 2000))
    observed = sparseness(class_means(counts, classes))
    chance, p_value = lifetime_sparseness_by_chance(counts, classes, n_permutations=99, seed=1)
    assert observed.mean() > 0.1
    assert chance.mean() == pytest.approx(observed.mean(), rel=0.03)
    assert 0.04 <= np.mean(p_value <= 0.05) <= 0.06
    tuned = rng.poisson(np.where(classes == 2, 5.0, 0.5)[:, None], (60, 5))
    chance, p_value = lifetime_sparseness_by_chance(np.c_[tuned, np.zeros(60)], classes, n_permutations=99, seed=1)
    assert (p_value[:5] == 0.01).all()
    assert np.isnan(p_value[5])
