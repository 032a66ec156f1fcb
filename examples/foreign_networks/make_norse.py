"""Train a small network in Norse, export it with Norse's own exporter, and record its spikes.

Writes norse.nir and norse.npz, which tests/bridge/foreign/ holds and docs/nir.md talks about. Made with
norse 1.1.0, nir 1.0.8, nirtorch 2.6 and torch 2.14.1, in an environment of its own:

    pip install norse==1.1.0 nir==1.0.8 nirtorch==2.6 scikit-learn
    python examples/foreign_networks/make_norse.py tests/bridge/foreign
"""

import sys
from importlib.metadata import version
from pathlib import Path

import nir
import norse.torch as norse
import numpy as np
import torch
from digits import N_STEPS, N_STIMULI, load, save, spikes_of

N_HIDDEN, N_EPOCHS = 40, 15
DT = 0.001  # s


def cell(n: int) -> norse.LIFCell:
    # One value for each neuron: the exporter cannot write scalars.
    values = {"tau_mem_inv": 100.0, "tau_syn_inv": 200.0, "v_leak": 0.0, "v_th": 1.0, "v_reset": 0.0}
    parameters = {name: torch.full((n,), value) for name, value in values.items()}
    return norse.LIFCell(norse.LIFParameters(**parameters, alpha=torch.as_tensor(10.0)), dt=DT)


def network() -> norse.SequentialState:
    return norse.SequentialState(
        torch.nn.Linear(64, N_HIDDEN, bias=False),
        cell(N_HIDDEN),
        torch.nn.Linear(N_HIDDEN, 10, bias=False),
        cell(10),
    )


def run(net: norse.SequentialState, stimuli: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of both layers, shape [n_steps, n_stimuli, n_units]; stimuli of shape [n_stimuli, n_steps, 64]."""
    first, cell_1, second, cell_2 = net
    state_1 = state_2 = None
    hidden, output = [], []
    for step in range(stimuli.shape[1]):
        spikes, state_1 = cell_1(first(stimuli[:, step]), state_1)
        hidden.append(spikes)
        spikes, state_2 = cell_2(second(spikes), state_2)
        output.append(spikes)
    return torch.stack(hidden), torch.stack(output)


def main(folder: Path) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train_x, train_y, test_x, test_y = load()
    net = network()
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight.mul_(3.0).add_(0.05)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(N_EPOCHS):
        for batch in np.array_split(rng.permutation(len(train_x)), 20):
            hidden, output = run(net, torch.from_numpy(spikes_of(train_x[batch], rng)).float())
            loss = torch.nn.functional.cross_entropy(output.sum(0) / 3, torch.from_numpy(train_y[batch]))
            loss = loss + 2e-3 * hidden.sum(0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, float(loss))

    # The exporter multiplies time constants by dt; with dt=1 they are in seconds, as NIR wants them.
    nir.write(folder / "norse.nir", norse.to_nir(net, torch.zeros(1, 64), dt=1.0))
    stimuli = spikes_of(test_x[:N_STIMULI], rng)
    net.double()  # so that no spike hangs on the rounding of single precision
    with torch.no_grad():
        hidden, output = run(net, torch.from_numpy(stimuli).double())
    right = (output.sum(0).argmax(1).numpy() == test_y[:N_STIMULI]).mean()
    print("spikes per neuron", float(hidden.sum(0).mean()), float(output.sum(0).mean()), "right", right)
    recorded = {"hidden": hidden, "output": output}
    save(folder / "norse.npz", stimuli, test_y[:N_STIMULI], recorded, f"norse {version('norse')}")


if __name__ == "__main__":
    assert N_STEPS
    main(Path(sys.argv[1]))
