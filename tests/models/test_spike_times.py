"""Spike times of both engines against an independent oracle, and the errors that other simulators make."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semsync.models.first_spike import ENGINES, first_spike_times

TOLERANCE_MS = 1e-10
# A peak this close to the threshold decides on rounding errors whether there is a spike.
GRAZING = 1e-7

ratios = st.one_of(
    st.sampled_from([1.0, 2.0, 5.0, 0.5, 1.3, 30.0]),
    st.builds(lambda sign, power: 1 + sign * 10.0**power, st.sampled_from([-1, 1]), st.floats(-9, -3)),
    st.floats(0.2, 8.0),
)


@st.composite
def layers(draw):
    """Times with silent and simultaneous inputs, weights around the threshold, and time constants."""
    n_samples, n_in, n_out = draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tau_syn = draw(st.sampled_from([1.0, 5.0, 10.0]))
    ratio = draw(ratios)
    times = draw(st.sampled_from([0.0, 7.0, 1e4])) * tau_syn + rng.uniform(0, 4 * tau_syn, (n_samples, n_in))
    if draw(st.booleans()):
        times = np.round(times / tau_syn) * tau_syn  # many at once
    times[rng.random(times.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.inf
    peak = ratio ** (-1 / (ratio - 1)) if abs(ratio - 1) > 1e-2 else np.exp(-1)
    mean, sd = draw(st.sampled_from([(1.0, 0.5), (0.3, 1.0), (0.3, 1e3), (1e4, 1e4), (1.0, 1e-3)]))
    weights = rng.normal(mean, sd, (n_in, n_out)) / peak * draw(st.sampled_from([1.0, 1.5 / n_in]))
    return times, weights, ratio * tau_syn, tau_syn


def spikes_of(times, weights, tau_m, tau_syn, engine):
    return first_spike_times(torch.tensor(times), torch.tensor(weights), tau_m, tau_syn, engine=engine).numpy()


def assert_equals_oracle(computed, expected):
    clear = expected.margin > GRAZING
    np.testing.assert_array_equal(np.isinf(computed)[clear], np.isinf(expected.time)[clear])
    fired = clear & np.isfinite(expected.time)
    assert np.abs(computed[fired] - expected.time[fired]).max(initial=0.0) <= TOLERANCE_MS


@settings(max_examples=100)
@given(layer=layers())
def test_spike_times_are_the_first_crossings(layer, engine, oracle):
    assert_equals_oracle(spikes_of(*layer, engine), oracle(*layer))


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0, 0.5])
@pytest.mark.parametrize("excess", [1e-2, 1e-4, 1e-6])
def test_peak_between_inputs_is_not_missed(engine, oracle, ratio, excess):
    """The sum's peak lies between two inputs, both far below the threshold."""
    tau_syn = 10.0
    times = np.array([[0.0, 2.0, 60.0]])
    unscaled = np.array([[1.0], [0.7], [-5.0]])
    t = np.linspace(0, 60, 600_001)
    s = t[:, None] - times[0, :2]
    s = np.where(s > 0, s, 0)
    tau_m = ratio * tau_syn
    k = s / tau_m * np.exp(-s / tau_m) if ratio == 1 else (np.exp(-s / tau_m) - np.exp(-s / tau_syn)) / (1 - 1 / ratio)
    peak = (k @ unscaled[:2, 0]).max()
    above = spikes_of(times, unscaled * (1 + excess) / peak, tau_m, tau_syn, engine)
    below = spikes_of(times, unscaled * (1 - excess) / peak, tau_m, tau_syn, engine)
    assert 2.0 < above.item() < 60.0
    assert np.isinf(below.item())
    expected = oracle(times, unscaled * (1 + excess) / peak, tau_m, tau_syn)
    assert abs(above.item() - expected.time.item()) <= TOLERANCE_MS


def test_spike_after_the_last_input(engine, oracle):
    times, weights = np.array([[0.0, 1.0]]), np.array([[1.0], [1.8]])
    computed = spikes_of(times, weights, 10.0, 10.0, engine)
    assert computed.item() > 5.0
    assert_equals_oracle(computed, oracle(times, weights, 10.0, 10.0))


def test_only_the_first_of_two_crossings_counts(engine):
    """Inhibition takes the potential below the threshold before excitation lifts it over it again."""
    times = np.array([[0.0, 6.0, 30.0]])
    weights = np.array([[4.0], [-20.0], [40.0]])
    only_first = spikes_of(times[:, :1], weights[:1], 10.0, 10.0, engine)
    np.testing.assert_allclose(spikes_of(times, weights, 10.0, 10.0, engine), only_first, rtol=1e-14)


def test_inhibition_in_time_prevents_the_spike(engine):
    times = np.array([[0.0, 1.0], [0.0, np.inf]])
    weights = np.array([[4.0], [-20.0]])
    computed = spikes_of(times, weights, 10.0, 10.0, engine)
    assert np.isinf(computed[0, 0])
    assert np.isfinite(computed[1, 0])


def test_inf_is_silence_and_stays_inf(engine):
    """No sentinel, no overwritten infinity: silent inputs do nothing, forward or backward."""
    times = torch.tensor([[1.0, torch.inf, 2.0], [torch.inf] * 3], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[2.0, 0.1], [50.0, 50.0], [2.0, 0.1]], dtype=torch.float64, requires_grad=True)
    t_out = first_spike_times(times, weights, 10.0, 10.0, engine=engine)
    assert torch.isinf(t_out).tolist() == [[False, True], [True, True]]
    # Any gradient may arrive at a silent neuron: it has no time to change.
    t_out.backward(torch.tensor([[1.0, torch.inf], [torch.nan, 3.0]], dtype=torch.float64))
    assert torch.isinf(times).tolist() == [[False, True, False], [True] * 3]
    assert weights.grad[1].tolist() == [0.0, 0.0]
    assert weights.grad[:, 1].tolist() == [0.0] * 3
    assert times.grad[1].tolist() == [0.0] * 3
    assert times.grad[0, 1] == 0.0
    assert (weights.grad[[0, 2], 0] < 0).all()
    assert times.grad[0].sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize(("ratio", "rounded"), [(1.01, 1.0), (1.05, 1.0), (1.98, 2.0), (2.02, 2.0)])
def test_ratio_of_time_constants_is_not_rounded(engine, oracle, ratio, rounded):
    times, weights = np.array([[0.0, 1.0]]), np.array([[2.0], [2.0]])
    exact, wrong = (oracle(times, weights, 10.0 * r, 10.0).time for r in (ratio, rounded))
    computed = spikes_of(times, weights, 10.0 * ratio, 10.0, engine)
    np.testing.assert_allclose(computed, exact, rtol=0, atol=TOLERANCE_MS)
    assert abs(wrong - exact).item() > 1e-3


def test_no_epsilon_in_the_sums(engine):
    """The potential of many tiny weights is that of their sum."""
    times = torch.zeros(1, 1000, dtype=torch.float64)
    weights = torch.full((1000, 1), 4e-3, dtype=torch.float64)
    one = first_spike_times(times[:, :1], weights.sum(dim=0, keepdim=True), 20.0, 10.0, engine=engine)
    many = first_spike_times(times, weights, 20.0, 10.0, engine=engine)
    assert many.item() == pytest.approx(one.item(), rel=1e-13)


def test_shift_of_all_inputs_shifts_the_outputs(engine):
    """Also by ten thousand time constants: nothing overflows."""
    rng = np.random.default_rng(3)
    times, weights = rng.uniform(0, 30, (4, 20)), rng.normal(0.3, 0.4, (20, 5))
    for ratio in (1.0, 2.0, 1.7):
        early = spikes_of(times, weights, 10.0 * ratio, 10.0, engine)
        late = spikes_of(times + 1e5, weights, 10.0 * ratio, 10.0, engine)
        np.testing.assert_allclose(late - 1e5, early, rtol=0, atol=1e-9)
        assert np.isfinite(early).any()


def test_unused_inputs_and_empty_batches(engine):
    for n_samples, n_in, n_out in ((0, 3, 2), (2, 0, 2), (2, 3, 0)):
        times = torch.rand(n_samples, n_in, dtype=torch.float64, requires_grad=True)
        weights = torch.rand(n_in, n_out, dtype=torch.float64, requires_grad=True)
        t_out = first_spike_times(times, weights, 10.0, 5.0, engine=engine)
        assert t_out.shape == (n_samples, n_out)
        t_out.sum().backward()
        assert weights.grad.shape == weights.shape
        assert not weights.grad.any()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0, 0.5])
def test_a_rise_next_to_nothing_after_the_last_input_is_silence(engine, ratio):
    """An excess of 1e-320 makes Newton's step infinite; it once ended a thread's share of a batch without a word."""
    times = torch.full((64, 1), 1.0, dtype=torch.float64)
    weights = torch.tensor([[1e-320, 5e-324, 1e-300, 3.0 * math.e]], dtype=torch.float64)
    found = first_spike_times(times, weights, 10.0 * ratio, 10.0, engine=engine)
    assert torch.isinf(found[:, :3]).all()
    assert torch.isfinite(found[:, 3]).all()
