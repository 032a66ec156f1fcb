"""snntorch: the net of the benchmark with a surrogate gradient, over 100 steps."""

import itertools

import snntorch
import torch
from snntorch import surrogate
from timing import BATCH, N_ACTIVE, N_CLASSES, SIZES, report

N_STEPS = 100

torch.manual_seed(0)
first, second = (torch.nn.Linear(n, m, bias=False) for n, m in itertools.pairwise(SIZES))
kind = {"alpha": 0.9, "beta": 0.9, "spike_grad": surrogate.fast_sigmoid()}
hidden, output = snntorch.Synaptic(**kind), snntorch.Synaptic(**kind)
spikes = (torch.rand(N_STEPS, BATCH, SIZES[0]) < N_ACTIVE / SIZES[0] / N_STEPS).float()
labels = torch.randint(N_CLASSES, (BATCH,))


def step() -> None:
    s1, m1 = hidden.init_synaptic()
    s2, m2 = output.init_synaptic()
    total = 0
    for x in spikes:
        y, s1, m1 = hidden(first(x), s1, m1)
        _, s2, m2 = output(second(y), s2, m2)
        total = total + m2
    torch.nn.functional.cross_entropy(total, labels).backward()


report("snntorch", f"{N_STEPS} steps, float32", step)
