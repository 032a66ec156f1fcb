"""Latency encoding and the noise of training."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from semsync.errors import InputError
from semsync.models.encoding import LatencyEncoder, encoder_from, jitter


def test_pixels_become_the_published_spike_times():
    """t = 0.15 + (1 - p / 256) 1.85 in units of tau; background at exactly 2."""
    tau = 10.0
    pixels = np.array([[0, 1, 128, 255]])
    times = LatencyEncoder(t_early=0.15 * tau, t_late=2.0 * tau)(pixels / 256)
    np.testing.assert_allclose(times / tau, 0.15 + (1 - pixels / 256) * 1.85, rtol=1e-14)
    assert times[0, 0] == 2.0 * tau


def test_silent_background_is_inf_and_bias_comes_last():
    encoder = LatencyEncoder(t_early=1.0, t_late=3.0, background="silent", bias_times=(9.0, 0.5))
    times = encoder([[0.0, 1.0], [0.5, 1e-9]])
    np.testing.assert_allclose(times, [[np.inf, 1.0, 9.0, 0.5], [2.0, 3.0, 9.0, 0.5]])
    assert encoder.n_inputs(2) == times.shape[1]


def test_no_samples_give_no_trials():
    assert LatencyEncoder(bias_times=(9.0,))(np.empty((0, 4))).shape == (0, 5)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([[0.5, 1.5]], "got 0.5 to 1.5"),
        ([[-0.1, 1.0]], "got -0.1 to 1.0"),
        ([[np.nan, 1.0]], "got nan to nan"),
        ([0.5, 1.0], r"shape \[n_samples, n_features\], got \(2,\)"),
    ],
)
def test_bad_features_are_refused(features, message):
    with pytest.raises(InputError, match=message):
        LatencyEncoder()(features)


@pytest.mark.parametrize(
    "settings",
    [
        {"t_early": 5.0, "t_late": 5.0},
        {"t_early": -1.0},
        {"t_late": np.inf},
        {"bias_times": (-1.0,)},
        {"background": "dark"},
        {"tau": 10.0},
    ],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        LatencyEncoder(**settings)


def test_encoder_travels_with_the_network():
    encoder = LatencyEncoder(t_early=1.0, t_late=3.0, background="silent", bias_times=(9.0,))
    assert encoder_from(encoder.to_dict()) == encoder
    with pytest.raises(InputError, match="does not say how stimuli become spikes"):
        encoder_from({})
    with pytest.raises(InputError, match=r"encoding of the network cannot be used: kind: .*latency"):
        encoder_from({"kind": "poisson"})


def test_jitter_is_reflected_at_zero_and_leaves_silence():
    times = np.array([np.inf, 0.0, 50.0]).repeat(20_000)
    noisy = jitter(times, 3.0, np.random.default_rng(0)).reshape(3, -1)
    assert np.isinf(noisy[0]).all()
    # The mean of |N(0, sd)| is sd sqrt(2 / pi); four standard errors.
    assert noisy[1].min() >= 0
    assert noisy[1].mean() == pytest.approx(3.0 * np.sqrt(2 / np.pi), abs=4 * 1.81 / np.sqrt(20_000))
    assert noisy[2].mean() == pytest.approx(50.0, abs=4 * 3 / np.sqrt(20_000))
    assert noisy[2].std() == pytest.approx(3.0, rel=0.03)
    np.testing.assert_array_equal(jitter(times, 0.0, np.random.default_rng(0)), times)
