"""A network of ours in another framework: write it as NIR here, run it there.

python examples/foreign_networks/run_ours.py write tests/bridge/foreign       where semsync is installed
python examples/foreign_networks/run_ours.py snntorch tests/bridge/foreign    in the environment of make_snntorch.py
python examples/foreign_networks/run_ours.py norse tests/bridge/foreign       in the environment of make_norse.py
"""

import sys
from pathlib import Path

import numpy as np

SIZES, DT, N_STEPS, N_SPIKES = (20, 15, 5), 0.1, 1000, 200


def write(folder: Path) -> None:
    from semsync import LIFNeuron, NetworkDescription
    from semsync.bridge import write_nir

    rng = np.random.default_rng(0)
    weights = [rng.normal(0.1, 0.12, SIZES[:2]), rng.normal(0.12, 0.16, SIZES[1:])]
    neuron = LIFNeuron(tau_m=10.0, tau_syn=0.0, t_ref=0.0)
    description = NetworkDescription.from_weights(weights, neuron, trial_duration=N_STEPS * DT)
    write_nir(description, folder / "ours.nir", dt=DT)


def run(framework: str, folder: Path) -> None:
    import nir
    import torch

    graph = nir.read(folder / "ours.nir")
    if framework == "snntorch":
        from snntorch.import_nir import import_from_nir

        net = import_from_nir(graph)
    else:
        import norse.torch

        net = norse.torch.from_nir(graph, dt=DT / 1000)
    rng = np.random.default_rng(7)
    stimulus = np.zeros((N_STEPS, SIZES[0]), dtype=np.float32)
    stimulus[10 * rng.integers(0, N_STEPS // 10, N_SPIKES), rng.integers(0, SIZES[0], N_SPIKES)] = 1
    state, output = None, []
    with torch.no_grad():
        for spikes in torch.from_numpy(stimulus):
            found = net(spikes[None]) if state is None else net(spikes[None], state)
            found, state = found if isinstance(found, tuple) else (found, None)
            output.append(found[0].numpy())
    arrays = {"stimulus": np.argwhere(stimulus), "output": np.argwhere(np.array(output))}
    np.savez_compressed(folder / f"ours_{framework}.npz", **{name: a.astype(np.int16) for name, a in arrays.items()})


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        run(sys.argv[1], Path(sys.argv[2]))
