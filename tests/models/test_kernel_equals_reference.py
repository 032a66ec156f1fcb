"""The numba kernel and the plain torch implementation are one function, on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semsync.models.first_spike import first_spike_times, tasks

# Where rounding errors of the potential grow by more than this in the spike time, the spike grazes the threshold.
ILL_CONDITIONED = 1e3


@st.composite
def layers(draw):
    """Layers across the kernel's block (64 neurons) and chunk (16 samples) sizes."""
    n_samples = draw(st.sampled_from([1, 15, 17, 33]))
    n_in = draw(st.sampled_from([1, 2, 7, 12]))
    n_out = draw(st.sampled_from([1, 3, 64, 65, 130, 257]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tau_syn = draw(st.sampled_from([1.0, 10.0]))
    ratio = draw(st.one_of(st.sampled_from([1.0, 2.0, 5.0, 0.5, 1 + 1e-9, 1 - 1e-6, 1.001]), st.floats(0.2, 8.0)))
    times = draw(st.sampled_from([0.0, 1e3])) * tau_syn + rng.uniform(0, 3 * tau_syn, (n_samples, n_in))
    if draw(st.booleans()):
        times = np.round(times / tau_syn * 2) * tau_syn / 2
    times[rng.random(times.shape) < draw(st.sampled_from([0.0, 0.4]))] = np.inf
    mean, sd = draw(st.sampled_from([(6.0, 3.0), (2.0, 6.0), (20.0, 100.0)]))
    return times, rng.normal(mean, sd, (n_in, n_out)) / n_in**0.5, ratio * tau_syn, tau_syn


def run(times, weights, tau_m, tau_syn, engine, grad, bound=np.inf):
    times, weights = (torch.tensor(x, requires_grad=True) for x in (times, weights))
    t_out = first_spike_times(times, weights, tau_m, tau_syn, engine=engine, max_weight_gradient=bound)
    t_out.backward(torch.tensor(grad))
    return t_out.detach().numpy(), weights.grad.numpy(), times.grad.numpy()


@settings(max_examples=50)
@given(layer=layers(), guard=st.sampled_from([np.inf, 0.3]), seed=st.integers(0, 1000))
def test_kernel_equals_reference(plain_gradients, layer, guard, seed):
    times, weights, tau_m, tau_syn = layer
    grad = np.random.default_rng(seed).normal(size=(len(times), weights.shape[1]))
    results = [
        first_spike_times(torch.tensor(times), torch.tensor(weights), tau_m, tau_syn, engine=engine).numpy()
        for engine in ("kernel", "reference")
    ]
    plain = [plain_gradients(times, weights, tau_m, tau_syn, t_out) for t_out in results]
    clear = np.all([p.condition < ILL_CONDITIONED for p in plain], axis=0)
    np.testing.assert_array_equal(np.isinf(results[0])[clear], np.isinf(results[1])[clear])
    fired = clear & np.isfinite(results[0])
    np.testing.assert_allclose(results[0][fired], results[1][fired], rtol=1e-12, atol=1e-12 * tau_syn)

    # What rounding decides is left out: grazing spikes, and guards whose bound is met almost exactly.
    largest = np.abs(plain[1].by_weight * grad[:, None]).max(axis=1)
    grad = np.where(fired & ~np.isclose(largest, guard, rtol=1e-6), grad, 0.0)
    _, kernel_dw, kernel_dt = run(*layer, "kernel", grad, guard)
    _, reference_dw, reference_dt = run(*layer, "reference", grad, guard)
    for computed, expected in ((kernel_dw, reference_dw), (kernel_dt, reference_dt)):
        np.testing.assert_allclose(computed, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(initial=1e-300))


@pytest.mark.parametrize(("n_samples", "n_out"), [(50, 10), (37, 130), (33, 300)])
def test_result_does_not_depend_on_the_number_of_threads(n_samples, n_out):
    rng = np.random.default_rng(n_out)
    layer = rng.uniform(0, 30, (n_samples, 60)), rng.normal(0.3, 0.5, (60, n_out)), 15.0, 10.0
    grad = rng.normal(size=(n_samples, n_out))
    before = tasks.get_num_threads()
    try:
        results = []
        for n_threads in (1, 2, 5):
            tasks.set_num_threads(n_threads)
            results.append(run(*layer, "kernel", grad, 0.2))
    finally:
        tasks.set_num_threads(before)
    for one, *others in zip(*results, strict=True):
        for other in others:
            np.testing.assert_array_equal(one, other)
