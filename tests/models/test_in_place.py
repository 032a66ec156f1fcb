"""Weights that change between the passes would give wrong gradients without a word."""

from __future__ import annotations

import pytest
import torch

from semsync.models.first_spike import first_spike_times


def test_weights_changed_before_the_backward_pass_are_refused():
    times = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    weights = torch.full((2, 3), 2.0, dtype=torch.float64, requires_grad=True)
    t_out = first_spike_times(times, weights, 10.0, 10.0)
    with torch.no_grad():
        weights += 0.1
    with pytest.raises(RuntimeError, match="weights were changed in place"):
        t_out.sum().backward()
