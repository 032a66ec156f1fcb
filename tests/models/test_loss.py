"""The loss against its formula, and what it does with silence."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from semsync.models.loss import FirstSpikeLoss, decide

INF = math.inf


def naive(t_out, label, tau_syn, xi=0.2, alpha=0.005, beta=1.0):
    t = [x / tau_syn for x in t_out]
    return math.log(sum(math.exp(-x / xi) for x in t)) + t[label] / xi + alpha * math.exp(t[label] / beta)


@pytest.mark.parametrize("t_out", [[8.0, 5.0, 12.0], [8.0, INF, 12.0], [8.0, INF, INF], [3.0, 3.0, 3.0]])
@pytest.mark.parametrize("options", [{}, {"xi": 0.5, "alpha": 0.1, "beta": 2.0}])
def test_loss_is_its_formula(t_out, options):
    loss = FirstSpikeLoss(**options)(torch.tensor([t_out], dtype=torch.float64), torch.tensor([0]), 10.0)
    assert loss.item() == pytest.approx(naive(t_out, 0, 10.0, **options), rel=1e-13)


def test_late_spikes_do_not_underflow_the_competition():
    """exp(-t / xi) of all neurons is zero in floating point here."""
    t_out = torch.tensor([[1600.0, 1601.0]], dtype=torch.float64)
    value = FirstSpikeLoss(alpha=0.0)(t_out, torch.tensor([0]), 1.0)
    assert value.item() == pytest.approx(math.log1p(math.exp(-5.0)))


def test_gradient_is_that_of_finite_differences_and_zero_for_the_silent():
    t_out = torch.tensor([[8.0, 5.0, 12.0], [8.0, INF, 6.0], [INF, 7.0, 6.0]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1, 2, 1])
    assert torch.autograd.gradcheck(lambda t: FirstSpikeLoss()(t, labels, 10.0), (t_out,), eps=1e-5)
    FirstSpikeLoss()(t_out, labels, 10.0).sum().backward()
    assert torch.isfinite(t_out.grad).all()
    assert (t_out.grad[torch.isinf(t_out)] == 0).all()
    assert (t_out.grad[torch.isfinite(t_out)] != 0).all()


def test_silent_label_costs_a_constant_without_gradient():
    t_out = torch.tensor([[5.0, INF], [INF, INF], [INF, 5.0]], dtype=torch.float64, requires_grad=True)
    loss = FirstSpikeLoss(silent_loss=42.0)(t_out, torch.tensor([1, 0, 0]), 10.0)
    assert loss.tolist() == [42.0] * 3
    loss.sum().backward()
    assert not t_out.grad.any()


def test_decision_is_the_first_spike_and_minus_one_without():
    t_out = torch.tensor([[5.0, 4.0, INF], [INF, INF, 9.0], [INF, INF, INF]], dtype=torch.float64)
    assert decide(t_out).tolist() == [1, 2, -1]


@pytest.mark.parametrize("settings", [{"xi": 0.0}, {"alpha": -1.0}, {"beta": INF}, {"gamma": 1.0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        FirstSpikeLoss(**settings)
