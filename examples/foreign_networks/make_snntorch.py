"""Train a small network in snnTorch, export it with snnTorch's own exporter, and record its spikes.

Writes snntorch.nir and snntorch.npz, which tests/bridge/foreign/ holds and docs/nir.md talks about. Made with
snntorch 1.0.0, nir 1.0.8, nirtorch 2.6 and torch 2.13.0, in an environment of its own:

    pip install torch==2.13.0
    pip install snntorch==1.0.0 nir==1.0.8 nirtorch==2.6 scikit-learn
    python examples/foreign_networks/make_snntorch.py tests/bridge/foreign
"""

import sys
from pathlib import Path

import nir
import numpy as np
import snntorch
import torch
from digits import N_STEPS, N_STIMULI, load, save, spikes_of
from snntorch import surrogate
from snntorch.export_nir import export_to_nir

N_HIDDEN, N_EPOCHS, BETA = 40, 15, 0.9


def leaky(n: int, reset: str) -> snntorch.Leaky:
    # One beta and one threshold for each neuron: from scalars the exporter cannot tell how many there are.
    return snntorch.Leaky(
        beta=torch.full((n,), BETA),
        threshold=torch.ones(n),
        spike_grad=surrogate.fast_sigmoid(slope=5),
        init_hidden=True,
        reset_mechanism=reset,
    )


def network(reset: str) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(64, N_HIDDEN, bias=False),
        leaky(N_HIDDEN, reset),
        torch.nn.Linear(N_HIDDEN, 10, bias=False),
        leaky(10, reset),
    )


def run(net: torch.nn.Sequential, stimuli: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of both layers, shape [n_steps, n_stimuli, n_units]; stimuli of shape [n_stimuli, n_steps, 64]."""
    for layer in (net[1], net[3]):
        layer.mem = torch.zeros(0, dtype=stimuli.dtype)
    hidden, output = [], []
    for step in range(stimuli.shape[1]):
        hidden.append(net[1](net[0](stimuli[:, step])))
        output.append(net[3](net[2](hidden[-1].to(stimuli.dtype))))  # spikes are always float32
    return torch.stack(hidden), torch.stack(output)


def main(folder: Path) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train_x, train_y, test_x, test_y = load()
    net = network("subtract")  # snnTorch's default
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(N_EPOCHS):
        for batch in np.array_split(rng.permutation(len(train_x)), 20):
            stimuli = torch.from_numpy(spikes_of(train_x[batch], rng)).float()
            hidden, output = run(net, stimuli)
            loss = torch.nn.functional.cross_entropy(output.sum(0) / 3, torch.from_numpy(train_y[batch]))
            loss = loss + 2e-3 * hidden.sum(0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, float(loss))

    nir.write(folder / "snntorch.nir", export_to_nir(net, torch.zeros(1, 64), ignore_dims=[0]))
    stimuli = spikes_of(test_x[:N_STIMULI], rng)
    recorded = {}
    for reset in ("subtract", "zero"):
        copy = network(reset)
        copy.load_state_dict({k: v for k, v in net.state_dict().items() if "reset_mechanism" not in k}, strict=False)
        copy.double()  # so that no spike hangs on the rounding of single precision
        with torch.no_grad():
            hidden, output = run(copy, torch.from_numpy(stimuli).double())
        recorded[f"hidden_{reset}"], recorded[f"output_{reset}"] = hidden, output
        right = (output.sum(0).argmax(1).numpy() == test_y[:N_STIMULI]).mean()
        print(reset, "spikes per neuron", float(hidden.sum(0).mean()), float(output.sum(0).mean()), "right", right)
    save(folder / "snntorch.npz", stimuli, test_y[:N_STIMULI], recorded, f"snntorch {snntorch.__version__}")


if __name__ == "__main__":
    assert N_STEPS
    main(Path(sys.argv[1]))
