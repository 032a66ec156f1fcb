"""The data sets that need no files: published counts, fixed and disjoint splits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from semsync.errors import InputError
from semsync.models import datasets
from semsync.models.datasets import yin_yang


def splits(dataset):
    return {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}


@pytest.fixture(scope="module")
def published():
    return datasets.load("yin-yang")


def test_yin_yang_has_the_published_class_counts(published):
    counts = {name: np.bincount(split.labels).tolist() for name, split in splits(published).items()}
    assert counts == {"train": [1681, 1702, 1617], "validation": [316, 336, 348], "test": [350, 316, 334]}


def test_yin_yang_geometry(published):
    """Of the figure: a disc in two halves that are each other turned by 180 degrees, with a dot in each."""
    features, labels = published.train.features, published.train.labels
    x, y = features[:, 0], features[:, 1]
    np.testing.assert_allclose(features[:, 2:], 1 - features[:, :2])
    assert (np.hypot(x - 0.5, y - 0.5) <= 0.5).all()
    in_dot = np.minimum(np.hypot(x - 0.25, y - 0.5), np.hypot(x - 0.75, y - 0.5)) < 0.1
    np.testing.assert_array_equal(labels == 2, in_dot)
    turned = np.array([yin_yang._class_of(1 - a, 1 - b) for a, b in features[:500, :2]])
    np.testing.assert_array_equal(turned, np.array([1, 0, 2])[labels[:500]])


def test_yin_yang_starts_as_the_published_generator_does():
    """Goal first, then points until one fits: the first draws of RandomState(42) by hand."""
    rng = np.random.RandomState(42)
    assert yin_yang.generate(1, 42).labels[0] == rng.randint(3)
    candidates = rng.rand(50, 2)
    assert (candidates == yin_yang.generate(1, 42).features[0, :2]).all(axis=1).any()


def test_digits_are_split_into_disjoint_parts_of_the_whole():
    digits = datasets.load("digits")
    sizes = {name: len(split) for name, split in splits(digits).items()}
    assert sizes == {"train": 1257, "validation": 180, "test": 360}
    parts = [np.column_stack([split.features * 16, split.labels]) for split in splits(digits).values()]
    whole = np.column_stack(load_digits(return_X_y=True))
    np.testing.assert_array_equal(
        *(rows[np.lexsort(rows.T)] for rows in (np.concatenate(parts), whole)),
    )
    assert (np.bincount(digits.test.labels) >= 34).all()


@pytest.mark.parametrize("name", ["digits", "yin-yang"])
def test_splits_are_the_same_every_time(name):
    first, second = datasets.load(name), datasets.load(name)
    assert first.name == name
    for one, two in zip(splits(first).values(), splits(second).values(), strict=True):
        np.testing.assert_array_equal(one.features, two.features)
        np.testing.assert_array_equal(one.labels, two.labels)
        assert one.features.dtype == np.float64
        assert one.labels.dtype == np.int64
        assert one.features.min() >= 0
        assert one.features.max() <= 1
        assert set(one.labels.tolist()) == set(range(first.n_classes))
    assert first.train.first(7).features.shape == (7, first.n_features)
    assert len(first.train.first(None)) == len(first.train)


def test_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="no data set 'fashion'; there are digits, yin-yang, mnist"):
        datasets.load("fashion")
