"""Where pynapple computes the same thing, it gives the same number."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from semsync.analysis.measures import decode, information_gain

nap = pytest.importorskip("pynapple", reason="pynapple is missing")

N_TRIALS, N_CLASSES = 120, 4


def recording(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Activity and classes of trials that last a second each."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(N_TRIALS) % N_CLASSES)
    preferred = np.arange(20) % N_CLASSES == classes[:, None]
    return rng.random((N_TRIALS, 20)) < np.where(preferred, 0.5, 0.25), classes


def tuning_curves(activity: np.ndarray, classes: np.ndarray):
    """One spike in the middle of each trial in which a unit is active; the class is the feature."""
    time = np.arange(len(classes)) + 0.5
    whole = nap.IntervalSet(0, len(classes))
    spikes = nap.TsGroup({u: nap.Ts(time[active]) for u, active in enumerate(activity.T)}, time_support=whole)
    feature = nap.Tsd(t=time, d=classes.astype(float), time_support=whole)
    return nap.compute_tuning_curves(spikes, feature, bins=N_CLASSES, range=[(-0.5, N_CLASSES - 0.5)], fs=1.0), spikes


def test_information_gain_is_the_information_per_spike():
    # Skaggs' information per spike is H(C) - H(C | spike) where classes are equally frequent.
    activity, classes = recording(0)
    found, _ = tuning_curves(activity, classes)
    expected = nap.compute_mutual_information(found)["bits/spike"].to_numpy()
    gain = information_gain(activity, classes)
    np.testing.assert_allclose(gain * np.log2(N_CLASSES), expected, rtol=1e-12)


def test_balanced_information_gain_is_that_under_equal_occupancy():
    activity, classes = recording(1)
    keep = np.flatnonzero((classes > 0) | (np.arange(N_TRIALS) % 3 == 0))
    found, _ = tuning_curves(activity[keep], classes[keep])
    found.attrs["occupancy"] = np.ones(N_CLASSES)
    rates = list(found.to_numpy().mean(axis=1))
    expected = nap.compute_mutual_information(found, rates=rates)["bits/spike"].to_numpy()
    gain = information_gain(activity[keep], classes[keep], balanced=True)
    np.testing.assert_allclose(gain * np.log2(N_CLASSES), expected, rtol=1e-12)


def test_nearest_mean_is_template_matching():
    activity, classes = recording(2)
    predicted, tied = np.empty(N_TRIALS), np.empty(N_TRIALS, dtype=bool)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(activity, classes):
        templates, _ = tuning_curves(activity[train], classes[train])
        _, spikes = tuning_curves(activity[test], classes[test])
        decoded, distance = nap.decode_template(
            templates, spikes, spikes.time_support, bin_size=1.0, metric="sqeuclidean"
        )
        predicted[test] = decoded.values
        best, second = np.sort(distance.values, axis=1)[:, :2].T
        tied[test] = second - best < 1e-9
    # Two means at the same distance are told apart by rounding alone.
    assert tied.sum() <= 3
    found = decode(activity, classes, seed=0).predicted
    np.testing.assert_array_equal(found[~tied], predicted[~tied])
