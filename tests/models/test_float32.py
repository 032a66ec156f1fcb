"""Single precision: the same spikes as double precision, to its own rounding, where they do not graze the threshold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semsync.models.first_spike import first_spike_times

# By how much rounding errors of the potential may grow in a spike time that is compared.
WELL_CONDITIONED = 30.0


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0, 1.001])
def test_single_precision_follows_double_precision(engine, plain_gradients, ratio):
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 20, (40, 150)).astype(np.float32)
    weights = rng.normal(0.05, 0.1, (150, 130)).astype(np.float32)
    tau_m, tau_syn = 10.0 * ratio, 10.0
    results = {}
    for dtype in (torch.float64, torch.float32):
        t, w = (torch.tensor(x, dtype=dtype, requires_grad=True) for x in (times, weights))
        t_out = first_spike_times(t, w, tau_m, tau_syn, engine=engine)
        assert t_out.dtype == dtype
        results[dtype] = t_out.detach().double().numpy(), t, w, t_out
    double, single = results[torch.float64], results[torch.float32]
    plain = plain_gradients(times.astype(float), weights.astype(float), tau_m, tau_syn, double[0])
    fired = np.isfinite(double[0]) & np.isfinite(single[0]) & (plain.condition < WELL_CONDITIONED)
    assert fired.mean() > 0.5
    assert (np.isfinite(double[0]) != np.isfinite(single[0])).mean() < 1e-3
    np.testing.assert_allclose(single[0][fired], double[0][fired], rtol=1e-5)
    # Each spike alone would be too slow: a random mixture of those compared.
    mixture = torch.tensor(np.where(fired, rng.normal(size=fired.shape), 0.0))
    for _, t, w, t_out in results.values():
        t_out.backward(mixture.to(t_out.dtype))
        assert w.grad.dtype == t.grad.dtype == t_out.dtype
    for index in (1, 2):
        expected, found = double[index].grad, single[index].grad.double()
        assert float((found - expected).norm() / expected.norm()) < 1e-4
