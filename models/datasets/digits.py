"""scikit-learn's 8 x 8 digits (1,797 images; Alpaydin and Kaynak 1998, UCI): ship with the dependency."""

from __future__ import annotations

import numpy as np

from .dataset import Dataset, Split


def load() -> Dataset:
    """Fixed stratified splits: 1,257 training, 180 validation, 360 test images."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    features, labels = load_digits(return_X_y=True)
    features, labels = features / 16.0, labels.astype(np.int64)
    rest, test = train_test_split(np.arange(len(labels)), test_size=360, stratify=labels, random_state=0)
    train, validation = train_test_split(rest, test_size=180, stratify=labels[rest], random_state=0)
    splits = [Split(features[rows], labels[rows]) for rows in (train, validation, test)]
    return Dataset("digits", 10, *splits)
