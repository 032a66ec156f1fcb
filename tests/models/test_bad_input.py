"""What the layer refuses, each in one sentence that names the value."""

from __future__ import annotations

import math

import pytest
import torch

from semsync.errors import InputError
from semsync.models.first_spike import first_spike_times


def call(times=None, weights=None, tau_m=10.0, tau_syn=5.0, **options):
    times = torch.ones(2, 3, dtype=torch.float64) if times is None else times
    weights = torch.ones(3, 4, dtype=torch.float64) if weights is None else weights
    return first_spike_times(times, weights, tau_m, tau_syn, **options)


def filled(shape, value):
    tensor = torch.ones(shape, dtype=torch.float64)
    tensor[0, 0] = value
    return tensor


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"weights": filled((3, 4), math.nan)}, "weights must be finite"),
        ({"weights": filled((3, 4), math.inf)}, "weights must be finite"),
        ({"weights": filled((4, 3), 1.0)}, r"got \(2, 3\) and \(4, 3\)"),
        ({"weights": torch.ones(3, dtype=torch.float64)}, r"got \(2, 3\) and \(3,\)"),
        ({"times": torch.ones(3, dtype=torch.float64)}, r"times must have shape \[batch, n_in\].*got \(3,\)"),
        ({"times": torch.ones(2, 3)}, "must both be float64.*got torch.float32 and torch.float64"),
        ({"weights": torch.ones(3, 4)}, "must both be float64.*got torch.float64 and torch.float32"),
        ({"times": filled((2, 3), -0.25)}, "must be >= 0 ms .*-0.25"),
        ({"times": filled((2, 3), -math.inf)}, "must be >= 0 ms .*-inf"),
        ({"times": filled((2, 3), math.nan)}, "must be >= 0 ms .*nan"),
        ({"tau_m": 0.0}, "tau_m must be positive and finite .* 0.0"),
        ({"tau_m": math.nan}, "tau_m must be positive and finite .* nan"),
        ({"tau_syn": -5.0}, "tau_syn must be positive and finite .* -5.0"),
        ({"tau_syn": math.inf}, "tau_syn must be positive and finite .* inf"),
        ({"engine": "magic"}, "engine must be one of .*kernel.*reference.*magic"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(bad, message):
    with pytest.raises(InputError, match=message) as refusal:
        call(**bad)
    assert "\n" not in str(refusal.value)


def test_silent_inputs_are_no_bad_input():
    assert torch.isinf(call(times=torch.full((2, 3), math.inf, dtype=torch.float64))).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("column", [0, 31, 32, 63, 64, 69])
def test_a_bad_weight_is_found_wherever_it_is(column, dtype, bad):
    """In whole blocks of neurons and in the last one, and of an input that never spikes."""
    times = torch.tensor([[1.0, math.inf, 2.0]] * 40, dtype=dtype)
    weights = torch.ones(3, 70, dtype=dtype)
    call(times=times, weights=weights)
    weights[1, column] = bad
    with pytest.raises(InputError, match="weights must be finite"):
        call(times=times, weights=weights)
