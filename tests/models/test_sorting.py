"""The kernel sorts inputs as numpy does, however they are spread, and leaves out gradients that nobody needs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semsync.models.first_spike import first_spike_times
from semsync.models.first_spike.compilation import jit
from semsync.models.first_spike.ordering import PADDING, order_neighbours
from semsync.models.first_spike.sorting import sort_inputs


def times(kind: str, n: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    spread = rng.uniform(1.0, 30.0, n)
    return {
        "spread": spread,
        "crowded, one late": np.r_[2.0 + 1e-7 * rng.random(n - 1), 900.0],
        "two packets": np.where(rng.random(n) < 0.5, rng.normal(5.0, 1e-3, n), rng.normal(25.0, 1e-3, n)),
        "on a grid": np.round(spread, 1),
        "all equal": np.full(n, 3.0),
        "next to each other": 3.0 + np.spacing(3.0) * rng.integers(0, 4, n),
        "some silent": np.where(rng.random(n) < 0.5, spread, np.inf),
    }[kind]


@pytest.mark.parametrize("n", [1, 47, 48, 199, 200, 784, 3000])
@pytest.mark.parametrize(
    "kind",
    ["spread", "crowded, one late", "two packets", "on a grid", "all equal", "next to each other", "some silent"],
)
def test_order_is_that_of_a_stable_sort(kind, n):
    row = times(kind, n)
    order = np.argsort(row, kind="stable")[: np.isfinite(row).sum()]
    for dtype in (np.float64, np.float32):
        found = sort_inputs(row[None].astype(dtype), 10.0, 5.0, dtype)
        (n_active,) = found.n_active
        expected = order if dtype == np.float64 else np.argsort(row.astype(dtype), kind="stable")[:n_active]
        assert n_active == len(order)
        np.testing.assert_array_equal(found.source[0, :n_active], expected)
        np.testing.assert_array_equal(found.time[0, :n_active], row.astype(dtype)[expected])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradients_of_weights_do_not_depend_on_whether_those_of_times_are_needed(dtype):
    rng = np.random.default_rng(0)
    data = torch.tensor(rng.uniform(0, 20, (33, 40)), dtype=dtype)
    values = torch.tensor(rng.normal(0.3, 0.6, (40, 75)), dtype=dtype)
    gradients = []
    for needed in (False, True):
        inputs, weights = data.clone().requires_grad_(needed), values.clone().requires_grad_()
        t_out = first_spike_times(inputs, weights, 10.0, 5.0)
        t_out[torch.isfinite(t_out)].square().sum().backward()
        gradients.append(weights.grad)
        assert (inputs.grad is not None) == needed
    assert torch.equal(*gradients)
    assert (gradients[0] != 0).any(dim=0).sum() > 60


@jit()
def ordered(n, time, index):
    return order_neighbours(n, time, index)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=70), st.booleans())
def test_neighbours_in_order(values, nearly):
    """Whatever comes of it, no entry is lost, none passes an equal one, and the answer is true."""
    n = len(values)
    values = np.array(values, float)
    if nearly:
        values = np.sort(values)
        for first in range(0, n, 9):
            values[first : first + 4] = values[first : first + 4][::-1]
    time = np.concatenate([values, np.full(PADDING, np.inf)])
    index = np.arange(n + PADDING, dtype=np.uint32)
    in_order = ordered(n, time, index)
    assert in_order == (np.diff(time[:n]) >= 0).all()
    assert sorted(index[:n]) == list(range(n))
    assert (values[index[:n]] == time[:n]).all()
    for value in set(values):
        assert (np.diff(index[:n][time[:n] == value].astype(int)) > 0).all()
    if nearly:
        assert in_order
    assert np.isinf(time[n:]).all()
