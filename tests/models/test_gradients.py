"""Gradients of both engines: finite differences, the closed forms of the literature, and the guard."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import lambertw

from semsync.models.first_spike import first_spike_times

TAU_SYN = 10.0  # ms
RATIOS = [1.0, 2.0, 5.0, 0.5, 1.3, *(1 + sign * 10.0**-power for power in (9, 6, 3) for sign in (-1, 1))]


def tensors(times, weights):
    return tuple(torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (times, weights))


def layer(seed=0, n_samples=2, n_in=5, n_out=3):
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 30, (n_samples, n_in)), rng.normal(2.0, 1.5, (n_in, n_out))


def gradients(times, weights, tau_m, tau_syn, engine, *, grad=None, **options):
    """Spike times, and the gradients of their (weighted) sum by weights and by times."""
    times, weights = tensors(times, weights)
    t_out = first_spike_times(times, weights, tau_m, tau_syn, engine=engine, **options)
    grad = torch.isfinite(t_out).double() if grad is None else torch.tensor(grad)
    t_out.backward(grad)
    return t_out.detach().numpy(), weights.grad.numpy(), times.grad.numpy()


def gradcheck(times, weights, tau_m, engine):
    """Finite differences at all outputs that fire; the silent ones have no time to differentiate."""
    times, weights = tensors(times, weights)

    def fired_times(times, weights):
        t_out = first_spike_times(times, weights, tau_m, TAU_SYN, engine=engine)
        return t_out[fired]

    fired = torch.isfinite(first_spike_times(times, weights, tau_m, TAU_SYN, engine=engine))
    assert fired.sum() >= 3
    assert torch.autograd.gradcheck(fired_times, (times, weights), eps=1e-5, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("ratio", RATIOS)
def test_gradcheck(engine, ratio):
    times, weights = layer()
    gradcheck(times, weights, ratio * TAU_SYN, engine)


@pytest.mark.parametrize("ratio", RATIOS)
def test_gradcheck_with_silent_inputs_and_outputs(engine, ratio):
    times, weights = layer(seed=11)
    times[0, :3] = times[1, 4] = np.inf
    weights[:, 1] *= -1
    assert np.isinf(first_spike_times(*tensors(times, weights), ratio * TAU_SYN, TAU_SYN).detach().numpy()).any()
    gradcheck(times, weights, ratio * TAU_SYN, engine)


@pytest.mark.parametrize("ratio", RATIOS)
def test_gradcheck_with_simultaneous_inputs(engine, ratio):
    """Differences change the order of simultaneous inputs; the spike time is smooth there."""
    times, weights = layer(seed=2)
    times = np.round(times / 10) * 10 + 1
    assert len(np.unique(times[0])) < times.shape[1]
    gradcheck(times, weights, ratio * TAU_SYN, engine)


def test_inputs_after_the_spike_have_exactly_no_gradient(engine):
    times, weights = layer(seed=4, n_samples=6, n_in=8)
    for neuron in range(weights.shape[1]):
        t_out, by_weight, by_time = gradients(times, weights[:, [neuron]], 20.0, 10.0, engine)
        later = np.isfinite(t_out) & (times > t_out)
        assert later.any()
        assert not by_time[later].any()
        assert by_time[np.isfinite(t_out) & (times < t_out)].all()
        never = (times > t_out).all(axis=0)
        assert not by_weight[never].any()


def test_shift_of_all_inputs_shifts_the_spike(engine):
    """So the time gradients of a spike sum to one."""
    times, weights = layer(seed=5)
    for ratio in RATIOS:
        t_out, _, by_time = gradients(times, weights[:, :1], ratio * TAU_SYN, TAU_SYN, engine)
        np.testing.assert_allclose(by_time.sum(axis=1), np.isfinite(t_out)[:, 0], atol=1e-11)


def test_silent_neurons_get_no_gradient(engine):
    times, weights = layer(seed=6)
    weights[:, 2] = 0.01
    grad = np.ones((2, 3))
    _, by_weight, by_time = gradients(times, weights, 20.0, 10.0, engine, grad=grad)
    assert not by_weight[:, 2].any()
    grad[:, 2] = 1e6
    np.testing.assert_array_equal(gradients(times, weights, 20.0, 10.0, engine, grad=grad)[2], by_time)


def test_equal_time_constants_match_the_closed_form(engine):
    """Göltz et al. 2021: T = tau (b / a - W)."""
    times, weights = layer(seed=7)
    for sample, neuron in np.ndindex(2, 3):
        t, w = times[sample], weights[:, neuron]
        t_out, by_weight, by_time = gradients(t[None], w[:, None], TAU_SYN, TAU_SYN, engine)
        causal = t <= t_out.item()
        growth = np.where(causal, np.exp(t / TAU_SYN), 0.0)
        a, b = (w * growth).sum(), (w * t / TAU_SYN * growth).sum()
        big_w = lambertw(-math.exp(b / a) / a).real
        spike = TAU_SYN * (b / a - big_w)
        np.testing.assert_allclose(t_out.item(), spike, rtol=1e-12)
        denominator = a * (1 + big_w)
        np.testing.assert_allclose(by_weight[:, 0], -growth * (spike - t) / denominator, rtol=1e-9)
        np.testing.assert_allclose(
            by_time[0], -w * growth * (spike - t - TAU_SYN) / (TAU_SYN * denominator), rtol=1e-9, atol=1e-12
        )


def test_double_time_constant_matches_the_closed_form(engine):
    """Göltz et al. 2021: T = 2 tau_syn ln(2 a_1 / (a_2 + x)), differentiated by torch."""
    times, weights = layer(seed=8)
    for sample, neuron in np.ndindex(2, 3):
        t_out, by_weight, by_time = gradients(times[[sample]], weights[:, [neuron]], 2 * TAU_SYN, TAU_SYN, engine)
        t, w = tensors(times[sample], weights[:, neuron])
        causal = t.detach() <= t_out.item()
        a_1 = (w * torch.exp(t / TAU_SYN))[causal].sum()
        a_2 = (w * torch.exp(t / (2 * TAU_SYN)))[causal].sum()
        x = torch.sqrt(a_2**2 - 4 * a_1 * 0.5)
        spike = 2 * TAU_SYN * torch.log(2 * a_1 / (a_2 + x))
        np.testing.assert_allclose(t_out.item(), spike.item(), rtol=1e-12)
        spike.backward()
        np.testing.assert_allclose(by_weight[:, 0], w.grad, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(by_time[0], t.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_general_rule(engine, plain_gradients, ratio):
    times, weights = layer(seed=9, n_samples=20, n_in=12, n_out=10)
    grad = np.random.default_rng(1).normal(size=(20, 10))
    t_out, by_weight, by_time = gradients(times, weights, ratio * TAU_SYN, TAU_SYN, engine, grad=grad)
    plain = plain_gradients(times, weights, ratio * TAU_SYN, TAU_SYN, t_out)
    np.testing.assert_allclose(by_weight, (plain.by_weight * grad[:, None]).sum(axis=0), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(by_time, (plain.by_time * grad[:, None]).sum(axis=2), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0, 0.5])
def test_guard_drops_weight_gradients_of_a_sample_and_keeps_time_gradients(engine, plain_gradients, ratio):
    times, weights = layer(seed=10, n_samples=20, n_in=12, n_out=10)
    times[times > 28] = np.inf
    constants = ratio * TAU_SYN, TAU_SYN
    grad = np.random.default_rng(2).normal(size=(20, 10))
    t_out, _, unguarded_by_time = gradients(times, weights, *constants, engine, grad=grad)
    plain = plain_gradients(times, weights, *constants, t_out)
    by_weight = plain.by_weight * grad[:, None]
    largest = np.abs(by_weight).max(axis=1)
    bound = float(np.quantile(largest[largest > 0], 0.6))
    expected = np.where(largest[:, None] > bound, 0.0, by_weight).sum(axis=0)
    assert not np.allclose(expected, by_weight.sum(axis=0))
    _, guarded, by_time = gradients(times, weights, *constants, engine, grad=grad, max_weight_gradient=bound)
    np.testing.assert_allclose(guarded, expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(by_time, unguarded_by_time)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0])
def test_guard_is_sharp_when_an_input_comes_just_before_a_late_spike(engine, ratio):
    """At 1e5 ms the age of that input has few digits left; the guard's bound must not lean on its tiny PSP."""
    times, weights = np.array([[1e5, 1e5 + 2]]), np.array([[2.0], [2.0]])
    constants = ratio * TAU_SYN, TAU_SYN
    t_out, by_weight, _ = gradients(times, weights, *constants, engine)
    times, weights = np.append(times, t_out - 2e-10, axis=1), np.append(weights, [[0.0]], axis=0)
    largest = np.abs(by_weight).max()
    kept = gradients(times, weights, *constants, engine, max_weight_gradient=largest * (1 + 1e-6))[1]
    dropped = gradients(times, weights, *constants, engine, max_weight_gradient=largest * (1 - 1e-6))[1]
    np.testing.assert_allclose(kept[:2], by_weight, rtol=1e-9)
    assert not dropped.any()


def test_result_may_be_overwritten_before_the_backward_pass():
    """The user's copy of the spike times is not the one that the kernel's backward pass needs."""
    times, weights = tensors(*layer())
    plain = times.detach().numpy(), weights.detach().numpy()
    expected = gradients(*plain, 20.0, 10.0, "kernel", max_weight_gradient=0.5)[1]
    t_out = first_spike_times(times, weights, 20.0, 10.0, engine="kernel", max_weight_gradient=0.5)
    fired = torch.isfinite(t_out).double()
    t_out.data.zero_()
    t_out.backward(fired)
    np.testing.assert_array_equal(weights.grad.numpy(), expected)
