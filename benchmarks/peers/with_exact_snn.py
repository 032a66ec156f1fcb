"""exact-snn-nn: its event-driven layer, whose spike times and gradients are exact, too; tau_m = 2 tau_syn."""

import itertools

import numpy as np
import torch
from exact_snn import latency_cross_entropy
from exact_snn.event import ExactEventLinear
from timing import N_CLASSES, SIZES, input_times, report, weights

T_MAX = 60.0  # [ms]

rng = np.random.default_rng(0)
times = input_times(rng)
# Its sums of exponentials know no silent input: one after the end adds nothing.
times[np.isinf(times)] = T_MAX
t_in = torch.from_numpy(times.T.copy()).float()
labels = torch.randint(N_CLASSES, (len(times),))
layers = [ExactEventLinear(n, m, tm=20.0, ts=10.0, t_max=T_MAX, bias_val=0.0) for n, m in itertools.pairwise(SIZES)]
with torch.no_grad():
    for layer, of_layer in zip(layers, weights(rng), strict=True):
        layer.weight[:, :-1] = torch.from_numpy(of_layer.T)
net = torch.nn.Sequential(*layers)


def step() -> None:
    net.zero_grad()
    latency_cross_entropy(net(t_in), labels, T_MAX).backward()


with torch.no_grad():
    fired = torch.isfinite(layers[0](t_in)).float().mean().item()
assert fired > 0.5, f"most neurons should fire, {fired:.2f} do"
report("exact-snn-nn", "ExactEventLinear, float32", step, n_runs=2)
